//! `argon project delete`

use argon_core::BranchInfo;
use argon_core::model::ProjectName;
use argon_service::duration::duration_text;
use argon_service::project::{self, DeleteProject};
use clap::Args;

use crate::commands::confirm::Confirmation;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::{self, count};

/// How many branches are named before the question.
const NAMED: usize = 10;

/// Delete a project with all its branches, protected ones too, its pins and its plans.
///
/// `argon project undelete` brings it back until `argon gc` runs after the retention time.
#[derive(Args)]
#[command(after_help = "Example:\n  argon project delete shop --yes")]
pub(crate) struct DeleteArgs {
    /// The project
    pub(in crate::commands) name: ProjectName,
    #[command(flatten)]
    pub(in crate::commands) confirmation: Confirmation,
}

impl DeleteArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let opened = context.store().await?;
        let name = self.name;
        let project = opened.store.project(&name).await?;
        let (branches, pins) = (project.branches().await?, project.pins().await?);
        context.output.say(&preview(&branches, pins.len()));
        self.confirmation.ask(&format!("delete project {name}?"))?;
        let request = DeleteProject { project: name };
        let deleted = project::delete(&opened, request, &context.output).await?;
        let name = &deleted.project;
        let retention = duration_text(context.settings().retention);
        let words = format!(
            "deleted project {name}\n`argon project undelete {name}` brings it back until `argon gc` \
             runs after {retention}"
        );
        context.output.reply(&words, &deleted)
    }
}

/// What goes with the project.
fn preview(branches: &[BranchInfo], pins: usize) -> String {
    let protected = branches.iter().filter(|branch| branch.protected).count() as u64;
    let mut lines = vec![format!(
        "{} ({} protected) and {} would be deleted:",
        count(branches.len() as u64, "branch"),
        protected,
        count(pins as u64, "pin"),
    )];
    lines.extend(branches.iter().take(NAMED).map(|branch| {
        let mark = if branch.protected { ", protected" } else { "" };
        let time = output::time(branch.head.time);
        format!("  {} at LSN {}, last commit {time}{mark}", branch.name, branch.head.lsn)
    }));
    if let Some(more) = branches.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}
