//! Documents of which some fields have given values, as MongoDB's queries have it.

use argon_core::document::Filter as Query;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::{Error, State};
use argon_formats::extjson::parse_document;
use bson::raw::{RawBsonRef, RawDocument};
use futures::TryStreamExt;

use crate::exit::CommandResult;

/// The values that the fields at some paths must have.
pub(super) struct Filter {
    query: Query,
    /// The `_id` that is asked for.
    id: Option<Key>,
}

impl Filter {
    /// Reads a filter: a document whose fields are named by paths.
    ///
    /// # Errors
    /// `Invalid` for what is no document, or has operators of MongoDB's queries.
    pub(super) fn parse(text: &str) -> CommandResult<Self> {
        let fields = parse_document(text)?;
        if let Some(name) = operator(RawBsonRef::Document(&fields)) {
            return Err(Error::invalid(format!(
                "'{name}' can't be asked for: there are no operators, the fields of a document \
                 must be equal to those given"
            ))
            .into());
        }
        let id = fields.get("_id").ok().flatten().and_then(|id| Key::of_id(id).ok());
        let query = bson::Document::try_from(&fields)
            .map_err(|error| Error::invalid("the filter does not decode").with_source(error))?;
        Ok(Self { query: Query::rule(&query)?, id })
    }

    /// Whether a collection of a state has such a document; it has none if it is not there.
    pub(super) async fn matches_any(
        &self,
        state: &State,
        collection: &CollectionName,
    ) -> CommandResult<bool> {
        if state.collections().all(|info| info.name != *collection) {
            return Ok(false);
        }
        let collection = state.collection(collection)?;
        if let Some(id) = &self.id {
            let found = collection.get(id).await?;
            return found.map_or(Ok(false), |document| self.matches(document.as_raw()));
        }
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            if self.matches(document.as_raw())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matches(&self, document: &RawDocument) -> CommandResult<bool> {
        Ok(self.query.matches(document).map_err(Error::from)?)
    }
}

/// The first name in a value that begins with `$`, as an operator's does; those of a `DBRef` are none.
fn operator(value: RawBsonRef<'_>) -> Option<String> {
    match value {
        RawBsonRef::Document(inner) => inner.iter().flatten().find_map(|(name, value)| {
            let is_operator =
                name.as_str().starts_with('$') && !matches!(name.as_str(), "$ref" | "$id" | "$db");
            if is_operator { Some(name.as_str().to_owned()) } else { operator(value) }
        }),
        RawBsonRef::Array(inner) => inner.into_iter().flatten().find_map(operator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn fields_match_by_path_and_value() {
        let document = rawdoc! { "_id": 1, "n": 5_i64, "in": { "a": [1, { "b": "x" }] }, "t": ["p"], "d.x": 1 };
        for (filter, expected) in [
            ("{}", true),
            (r#"{"n": 5}"#, true),
            (r#"{"n": 5.0, "_id": 1}"#, true),
            (r#"{"n": "5"}"#, false),
            (r#"{"in.a.1.b": "x"}"#, true),
            (r#"{"in.a.2": "x"}"#, false),
            (r#"{"in.a.x": "x"}"#, false),
            (r#"{"n.x": 5}"#, false),
            (r#"{"t": ["p"]}"#, true),
            (r#"{"t": "p"}"#, true),
            (r#"{"t": "q"}"#, false),
            (r#"{"in.a.b": "x"}"#, true),
            (r#"{"gone": null}"#, true),
            (r#"{"d.x": 1}"#, false),
            (r#"{"d\\.x": 1}"#, true),
            (r#"{"in.a": {"$regularExpression": {"pattern": "^q", "options": ""}}}"#, false),
            (r#"{"t": {"$regularExpression": {"pattern": "^P", "options": "i"}}}"#, true),
        ] {
            let matches = Filter::parse(filter).unwrap().matches(&document).unwrap();
            assert_eq!(matches, expected, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_could_match_nothing_is_refused() {
        for filter in [
            r#"{"in.a[1].b": "x"}"#,
            r#"{"in.$.b": "x"}"#,
            r#"{"in..a": 1}"#,
            r#"{"n": {"$gt": 1}}"#,
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
