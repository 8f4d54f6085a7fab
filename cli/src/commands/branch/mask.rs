//! `argon branch mask`

use argon_core::Error;
use argon_core::model::BranchName;
use argon_service::mask_policy;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Json;

/// Print the policy of a masked branch, without its key.
#[derive(Args)]
#[command(after_help = "Example:\n  argon branch mask shared > mask.toml")]
pub(crate) struct MaskArgs {
    /// The branch
    name: BranchName,
}

impl MaskArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let name = self.name;
        let Some(policy) = workspace.project.branch(&name).await?.mask_policy() else {
            return Err(Error::not_found(format!("branch '{name}' is not masked")).into());
        };
        let text = mask_policy::text(&policy)?;
        context.output.one(
            || text.trim_end().to_owned(),
            || {
                let fields = [("branch", name.as_str().into()), ("policy", text.clone().into())];
                Json::object(fields)
            },
        )
    }
}
