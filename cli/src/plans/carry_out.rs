//! From a plan that is not stored to a commit, or to a stored plan.

use argon_core::ErrorKind;
use argon_core::model::{Actor, Message};
use argon_core::plan::{MergeResult, Plan, SavedPlan};
use argon_formats::extjson::Mode;

use super::accept::committed;
use super::{Shown, accept, conflicts_left, nothing, refused_unchecked};
use crate::changes::Detail;
use crate::context::Context;
use crate::exit::{CommandResult, Hint};

/// What is to become of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is committed, if nothing speaks against it.
    Commit,
    /// It is shown, and nothing is changed.
    DryRun,
    /// It is stored, to be decided about and applied later.
    Store,
}

/// How a plan is carried out.
pub(crate) struct CarryOut {
    pub(crate) fate: Fate,
    pub(crate) actor: Option<Actor>,
    pub(crate) message: Option<Message>,
    /// What to do about conflicts.
    pub(crate) advice: &'static str,
}

impl CarryOut {
    /// Works the plan out, and does with it what is wanted.
    ///
    /// # Errors
    /// `Conflict` if conflicts are left or the branch moves meanwhile; those of [`accept`].
    pub(crate) async fn run(self, context: &Context, plan: Plan) -> CommandResult {
        let result = plan.compute().await?;
        if self.fate != Fate::Commit {
            must_be_checked(context, &plan, &result)?;
        }
        match self.fate {
            Fate::Store => return store(context, plan, self.message).await,
            Fate::DryRun => {
                let shown = Shown { plan: &plan, result: &result, stored: None };
                shown.print(&context.output, Detail::Changes(Mode::Relaxed)).await?;
                context.output.say("nothing was changed");
                return Ok(());
            }
            Fate::Commit => {}
        }
        self.commit(context, &plan, &result).await
    }

    async fn commit(self, context: &Context, plan: &Plan, result: &MergeResult) -> CommandResult {
        let shown = Shown { plan, result, stored: None };
        if !result.conflicts.is_empty() {
            return Err(conflicts_left(context, &shown).await?.hint(self.advice));
        }
        if result.is_empty() {
            let (what, branch) = (plan.what()?, plan.branch().name());
            let words = format!("{what} changes nothing: branch '{branch}' is like that already");
            return nothing(context, &words, &what, branch);
        }
        let unchecked = accept(context, &shown, false).await?;
        let message = self.message.unwrap_or_default();
        let receipt = plan
            .commit(result, self.actor, &message)
            .await
            .hint_on(ErrorKind::Conflict, || "nothing was applied; try again".to_owned())?;
        committed(context, &shown, &unchecked, receipt.lsn)
    }
}

/// Refuses a strict plan with rules that can't be checked.
///
/// # Errors
/// `Denied`, naming the rules.
pub(crate) fn must_be_checked(
    context: &Context,
    plan: &Plan,
    result: &MergeResult,
) -> CommandResult {
    let unchecked = if plan.rules().checks.strict { plan.unchecked(result)? } else { Vec::new() };
    if unchecked.is_empty() { Ok(()) } else { Err(refused_unchecked(context, &unchecked)?) }
}

/// Stores a plan, and shows it with what to do next.
async fn store(context: &Context, plan: Plan, message: Option<Message>) -> CommandResult {
    let stored = SavedPlan::create(plan, &message.unwrap_or_default()).await?;
    show(context, &stored, Detail::Changes(Mode::Relaxed)).await
}

/// Shows a stored plan with what to do next.
pub(crate) async fn show(context: &Context, stored: &SavedPlan, detail: Detail) -> CommandResult {
    let result = stored.plan().compute().await?;
    let info = stored.info()?;
    let shown = Shown { plan: stored.plan(), result: &result, stored: Some(&info) };
    shown.print(&context.output, detail).await?;
    if stored.must_be_open().is_ok() {
        context.output.say(&next(&info.id.to_string(), &result));
    }
    Ok(())
}

/// What to do next with an open plan.
pub(crate) fn next(id: &str, result: &MergeResult) -> String {
    let Some(document) = result.conflicts.first() else {
        return format!("next: argon merge apply {id}");
    };
    let at = document.key.as_ref().map(super::conflicts::id).map(|id| quoted(&id));
    let at = at.map(|at| format!(" {at}")).unwrap_or_default();
    let choices = match (&document.key, document.conflicts.first()) {
        (None, Some(conflict)) if conflict.path.is_document() => "--ours or --theirs",
        (None, Some(conflict)) if conflict.path.to_string() == "name" => {
            "--ours, --theirs or --value '\"NAME\"'"
        }
        _ => "--ours, --theirs, --base, --value JSON or --absent",
    };
    let path = match document.conflicts.first() {
        Some(conflict) if !conflict.path.is_document() => {
            format!(" --path {}", quoted(&conflict.path.to_string()))
        }
        _ => String::new(),
    };
    format!(
        "next: argon merge resolve {id} -c {}{at}{path} {choices}\nor for all that is left: argon merge resolve {id} --all --ours, --theirs or --base",
        document.collection
    )
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        for (argument, text) in [
            ("stats.visits", "stats.visits"),
            ("", "''"),
            ("items.sku=\"A 1\"", "'items.sku=\"A 1\"'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(argument), text);
        }
    }
}
