//! Differences of documents and collections, as text and as JSON.

mod commit;
pub(crate) mod facts;
mod fields;
mod merge_result;
mod origin;
mod print;
mod stat;
mod states;

pub(crate) use self::commit::print_commit;
pub(crate) use self::merge_result::{merge_result_json, print_merge_result};
pub(crate) use self::origin::{origin_and_message, origin_json, origin_text};
pub(crate) use self::print::{Detail, Printer};
pub(crate) use self::stat::Stat;
pub(crate) use self::states::print_diff;
