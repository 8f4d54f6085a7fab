//! A plan with its result, to be shown or judged.

use argon_core::model::BranchName;
use argon_core::plan::{MergeResult, Plan, Rules, SavedPlan, SavedPlanInfo};
use argon_core::{Error, ErrorKind};
use argon_formats::extjson::Mode;
use bson::Bson;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::checks::{UncheckedRule, UncheckedRules};
use super::conflict::{ShownConflict, ShownDecision};
use super::outcome::Refusal;
use super::shown::{ShownPlan, status_of};
use crate::changes::{self, Change, Listing, Shown};
use crate::json::{ExtJson, Time};
use crate::{Failure, Result};

/// A plan with its result.
pub struct PlanReview {
    pub(super) plan: Plan,
    pub(super) result: MergeResult,
    saved: Option<SavedPlanInfo>,
}

impl PlanReview {
    /// Computes a plan that is not saved. O(changes).
    pub(super) async fn of(plan: Plan) -> Result<Self> {
        Ok(Self { result: plan.compute().await?, plan, saved: None })
    }

    /// Computes a saved plan. O(changes).
    pub(super) async fn of_saved(saved: &SavedPlan) -> Result<Self> {
        let plan = saved.plan().clone();
        Ok(Self { result: plan.compute().await?, plan, saved: Some(saved.info()?) })
    }

    /// The number of conflicts that are left.
    pub fn conflicts(&self) -> u64 {
        self.result.counts.conflicts
    }

    /// The identifier of the plan, if it is saved.
    pub fn id(&self) -> Option<String> {
        self.saved.as_ref().map(|info| info.id.to_string())
    }

    /// The branch that gets the commit.
    pub fn branch(&self) -> &BranchName {
        self.plan.branch().name()
    }

    /// The strategies and the checks.
    pub fn rules(&self) -> &Rules {
        self.plan.rules()
    }

    /// The changes: those of collections, then those of documents by collection and `_id`.
    pub fn items(&self, listing: Listing) -> BoxStream<'_, Result<Shown, Failure>> {
        let collections = stream::iter(self.result.collections())
            .then(|diff| Change::of_collection(diff, self.plan.ours()));
        let documents = self.result.documents().map_ok(Change::Document).err_into();
        changes::list(None, collections.chain(documents), None, listing)
    }

    /// The plan as JSON has it; its changes only if the listing has them. O(changes) in memory.
    pub async fn shown(&self, listing: Listing) -> Result<ShownPlan> {
        let Self { plan, result, saved } = self;
        let changes = if listing.has_changes() {
            Some(self.items(listing).try_collect().await?)
        } else {
            None
        };
        let saved = saved.as_ref();
        let (status, applied) = saved.map(status_of).unzip();
        Ok(ShownPlan {
            id: saved.map(|info| info.id.to_string()),
            what: plan.what()?,
            branch: plan.branch().name().to_string(),
            ours: plan.ours().lsn().get(),
            status,
            applied: applied.flatten(),
            actor: saved.map(|info| info.actor.clone()),
            created: saved.map(|info| Time(info.created)),
            message: saved.map(|info| info.message.clone()),
            policy: policy(plan.rules())?,
            counts: result.counts.into(),
            changes,
            conflicts: ShownConflict::all(&result.conflicts, listing.mode())?,
            unchecked: self.unchecked()?,
            decisions: ShownDecision::all(plan.decisions(), listing.mode())?,
        })
    }

    /// The rules that can't be checked.
    pub(super) fn unchecked(&self) -> Result<Vec<UncheckedRule>> {
        Ok(UncheckedRules::of(&self.plan.unchecked(&self.result)?).unchecked)
    }

    /// Refuses a strict plan with rules that can't be checked.
    pub(super) fn refuse_unchecked(&self) -> Result<Option<Refusal>> {
        if !self.plan.rules().checks.strict {
            return Ok(None);
        }
        let unchecked = self.unchecked()?;
        Ok((!unchecked.is_empty()).then_some(Refusal::Unchecked(UncheckedRules { unchecked })))
    }
}

fn policy(rules: &Rules) -> Result<ExtJson> {
    let document = bson::serialize_to_document(rules).map_err(|error| {
        Error::new(ErrorKind::Internal, "the rules of a plan can't be written as BSON")
            .with_source(error)
    })?;
    Ok(ExtJson::bson(&Bson::Document(document), Mode::Relaxed))
}
