//! `argon sandbox sweep`

use argon_core::sandbox::{self, Outcome, Swept};
use clap::Args;

use crate::commands::clock;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

/// Remove the sandboxes whose time is over; what they were is kept as backups.
///
/// One that somebody writes to or extends at the same moment stays. So does one with a pin.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox sweep --dry-run")]
pub(crate) struct SweepArgs {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Go on although nothing was committed for long before the clock, which may be set wrong
    #[arg(long)]
    trust_clock: bool,
}

struct SweptRow(Swept);

impl Row for SweptRow {
    fn cells(&self) -> Vec<String> {
        let outcome = match &self.0.outcome {
            Outcome::Due => "would be removed".to_owned(),
            Outcome::Removed(backup) => format!("removed, kept as {backup}"),
            Outcome::Pinned(pin) => format!("stays: pin {pin} is of it"),
            Outcome::Protected => "stays: it is protected".to_owned(),
            Outcome::InUse => "stays: it is in use".to_owned(),
        };
        vec![self.0.name.to_string(), output::time(self.0.ended), outcome]
    }

    fn json(&self) -> Json {
        let (outcome, backup) = match &self.0.outcome {
            Outcome::Due => ("due", None),
            Outcome::Removed(backup) => ("removed", Some(backup.as_str())),
            Outcome::Pinned(_) => ("pinned", None),
            Outcome::Protected => ("protected", None),
            Outcome::InUse => ("in use", None),
        };
        Json::object([
            ("name", self.0.name.as_str().into()),
            ("ended", output::time(self.0.ended).into()),
            ("outcome", outcome.into()),
            ("backup", backup.into()),
        ])
    }
}

impl SweepArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        if !self.trust_clock && !self.dry_run {
            clock::check_sweep(context, &workspace.opened.store, &workspace.project).await?;
        }
        let swept = sandbox::sweep(&workspace.project, self.dry_run).await?;
        if swept.is_empty() {
            context.output.say("no sandbox's time is over");
        }
        let mut listing = context.output.listing(&["SANDBOX", "ENDED", "OUTCOME"]);
        let mut current = None;
        for one in swept {
            let removed = matches!(one.outcome, Outcome::Removed(_));
            if removed && workspace.is_current(&one.name) {
                current = Some(one.name.clone());
            }
            listing.row(&SweptRow(one))?;
        }
        listing.finish()?;
        if let Some(name) = current {
            context.output.note(&format!(
                "{name} was the current branch; `argon switch NAME` goes to another"
            ));
        }
        Ok(())
    }
}
