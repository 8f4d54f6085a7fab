//! What a person should know of a commit besides its changes: rules that it breaks or that could not be
//! checked, and indexes that it brought.

use argon_service::index::BuiltIndex;
use argon_service::plan::UncheckedRule;
use serde::Serialize;

use crate::exit::CommandResult;
use crate::output::{Output, escape};

/// Prints for programs what people read in an error or a note.
pub(crate) fn print_json(output: &Output, result: &impl Serialize) -> CommandResult {
    if output.is_table() { Ok(()) } else { output.result(String::new, result) }
}

/// Names the rules that were not checked, a note each.
pub(crate) fn note_rules(output: &Output, unchecked: &[UncheckedRule]) {
    for rule in unchecked {
        output.note(&rule.to_string());
    }
}

/// Says which of the indexes that a commit brought were built, and how the others are.
pub(crate) fn note_indexes(output: &Output, indexes: &[BuiltIndex]) {
    for BuiltIndex { collection, index, unbuilt } in indexes {
        match unbuilt {
            None => output.say(&format!("built index {index} of {collection}")),
            Some(reason) => output.note(&format!(
                "queries of {collection} scan, because index {index} {reason}; `argon index build -c {}` \
                 builds it",
                escape::argument(collection.as_str())
            )),
        }
    }
}
