//! Writes a patch, in bounded memory.

use std::io::Write;

use argon_core::diff::Diff;
use argon_core::key::Key;
use argon_core::model::{BranchName, Digest, Document, ProjectName};
use argon_core::patch::{
    CollectionMetadata, DocumentChange, Edit, FieldEdit, FieldPosition, SectionChange,
};
use argon_core::{Error, State};
use argon_formats::extjson::{Layout, Mode, parse_nested, print_raw_value};
use bson::raw::{RawBson, RawBsonRef, RawDocumentBuf, cstr};
use data_encoding::BASE64;
use futures::TryStreamExt;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::VERSION;
use crate::{Failure, Result};

/// What the patch is of.
#[derive(Debug)]
pub struct PatchHeader<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The state before.
    pub from: Side<'a>,
    /// The state after.
    pub to: Side<'a>,
}

/// One of its two states, as its branch names it.
#[derive(Debug)]
pub struct Side<'a> {
    /// The branch.
    pub branch: &'a BranchName,
    /// The state.
    pub state: &'a State,
}

/// Writes what differs, document by document.
///
/// # Errors
/// [`Failure::Output`] if it can't be written; those of reading.
pub async fn write_patch(
    header: &PatchHeader<'_>,
    diff: &Diff,
    out: &mut (dyn Write + Send),
) -> Result {
    let mut lines = Lines { out, number: 0 };
    lines.line(&Json::object([
        ("argon_patch", u64::from(VERSION.unsigned_abs()).into()),
        ("project", header.project.as_str().into()),
        ("from", header.from.json().await?),
        ("to", header.to.json().await?),
    ]))?;
    for section in diff.sections() {
        let Some(change) = SectionChange::of(&section) else { continue };
        // A collection whose documents came back to what they were has no part in the patch.
        let mut heading = Some(section_json(&change)?);
        if !matches!(change, SectionChange::Same(_)) {
            heading.take().map_or(Ok(()), |heading| lines.line(&heading))?;
        }
        let mut documents = diff.documents_of(&section);
        while let Some(document) = documents.try_next().await? {
            heading.take().map_or(Ok(()), |heading| lines.line(&heading))?;
            if let Some(change) = DocumentChange::of(&document)? {
                lines.line(&document_json(&document.key, &change)?)?;
            }
        }
    }
    let number = lines.number;
    lines.line(&Json::object([("end", number.into())]))?;
    lines.out.flush().map_err(Failure::Output)
}

struct Lines<'a> {
    out: &'a mut (dyn Write + Send),
    number: u64,
}

impl Lines<'_> {
    fn line(&mut self, json: &Json) -> Result {
        self.number += 1;
        let text = serde_json::to_string(json).map_err(|error| {
            Error::internal("a line of a patch can't be written as JSON").with_source(error)
        })?;
        writeln!(self.out, "{text}").map_err(Failure::Output)
    }
}

impl Side<'_> {
    async fn json(&self) -> Result<Json> {
        let last = argon_core::log::headers(self.state).try_next().await?;
        let digest = last.map_or(Digest::ZERO, |commit| commit.digest);
        Ok(Json::object([
            ("branch", self.branch.as_str().into()),
            ("lsn", self.state.lsn().get().into()),
            ("digest", digest.to_string().into()),
        ]))
    }
}

