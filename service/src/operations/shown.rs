//! How documents are shown in the results of operations that read them.

use std::borrow::Cow;

use argon_formats::extjson::Mode;
use argon_query::pipeline::Row;
use futures::{Stream, StreamExt};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use crate::json::ExtJson;
use crate::{Failure, Result};

/// A request for documents, and how they are shown.
#[derive(Deserialize)]
pub(super) struct Reading<T> {
    #[serde(flatten)]
    pub(super) request: T,
    /// Whether they are canonical Extended JSON, in which every value keeps its type.
    #[serde(default)]
    canonical: bool,
}

impl<T: JsonSchema> JsonSchema for Reading<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let properties = schema.get_mut("properties").and_then(|fields| fields.as_object_mut());
        if let Some(properties) = properties {
            let canonical = serde_json::json!({
                "type": "boolean",
                "default": false,
                "description":
                    "Whether documents are canonical Extended JSON, in which every value keeps its type.",
            });
            properties.insert("canonical".to_owned(), canonical);
        }
        schema
    }
}

impl<T> Reading<T> {
    pub(super) fn mode(&self) -> Mode {
        if self.canonical { Mode::Canonical } else { Mode::Relaxed }
    }
}

/// Rows as they are shown.
pub(super) fn rows(
    rows: impl Stream<Item = Result<Row>> + Send,
    mode: Mode,
) -> impl Stream<Item = Result<ExtJson, Failure>> + Send {
    rows.map(move |row| Ok(ExtJson::document(row?.as_raw(), mode)?))
}
