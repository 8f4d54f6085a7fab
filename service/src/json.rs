//! Parts of results as JSON: times, documents, origins of commits.
//!
//! Everywhere `id` is an identifier (of a document, a plan, a store), and `lsn` a number; `time`, `actor`,
//! `message` and `origin` are those of a commit. An object about a project, a branch, a collection or a
//! pin has its name under that word.

use std::borrow::Cow;
use std::collections::BTreeMap;

use argon_core::model::{self, Actor, Message};
use argon_core::{Error, key::Key};
use argon_formats::InvalidDocument;
use argon_formats::extjson::{
    Layout, Mode, NumberTypes, parse_typed_document, print_document, print_raw_value, print_value,
};
use bson::raw::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, DateTime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::value_input::ValueInput;
use crate::words;

/// A document or a value of a document.
///
/// As JSON it is Extended JSON, which can look like that of another value: a document `{"$oid": "…"}` and an
/// `ObjectId` have one text. In a format that is not for people to read, such as BSON, it is bytes: those of a BSON
/// document whose field `v` has the value.
#[derive(Debug, Clone)]
pub struct ExtJson {
    text: Box<RawValue>,
    value: RawDocumentBuf,
}

impl Serialize for ExtJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.text.serialize(serializer)
        } else {
            serializer.serialize_bytes(self.value.as_bytes())
        }
    }
}

impl ExtJson {
    /// A document.
    ///
    /// # Errors
    /// For a document that is not valid.
    pub fn document(document: &RawDocument, mode: Mode) -> Result<Self, InvalidDocument> {
        let text = print_document(document, mode, Layout::Compact)?;
        Ok(Self::of_printed(text, RawBsonRef::Document(document)))
    }

    /// A value of a document.
    ///
    /// # Errors
    /// For a value that is not valid.
    pub fn value(value: RawBsonRef<'_>, mode: Mode) -> Result<Self, InvalidDocument> {
        Ok(Self::of_printed(print_raw_value(value, mode, Layout::Compact)?, value))
    }

    /// A value in memory. One that can't be printed is shown as a text.
    pub fn bson(value: &Bson, mode: Mode) -> Self {
        match (print_value(value, mode, Layout::Compact), RawBson::try_from(value.clone())) {
            (Ok(text), Ok(value)) => Self::of_printed(text, value.as_raw_bson_ref()),
            _ => Self::text(&value.to_string()),
        }
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        Self::of_printed(serde_json::Value::from(text).to_string(), RawBsonRef::String(text))
    }

    /// The `_id` of a document.
    ///
    /// # Errors
    /// For a value that is not valid.
    pub fn id_of(document: &RawDocument, mode: Mode) -> Result<Self, InvalidDocument> {
        let id = document.get("_id").ok().flatten().unwrap_or(RawBsonRef::Null);
        Self::value(id, mode)
    }

    #[expect(clippy::expect_used, reason = "what the printer of Extended JSON gives is JSON")]
    fn of_printed(text: String, value: RawBsonRef<'_>) -> Self {
        let text = RawValue::from_string(text).expect("Extended JSON is JSON");
        let mut document = RawDocumentBuf::new();
        document.append(bson::cstr!("v"), value);
        Self { text, value: document }
    }

    /// The value itself.
    ///
    /// # Errors
    /// For a document that is not valid.
    pub fn to_bson(&self) -> Result<Bson, bson::error::Error> {
        let value = self.value.iter().next().transpose()?;
        value.map_or(Ok(Bson::Null), |(_, value)| Bson::try_from(value))
    }

    /// It as Extended JSON, on one line.
    pub fn as_str(&self) -> &str {
        self.text.get()
    }
}

impl JsonSchema for ExtJson {
    fn schema_name() -> Cow<'static, str> {
        "ExtJson".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A document or a value as MongoDB's Extended JSON." })
    }
}

/// A time as RFC 3339 in UTC with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub DateTime);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&words::time(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "A time as RFC 3339 in UTC with three decimals."
        })
    }
}

/// The `_id` of a document in a request: any value of Extended JSON.
#[derive(Debug, Clone)]
pub struct Id(pub Key);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let ValueInput(id) = ValueInput::deserialize(input)?;
        Key::of(&id).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The _id of a document as MongoDB's Extended JSON." })
    }
}

/// A value in a request: any value of Extended JSON.
#[derive(Debug, Clone)]
pub struct Value(pub RawBson);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let ValueInput(value) = ValueInput::deserialize(input)?;
        RawBson::try_from(value).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A value as MongoDB's Extended JSON." })
    }
}

/// A document in a request: an object of Extended JSON, whose fields keep their order.
#[derive(Debug, Clone)]
pub struct InputDocument {
    /// The document.
    pub document: RawDocumentBuf,
    /// Whether its numbers have the types that somebody chose.
    pub number_types: NumberTypes,
}

impl<'de> Deserialize<'de> for InputDocument {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        // Nested as deep as a document may be, for which serde's values have no room.
        let text = Box::<RawValue>::deserialize(input)?;
        let (document, number_types) =
            parse_typed_document(text.get()).map_err(D::Error::custom)?;
        Ok(Self { document, number_types })
    }
}

impl JsonSchema for InputDocument {
    fn schema_name() -> Cow<'static, str> {
        "InputDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A document as MongoDB's Extended JSON." })
    }
}

/// A document of MongoDB's query language in a request, such as a filter: an object of Extended
/// JSON, whose fields keep their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryDocument(pub bson::Document);

impl<'de> Deserialize<'de> for QueryDocument {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        match ValueInput::deserialize(input)?.0 {
            Bson::Document(document) => Ok(Self(document)),
            other => Err(D::Error::custom(format_args!("expected a document, found {other}"))),
        }
    }
}

