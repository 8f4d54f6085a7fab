//! `argon branch protect` and `argon branch unprotect`

use argon_core::model::BranchName;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// The arguments of both.
#[derive(Args)]
pub(crate) struct ProtectArgs {
    /// The branch
    name: BranchName,
}

impl ProtectArgs {
    pub(crate) async fn run(self, context: &Context, protected: bool) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.name;
        workspace.project.set_protected(&name, protected).await?;
        let words = if protected {
            format!("branch {name} can't be reset, renamed or deleted now")
        } else {
            format!("branch {name} is not protected any more")
        };
        context.output.done(&words, || {
            Json::object([("branch", name.as_str().into()), ("protected", protected.into())])
        })
    }
}
