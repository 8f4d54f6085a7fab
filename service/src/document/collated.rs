//! What a collation does not apply to, which is refused rather than answered byte by byte.

use argon_core::Error;
use bson::{Bson, Document};

use crate::json::{QueryDocument, UpdateValue};

/// The stages of a pipeline that compare no text, or by the collation.
const STAGES: [&str; 10] = [
    "$count", "$limit", "$match", "$merge", "$out", "$sample", "$skip", "$sort", "$unset",
    "$unwind",
];

/// The operators of an update that compare no values.
const OPERATORS: [&str; 8] =
    ["$currentDate", "$inc", "$mul", "$pop", "$rename", "$set", "$setOnInsert", "$unset"];

/// Checks that a collation applies to all of a pipeline.
///
/// # Errors
/// `Unsupported` for a stage that compares text byte by byte.
pub(super) fn check_pipeline(collation: &QueryDocument, stages: &[Document]) -> Result<(), Error> {
    if collation.0.is_empty() {
        return Ok(());
    }
    let mut names = stages.iter().filter_map(|stage| stage.keys().next());
    match names.find(|name| name.starts_with('$') && !STAGES.contains(&name.as_str())) {
        Some(name) => Err(unsupported(name, &STAGES)),
        None => Ok(()),
    }
}

/// Checks that a collation applies to all of an update.
///
/// # Errors
/// `Unsupported` for an operator that compares text byte by byte.
pub(super) fn check_update(
    collation: &QueryDocument,
    update: &UpdateValue,
    array_filters: &[QueryDocument],
) -> Result<(), Error> {
    if collation.0.is_empty() {
        return Ok(());
    }
    if !array_filters.is_empty() {
        return Err(unsupported("filters of array elements", &OPERATORS));
    }
    match &update.0 {
        Bson::Document(update) => {
            let unknown =
                |name: &&String| name.starts_with('$') && !OPERATORS.contains(&name.as_str());
            match update.keys().find(unknown) {
                Some(name) => Err(unsupported(name, &OPERATORS)),
                None => Ok(()),
            }
        }
        _ => Err(unsupported("a list of stages", &OPERATORS)),
    }
}

fn unsupported(what: &str, supported: &[&str]) -> Error {
    Error::unsupported(format!(
        "a collation with {what} is not supported, which compares text byte by byte; supported: {}",
        supported.join(", ")
    ))
    .with_code(115, "CommandNotSupported")
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_collation_is_refused_where_text_is_compared_without_it() {
        let collation = QueryDocument(doc! { "locale": "de" });
        let none = QueryDocument::default();
        let group = [doc! { "$match": { "a": "x" } }, doc! { "$group": { "_id": "$a" } }];
        assert!(check_pipeline(&collation, &group[..1]).is_ok());
        assert!(check_pipeline(&none, &group).is_ok());
        let error = check_pipeline(&collation, &group).unwrap_err().to_string();
        assert!(error.contains("a collation with $group is not supported"), "{error}");
        let update = |update: Document| UpdateValue(update.into());
        let set = update(doc! { "$set": { "a": 1 } });
        assert!(check_update(&collation, &set, &[]).is_ok());
        assert!(check_update(&collation, &update(doc! { "a": 1 }), &[]).is_ok());
        assert!(check_update(&collation, &set, &[doc! { "a": 1 }].map(QueryDocument)).is_err());
        let pull = update(doc! { "$pull": { "a": "x" } });
        assert!(check_update(&collation, &pull, &[]).is_err());
        assert!(check_update(&none, &pull, &[]).is_ok());
    }
}
