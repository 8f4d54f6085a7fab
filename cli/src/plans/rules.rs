//! The rules of a plan, as text and as JSON.

use argon_core::Error;
use argon_core::checks::Checks;
use argon_core::document::Path;
use argon_core::plan::Rules;
use argon_formats::extjson::{Layout, Mode, print_value};
use bson::Bson;

use crate::exit::CommandResult;
use crate::output::Json;

/// What settles conflicts, if anything does: `sum for stats.* of users; theirs for all else`.
pub(super) fn strategies(rules: &Rules) -> Option<String> {
    let rule = rules.rules.iter().map(|rule| match &rule.collection {
        Some(collection) => format!("{} for {} of {collection}", rule.strategy, rule.path),
        None => format!("{} for {}", rule.strategy, rule.path),
    });
    let mut parts: Vec<String> = rule.collect();
    if let Some(default) = &rules.default {
        let rest = if parts.is_empty() { "all" } else { "all else" };
        parts.push(format!("{default} for {rest}"));
    }
    if parts.is_empty() { None } else { Some(parts.join("; ")) }
}

/// What is checked besides what the collections say themselves, and whether that is not; hooks are
/// shown elsewhere.
pub(super) fn checks(checks: &Checks) -> Option<String> {
    let mut parts = Vec::new();
    if !checks.schema {
        parts.push("not the collections' own validators and indexes".to_owned());
    }
    if checks.strict {
        parts.push("strict: nothing is let pass that can't be checked".to_owned());
    }
    parts.extend(checks.schemas.keys().map(|name| format!("schema of {name}")));
    for unique in &checks.unique {
        let fields: Vec<String> = unique.fields.iter().map(Path::to_string).collect();
        parts.push(format!("unique ({}) of {}", fields.join(", "), unique.collection));
    }
    for reference in &checks.references {
        let (field, collection) = (&reference.field, &reference.collection);
        let by = match reference.to_field.to_string().as_str() {
            "_id" => String::new(),
            field => format!(" by {field}"),
        };
        parts.push(format!("{field} of {collection} is in {}{by}", reference.to));
    }
    if parts.is_empty() { None } else { Some(parts.join("; ")) }
}

/// All of it, as a policy file says it.
pub(super) fn json(rules: &Rules) -> CommandResult<Json> {
    let document = bson::serialize_to_document(rules)
        .map_err(|error| Error::internal("the rules of a plan are no BSON").with_source(error))?;
    Ok(Json::Verbatim(print_value(&Bson::Document(document), Mode::Relaxed, Layout::Compact)?))
}
