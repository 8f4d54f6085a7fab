//! `argon projects …`

use argon_core::model::ProjectName;
use argon_service::project::{self, ListProjects};
use clap::{Args, Subcommand};

use super::{ABOUT, remind};
use crate::commands::confirm::Confirmation;
use crate::commands::project::list::ListArgs;
use crate::commands::project::{create, delete};
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Deprecated: `argon project`, on the store of the setting `legacy.store`.
#[derive(Subcommand)]
#[command(after_help = ABOUT)]
pub(crate) enum ProjectsCommand {
    /// List the projects
    #[command(after_help = "Example:\n  argon projects list")]
    List(ListArgs),
    /// Make a project
    #[command(after_help = "Example:\n  argon projects create shop")]
    Create(ProjectArg),
    /// Show a project
    #[command(after_help = "Example:\n  argon projects get shop")]
    Get(ProjectArg),
    /// Delete a project with all its branches
    #[command(after_help = "Example:\n  argon projects delete shop")]
    Delete(DeleteArgs),
}

/// A project, said in either way.
#[derive(Args)]
pub(crate) struct ProjectArg {
    /// The project
    #[arg(value_name = "NAME", required_unless_present = "named")]
    name: Option<ProjectName>,
    /// The project, too
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<ProjectName>,
}

#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl ProjectArg {
    fn name(self) -> argon_core::Result<ProjectName> {
        // One of them is there, or the command line would have been refused.
        self.name.or(self.named).ok_or_else(|| argon_core::Error::internal("no project is named"))
    }
}

impl ProjectsCommand {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let new = match &self {
            Self::List(_) | Self::Get(_) => "project list",
            Self::Create(_) => "project create",
            Self::Delete(_) => "project delete",
        };
        remind(context, "projects", new)?;
        match self {
            Self::List(args) => args.run(context).await,
            Self::Create(project) => {
                create::CreateArgs { name: project.name()? }.run(context).await
            }
            Self::Get(project) => get(context, &project.name()?).await,
            Self::Delete(DeleteArgs { project, confirmation }) => {
                delete::DeleteArgs { name: project.name()?, confirmation }.run(context).await
            }
        }
    }
}

async fn get(context: &Context, name: &ProjectName) -> CommandResult {
    let opened = context.store().await?;
    opened.store.project(name).await?;
    let projects = project::list(&opened, ListProjects {}).await?;
    for listed in projects.into_iter().filter(|listed| listed.project == *name) {
        let text = || listed.cells().split_off(1).join("  ");
        context.output.result(text, &listed)?;
    }
    Ok(())
}
