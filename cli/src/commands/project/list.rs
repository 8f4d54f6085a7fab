//! `argon project list`

use argon_service::project::{
    self, DeletedProject, ListDeletedProjects, ListProjects, ListedProject,
};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// List the projects; `*` marks the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project list --deleted")]
pub(crate) struct ListArgs {
    /// List the deleted projects that `argon project undelete` can bring back
    #[arg(long)]
    pub(in crate::commands) deleted: bool,
}

impl Cells for DeletedProject {
    fn cells(&self) -> Vec<String> {
        let Self { project, created, deleted, actor } = self;
        vec![project.to_string(), created.to_string(), deleted.to_string(), actor.clone()]
    }
}

impl Cells for ListedProject {
    fn cells(&self) -> Vec<String> {
        let mark = if self.current { "*" } else { "" };
        vec![mark.to_owned(), self.project.to_string(), self.created.to_string()]
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        if self.deleted {
            let mut listing = context.output.listing(&["PROJECT", "CREATED", "DELETED", "BY"]);
            for deleted in project::list_deleted(&opened, ListDeletedProjects {}).await? {
                listing.item(&deleted)?;
            }
            return listing.finish();
        }
        let projects = project::list(&opened, ListProjects {}).await?;
        if projects.is_empty() && context.output.is_table() {
            context.output.say("no projects yet: argon project create NAME");
        }
        let mut listing = context.output.listing(&["", "PROJECT", "CREATED"]);
        for listed in projects {
            listing.item(&listed)?;
        }
        listing.finish()
    }
}
