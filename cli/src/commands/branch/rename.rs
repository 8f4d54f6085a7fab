//! `argon branch rename`

use argon_core::model::BranchName;
use argon_service::config::Config;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Give a branch another name.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch rename try feature/login")]
pub(crate) struct RenameArgs {
    /// What it is called
    from: BranchName,
    /// What it shall be called
    to: BranchName,
}

impl RenameArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let Self { from, to } = self;
        workspace.project.rename_branch(&from, &to).await?;
        if workspace.is_current(&from) {
            let project = Some(workspace.project.name().clone());
            let current = Config { project, branch: Some(to.clone()) };
            workspace.opened.set_current_after(&current, &context.output);
        }
        context.output.done(&format!("branch {from} is called {to} now"), || {
            Json::object([("from", from.as_str().into()), ("to", to.as_str().into())])
        })
    }
}
