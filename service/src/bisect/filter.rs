//! Documents whose fields have given values, as in a query of MongoDB.

use std::borrow::Cow;

use argon_core::document::Filter as Query;
use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::{Error, Result, State};
use argon_formats::extjson::parse_document;
use bson::raw::{RawBsonRef, RawDocument};
use futures::TryStreamExt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::json_text::JsonText;

/// The values that the fields at some paths must have.
#[derive(Debug, Clone)]
pub struct DocumentFilter {
    query: Query,
    /// The `_id`, if it must have a value.
    id: Option<Key>,
}

impl<'de> Deserialize<'de> for DocumentFilter {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = JsonText::deserialize(input)?;
        Self::parse(text.as_str()).map_err(D::Error::custom)
    }
}

impl JsonSchema for DocumentFilter {
    fn schema_name() -> Cow<'static, str> {
        "DocumentFilter".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The values of fields by their paths, as MongoDB's Extended JSON, without operators."
        })
    }
}

impl DocumentFilter {
    /// Reads a filter: a document whose fields are named by paths.
    ///
    /// # Errors
    /// `Invalid` if the text is not a document, or has operators of MongoDB's queries.
    pub fn parse(text: &str) -> Result<Self> {
        let fields = parse_document(text).map_err(|error| Error::invalid(error.to_string()))?;
        if let Some(name) = operator(RawBsonRef::Document(&fields)) {
            return Err(Error::invalid(format!(
                "unsupported operator '{name}': a filter has no operators, only fields and the values \
                 that they must equal"
            )));
        }
        let id = fields.get("_id").ok().flatten().and_then(|id| Key::of_id(id).ok());
        let query = bson::Document::try_from(&fields)
            .map_err(|error| Error::invalid("the filter can't be decoded").with_source(error))?;
        Ok(Self { query: Query::rule(&query)?, id })
    }

    /// Whether a collection of a state has such a document; false if the collection does not exist.
    pub async fn matches_any(&self, state: &State, collection: &CollectionName) -> Result<bool> {
        if state.collections().all(|info| info.name != *collection) {
            return Ok(false);
        }
        let collection = state.collection(collection)?;
        if let Some(id) = &self.id {
            let document = collection.get(id).await?;
            return document.map_or(Ok(false), |document| self.matches(document.as_raw()));
        }
        let mut documents = collection.scan();
        while let Some(document) = documents.try_next().await? {
            if self.matches(document.as_raw())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.query.matches(document).map_err(Error::from)
    }
}

/// The first name in a value that begins with `$` like an operator's, except those of a `DBRef`.
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
            let matches = DocumentFilter::parse(filter).unwrap().matches(&document).unwrap();
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
            assert!(DocumentFilter::parse(filter).is_err(), "{filter}");
        }
    }
}
