//! `argon use`

use argon_core::model::ProjectName;
use argon_service::project::{self, UseProject};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Make a project the current one, on its branch main.
#[derive(Args)]
#[command(after_help = "Example:\n  argon use shop")]
pub(crate) struct UseArgs {
    /// The project
    #[arg(value_name = "PROJECT")]
    name: ProjectName,
}

impl UseArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let chosen = project::choose(&opened, UseProject { project: self.name }).await?;
        let words = format!("project {} is the current one, on branch main", chosen.project);
        context.output.reply(&words, &chosen)
    }
}
