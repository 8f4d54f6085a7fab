//! `argon project delete`

use argon_core::model::ProjectName;
use clap::Args;

use crate::commands::confirm::Confirmation;
use crate::config::Config;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Delete a project with all its branches, protected ones too; there is no way back.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project delete shop --yes")]
pub(crate) struct DeleteArgs {
    /// The project
    pub(in crate::commands) name: ProjectName,
    #[command(flatten)]
    pub(in crate::commands) confirmation: Confirmation,
}

impl DeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let name = self.name;
        let branches = opened.store.project(&name).await?.branches().await?;
        self.confirmation.ask(&format!(
            "delete project {name} with its {}, for good?",
            crate::output::count(branches.len() as u64, "branch")
        ))?;
        opened.store.delete_project(&name).await?;
        if opened.config.project.as_ref() == Some(&name) {
            opened.set_current_after(context, &Config::default());
        }
        context.output.done(&format!("deleted project {name}"), || {
            Json::object([("deleted", name.as_str().into())])
        })
    }
}
