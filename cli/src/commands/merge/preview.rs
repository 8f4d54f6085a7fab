//! `argon merge preview`

use argon_core::Revision;
use argon_core::merge::Strategy;
use argon_core::model::{BranchName, Message};
use argon_service::plan::{self, NothingToCommit, PreviewMerge};
use clap::Args;

use crate::args::ListingArgs;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{PolicyArgs, Report};

const EXAMPLES: &str = "\
Examples:
  argon merge preview try                               into the current branch
  argon merge preview try --into main --stat            numbers only
  argon merge preview try@17 --strategy theirs          conflicts go the way of try
  argon merge preview try --strict                      only if all rules can be checked
  argon merge preview try --policy docs/merge-policy.toml -m 'prices of autumn'";

/// Compute a merge and save it as a plan, which can be reviewed, resolved and applied.
///
/// The plan is kept until `argon merge apply` or `argon merge abort` closes it; until then, `argon gc` does
/// not collect the states that it compares. If the target has all of the source already, no plan is saved,
/// and a note says so.
///
/// The branch itself stays as it is. A change of only one side is taken from it, field by field. A value that
/// both sides changed differently is a conflict, unless the policy settles it. An index and each option of a
/// collection is one value.
///
/// The result is checked by the validators and indexes of its collections when it is applied. Rules with
/// something that Argon does not know (an operator of a validator, a collation) are named in notes.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PreviewArgs {
    /// The state that is merged, mostly a branch
    #[arg(value_name = "REV")]
    source: Revision,
    /// The branch into which it is merged [default: the current branch]
    #[arg(long, value_name = "BRANCH")]
    into: Option<BranchName>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// The strategy for conflicts that no rule of the policy takes: ours, theirs, newest, max, min, sum,
    /// union, append, touched or by-key(FIELD) [default: the policy's own; without one they are left]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Strategy>,
    /// The message of the commit [default: what was merged]
    #[arg(short, long, value_name = "TEXT", value_parser = |text: &str| Message::new(text))]
    message: Option<Message>,
    #[command(flatten)]
    listing: ListingArgs,
}

impl PreviewArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace().await?;
        let listing = self.listing.listing();
        let request = PreviewMerge {
            source: self.source,
            into: self.into,
            rules: self.policy.rules(self.strategy)?,
            message: self.message,
            listing,
        };
        let outcome = plan::preview(&workspace, request).await?;
        let report = Report { listing, advice: String::new(), nothing: has_all };
        report.print(context, outcome).await
    }
}

/// The words for a merge of a state that the branch has already.
pub(super) fn has_all(nothing: &NothingToCommit) -> String {
    let (source, branch) = (nothing.what.trim_start_matches("merge "), &nothing.branch);
    format!(
        "branch '{branch}' already has all commits of '{source}'; `argon diff {branch} {source}` shows the \
         differences"
    )
}
