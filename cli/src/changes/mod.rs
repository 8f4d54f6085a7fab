//! Changes of documents and collections: lines for people, objects for programs.

mod document;
pub(crate) mod facts;
mod print;

pub(crate) use argon_service::origin::{origin_and_message, origin_text};

pub(crate) use self::print::{print_changes, summary_text};
use crate::output::{Json, typed};

/// The origin of a commit for programs.
pub(crate) fn origin_json(origin: &argon_core::model::Origin) -> Json {
    typed::compact(&argon_service::json::Origin::from(origin))
        .map_or_else(|_| None::<u64>.into(), Json::Verbatim)
}
