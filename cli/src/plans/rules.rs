//! The rules of a plan as text.

use argon_core::checks::Checks;
use argon_core::document::Path;
use argon_core::plan::Rules;

/// The strategies, if any: `sum for stats.* of users; theirs for all else`.
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

/// The checks that differ from those of the collections alone. Hooks are shown elsewhere.
pub(super) fn checks(checks: &Checks) -> Option<String> {
    let mut parts = Vec::new();
    if !checks.schema {
        parts.push("not the collections' own validators and indexes".to_owned());
    }
    if checks.strict {
        parts.push("strict: a rule that can't be checked refuses the result".to_owned());
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
