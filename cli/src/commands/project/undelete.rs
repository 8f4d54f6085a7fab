//! `argon project undelete`

use argon_core::ErrorKind;
use argon_core::model::ProjectName;
use clap::Args;

use crate::context::Context;
use crate::exit::{CommandResult, Hint};
use crate::output::{Json, count};

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
        let Self { name, new_name } = self;
        let project = store
            .undelete_project(&name, new_name.as_ref())
            .await
            .hint_on(ErrorKind::NotFound, || "`argon project list --deleted` lists them".to_owned())
            .hint_on(ErrorKind::AlreadyExists, || "--as NAME gives it another name".to_owned())?;
        let branches = project.branches().await?.len() as u64;
        let name = project.name();
        let words = format!("project {name} is back, with {}", count(branches, "branch"));
        context.output.done(&words, || {
            Json::object([("project", name.as_str().into()), ("branches", branches.into())])
        })
    }
}
