//! `argon cherry-pick`

use argon_core::merge::Strategy;
use argon_core::model::BranchName;
use argon_core::plan::Plan;
use argon_core::{Error, Revision};
use clap::Args;

use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{CarryOut, Fate, PolicyArgs};

const EXAMPLES: &str = "\
Examples:
  argon cherry-pick try@17                  onto the current branch
  argon cherry-pick try~2 try --onto main   two commits as one";

/// Do again what commits elsewhere changed, all in one new commit or nothing.
///
/// The commits are taken in the order in which they are named.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CherryPickArgs {
    /// The states after the commits
    #[arg(value_name = "REV", required = true, value_parser = one)]
    revisions: Vec<Revision>,
    /// The branch that gets the commit [default: the current branch]
    #[arg(long, value_name = "BRANCH")]
    onto: Option<BranchName>,
    #[command(flatten)]
    policy: PolicyArgs,
    /// What settles conflicts that no rule of the policy takes: ours, theirs, newest, max, min, sum,
    /// union, append, touched or by-key(FIELD) [default: the policy's own; without one they are left]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Strategy>,
    /// Keep it as a plan for `argon merge resolve` and `argon merge apply`
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    signature: Signature,
}

fn one(text: &str) -> argon_core::Result<Revision> {
    if text.contains("..") {
        return Err(Error::invalid(
            "ranges can't be picked: name the state after each commit, such as try~1 try",
        ));
    }
    text.parse()
}

impl CherryPickArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let rules = self.policy.rules(self.strategy)?;
        self.signature.notes.refuse_for_plan(self.plan)?;
        let mut workspace = context.workspace_noting(&self.signature.notes).await?;
        let mut commits = Vec::with_capacity(self.revisions.len());
        for revision in &self.revisions {
            commits.push(workspace.state(Some(revision)).await?);
        }
        if let Some(onto) = self.onto {
            workspace.branch = onto;
        }
        let plan = Plan::cherry_pick(&workspace.branch().await?, commits, rules).await?;
        let carry_out = CarryOut {
            fate: if self.plan { Fate::Store } else { Fate::Commit },
            actor: self.signature.actor,
            message: self.signature.message,
            advice: "--strategy or --policy FILE says what settles conflicts, and --plan keeps it for \
                     `argon merge resolve`",
        };
        carry_out.run(context, plan).await
    }
}
