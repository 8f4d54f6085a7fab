//! `argon merge preview`

use argon_core::Named;
use argon_core::merge::Strategy;
use argon_core::model::{BranchName, Message};
use argon_core::plan::{Plan, SavedPlan};
use argon_core::{Branch, ErrorKind, Revision, State};
use argon_service::Workspace;
use clap::Args;

use crate::args::DocumentStyle;
use crate::changes::Detail;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{PolicyArgs, must_be_checked, nothing, show};

const EXAMPLES: &str = "\
Examples:
  argon merge preview try                               into the current branch
  argon merge preview try --into main --stat            numbers only
  argon merge preview try@17 --strategy theirs          conflicts go the way of try
  argon merge preview try --strict                      only if all rules can be checked
  argon merge preview try --policy docs/merge-policy.toml -m 'prices of autumn'";

/// Work out a merge, and keep it as a plan that can be looked at, decided about and applied.
///
/// The plan is kept until `argon merge apply` or `argon merge abort` closes it; while it is open, the
/// states that it is made of are not collected by `argon gc`. If the target has all of the source
/// already, nothing is kept, and a note says so.
///
/// The branch itself stays as it is. What only one side changed is taken from it, field by field; what
/// both changed otherwise is a conflict, unless the policy settles it. An index and each option of a
/// collection is one value.
///
/// The result is held to the validators and indexes of its collections when it is applied. Rules with
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
    /// What settles conflicts that no rule of the policy takes: ours, theirs, newest, max, min, sum,
    /// union, append, touched or by-key(FIELD) [default: the policy's own; without one they are left]
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<Strategy>,
    /// The message of the commit that comes of it [default: what was merged]
    #[arg(short, long, value_name = "TEXT", value_parser = |text: &str| Message::new(text))]
    message: Option<Message>,
    /// Print how many documents change, not the documents
    #[arg(long)]
    stat: bool,
    #[command(flatten)]
    style: DocumentStyle,
}

impl PreviewArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let rules = self.policy.rules(self.strategy)?;
        let mut workspace = context.workspace().await?;
        let theirs = workspace.state(Some(&self.source)).await?;
        let name = name_of(&self.source, &workspace);
        if let Some(into) = self.into {
            workspace.branch = into;
        }
        let target = workspace.branch().await?;
        let plan = match Plan::merge(&target, &name, &theirs, rules).await {
            Err(error)
                if error.kind() == ErrorKind::Invalid && has_all(&target, &theirs).await? =>
            {
                let words = format!(
                    "{error}; `argon diff {} {}` shows what differs",
                    target.name(),
                    self.source
                );
                return nothing(context, &words, &format!("merge {name}"), target.name());
            }
            plan => plan?,
        };
        if plan.rules().checks.strict {
            must_be_checked(context, &plan, &plan.compute().await?)?;
        }
        let stored = SavedPlan::create(plan, &self.message.unwrap_or_default()).await?;
        let detail = if self.stat { Detail::Stat } else { Detail::Changes(self.style.mode()) };
        show(context, &stored, detail).await
    }
}

async fn has_all(target: &Branch, theirs: &State) -> CommandResult<bool> {
    Ok(target.head().await?.has_merged(theirs).await?)
}

/// What a state is called in the log: as it was named, with its branch.
fn name_of(source: &Revision, workspace: &Workspace) -> String {
    match &source.name {
        Named::Current => {
            let name = Named::Any(workspace.branch.clone());
            Revision { name, ..source.clone() }.to_string()
        }
        _ => source.to_string(),
    }
}
