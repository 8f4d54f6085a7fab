//! `argon branch read-only` and `argon branch read-write`

use argon_core::model::BranchName;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// The arguments of both.
#[derive(Args)]
pub(crate) struct ReadOnlyArgs {
    /// The branch
    name: BranchName,
}

impl ReadOnlyArgs {
    pub(crate) async fn run(self, context: &Context, read_only: bool) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.name;
        workspace.project.set_read_only(&name, read_only).await?;
        let words = if read_only {
            format!("branch {name} takes no commits now")
        } else {
            format!("branch {name} takes commits")
        };
        context.output.done(&words, || {
            Json::object([("branch", name.as_str().into()), ("read_only", read_only.into())])
        })
    }
}
