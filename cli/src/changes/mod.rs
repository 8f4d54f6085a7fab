//! Changes of documents and collections: lines for people, objects for programs.

mod document;
pub(crate) mod facts;
mod print;

pub(crate) use argon_service::origin::{origin_and_message, origin_text};

pub(crate) use self::print::{print_changes, summary_text};
