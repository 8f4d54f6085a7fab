//! Rules that a result breaks, and rules that could not be checked.

use argon_core::checks::{Unchecked, Violation};
use argon_service::plan::{BrokenRules, UncheckedRule, UncheckedRules};
use serde::Serialize;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::Output;

/// Prints for programs what people read in an error or a note.
pub(super) fn print_json(output: &Output, result: &impl Serialize) -> CommandResult {
    if output.is_table() { Ok(()) } else { output.result(String::new, result) }
}

/// Names the rules that were not checked, a note each.
pub(super) fn note_rules(output: &Output, unchecked: &[UncheckedRule]) {
    for rule in unchecked {
        output.note(&rule.to_string());
    }
}

/// Lists the rules that are broken.
pub(crate) fn violated(context: &Context, violations: &[Violation]) -> CommandResult<Failure> {
    let rules = BrokenRules::of(violations);
    print_json(&context.output, &rules)?;
    Ok(rules.error().into())
}

/// Lists the rules that could not be checked, where none is allowed.
pub(crate) fn refused_unchecked(
    context: &Context,
    unchecked: &[Unchecked],
) -> CommandResult<Failure> {
    let rules = UncheckedRules::of(unchecked);
    print_json(&context.output, &rules)?;
    Ok(rules.error().into())
}