impl JsonSchema for QueryDocument {
    fn schema_name() -> Cow<'static, str> {
        "QueryDocument".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A document of MongoDB's query language as Extended JSON."
        })
    }
}

/// The index that a query is to read by: its name, or a document.
#[derive(Debug, Clone, PartialEq)]
pub struct HintValue(pub Bson);

impl HintValue {
    /// What a hint is, as an error calls it.
    pub(crate) const EXPECTED: &str = "the name or the key of an index";

    /// A value as a hint; the value itself if it is none.
    pub(crate) fn of(value: Bson) -> Result<Self, Bson> {
        match value {
            hint @ (Bson::String(_) | Bson::Document(_)) => Ok(Self(hint)),
            other => Err(other),
        }
    }
}

impl<'de> Deserialize<'de> for HintValue {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::of(ValueInput::deserialize(input)?.0).map_err(|other| {
            D::Error::custom(format_args!("expected {}, found {other}", Self::EXPECTED))
        })
    }
}

impl JsonSchema for HintValue {
    fn schema_name() -> Cow<'static, str> {
        "HintValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "object"],
            "description": "The name of an index, or its key as Extended JSON."
        })
    }
}

/// An update of MongoDB's query language in a request: operators, a replacement, or a list of
/// stages.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateValue(pub Bson);

impl<'de> Deserialize<'de> for UpdateValue {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        ValueInput::deserialize(input).map(|ValueInput(update)| Self(update))
    }
}

impl JsonSchema for UpdateValue {
    fn schema_name() -> Cow<'static, str> {
        "UpdateValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "array"],
            "description": "An update of MongoDB's query language as Extended JSON."
        })
    }
}

/// What brought a commit about.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// Somebody wrote documents.
    Write,
    /// Documents were imported.
    Import {
        /// The file, as the user named it.
        source: String,
    },
    /// Another state was merged.
    Merge {
        /// The branch that was merged, or the state as the user named it.
        source: String,
        /// The plan that was applied, if it was stored.
        plan: Option<String>,
    },
    /// Earlier commits were taken back.
    Undo {
        /// The first of them.
        from: u64,
        /// The last of them.
        upto: u64,
        /// The plan that was applied, if it was stored.
        plan: Option<String>,
    },
    /// Commits that are elsewhere were made again.
    CherryPick {
        /// These, in the order in which they were applied.
        commits: Vec<PickedCommit>,
        /// The plan that was applied, if it was stored.
        plan: Option<String>,
    },
    /// A patch was applied.
    Patch {
        /// The file, as the user named it.
        source: String,
        /// The state to which the patch leads, if it is in the store.
        state: Option<PickedCommit>,
    },
}

/// A commit that is elsewhere.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PickedCommit {
    /// Its position.
    pub lsn: u64,
    /// Its timeline.
    pub timeline: String,
    /// Its digest.
    pub digest: String,
}

impl From<&model::Picked> for PickedCommit {
    fn from(picked: &model::Picked) -> Self {
        Self {
            lsn: picked.commit.lsn.get(),
            timeline: picked.commit.timeline.to_string(),
            digest: picked.digest.to_string(),
        }
    }
}

/// The trailers of a commit.
pub fn trailers(trailers: &model::Trailers) -> BTreeMap<String, String> {
    trailers.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

impl From<&model::Origin> for Origin {
    fn from(origin: &model::Origin) -> Self {
        match origin {
            model::Origin::Write => Self::Write,
            model::Origin::Import { source } => Self::Import { source: source.clone() },
            model::Origin::Merge(merged) => {
                let plan = Some(merged.plan.clone()).filter(|plan| !plan.is_empty());
                Self::Merge { source: merged.source.clone(), plan }
            }
            model::Origin::Undo { above, upto, plan } => {
                Self::Undo { from: above.next().get(), upto: upto.get(), plan: plan.clone() }
            }
            model::Origin::CherryPick { commits, plan } => Self::CherryPick {
                commits: commits.iter().map(PickedCommit::from).collect(),
                plan: plan.clone(),
            },
            model::Origin::Patch { source } => Self::Patch { source: source.clone(), state: None },
            model::Origin::PatchOf { source, state } => {
                Self::Patch { source: source.clone(), state: Some(state.into()) }
            }
        }
    }
}

/// What a commit changed of one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangedCollection {
    /// The collection.
    pub collection: String,
    /// How many of its documents.
    pub documents: u64,
}

/// Returns the name of a variant without fields, as JSON has it.
pub fn name(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Reads what is written as a text in a request, such as a name.
pub(crate) fn text<'de, T, D>(input: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err = Error>,
    D: Deserializer<'de>,
{
    String::deserialize(input)?.parse().map_err(D::Error::custom)
}

/// A field that need not be there; where it is there, `null` is a value too.
pub(crate) fn present<'de, T, D>(input: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(input).map(Some)
}

/// [`text`] that need not be there, such as a revision.
pub(crate) fn optional_text<'de, T, D>(input: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err = Error>,
    D: Deserializer<'de>,
{
    optional(input, |text| text.parse())
}

/// Several [`text`]s, such as revisions.
pub(crate) fn texts<'de, T, D>(input: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr<Err = Error>,
    D: Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(input)?.into_iter();
    texts.map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// An actor that need not be there.
pub(crate) fn actor<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Actor>, D::Error> {
    optional(input, Actor::new)
}

/// A message that need not be there.
pub(crate) fn message<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Message>, D::Error> {
    optional(input, Message::new)
}

fn optional<'de, T, D: Deserializer<'de>>(
    input: D,
    new: impl FnOnce(String) -> Result<T, Error>,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(input)?;
    text.map(|text| new(text).map_err(D::Error::custom)).transpose()
}
