//! Writes a patch, in bounded memory.

use std::io::{BufWriter, Stdout, Write};

use argon_core::State;
use argon_core::diff::Diff;
use argon_core::key::Key;
use argon_core::model::{BranchName, Digest, Document, ProjectName};
use argon_core::patch::{DocumentChange, Edit, Facts, FieldEdit, Place, SectionChange};
use argon_formats::extjson::{self, Layout, Mode, parse_nested, print_raw_value};
use bson::raw::{RawBson, RawBsonRef, RawDocumentBuf, cstr};
use futures::TryStreamExt;

use super::VERSION;
use crate::exit::{CommandResult, Failure};
use crate::output::{self, Json};

/// What the patch is of.
pub(crate) struct PatchHeader<'a> {
    pub(crate) project: &'a ProjectName,
    pub(crate) from: Side<'a>,
    pub(crate) to: Side<'a>,
}

/// One of its two states, as its branch names it.
pub(crate) struct Side<'a> {
    pub(crate) branch: &'a BranchName,
    pub(crate) state: &'a State,
}

/// Writes what differs to standard output, document by document.
pub(crate) async fn print_patch(header: &PatchHeader<'_>, diff: &Diff) -> CommandResult {
    let mut lines = Lines { out: output::stdout(), number: 0 };
    lines.line(&Json::object([
        ("argon_patch", Json::Verbatim(VERSION.to_string())),
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
    lines.out.flush().map_err(Failure::output)
}

struct Lines {
    out: BufWriter<Stdout>,
    number: u64,
}

impl Lines {
    fn line(&mut self, json: &Json) -> CommandResult {
        self.number += 1;
        writeln!(self.out, "{}", json.compact()).map_err(Failure::output)
    }
}

impl Side<'_> {
    async fn json(&self) -> CommandResult<Json> {
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

fn section_json(change: &SectionChange) -> CommandResult<Json> {
    let mut fields: Fields = vec![("collection", change.name().as_str().into())];
    match change {
        SectionChange::Same(_) => {}
        SectionChange::Created(facts) => fields.push(("created", facts_json(facts, false)?)),
        SectionChange::Dropped(facts) => fields.push(("dropped", facts_json(facts, false)?)),
        SectionChange::Changed { before, after } => {
            fields.push(("before", facts_json(before, true)?));
            fields.push(("after", facts_json(after, false)?));
        }
    }
    Ok(Json::Object(fields))
}

fn facts_json(facts: &Facts, named: bool) -> CommandResult<Json> {
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

fn document_json(key: &Key, change: &DocumentChange) -> CommandResult<Json> {
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

fn edit_json(edit: &Edit) -> CommandResult<Fields> {
    let mut fields: Fields = Vec::new();
    if !edit.fields().is_empty() {
        let changes = edit.fields().iter().map(field_json).collect::<CommandResult<_>>()?;
        fields.push(("fields", Json::Array(changes)));
    }
    if !edit.orders().is_empty() {
        let names = |names: &[String]| Json::from(names.to_vec());
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

fn field_json(field: &FieldEdit) -> CommandResult<Json> {
    let mut fields: Fields = vec![("path", field.path.to_string().into())];
    let sides = [(&field.before, "before", "before_bson"), (&field.after, "after", "after_bson")];
    for (value, name, in_bson) in sides {
        if let Some(value) = value {
            fields.push(value_json(name, in_bson, value.as_raw_bson_ref())?);
        }
    }
    match &field.place {
        Place::Last => {}
        Place::First => fields.push(("first", true.into())),
        Place::Behind(name) => fields.push(("behind", name.as_str().into())),
    }
    Ok(Json::Object(fields))
}

/// A value as Extended JSON if that gives the very same value again, else as the BSON of a document
/// that holds it under an empty name.
fn value_json(
    name: &'static str,
    in_bson: &'static str,
    value: RawBsonRef<'_>,
) -> CommandResult<(&'static str, Json)> {
    let text = print_raw_value(value, Mode::Canonical, Layout::Compact)?;
    let again = parse_nested(text.as_bytes(), 0).ok().map(RawBson::try_from);
    let (held, again) = (holding(value), again.and_then(Result::ok));
    if again.is_some_and(|again| holding(again.as_raw_bson_ref()).as_bytes() == held.as_bytes()) {
        return Ok((name, Json::Verbatim(text)));
    }
    Ok((in_bson, extjson::base64(held.as_bytes()).into()))
}

fn holding(value: RawBsonRef<'_>) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!(""), value);
    document
}

fn invalid(source: bson::error::Error) -> Failure {
    argon_formats::InvalidDocument::from(source).into()
}
