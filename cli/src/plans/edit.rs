//! Conflicts as a text in which a person decides about them.

use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::{Error, Result};
use argon_formats::extjson::parse_shell_value;
use argon_service::json::{Id, Value};
use argon_service::plan::{ChoiceKind, ConflictDecision, ShownConflict, ShownPlan};
use bson::{Bson, Document, RawBson};

use super::conflicts::cause_text;

const HELP: &str = "\
// For each conflict, set \"take\" to \"ours\", \"theirs\", \"base\" or \"absent\", or add \"value\" with another value.
// A conflict without a decision stays in the plan. base, ours and theirs are shown only.
";

/// The conflicts of a plan, each with room for a decision.
pub(crate) fn conflict_list(plan: &ShownPlan) -> String {
    let id = plan.id.as_deref().unwrap_or_default();
    let entries: Vec<String> = plan.conflicts.iter().map(entry).collect();
    format!("// Plan {id}: {}\n{HELP}[\n{}\n]\n", plan.what, entries.join(",\n"))
}

fn entry(conflict: &ShownConflict) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut fields = vec![("collection", text(conflict.collection.as_str()))];
    if let Some(id) = &conflict.id {
        fields.push(("id", id.as_str().to_owned()));
    }
    if conflict.path != Path::DOCUMENT.to_string() {
        fields.push(("path", text(&conflict.path)));
    }
    let sides = [("base", &conflict.base), ("ours", &conflict.ours), ("theirs", &conflict.theirs)];
    for (side, value) in sides {
        fields.extend(value.as_ref().map(|value| (side, value.as_str().to_owned())));
    }
    fields.push(("take", text("")));
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("    \"{name}\": {value}")).collect();
    format!("  // {}\n  {{\n{}\n  }}", cause_text(conflict.cause), fields.join(",\n"))
}

/// The decisions in such a text.
///
/// # Errors
/// `Invalid` with what is wrong, and the entry.
pub(crate) fn decisions(text: &str) -> Result<Vec<ConflictDecision>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let entries =
        match parse_shell_value(text).map_err(|error| Error::invalid(error.to_string()))? {
            Bson::Array(entries) => entries,
            other => {
                return Err(Error::invalid(format!("expected a list of conflicts, found {other}")));
            }
        };
    let mut decisions = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let Bson::Document(entry) = entry else {
            return Err(Error::invalid(format!("conflict {}: expected a document", at + 1)));
        };
        decisions
            .extend(decision(entry).map_err(|error| error.about(format!("conflict {}", at + 1)))?);
    }
    Ok(decisions)
}

/// The decision of an entry; `None` if it has none.
fn decision(mut entry: Document) -> Result<Option<ConflictDecision>> {
    let take = match entry.remove("take") {
        None => String::new(),
        Some(Bson::String(take)) => take,
        Some(other) => return Err(Error::invalid(format!("invalid \"take\": {other}"))),
    };
    let choice = match (take.as_str(), entry.get("value")) {
        ("", None) => return Ok(None),
        ("" | "value", Some(_)) => ChoiceKind::Value,
        ("ours", None) => ChoiceKind::Ours,
        ("theirs", None) => ChoiceKind::Theirs,
        ("base", None) => ChoiceKind::Base,
        ("absent", None) => ChoiceKind::Absent,
        (_, Some(_)) => {
            return Err(Error::invalid("\"value\" and \"take\" exclude each other"));
        }
        (take, None) => {
            return Err(Error::invalid(format!(
                "invalid \"take\" '{take}': expected ours, theirs, base or absent"
            )));
        }
    };
    let raw = |value: Bson| {
        RawBson::try_from(value)
            .map_err(|error| Error::invalid("a value can't be written as BSON").with_source(error))
    };
    let collection = entry.get_str("collection");
    let collection = collection.map_err(|_| Error::invalid("missing required field collection"))?;
    let invalid_id = |error: argon_core::Error| error.about("invalid \"id\"");
    Ok(Some(ConflictDecision {
        collection: CollectionName::new(collection)?,
        id: entry
            .get("id")
            .map(Key::of)
            .transpose()
            .map_err(|error| invalid_id(Error::invalid(error.to_string())))?
            .map(Id),
        path: entry.get_str("path").ok().map(str::parse).transpose()?,
        choice,
        value: entry.remove("value").map(raw).transpose()?.map(Value),
    }))
}
