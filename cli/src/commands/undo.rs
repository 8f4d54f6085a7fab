//! `argon undo`

use argon_core::merge::Strategy;
use argon_core::model::{Actor, CollectionName, Message};
use argon_core::plan::{Plan, Selection};
use argon_service::range::RevisionRange;
use clap::Args;

use crate::args::Notes;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{CarryOut, Fate, PolicyArgs};

const EXAMPLES: &str = "\
Examples:
  argon undo @17                            what commit 17 did
  argon undo ~3..~1 --dry-run               what would change, without changing it
  argon undo main@2026-07-07..main --actor importer -c prices
  argon undo @17 --force                    also where it was changed again since";

/// What may be written as a range.
const RANGE_HELP: &str = "\
The commits after the first state up to the second, such as main~3..main; one REV alone is its last \
commit";

/// Take back what commits of the current branch changed, by one new commit.
///
/// What was changed again since, in the same fields, is a conflict. The log keeps all, so an undo can be
/// undone.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UndoArgs {
    #[arg(value_name = "REV..REV", help = RANGE_HELP)]
    range: RevisionRange,
    /// Only what this actor changed
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text))]
    actor: Option<Actor>,
    /// Only documents of this collection; may be given several times [default: all, and what happened
    /// to collections themselves]
    #[arg(short, long = "collection", value_name = "NAME")]
    collections: Vec<CollectionName>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back also what was changed again since: in a conflict the earlier value counts
    #[arg(long)]
    force: bool,
    /// Keep it as a plan for `argon merge resolve` and `argon merge apply`
    #[arg(long, conflicts_with = "dry_run")]
    plan: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Who makes the commit [default: `ARGON_ACTOR`, or the name of the user]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text),
          conflicts_with = "plan")]
    signed_by: Option<Actor>,
    /// Why it is made [default: what is undone]
    #[arg(short, long, value_name = "TEXT", value_parser = |text: &str| Message::new(text))]
    message: Option<Message>,
    #[command(flatten)]
    notes: Notes,
}

impl UndoArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let rules = self.policy.rules(self.force.then_some(Strategy::Theirs))?;
        self.notes.refuse_for_plan(self.plan)?;
        let workspace = context.workspace_noting(&self.notes).await?;
        let branch = workspace.branch().await?;
        let (above, upto) = self.range.on_branch(&workspace.project, &branch).await?;
        let selection = Selection { actor: self.actor, collections: self.collections };
        let plan = Plan::undo(&branch, above, upto, selection, rules).await?;
        let carry_out = CarryOut {
            fate: match () {
                () if self.dry_run => Fate::DryRun,
                () if self.plan => Fate::Store,
                () => Fate::Commit,
            },
            actor: self.signed_by,
            message: self.message,
            advice: "--force takes it back all the same, --policy FILE says what settles which \
                     conflict, and --plan keeps it for `argon merge resolve`",
        };
        carry_out.run(context, plan).await
    }
}
