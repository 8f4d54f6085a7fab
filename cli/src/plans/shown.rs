//! A plan and what it comes to, as people and programs are shown it.

use argon_core::plan::{Condition, Counts, Plan, StoredInfo, Worked};
use argon_formats::extjson::Mode;
use argon_service::hooks;

use super::{conflicts, note_unchecked, rules, unchecked_json};
use crate::changes::{Detail, print_worked, worked_json};
use crate::exit::CommandResult;
use crate::output::{self, Json, Output, count, escape};

/// A plan, what it comes to, and, if it is stored, what is known of that.
pub(crate) struct Shown<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) worked: &'a Worked,
    pub(crate) stored: Option<&'a StoredInfo>,
}

impl Shown<'_> {
    /// Prints it: the facts, the changes, every conflict; and in notes the rules that can't be checked.
    pub(crate) async fn print(&self, output: &Output, detail: Detail) -> CommandResult {
        note_unchecked(output, &self.plan.unchecked(self.worked)?);
        if !output.is_table() {
            let json = self.json(detail).await?;
            return output.one(String::new, || json);
        }
        output.print(&self.facts()?)?;
        print_worked(output, self.worked, self.plan.ours(), detail).await?;
        self.print_conflicts(output, usize::MAX, mode_of(detail))
    }

    /// Prints at most `most` conflicts for people.
    pub(super) fn print_conflicts(
        &self,
        output: &Output,
        most: usize,
        mode: Mode,
    ) -> CommandResult {
        let text = conflicts::text(&self.worked.conflicts, most, mode)?;
        if text.is_empty() { Ok(()) } else { output.print(&text) }
    }

    /// The facts, a line each, and an empty line.
    fn facts(&self) -> CommandResult<String> {
        let (plan, counts) = (self.plan, &self.worked.counts);
        let mut lines = Vec::new();
        if let Some(stored) = self.stored {
            lines.push(format!("plan       {}, {}", stored.id, condition_text(stored.condition)));
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
        let (plan, worked, stored) = (self.plan, self.worked, self.stored);
        let mode = mode_of(detail);
        let condition = stored.map(|stored| stored.condition);
        let applied = match condition {
            Some(Condition::Applied(lsn)) => Some(lsn.get()),
            _ => None,
        };
        let mut fields = vec![
            ("id", stored.map(|stored| stored.id.to_string()).into()),
            ("what", plan.what()?.into()),
            ("branch", plan.branch().name().as_str().into()),
            ("ours", plan.ours().lsn().get().into()),
            ("condition", condition.map(condition_name).into()),
            ("applied", applied.into()),
            ("actor", stored.map(|stored| stored.actor.clone()).into()),
            ("created", stored.map(|stored| output::time(stored.created)).into()),
            ("message", stored.map(|stored| stored.message.clone()).into()),
            ("policy", rules::json(plan.rules())?),
            ("counts", counts_json(&worked.counts)),
        ];
        if let Detail::Changes(mode) = detail {
            fields.push(("changes", worked_json(worked, plan.ours(), mode).await?));
        }
        fields.push(("conflicts", conflicts::json(&worked.conflicts, mode)?));
        fields.push(("unchecked", unchecked_json(&plan.unchecked(worked)?)));
        fields.push(("decisions", conflicts::decisions(plan.resolved(), mode)?));
        Ok(Json::Object(fields))
    }
}

/// A fact, whatever is in it.
fn one_line(name: &str, text: &str) -> String {
    format!("{name:<10} {}", escape::line(text))
}

/// What a plan changes, in numbers.
pub(super) fn changes_text(counts: &Counts) -> String {
    let collections = match counts.collections {
        0 => String::new(),
        number => format!("; {} made, dropped or altered", count(number, "collection")),
    };
    let (added, changed, removed) = (counts.added, counts.changed, counts.removed);
    format!("{added} added, {changed} changed, {removed} removed{collections}")
}

pub(super) fn counts_json(counts: &Counts) -> Json {
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
pub(crate) fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Open => "open",
        Condition::Applied(_) => "applied",
        Condition::Aborted => "aborted",
        Condition::Nothing => "nothing",
    }
}

fn condition_text(condition: Condition) -> String {
    match condition {
        Condition::Applied(lsn) => format!("applied as LSN {lsn}"),
        other => condition_name(other).to_owned(),
    }
}

fn mode_of(detail: Detail) -> Mode {
    match detail {
        Detail::Changes(mode) | Detail::Documents(mode) | Detail::Fields(mode) => mode,
        Detail::Stat | Detail::Nothing => Mode::Relaxed,
    }
}
