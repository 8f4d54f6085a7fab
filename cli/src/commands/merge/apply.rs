//! `argon merge apply`

use argon_core::Error;
use argon_core::plan::{PlanStatus, Rebased, SavedPlan};
use argon_service::hooks;
use clap::Args;

use super::InPlan;
use crate::args::Signature;
use crate::context::Context;
use crate::exit::{CommandResult, Failure, Hint};
use crate::output::{Json, count};
use crate::plans::{Shown, Strictness, accept, committed, place};

const EXAMPLES: &str = "\
Examples:
  argon merge apply 1f3a
  argon merge apply 1f3a --rebase-plan -m 'prices of autumn'
  argon merge apply 1f3a --run-hooks      if its policy has hooks";

/// Commit what a plan comes to: all of it in one commit, exactly once, or nothing.
///
/// A plan that comes to nothing is closed, but for a merge, which the log has all the same.
///
/// First the result is checked by the plan's policy, and judged by its hooks, which run on this machine
/// and get what `argon merge show -o json` prints. As they are commands that whoever made the plan has
/// chosen, they run only with --run-hooks, and without it a plan that has hooks is not applied.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    plan: InPlan,
    /// If the branch has moved on, make the plan anew for its head; decisions are kept, but for those
    /// about documents that have changed since
    #[arg(long)]
    rebase_plan: bool,
    /// Run the hooks of the plan's policy; `argon merge show` lists them
    #[arg(long)]
    run_hooks: bool,
    #[command(flatten)]
    strictness: Strictness,
    #[command(flatten)]
    signature: Signature,
}

impl ApplyArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let workspace = context.workspace_noting(&self.signature.notes).await?;
        let mut stored = self.plan.open(&workspace).await?;
        if let PlanStatus::Applied(lsn) = stored.info()?.status {
            let id = stored.id();
            let error = format!("plan {id} was applied already, as LSN {lsn}");
            return Err(Error::conflict(error).into());
        }
        stored.must_be_open()?;
        self.agree_to_hooks(&stored)?;
        let made = stored.find_commit().await?.is_some();
        if !made && !stored.plan().is_current().await? {
            if !self.rebase_plan {
                return Err(moved(&stored));
            }
            let rebased = stored.rebase().await?;
            say_rebased(context, &stored, &rebased);
        }
        let (result, info) = (stored.plan().compute().await?, stored.info()?);
        if !made && stored.close_if_nothing(&result).await? {
            return came_to_nothing(context, &stored);
        }
        let mut unchecked = Vec::new();
        if !made {
            let shown = Shown { plan: stored.plan(), result: &result, stored: Some(&info) };
            let accepted = accept(context, &shown, self.strictness.strict).await;
            unchecked = accepted.hint_on(argon_core::ErrorKind::Conflict, || {
                format!("`argon merge show {}` shows how to decide", info.id)
            })?;
        }
        let Signature { actor, message, .. } = self.signature;
        let lsn = stored
            .apply(&result, actor, message.as_ref())
            .await
            .hint_on(argon_core::ErrorKind::Conflict, || HINT.to_owned())?;
        if let Some(error) = stored.left_open() {
            context.output.note(&format!(
                "the commit is made, but plan {0} could not be closed: {1}; `argon merge apply {0}` closes it",
                info.id,
                error.in_full()
            ));
        }
        let shown = Shown { plan: stored.plan(), result: &result, stored: Some(&info) };
        committed(context, &shown, &unchecked, lsn)
    }

    /// Somebody else may have stored the plan, with commands of their choice.
    fn agree_to_hooks(&self, stored: &SavedPlan) -> CommandResult {
        let hooks = &stored.plan().rules().checks.hooks;
        if hooks.is_empty() || self.run_hooks {
            return Ok(());
        }
        let commands: Vec<String> = hooks.iter().map(hooks::shown).collect();
        let error = Error::denied(format!(
            "plan {} has hooks, which would run on this machine:\n{}",
            stored.id(),
            commands.join("\n")
        ));
        Err(Failure::from(error).hint("nothing was applied; --run-hooks runs them and applies"))
    }
}

fn came_to_nothing(context: &Context, stored: &SavedPlan) -> CommandResult {
    let (id, branch) = (stored.id().to_string(), stored.plan().branch().name());
    let words =
        format!("plan {id} comes to nothing: '{branch}' stays as it is; the plan is closed");
    context.output.done(&words, || {
        Json::object([
            ("id", id.as_str().into()),
            ("branch", branch.as_str().into()),
            ("lsn", None::<u64>.into()),
        ])
    })
}

const HINT: &str = "--rebase-plan makes the plan anew for the present head, and keeps decisions";

fn moved(stored: &SavedPlan) -> Failure {
    let plan = stored.plan();
    Failure::from(Error::conflict(format!(
        "branch '{}' has moved on since LSN {}, for which plan {} was made",
        plan.branch().name(),
        plan.ours().lsn(),
        stored.id()
    )))
    .hint(HINT)
}

fn say_rebased(context: &Context, stored: &SavedPlan, rebased: &Rebased) {
    let (id, lsn) = (stored.id(), stored.plan().ours().lsn());
    let kept = count(rebased.kept as u64, "decision");
    context.output.say(&format!("plan {id} is made anew for LSN {lsn}; {kept} kept"));
    for (collection, key) in &rebased.taken_back {
        let place = place(collection, key.as_ref());
        context.output.note(&format!(
            "what was decided about {place} is taken back, for it has changed since"
        ));
    }
}
