//! `argon branch create`

use argon_core::model::BranchName;
use argon_core::{ErrorKind, Revision};
use clap::Args;

use crate::context::{Context, Workspace};
use crate::exit::{CommandResult, Hint};
use crate::output::Json;

const EXAMPLES: &str = "\
Examples:
  argon branch create try                                  from the current branch
  argon branch create audit --from main@2026-07-07         from the past
  argon branch create again --from backup/main/20260707T090000.123Z";

/// Make a branch of any state; it costs one write, whatever the size of the data.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Letters, digits, '-', '_', '.' and '/'
    name: BranchName,
    /// The state it starts from [default: the head of the current branch]
    #[arg(long, value_name = "REV")]
    from: Option<Revision>,
}

impl CreateArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        create(context, &workspace, &self.name, self.from.as_ref()).await
    }
}

/// Makes a branch `name` of the state `from`, or of the current branch.
pub(crate) async fn create(
    context: &Context,
    workspace: &Workspace,
    name: &BranchName,
    from: Option<&Revision>,
) -> CommandResult {
    let state = workspace.state(from).await?;
    let parent = from.map_or(&workspace.branch, |from| from.branch_or(&workspace.branch));
    workspace
        .project
        .create_branch(name, &state, Some(parent))
        .await
        .hint_on(ErrorKind::AlreadyExists, || format!("`argon switch {name}` makes it current"))?;
    let lsn = state.lsn();
    let words = format!(
        "made branch {name} of {parent} at LSN {lsn}\n`argon switch {name}` makes it the current one"
    );
    context.output.done(&words, || {
        Json::object([
            ("branch", name.as_str().into()),
            ("parent", parent.as_str().into()),
            ("lsn", lsn.get().into()),
        ])
    })
}
