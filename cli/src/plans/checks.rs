//! Rules that a result breaks, and rules that could not be checked.

use argon_service::plan::UncheckedRule;
use serde::Serialize;

use crate::exit::CommandResult;
use crate::output::Output;

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
