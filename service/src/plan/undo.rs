use argon_core::merge::Strategy;
use argon_core::model::{Actor, CollectionName};
use argon_core::plan::{Plan, Selection};
use schemars::JsonSchema;
use serde::Deserialize;

use super::carry_out::carry_out;
use super::{PlanAction, PlanOutcome, PlanRules};
use crate::changes::Listing;
use crate::collections::Signature;
use crate::range::RevisionRange;
use crate::{Result, Watcher, Workspace, json};

/// Take back what commits of the current branch changed, by one new commit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UndoCommits {
    /// The commits after the first state up to the second: `REV..REV`; or `REV` for the last commit of a state.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub range: RevisionRange,
    /// Take back only what this actor changed.
    #[serde(default, deserialize_with = "json::actor")]
    #[schemars(with = "Option<String>")]
    pub by_actor: Option<Actor>,
    /// Take back only changes of documents in these collections; without any, all changes.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub collections: Vec<CollectionName>,
    /// Whether the earlier value counts in a conflict; it precedes `strategy`.
    #[serde(default)]
    pub force: bool,
    /// What to do with the plan.
    #[serde(default)]
    pub action: PlanAction,
    /// The rules of the plan.
    #[serde(flatten)]
    pub rules: PlanRules,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// Takes back what commits of the current branch changed. A change of the same field since is a conflict.
///
/// # Errors
/// `Invalid` if the range has no commit, or a state of it is not one of the branch; `Conflict` if the branch
/// moves meanwhile; `Denied` if a hook refuses the result.
pub async fn undo(
    workspace: &Workspace,
    request: UndoCommits,
    watcher: &dyn Watcher,
) -> Result<PlanOutcome> {
    let UndoCommits { range, by_actor, collections, force, action, rules, signature, .. } = request;
    let strategy = if force { Some(Strategy::Theirs) } else { rules.strategy.clone() };
    let rules = PlanRules { strategy, ..rules }.into_rules();
    let branch = workspace.branch().await?;
    let (above, upto) = range.on_branch(&workspace.project, &branch).await?;
    let selection = Selection { actor: by_actor, collections };
    let plan = Plan::undo(&branch, above, upto, selection, rules).await?;
    carry_out(plan, action, signature, watcher).await
}
