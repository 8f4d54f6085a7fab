//! `argon merge apply`

use argon_service::changes::Listing;
use argon_service::plan::{self, ApplyPlan};
use clap::Args;

use super::InPlan;
use crate::args::Signature;
use crate::context::Context;
use crate::exit::CommandResult;
use crate::plans::{Report, Strictness};

const EXAMPLES: &str = "\
Examples:
  argon merge apply 1f3a
  argon merge apply 1f3a --rebase-plan -m 'prices of autumn'
  argon merge apply 1f3a --run-hooks      if its policy has hooks";

/// Commit the result of a plan: all of it in one commit, exactly once, or nothing.
///
/// A plan whose result changes nothing is closed, except a merge, which becomes part of the history.
///
/// First the result is checked by the plan's policy. Then the policy's hooks judge it: commands that run on
/// this machine and read what `argon merge show -o json` prints. Whoever made the plan has chosen them, so a
/// plan with hooks is applied only with --run-hooks.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    plan: InPlan,
    /// If the branch has moved on, rebase the plan on its head; decisions are kept, except those about
    /// documents that have changed since
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
        let request = ApplyPlan {
            plan: self.plan.plan,
            rebase: self.rebase_plan,
            run_hooks: self.run_hooks,
            strict: self.strictness.strict,
            signature: self.signature.into(),
        };
        let advice = format!("`argon merge show {}` shows the conflicts", request.plan);
        let outcome = plan::apply(&workspace, request, &context.output).await?;
        let report = Report {
            listing: Listing::default(),
            advice,
            nothing: |plan| {
                let (id, branch) = (plan.id.as_deref().unwrap_or_default(), &plan.branch);
                format!(
                    "plan {id} changes nothing: branch '{branch}' stays as it is; the plan is closed"
                )
            },
        };
        report.print(context, outcome).await
    }
}
