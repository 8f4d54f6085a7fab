//! A plan and its result, as JSON has them.

use argon_core::plan::{self, MergeCounts, SavedPlanInfo};
use schemars::JsonSchema;
use serde::Serialize;

use super::checks::UncheckedRule;
use super::conflict::{ShownConflict, ShownDecision};
use crate::changes::Shown;
use crate::json::{ExtJson, Time};

/// A plan and its result.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownPlan {
    /// Its identifier; null if it is not saved.
    pub id: Option<String>,
    /// What it does, in words.
    pub what: String,
    /// The branch that gets the commit.
    pub branch: String,
    /// The position of the branch for which the plan was made.
    pub ours: u64,
    /// Its status; null if it is not saved.
    pub status: Option<PlanStatus>,
    /// The position of the commit that applied it.
    pub applied: Option<u64>,
    /// Who made it; null if it is not saved.
    pub actor: Option<String>,
    /// When it was made; null if it is not saved.
    pub created: Option<Time>,
    /// The message of its commit; null if it is not saved.
    pub message: Option<String>,
    /// The strategies and the checks, by the keys of docs/merge-policy.toml.
    pub policy: ExtJson,
    /// The numbers.
    pub counts: PlanCounts,
    /// The changes, as `diff` lists them; absent if only numbers were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<Shown>>,
    /// The conflicts that are left.
    pub conflicts: Vec<ShownConflict>,
    /// The rules of the result that can't be checked.
    pub unchecked: Vec<UncheckedRule>,
    /// The decisions about conflicts.
    pub decisions: Vec<ShownDecision>,
}

/// The status of a saved plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It can be resolved and applied.
    Open,
    /// It was applied.
    Applied,
    /// It was aborted.
    Aborted,
    /// It was closed without a commit, because its result changed nothing.
    Nothing,
}

impl PlanStatus {
    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Aborted => "aborted",
            Self::Nothing => "nothing",
        }
    }
}

/// The status of a plan, and the position of its commit.
pub(super) fn status_of(info: &SavedPlanInfo) -> (PlanStatus, Option<u64>) {
    match info.status {
        plan::PlanStatus::Open => (PlanStatus::Open, None),
        plan::PlanStatus::Applied(lsn) => (PlanStatus::Applied, Some(lsn.get())),
        plan::PlanStatus::Aborted => (PlanStatus::Aborted, None),
        plan::PlanStatus::Nothing => (PlanStatus::Nothing, None),
    }
}

/// The numbers of a plan.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct PlanCounts {
    /// The documents that the branch gets.
    pub added: u64,
    /// The documents of the branch that change.
    pub changed: u64,
    /// The documents that the branch loses.
    pub removed: u64,
    /// The collections that are created, dropped, renamed, or get other options or indexes.
    pub collections: u64,
    /// The conflicts that a strategy or a decision settled.
    pub decided: u64,
    /// The conflicts that are left.
    pub conflicts: u64,
}

impl From<MergeCounts> for PlanCounts {
    fn from(counts: MergeCounts) -> Self {
        let MergeCounts { added, changed, removed, collections, decided, conflicts } = counts;
        Self { added, changed, removed, collections, decided, conflicts }
    }
}
