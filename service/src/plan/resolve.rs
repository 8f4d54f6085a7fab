use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::merge::{Choice, Resolutions};
use argon_core::model::CollectionName;
use argon_core::plan::{PlanId, SavedPlan};
use argon_core::{Error, ErrorKind};
use argon_formats::extjson::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conflict::{ChoiceKind, ShownConflict, place};
use crate::json::{self, Id, Value};
use crate::{Failure, Hint, Result, Workspace};

/// How many documents with conflicts an error names.
const NAMED: usize = 10;

/// Decide about conflicts of a saved plan; a decision can be changed until the plan is applied.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ResolveConflicts {
    /// The plan, by its identifier or the first digits of it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub plan: PlanId,
    /// The collection; without it, the decision is about every conflict that is left, and can be `ours`,
    /// `theirs` or `base`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
    /// The `_id` of the document; without it, the collection itself.
    #[serde(default, deserialize_with = "json::present")]
    pub id: Option<Id>,
    /// The path of the conflict; without it, all of the document or of the metadata.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub path: Option<Path>,
    /// The decision. `ours`, `theirs` and `base` are taken conflict by conflict, so that a change of only one
    /// side is kept; `value` and `absent` replace everything at the path.
    pub choice: ChoiceKind,
    /// The other value, with the choice `value`.
    #[serde(default, deserialize_with = "json::present")]
    pub value: Option<Value>,
}

/// A decision, of its kind and its value.
pub(super) fn choice(kind: ChoiceKind, value: Option<&Value>) -> Result<Choice> {
    match (kind, value) {
        (ChoiceKind::Value, Some(value)) => Ok(Choice::Value(value.0.clone())),
        (ChoiceKind::Value, None) => Err(Error::invalid("missing required field value").into()),
        (_, Some(_)) => Err(Error::invalid("field value requires the choice 'value'").into()),
        (ChoiceKind::Ours, None) => Ok(Choice::Ours),
        (ChoiceKind::Theirs, None) => Ok(Choice::Theirs),
        (ChoiceKind::Base, None) => Ok(Choice::Base),
        (ChoiceKind::Absent, None) => Ok(Choice::Absent),
    }
}

/// A plan after a decision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ResolvedPlan {
    /// Its identifier.
    pub id: String,
    /// The number of conflicts that are left.
    pub conflicts: u64,
    /// The number of its decisions.
    pub decisions: u64,
    /// The first conflict that is left.
    #[serde(skip)]
    pub next: Option<ShownConflict>,
}

/// Decides about conflicts of a plan, and saves the decisions.
///
/// # Errors
/// `Invalid` if the plan is closed, nothing at the path is in conflict, or the decision makes a document
/// invalid; `Conflict` if somebody else changed the plan at the same time.
pub async fn resolve(workspace: &Workspace, request: ResolveConflicts) -> Result<ResolvedPlan> {
    let mut saved = SavedPlan::open(&workspace.project, &request.plan).await?;
    saved.must_be_open()?;
    let choice = choice(request.choice, request.value.as_ref())?;
    match request.collection {
        Some(collection) => {
            let (key, path) = (request.id.map(|id| id.0), request.path.unwrap_or(Path::DOCUMENT));
            must_conflict(&saved, &collection, key.as_ref(), &path, &choice).await?;
            saved.plan_mut().decide(collection, key, path, choice);
        }
        None if request.id.is_some() || request.path.is_some() => {
            return Err(Error::invalid("missing required field collection").into());
        }
        None if matches!(choice, Choice::Value(_) | Choice::Absent) => {
            let error = "a decision about every conflict must be ours, theirs or base";
            return Err(Error::invalid(error).into());
        }
        None => decide_all(&mut saved, &choice).await?,
    }
    save(saved).await
}

/// Saves the decisions of a plan.
pub(super) async fn save(mut saved: SavedPlan) -> Result<ResolvedPlan> {
    // A decision that makes a document invalid is refused here, before it is saved.
    let result = saved.plan().compute().await?;
    saved.save().await.map_err(|error| {
        let hint = Hint::PlanChanged { id: saved.id().to_string() };
        Failure::from(error).hint_on(ErrorKind::Conflict, hint)
    })?;
    let first = result.conflicts.get(..1).unwrap_or_default();
    Ok(ResolvedPlan {
        id: saved.id().to_string(),
        conflicts: result.counts.conflicts,
        decisions: saved.plan().decisions().len() as u64,
        next: ShownConflict::all(first, Mode::Relaxed)?.into_iter().next(),
    })
}

/// Refuses a decision about what is not in conflict.
pub(super) async fn must_conflict(
    saved: &SavedPlan,
    collection: &CollectionName,
    key: Option<&Key>,
    path: &Path,
    choice: &Choice,
) -> Result {
    let plan = saved.plan();
    let conflicting = plan.conflicting_paths(collection, key).await?;
    if !conflicting.is_empty() {
        let decision = Resolutions::from_iter([(path.clone(), choice.clone())]);
        return Ok(decision.check(&conflicting)?);
    }
    let conflicts = plan.compute().await?.conflicts;
    let error = Error::invalid(format!("no conflict in {}", place(collection, key)));
    let more = conflicts.len() > NAMED;
    let places = conflicts.into_iter().take(NAMED).map(|of| place(&of.collection, of.key.as_ref()));
    let places: Vec<_> = places.collect();
    let hint = if places.is_empty() {
        Hint::ApplyPlan { id: saved.id().to_string() }
    } else {
        Hint::ConflictsIn { places, more }
    };
    Err(Failure::from(error).hint(hint))
}

/// Decides about every conflict that is left.
async fn decide_all(saved: &mut SavedPlan, choice: &Choice) -> Result {
    for document in saved.plan().compute().await?.conflicts {
        for conflict in document.conflicts {
            let (collection, key) = (document.collection.clone(), document.key.clone());
            saved.plan_mut().decide(collection, key, conflict.path, choice.clone());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(json: &str) -> Result<Choice> {
        let request = serde_json::from_str::<ResolveConflicts>(json).unwrap();
        super::choice(request.choice, request.value.as_ref())
    }

    #[test]
    fn a_value_goes_with_its_choice_alone() {
        let value = choice(r#"{"plan": "1f3a", "choice": "value", "value": {"$numberLong": "7"}}"#);
        assert_eq!(value.unwrap(), Choice::Value(bson::RawBson::Int64(7)));
        let theirs = r#"{"plan": "1f3a", "collection": "users", "id": 1, "path": "a\\.b", "choice": "theirs"}"#;
        assert_eq!(choice(theirs).unwrap(), Choice::Theirs);
        for (json, part) in [
            (r#"{"plan": "1f3a", "choice": "value"}"#, "missing required field value"),
            (r#"{"plan": "1f3a", "choice": "ours", "value": 1}"#, "requires the choice 'value'"),
        ] {
            assert!(choice(json).unwrap_err().in_full().contains(part), "{json}");
        }
        assert!(
            serde_json::from_str::<ResolveConflicts>(r#"{"plan": "xyz", "choice": "ours"}"#)
                .is_err()
        );
    }
}
