//! `argon sandbox discard`

use argon_core::Error;
use argon_core::sandbox;
use clap::Args;

use super::OneSandbox;
use crate::context::Context;
use crate::exit::{CommandResult, Failure};
use crate::output::Json;

/// End a sandbox now; what it was is kept as a backup.
#[derive(Args)]
#[command(after_help = "Example:\n  argon sandbox discard audit")]
pub(crate) struct DiscardArgs {
    #[command(flatten)]
    sandbox: OneSandbox,
}

impl DiscardArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.sandbox.name;
        if workspace.is_current(&name) {
            let error = Error::denied(format!("sandbox '{name}' is the current branch"));
            return Err(Failure::from(error).hint("`argon switch NAME` goes to another first"));
        }
        let backup = sandbox::discard(&workspace.project, &name).await?;
        let words = format!("discarded {name}; what it was is kept as {backup}");
        context.output.done(&words, || {
            Json::object([("discarded", name.as_str().into()), ("backup", backup.as_str().into())])
        })
    }
}
