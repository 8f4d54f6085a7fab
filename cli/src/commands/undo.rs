//! `argon undo`

use argon_core::model::{Actor, CollectionName, Message};
use argon_service::changes::Listing;
use argon_service::collections::Signature;
use argon_service::plan::{self, PlanAction, UndoCommits};
use argon_service::range::RevisionRange;
use clap::Args;

use crate::args::Notes;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{PolicyArgs, Report, changes_nothing};

const EXAMPLES: &str = "\
Examples:
  argon undo 17                             commit 17 of the current branch
  argon undo ~3..~1 --dry-run               what would change, without changing it
  argon undo main@2026-07-07..main --actor importer -c prices
  argon undo 17 --force                     also values that were changed again since";

/// The help of the range.
const RANGE_HELP: &str = "\
The commits after the first state up to the second, such as main~3..main; one REV alone is its last \
commit, and a number is that commit of the current branch";

/// Take back what commits of the current branch changed, by one new commit.
///
/// A field that was changed again since is a conflict. The log keeps every commit, so an undo can be undone.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UndoArgs {
    #[arg(value_name = "REV..REV", help = RANGE_HELP)]
    range: RevisionRange,
    /// Take back only changes by this actor
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Actor::new(text))]
    actor: Option<Actor>,
    /// Take back only changes of documents in this collection; may be given several times [default: all
    /// changes, also those of collections themselves]
    #[arg(short, long = "collection", value_name = "NAME")]
    collections: Vec<CollectionName>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Take back also values that were changed again since: in a conflict, the earlier value counts
    #[arg(long)]
    force: bool,
    /// Save it as a plan for `argon merge resolve` and `argon merge apply`
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
        let rules = self.policy.rules(None)?;
        self.notes.refuse_for_plan(self.plan)?;
        let workspace = context.workspace_noting(&self.notes).await?;
        let request = UndoCommits {
            range: self.range,
            by_actor: self.actor,
            collections: self.collections,
            force: self.force,
            action: match () {
                () if self.dry_run => PlanAction::DryRun,
                () if self.plan => PlanAction::Save,
                () => PlanAction::Commit,
            },
            rules,
            signature: Signature { actor: self.signed_by, message: self.message },
            listing: Listing::default(),
        };
        let outcome = plan::undo(&workspace, request, &context.output).await?;
        let report = Report {
            listing: Listing::default(),
            advice: "--force takes it back all the same, --policy FILE gives strategies for conflicts, and \
                     --plan saves a plan for `argon merge resolve`"
                .to_owned(),
            nothing: changes_nothing,
        };
        report.print(context, outcome).await
    }
}
