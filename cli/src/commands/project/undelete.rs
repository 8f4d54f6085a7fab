//! `argon project undelete`

use argon_core::model::ProjectName;
use argon_service::project::{self, UndeleteProject};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::count;

/// Bring a deleted project back, with its branches, pins and plans.
///
/// It works until `argon gc` runs after the retention time has passed since the deletion.
#[derive(Args)]
#[command(after_help = "\
Examples:
  argon project list --deleted
  argon project undelete shop
  argon project undelete shop --as shop-before")]
pub(crate) struct UndeleteArgs {
    /// The name that it had; of several, the one deleted last comes back
    name: ProjectName,
    /// Give it another name
    #[arg(long = "as", value_name = "NAME")]
    new_name: Option<ProjectName>,
}

impl UndeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let store = context.store().await?.store;
        let request = UndeleteProject { project: self.name, new_name: self.new_name };
        let back = project::undelete(&store, request).await?;
        let branches = count(back.branches, "branch");
        let words = format!("project {} is back, with {branches}", back.project);
        context.output.reply(&words, &back)
    }
}
