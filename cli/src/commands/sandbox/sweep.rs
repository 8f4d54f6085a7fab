//! `argon sandbox sweep`

use argon_service::sandbox::{self, Outcome, SweepSandboxes, SweptSandbox};
use argon_service::upkeep::check_sweep;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Remove the sandboxes whose time is over; what they were is kept as backups.
///
/// One that somebody writes to or extends at the same moment stays. So does one with a pin.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox sweep --dry-run")]
pub(crate) struct SweepArgs {
    /// Print what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Continue although the newest commit is much older than the clock, which may be set wrong
    #[arg(long)]
    trust_clock: bool,
}

impl Cells for SweptSandbox {
    fn cells(&self) -> Vec<String> {
        let backup = self.backup.as_ref().map(ToString::to_string).unwrap_or_default();
        let outcome = match self.outcome {
            Outcome::Due => "would be removed".to_owned(),
            Outcome::Removed => format!("removed, kept as {backup}"),
            Outcome::Pinned => {
                format!("stays: pin {} is of it", self.pin.as_deref().unwrap_or_default())
            }
            Outcome::Protected => "stays: it is protected".to_owned(),
            Outcome::InUse => "stays: it is in use".to_owned(),
        };
        vec![self.branch.to_string(), self.ended.to_string(), outcome]
    }
}

impl SweepArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        if !self.trust_clock && !self.dry_run {
            check_sweep(&workspace.opened.store, &workspace.project, &context.environment).await?;
        }
        let swept =
            sandbox::sweep(&workspace.project, SweepSandboxes { dry_run: self.dry_run }).await?;
        if swept.is_empty() {
            context.output.say("no sandbox's time is over");
        }
        let mut listing = context.output.listing(&["SANDBOX", "ENDED", "OUTCOME"]);
        let mut current = None;
        for one in swept {
            let removed = one.outcome == Outcome::Removed;
            if removed && workspace.is_current(&one.branch) {
                current = Some(one.branch.clone());
            }
            listing.item(&one)?;
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
