//! Formats the problems of a document. No message contains a whole value, which may be large.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::Location;
use jsonschema::{ValidationError, paths::LocationSegment};

/// Returns the invalid field (`None` for the document itself), and a sentence about it.
pub(super) fn of(error: &ValidationError<'_>) -> (Option<String>, String) {
    let path = dotted(error.instance_path());
    if let Kind::Required { property } = error.kind() {
        let field = property.as_str().unwrap_or_default();
        let path = path.map_or_else(|| field.to_owned(), |path| format!("{path}.{field}"));
        let problem = format!("missing required field {path}");
        return (Some(path), problem);
    }
    let subject = path.as_deref().unwrap_or("the document");
    let problem = format!("{subject} {}", predicate(error.kind()));
    (path, problem)
}

fn dotted(location: &Location) -> Option<String> {
    let segments: Vec<String> = location
        .into_iter()
        .map(|segment| match segment {
            LocationSegment::Property(name) => name.into_owned(),
            LocationSegment::Index(place) => place.to_string(),
        })
        .collect();
    (!segments.is_empty()).then(|| segments.join("."))
}

fn predicate(kind: &Kind) -> String {
    match kind {
        Kind::Custom { message, .. } => message.clone(),
        Kind::AdditionalProperties { unexpected } => {
            format!("has fields that are not allowed: {}", unexpected.join(", "))
        }
        Kind::AdditionalItems { limit } => format!("has more than {limit} elements"),
        Kind::AnyOf { .. } => "matches none of the schemas in anyOf".to_owned(),
        Kind::OneOfNotValid { .. } => "matches none of the schemas in oneOf".to_owned(),
        Kind::OneOfMultipleValid { .. } => {
            "matches more than one of the schemas in oneOf".to_owned()
        }
        Kind::Not { .. } => "must not match the schema in not".to_owned(),
        Kind::MinItems { limit } => format!("has fewer than {limit} elements"),
        Kind::MaxItems { limit } => format!("has more than {limit} elements"),
        Kind::MinLength { limit } => format!("has fewer than {limit} characters"),
        Kind::MaxLength { limit } => format!("has more than {limit} characters"),
        Kind::MinProperties { limit } => format!("has fewer than {limit} fields"),
        Kind::MaxProperties { limit } => format!("has more than {limit} fields"),
        Kind::MultipleOf { multiple_of } => format!("is not a multiple of {multiple_of}"),
        Kind::Pattern { pattern } => format!("does not match the pattern {pattern}"),
        Kind::FalseSchema => "is not allowed".to_owned(),
        other => format!("does not satisfy the keyword {}", other.keyword()),
    }
}