type Fields = Vec<(&'static str, Json)>;

fn section_json(change: &SectionChange) -> Result<Json> {
    let mut fields: Fields = vec![("collection", change.name().as_str().into())];
    match change {
        SectionChange::Same(_) => {}
        SectionChange::Created(facts) => fields.push(("created", metadata_json(facts, false)?)),
        SectionChange::Dropped(facts) => fields.push(("dropped", metadata_json(facts, false)?)),
        SectionChange::Changed { before, after } => {
            fields.push(("before", metadata_json(before, true)?));
            fields.push(("after", metadata_json(after, false)?));
        }
    }
    Ok(Json::Object(fields))
}

fn metadata_json(facts: &CollectionMetadata, named: bool) -> Result<Json> {
    let mut fields: Fields = Vec::new();
    if named {
        fields.push(("name", facts.name.as_str().into()));
    }
    let raw = |value: bson::Bson| RawBson::try_from(value).map_err(invalid);
    let options = raw(facts.options.clone().into())?;
    let indexes = raw(facts.indexes.clone().into())?;
    fields.push(value_json("options", "options_bson", options.as_raw_bson_ref())?);
    fields.push(value_json("indexes", "indexes_bson", indexes.as_raw_bson_ref())?);
    Ok(Json::Object(fields))
}

fn document_json(key: &Key, change: &DocumentChange) -> Result<Json> {
    let whole = |document: &Document, names: [&'static str; 2]| {
        let value = RawBsonRef::Document(document.as_raw());
        Ok::<_, Failure>(vec![value_json(names[0], names[1], value)?])
    };
    Ok(Json::Object(match change {
        DocumentChange::Added(document) => whole(document, ["added", "added_bson"])?,
        DocumentChange::Removed(document) => whole(document, ["removed", "removed_bson"])?,
        DocumentChange::Changed(edit) => {
            let id = RawBson::try_from(key.to_bson()).map_err(invalid)?;
            let id = value_json("changed", "changed_bson", id.as_raw_bson_ref())?;
            [vec![id], edit_json(edit)?].concat()
        }
    }))
}

fn edit_json(edit: &Edit) -> Result<Fields> {
    let mut fields: Fields = Vec::new();
    if !edit.fields().is_empty() {
        let changes = edit.fields().iter().map(field_json).collect::<Result<_>>()?;
        fields.push(("fields", Json::Array(changes)));
    }
    if !edit.orders().is_empty() {
        let names =
            |names: &[String]| Json::Array(names.iter().map(|name| name.as_str().into()).collect());
        let orders = edit.orders().iter().map(|order| {
            Json::object([
                ("path", order.path.to_string().into()),
                ("before", names(&order.before)),
                ("after", names(&order.after)),
            ])
        });
        fields.push(("orders", Json::Array(orders.collect())));
    }
    Ok(fields)
}

fn field_json(field: &FieldEdit) -> Result<Json> {
    let mut fields: Fields = vec![("path", field.path.to_string().into())];
    let sides = [(&field.before, "before", "before_bson"), (&field.after, "after", "after_bson")];
    for (value, name, in_bson) in sides {
        if let Some(value) = value {
            fields.push(value_json(name, in_bson, value.as_raw_bson_ref())?);
        }
    }
    match &field.place {
        FieldPosition::Last => {}
        FieldPosition::First => fields.push(("first", true.into())),
        FieldPosition::Behind(name) => fields.push(("behind", name.as_str().into())),
    }
    Ok(Json::Object(fields))
}

/// A value as Extended JSON if that gives the very same value again, else as the BSON of a document
/// that holds it under an empty name.
fn value_json(
    name: &'static str,
    in_bson: &'static str,
    value: RawBsonRef<'_>,
) -> Result<(&'static str, Json)> {
    let text = print_raw_value(value, Mode::Canonical, Layout::Compact)?;
    let again = parse_nested(text.as_bytes(), 0).ok().map(RawBson::try_from);
    let (held, again) = (holding(value), again.and_then(Result::ok));
    if again.is_some_and(|again| holding(again.as_raw_bson_ref()).as_bytes() == held.as_bytes()) {
        return Ok((name, verbatim(text)?));
    }
    Ok((in_bson, BASE64.encode(held.as_bytes()).into()))
}

fn holding(value: RawBsonRef<'_>) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!(""), value);
    document
}

fn invalid(source: bson::error::Error) -> Failure {
    argon_formats::InvalidDocument::from(source).into()
}

/// A part of a line: what has fields of different names, in their order.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Json {
    Text(String),
    Number(u64),
    Bool(bool),
    /// Extended JSON as it was printed.
    Verbatim(Box<RawValue>),
    Array(Vec<Json>),
    #[serde(serialize_with = "fields_in_order")]
    Object(Fields),
}

impl Json {
    fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Self {
        Self::Object(fields.into())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

fn fields_in_order<S: Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

fn verbatim(text: String) -> Result<Json> {
    let raw = RawValue::from_string(text).map_err(|error| {
        Error::internal("invalid JSON in a value of Extended JSON").with_source(error)
    })?;
    Ok(Json::Verbatim(raw))
}
