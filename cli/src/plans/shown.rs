//! A plan and its result, for people and for programs.

use argon_core::plan::Rules;
use argon_service::changes::{Detail, Listing};
use argon_service::hooks;
use argon_service::plan::{PlanCounts, PlanReview, PlanStatus, ShownPlan};

use super::checks::note_rules;
use super::{conflicts, next, rules};
use crate::changes::print_changes;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{count, escape};

/// Prints a plan: the facts, the changes, every conflict; in notes the rules that can't be checked.
pub(crate) async fn print_plan(
    context: &Context,
    review: &PlanReview,
    listing: Listing,
) -> CommandResult<ShownPlan> {
    let output = &context.output;
    if !output.is_table() {
        let plan = review.shown(listing).await?;
        note_rules(output, &plan.unchecked);
        output.result(String::new, &plan)?;
        return Ok(plan);
    }
    // The changes are printed as they are read.
    let plan = review.shown(Listing { detail: Detail::Stat, ..listing }).await?;
    note_rules(output, &plan.unchecked);
    output.print(&facts(&plan, review.rules()))?;
    print_changes(output, review.items(listing)).await?;
    let conflicts = conflicts::text(&plan.conflicts, usize::MAX);
    if !conflicts.is_empty() {
        output.print(&conflicts)?;
    }
    Ok(plan)
}

/// Prints a saved plan, and what to do next.
pub(crate) async fn show(
    context: &Context,
    review: &PlanReview,
    listing: Listing,
) -> CommandResult {
    let plan = print_plan(context, review, listing).await?;
    if let (Some(id), Some(PlanStatus::Open)) = (&plan.id, plan.status) {
        context.output.say(&next(id, plan.conflicts.first()));
    }
    Ok(())
}

/// The facts, a line each, and an empty line.
fn facts(plan: &ShownPlan, rules: &Rules) -> String {
    let mut lines = Vec::new();
    if let (Some(id), Some(status)) = (&plan.id, plan.status) {
        let status = match plan.applied {
            Some(lsn) => format!("applied as LSN {lsn}"),
            None => status.as_str().to_owned(),
        };
        lines.push(format!("plan       {id}, {status}"));
    }
    lines.push(one_line("what", &plan.what));
    lines.push(format!("into       {} at LSN {}", plan.branch, plan.ours));
    if let Some(message) = plan.message.as_ref().filter(|message| !message.is_empty()) {
        lines.push(format!("message    {}", message.replace('\n', "\n           ")));
    }
    let PlanCounts { decided, conflicts, .. } = plan.counts;
    lines.push(format!("changes    {}", changes_text(&plan.counts)));
    lines.push(format!("conflicts  {decided} decided, {conflicts} left"));
    lines.extend(rules::strategies(rules).map(|text| one_line("strategies", &text)));
    lines.extend(rules::checks(&rules.checks).map(|text| one_line("checks", &text)));
    lines.extend(rules.checks.hooks.iter().map(|hook| one_line("hook", &hooks::shown(hook))));
    lines.push(String::new());
    lines.join("\n")
}

fn one_line(name: &str, text: &str) -> String {
    format!("{name:<10} {}", escape::line(text))
}

/// The changes of a plan, in numbers.
pub(super) fn changes_text(counts: &PlanCounts) -> String {
    let collections = match counts.collections {
        0 => String::new(),
        number => format!("; {} created, dropped or changed", count(number, "collection")),
    };
    let PlanCounts { added, changed, removed, .. } = counts;
    format!("{added} added, {changed} changed, {removed} removed{collections}")
}
