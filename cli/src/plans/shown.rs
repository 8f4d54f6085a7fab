//! A plan and what it comes to, as people and programs are shown it.

use argon_core::plan::{MergeCounts, MergeResult, Plan, PlanStatus, SavedPlanInfo};
use argon_formats::extjson::Mode;
use argon_service::hooks;

use super::{conflicts, note_unchecked, rules, unchecked_json};
use crate::changes::{Detail, merge_result_json, print_merge_result};
use crate::exit::CommandResult;
use crate::output::{self, Json, Output, count, escape};

/// A plan, what it comes to, and, if it is stored, what is known of that.
pub(crate) struct Shown<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) result: &'a MergeResult,
    pub(crate) stored: Option<&'a SavedPlanInfo>,
}

impl Shown<'_> {
    /// Prints it: the facts, the changes, every conflict; and in notes the rules that can't be checked.
    pub(crate) async fn print(&self, output: &Output, detail: Detail) -> CommandResult {
        note_unchecked(output, &self.plan.unchecked(self.result)?);
        if !output.is_table() {
            let json = self.json(detail).await?;
            return output.one(String::new, || json);
        }
        output.print(&self.facts()?)?;
        print_merge_result(output, self.result, self.plan.ours(), detail).await?;
        self.print_conflicts(output, usize::MAX, mode_of(detail))
    }

    /// Prints at most `most` conflicts for people.
    pub(super) fn print_conflicts(
        &self,
        output: &Output,
        most: usize,
        mode: Mode,
    ) -> CommandResult {
        let text = conflicts::text(&self.result.conflicts, most, mode)?;
        if text.is_empty() { Ok(()) } else { output.print(&text) }
    }

    /// The facts, a line each, and an empty line.
    fn facts(&self) -> CommandResult<String> {
        let (plan, counts) = (self.plan, &self.result.counts);
        let mut lines = Vec::new();
        if let Some(stored) = self.stored {
            lines.push(format!("plan       {}, {}", stored.id, condition_text(stored.status)));
        }
        lines.push(one_line("what", &plan.what()?));
        lines.push(format!("into       {} at LSN {}", plan.branch().name(), plan.ours().lsn()));
        if let Some(message) = self.stored.map(|stored| &stored.message).filter(|m| !m.is_empty()) {
            lines.push(format!("message    {}", message.replace('\n', "\n           ")));
        }
        lines.push(format!("changes    {}", changes_text(counts)));
        lines.push(format!("conflicts  {} decided, {} left", counts.decided, counts.conflicts));
        lines.extend(rules::strategies(plan.rules()).map(|text| one_line("strategies", &text)));
        lines.extend(rules::checks(&plan.rules().checks).map(|text| one_line("checks", &text)));
        for hook in &plan.rules().checks.hooks {
            lines.push(one_line("hook", &hooks::shown(hook)));
        }
        lines.push(String::new());
        Ok(lines.join("\n"))
    }

    /// The same as JSON; hooks get this too. Without documents `changes` is not there.
    pub(crate) async fn json(&self, detail: Detail) -> CommandResult<Json> {
        let (plan, result, stored) = (self.plan, self.result, self.stored);
        let mode = mode_of(detail);
        let status = stored.map(|stored| stored.status);
        let applied = match status {
            Some(PlanStatus::Applied(lsn)) => Some(lsn.get()),
            _ => None,
        };
        let mut fields = vec![
            ("id", stored.map(|stored| stored.id.to_string()).into()),
            ("what", plan.what()?.into()),
            ("branch", plan.branch().name().as_str().into()),
            ("ours", plan.ours().lsn().get().into()),
            ("condition", status.map(status_name).into()),
            ("applied", applied.into()),
            ("actor", stored.map(|stored| stored.actor.clone()).into()),
            ("created", stored.map(|stored| output::time(stored.created)).into()),
            ("message", stored.map(|stored| stored.message.clone()).into()),
            ("policy", rules::json(plan.rules())?),
            ("counts", counts_json(&result.counts)),
        ];
        if let Detail::Changes(mode) = detail {
            fields.push(("changes", merge_result_json(result, plan.ours(), mode).await?));
        }
        fields.push(("conflicts", conflicts::json(&result.conflicts, mode)?));
        fields.push(("unchecked", unchecked_json(&plan.unchecked(result)?)));
        fields.push(("decisions", conflicts::decisions(plan.decisions(), mode)?));
        Ok(Json::Object(fields))
    }
}

/// A fact, whatever is in it.
fn one_line(name: &str, text: &str) -> String {
    format!("{name:<10} {}", escape::line(text))
}

/// What a plan changes, in numbers.
pub(super) fn changes_text(counts: &MergeCounts) -> String {
    let collections = match counts.collections {
        0 => String::new(),
        number => format!("; {} made, dropped or altered", count(number, "collection")),
    };
    let (added, changed, removed) = (counts.added, counts.changed, counts.removed);
    format!("{added} added, {changed} changed, {removed} removed{collections}")
}

pub(super) fn counts_json(counts: &MergeCounts) -> Json {
    Json::object([
        ("added", counts.added.into()),
        ("changed", counts.changed.into()),
        ("removed", counts.removed.into()),
        ("collections", counts.collections.into()),
        ("decided", counts.decided.into()),
        ("conflicts", counts.conflicts.into()),
    ])
}

/// What became of a plan, as JSON has it.
pub(crate) fn status_name(status: PlanStatus) -> &'static str {
    match status {
        PlanStatus::Open => "open",
        PlanStatus::Applied(_) => "applied",
        PlanStatus::Aborted => "aborted",
        PlanStatus::Nothing => "nothing",
    }
}

fn condition_text(status: PlanStatus) -> String {
    match status {
        PlanStatus::Applied(lsn) => format!("applied as LSN {lsn}"),
        other => status_name(other).to_owned(),
    }
}

fn mode_of(detail: Detail) -> Mode {
    match detail {
        Detail::Changes(mode) | Detail::Documents(mode) | Detail::Fields(mode) => mode,
        Detail::Stat | Detail::Nothing => Mode::Relaxed,
    }
}
