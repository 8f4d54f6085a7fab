use argon_core::document::Path;
use argon_core::model::CollectionName;
use argon_core::plan::{PlanId, SavedPlan};
use schemars::JsonSchema;
use serde::Deserialize;

use super::conflict::ChoiceKind;
use super::resolve::{ResolvedPlan, choice, must_conflict, save};
use crate::json::{self, Id, Value};
use crate::{Result, Workspace};

/// Decide about several conflicts of a saved plan: about all of them, or about none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DecideConflicts {
    /// The plan, by its identifier or the first digits of it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub plan: PlanId,
    /// The decisions.
    pub decisions: Vec<ConflictDecision>,
}

/// A decision about a conflict of a plan.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ConflictDecision {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The `_id` of the document; without it, the collection itself.
    #[serde(default, deserialize_with = "json::present")]
    pub id: Option<Id>,
    /// The path of the conflict; without it, all of the document or of the metadata.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub path: Option<Path>,
    /// The decision.
    pub choice: ChoiceKind,
    /// The other value, with the choice `value`.
    #[serde(default, deserialize_with = "json::present")]
    pub value: Option<Value>,
}

/// Decides about conflicts of a plan, and saves the decisions.
///
/// # Errors
/// Those of [`resolve`](super::resolve()).
pub async fn decide(workspace: &Workspace, request: DecideConflicts) -> Result<ResolvedPlan> {
    let mut saved = SavedPlan::open(&workspace.project, &request.plan).await?;
    saved.must_be_open()?;
    for decision in request.decisions {
        let ConflictDecision { collection, id, path, choice: kind, value } = decision;
        let choice = choice(kind, value.as_ref())?;
        let (key, path) = (id.map(|id| id.0), path.unwrap_or(Path::DOCUMENT));
        must_conflict(&saved, &collection, key.as_ref(), &path, &choice).await?;
        saved.plan_mut().decide(collection, key, path, choice);
    }
    save(saved).await
}
