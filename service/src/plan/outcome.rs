//! The outcome of an operation that makes or applies a plan.

use argon_core::Error;
use argon_core::model::{BranchName, Lsn};
use schemars::JsonSchema;
use serde::Serialize;

use super::{BrokenRules, PlanCounts, PlanReview, UncheckedRule, UncheckedRules};
use crate::index::{self, BuiltIndex};
use crate::words::count;
use crate::{Failure, Result};

/// The outcome of an operation that makes or applies a plan.
pub enum PlanOutcome {
    /// The result is committed.
    Committed(CommittedPlan),
    /// The result changes nothing, and nothing was committed or saved.
    Nothing(NothingToCommit),
    /// The plan was computed only.
    Computed(PlanReview),
    /// The plan is saved.
    Saved(PlanReview),
    /// The result was refused; nothing was committed or saved.
    Refused(Refusal),
}

/// Why a result was refused: a value, so that a front end can show all of it.
pub enum Refusal {
    /// Conflicts are left in this plan.
    Conflicts(Box<PlanReview>),
    /// The result breaks rules.
    Broken(BrokenRules),
    /// The request is strict, and rules can't be checked.
    Unchecked(UncheckedRules),
}

impl Refusal {
    /// The same as an error: `Conflict` if conflicts are left, otherwise `Denied`.
    pub fn error(&self) -> Failure {
        match self {
            Self::Conflicts(review) => {
                let left = review.result.counts.conflicts;
                let are = if left == 1 { "is" } else { "are" };
                let left = count(left, "conflict");
                Error::conflict(format!("{left} {are} left to decide; nothing was applied")).into()
            }
            Self::Broken(rules) => rules.error(),
            Self::Unchecked(rules) => rules.error(),
        }
    }
}

/// A plan whose result is committed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CommittedPlan {
    /// Its identifier; null if it was not saved.
    pub id: Option<String>,
    /// What it does, in words.
    pub what: String,
    /// The branch that got the commit.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The position of the commit.
    pub lsn: u64,
    /// The numbers.
    pub counts: PlanCounts,
    /// The rules of the result that were not checked.
    pub unchecked: Vec<UncheckedRule>,
    /// The indexes whose definitions the commit brought, which had no entries.
    pub indexes: Vec<BuiltIndex>,
    /// Why the plan is still open, although its commit is made; applying it again closes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_open: Option<String>,
}

impl CommittedPlan {
    pub(super) async fn of(
        review: &PlanReview,
        lsn: Lsn,
        unchecked: Vec<UncheckedRule>,
    ) -> Result<Self> {
        Ok(Self {
            id: None,
            what: review.plan.what()?,
            branch: review.plan.branch().name().clone(),
            lsn: lsn.get(),
            counts: review.result.counts.into(),
            unchecked,
            indexes: index::build_brought(review.plan.branch(), index::before(lsn)).await,
            left_open: None,
        })
    }
}

/// A plan whose result changes nothing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NothingToCommit {
    /// Its identifier; null if it was not saved. A saved plan is closed.
    pub id: Option<String>,
    /// What it does, in words.
    pub what: String,
    /// The branch, which stays as it is.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Always null.
    pub lsn: Option<u64>,
}
