//! `argon branches …`

use argon_core::Revision;
use argon_core::model::BranchName;
use argon_service::branch::{CreateBranch, ListedBranch};
use clap::{Args, Subcommand, ValueEnum};

use super::stats::StatsArgs;
use super::{ABOUT, remind};
use crate::commands::branch::create::create;
use crate::commands::branch::list::ListArgs;
use crate::commands::branch::{delete, rename};
use crate::commands::confirm::Confirmation;
use crate::commands::switch;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::output::Cells;

/// Deprecated: `argon branch`, on the store of the setting `legacy.store`.
#[derive(Subcommand)]
#[command(after_help = ABOUT)]
pub(crate) enum BranchesCommand {
    /// List the branches
    #[command(after_help = "Example:\n  argon branches list")]
    List(ListArgs),
    /// Make a branch
    #[command(after_help = "Example:\n  argon branches create try")]
    Create(CreateArgs),
    /// Show a branch
    #[command(after_help = "Example:\n  argon branches get try")]
    Get(BranchArg),
    /// Delete a branch
    #[command(after_help = "Example:\n  argon branches delete try")]
    Delete(DeleteArgs),
    /// Give a branch another name
    Rename(rename::RenameArgs),
    /// Make a branch the current one
    #[command(after_help = "Example:\n  argon branches switch try")]
    Switch(BranchArg),
    /// Count the commits, changes, documents and bytes of a branch
    #[command(after_help = "Example:\n  argon branches stats try")]
    Stats(StatsArgs),
}

/// A branch, said in either way.
#[derive(Args)]
pub(crate) struct BranchArg {
    /// The branch
    #[arg(value_name = "NAME", required_unless_present = "named")]
    name: Option<BranchName>,
    /// The branch, too
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<BranchName>,
}

#[derive(Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    branch: BranchArg,
    /// The state it starts from [default: the head of the current branch]
    #[arg(long, visible_alias = "from", value_name = "REV")]
    parent: Option<Revision>,
    /// Whether it takes commits
    #[arg(long = "type", value_name = "TYPE", default_value = "read_write")]
    kind: BranchType,
}

/// Whether a branch takes commits.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum BranchType {
    ReadWrite,
    ReadOnly,
}

#[derive(Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    branch: BranchArg,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl BranchArg {
    fn name(self) -> argon_core::Result<BranchName> {
        // One of them is there, or the command line would have been refused.
        self.name.or(self.named).ok_or_else(|| argon_core::Error::internal("no branch is named"))
    }
}

impl BranchesCommand {
    /// What to use instead.
    fn new_name(&self) -> &'static str {
        match self {
            Self::List(_) | Self::Get(_) => "branch list",
            Self::Create(_) => "branch create",
            Self::Delete(_) => "branch delete",
            Self::Rename(_) => "branch rename",
            Self::Switch(_) => "switch",
            Self::Stats(_) => "storage",
        }
    }

    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        remind(context, "branches", self.new_name())?;
        match self {
            Self::List(args) => args.run(context).await,
            Self::Create(args) => args.run(context).await,
            Self::Get(branch) => get(context, branch.name()?).await,
            Self::Delete(DeleteArgs { branch, confirmation }) => {
                delete::DeleteArgs { name: branch.name()?, confirmation }.run(context).await
            }
            Self::Rename(args) => args.run(context).await,
            Self::Switch(branch) => switch::SwitchArgs::to(branch.name()?).run(context).await,
            Self::Stats(args) => args.run(context).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let (branch, from) = (self.branch.name()?, self.parent);
        let read_only = self.kind == BranchType::ReadOnly;
        create(context, &workspace, CreateBranch { branch, from, read_only }).await
    }
}

async fn get(context: &Context, name: BranchName) -> CommandResult {
    let mut workspace = context.workspace().await?;
    let current = workspace.is_current(&name);
    workspace.branch = name;
    let info = workspace.branch().await?.info().await?;
    let listed = ListedBranch::of(info, current);
    let cells = || listed.cells().into_iter().filter(|cell| !cell.is_empty());
    context.output.result(|| cells().collect::<Vec<_>>().join("  "), &listed)
}
