//! What must hold before a plan is committed: no conflicts left, checks passed, hooks content.

use argon_core::Error;
use argon_core::checks::{Checked, Unchecked, Violation};
use argon_core::model::{BranchName, Lsn};
use argon_formats::extjson::Mode;
use argon_service::hooks;

use super::{Shown, note_unchecked, refused_unchecked, unchecked_json};
use crate::changes::Detail;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::{Json, count};

/// How many conflicts and violations are listed.
const LISTED: usize = 20;

/// Checks the result, and has the hooks judge it.
///
/// # Errors
/// `Conflict` if conflicts are left; `Denied` if the result breaks rules, which are listed, or a hook
/// refuses, or if it is to be strict and rules can't be checked. Nothing has been changed then.
pub(crate) async fn accept(
    context: &Context,
    shown: &Shown<'_>,
    strict: bool,
) -> CommandResult<Vec<Unchecked>> {
    if !shown.result.conflicts.is_empty() {
        return Err(conflicts_left(context, shown).await?);
    }
    let Checked { violations, unchecked } = shown.plan.check(shown.result, LISTED + 1).await?;
    if !violations.is_empty() {
        return Err(violated(context, &violations)?);
    }
    let checks = &shown.plan.rules().checks;
    if (strict || checks.strict) && !unchecked.is_empty() {
        return Err(refused_unchecked(context, &unchecked)?);
    }
    let hooks = &checks.hooks;
    if hooks.is_empty() {
        return Ok(unchecked);
    }
    let json = shown.json(Detail::Changes(Mode::Relaxed)).await?.compact();
    // Dropping the future ends the hook and all that it started, as Ctrl-C alone would not.
    tokio::select! {
        judged = hooks::run(hooks, &json) => judged.map(|()| unchecked).map_err(|error| {
            Failure::from(error).hint("nothing was applied")
        }),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

/// Lists the conflicts that are left, and says so.
pub(crate) async fn conflicts_left(context: &Context, shown: &Shown<'_>) -> CommandResult<Failure> {
    let output = &context.output;
    if output.is_table() {
        shown.print_conflicts(output, LISTED, Mode::Relaxed)?;
    } else {
        shown.print(output, Detail::Changes(Mode::Relaxed)).await?;
    }
    let left = shown.result.counts.conflicts;
    let are = if left == 1 { "is" } else { "are" };
    let left = count(left, "conflict");
    Ok(Error::conflict(format!("{left} {are} left to decide; nothing was applied")).into())
}

/// Lists the rules that are broken.
pub(crate) fn violated(context: &Context, found: &[Violation]) -> CommandResult<Failure> {
    let listed = &found[..found.len().min(LISTED)];
    if !context.output.is_table() {
        let violations = listed.iter().map(violation_json).collect();
        context
            .output
            .one(String::new, || Json::object([("violations", Json::Array(violations))]))?;
    }
    let lines: Vec<String> =
        listed.iter().map(|violation| format!("{}: {violation}", violation.check)).collect();
    let more = if found.len() > LISTED { "\nand more" } else { "" };
    let text = format!("{}{more}", lines.join("\n"));
    let error =
        Error::denied(format!("the result breaks rules of its collections or the policy:\n{text}"));
    Ok(Failure::from(error).hint("nothing was applied; mend the documents, or decide otherwise"))
}

fn violation_json(violation: &Violation) -> Json {
    let key = violation.key.as_ref().map(super::conflicts::id);
    Json::object([
        ("check", violation.check.as_str().into()),
        ("collection", violation.collection.as_str().into()),
        ("id", key.map_or(None::<u64>.into(), Json::Verbatim)),
        ("path", violation.path.clone().into()),
        ("problem", violation.problem.as_str().into()),
    ])
}

/// Says what was committed, and which rules of it could not be checked.
pub(crate) fn committed(
    context: &Context,
    shown: &Shown<'_>,
    unchecked: &[Unchecked],
    lsn: Lsn,
) -> CommandResult {
    let branch = shown.plan.branch().name();
    context.output.committed(lsn, branch);
    let counts = &shown.result.counts;
    let changes = super::shown::changes_text(counts);
    let words = format!("{} is LSN {lsn} of {branch}: {changes}", shown.plan.what()?);
    note_unchecked(&context.output, unchecked);
    context.output.done(&words, || {
        Json::object([
            ("id", shown.stored.map(|stored| stored.id.to_string()).into()),
            ("branch", branch.as_str().into()),
            ("lsn", lsn.get().into()),
            ("counts", super::shown::counts_json(counts)),
            ("unchecked", unchecked_json(unchecked)),
        ])
    })
}

/// Says that there was nothing to do, which is no error.
pub(crate) fn nothing(
    context: &Context,
    words: &str,
    what: &str,
    branch: &BranchName,
) -> CommandResult {
    context.output.note(words);
    if context.output.is_table() {
        return Ok(());
    }
    context.output.one(String::new, || {
        Json::object([
            ("id", None::<u64>.into()),
            ("what", what.into()),
            ("branch", branch.as_str().into()),
            ("lsn", None::<u64>.into()),
        ])
    })
}
