//! `argon switch`

use argon_core::ErrorKind;
use argon_core::model::BranchName;
use argon_service::config::Config;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::Json;

/// Make a branch the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon switch try")]
pub(crate) struct SwitchArgs {
    /// The branch
    pub(super) name: BranchName,
}

impl SwitchArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let project = context.project_of(&opened).await?;
        let name = self.name;
        let branch = project
            .branch(&name)
            .await
            .hint_on(ErrorKind::NotFound, || format!("`argon branch create {name}` makes it"))?;
        let lsn = branch.info().await?.head.lsn;
        let config = Config { project: Some(project.name().clone()), branch: Some(name.clone()) };
        opened.set_current(&config)?;
        context.output.done(&format!("branch {name} is the current one, at LSN {lsn}"), || {
            Json::object([("branch", name.as_str().into()), ("lsn", lsn.get().into())])
        })
    }
}
