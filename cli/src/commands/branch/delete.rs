//! `argon branch delete`

use argon_core::model::BranchName;
use argon_service::branch::{self, DeleteBranch};
use clap::Args;

use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon branch delete try
  argon branch delete backup/try/20260707T090000.123Z --yes    nothing is kept of a backup";

/// Delete a branch; what it was is kept as a backup, from which it can be made again.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DeleteArgs {
    /// The branch
    pub(in crate::commands) name: BranchName,
    #[command(flatten)]
    pub(in crate::commands) confirmation: Confirmation,
}

impl DeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let request = DeleteBranch { branch: self.name };
        request.check(&workspace)?;
        let name = &request.branch;
        if name.is_backup() {
            workspace.project.branch(name).await?;
            self.confirmation.ask(&format!("delete the backup {name}, for good?"))?;
        }
        let deleted = branch::delete(&workspace, request).await?;
        let name = &deleted.branch;
        let mut words = format!("deleted branch {name}");
        if let Some(backup) = &deleted.backup {
            words.push_str(&format!(
                "; what it was is kept as {backup}\n`argon branch create {name} --from {backup}` makes it again"
            ));
        }
        context.output.reply(&words, &deleted)
    }
}
