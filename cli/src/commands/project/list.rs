//! `argon project list`

use argon_core::{DeletedProject, ProjectInfo};
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, Json, Row};

/// List the projects; `*` marks the current one.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project list --deleted")]
pub(crate) struct ListArgs {
    /// List the deleted projects that `argon project undelete` can bring back
    #[arg(long)]
    pub(in crate::commands) deleted: bool,
}

struct DeletedRow(DeletedProject);

impl Row for DeletedRow {
    fn cells(&self) -> Vec<String> {
        let DeletedProject { name, created, deleted, actor } = &self.0;
        vec![name.to_string(), output::time(*created), output::time(*deleted), actor.clone()]
    }

    fn json(&self) -> Json {
        let DeletedProject { name, created, deleted, actor } = &self.0;
        Json::object([
            ("project", name.as_str().into()),
            ("created", output::time(*created).into()),
            ("deleted", output::time(*deleted).into()),
            ("actor", actor.as_str().into()),
        ])
    }
}

pub(in crate::commands) struct ProjectRow {
    pub(in crate::commands) info: ProjectInfo,
    pub(in crate::commands) current: bool,
}

impl Row for ProjectRow {
    fn cells(&self) -> Vec<String> {
        let mark = if self.current { "*" } else { "" };
        vec![mark.to_owned(), self.info.name.to_string(), output::time(self.info.created)]
    }

    fn json(&self) -> Json {
        Json::object([
            ("project", self.info.name.as_str().into()),
            ("created", output::time(self.info.created).into()),
            ("current", self.current.into()),
        ])
    }
}

impl ListArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        if self.deleted {
            let mut listing = context.output.listing(&["PROJECT", "CREATED", "DELETED", "BY"]);
            for project in opened.store.deleted_projects().await? {
                listing.row(&DeletedRow(project))?;
            }
            return listing.finish();
        }
        let projects = opened.store.projects().await?;
        if projects.is_empty() && context.output.is_table() {
            context.output.say("no projects yet: argon project create NAME");
        }
        let mut listing = context.output.listing(&["", "PROJECT", "CREATED"]);
        for info in projects {
            let current = opened.config.project.as_ref() == Some(&info.name);
            listing.row(&ProjectRow { info, current })?;
        }
        listing.finish()
    }
}
