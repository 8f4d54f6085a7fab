//! `argon sandbox keep`

use argon_core::model::BranchName;
use argon_core::sandbox;
use clap::Args;

use super::{OneSandbox, switch};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Make an ordinary branch of a sandbox, which does not end any more.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox keep audit --as audit-2026")]
pub(crate) struct KeepArgs {
    #[command(flatten)]
    sandbox: OneSandbox,
    /// What to call it from now on [default: as it is called]
    #[arg(long = "as", value_name = "BRANCH")]
    another: Option<BranchName>,
}

impl KeepArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.sandbox.name;
        let branch = sandbox::keep(&workspace.project, &name, self.another.as_ref()).await?;
        let kept = branch.name();
        switch(context, &workspace, &name, kept);
        context.output.done(&format!("{name} is kept as branch {kept}"), || {
            Json::object([("name", name.as_str().into()), ("branch", kept.as_str().into())])
        })
    }
}
