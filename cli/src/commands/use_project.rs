//! `argon use`

use argon_core::ErrorKind;
use argon_core::model::ProjectName;
use argon_service::config::Config;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::Json;

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
        let name = self.name;
        opened
            .store
            .project(&name)
            .await
            .hint_on(ErrorKind::NotFound, || format!("`argon project create {name}` makes it"))?;
        opened.set_current(&Config { project: Some(name.clone()), branch: None })?;
        context.output.done(&format!("project {name} is the current one, on branch main"), || {
            Json::object([("project", name.as_str().into())])
        })
    }
}
