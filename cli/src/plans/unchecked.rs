//! Rules that could not be checked, told with the result.

use argon_core::Error;
use argon_core::checks::Unchecked;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, Output};

/// Whether rules that can't be checked are let pass.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Strictness {
    /// Refuse the result if a rule of its collections can't be checked, such as a validator with an
    /// operator that Argon does not know; without it, such rules are named in notes
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Names the rules, a note each.
pub(crate) fn note_unchecked(output: &Output, unchecked: &[Unchecked]) {
    for rule in unchecked {
        output.note(&rule.to_string());
    }
}

/// The rules as JSON.
pub(crate) fn unchecked_json(unchecked: &[Unchecked]) -> Json {
    let each = unchecked.iter().map(|Unchecked { collection, rule, reason }| {
        Json::object([
            ("collection", collection.as_str().into()),
            ("rule", rule.as_str().into()),
            ("reason", reason.as_str().into()),
        ])
    });
    Json::Array(each.collect())
}

/// Refuses a result some of whose rules can't be checked, and names these.
pub(crate) fn refused_unchecked(
    context: &Context,
    unchecked: &[Unchecked],
) -> CommandResult<Failure> {
    if !context.output.is_table() {
        let json = unchecked_json(unchecked);
        context.output.one(String::new, || Json::object([("unchecked", json)]))?;
    }
    let lines: Vec<String> = unchecked.iter().map(ToString::to_string).collect();
    let error = Error::denied(format!(
        "rules can't be checked, which --strict refuses:\n{}",
        lines.join("\n")
    ));
    let hint = "nothing was applied; without --strict it is, and the rules are named in notes";
    Ok(Failure::from(error).hint(hint))
}
