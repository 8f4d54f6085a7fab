//! `argon project create`

use argon_core::model::ProjectName;
use argon_service::project::{self, CreateProject};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// Make a project with an empty branch main; the first one becomes the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project create shop")]
pub(crate) struct CreateArgs {
    /// Up to 63 letters, digits, '-', '_' and '.'
    pub(in crate::commands) name: ProjectName,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let request = CreateProject { project: self.name };
        let made = project::create(&opened, request, &context.output).await?;
        let name = &made.project;
        let mut words = format!("made project {name} with branch main");
        if made.current {
            words.push_str("; it is the current one");
        } else {
            words.push_str(&format!("\n`argon use {name}` makes it the current one"));
        }
        context.output.reply(&words, &made)
    }
}
