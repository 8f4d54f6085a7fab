//! Conflicts, as text and as JSON.

use argon_core::document::Path;
use argon_core::key::Key;
use argon_core::merge::{Cause, Choice, FieldConflict};
use argon_core::model::CollectionName;
use argon_core::plan::{Decisions, DocumentConflict};
use argon_formats::extjson::{Layout, Mode, print_raw_value, print_value};
use bson::RawBson;

use crate::exit::CommandResult;
use crate::output::{Json, escape};

/// How many characters of a value are shown to people.
const LONGEST: usize = 400;

/// A document as commands take it: `users 1`; a collection itself by its name alone.
pub(crate) fn place(collection: &CollectionName, key: Option<&Key>) -> String {
    let collection = escape::line(collection.as_str());
    match key {
        Some(key) => format!("{collection} {}", id(key)),
        None => collection.into_owned(),
    }
}

/// At most `most` conflicts, and how many there are beyond.
pub(super) fn text(
    documents: &[DocumentConflict],
    most: usize,
    mode: Mode,
) -> CommandResult<String> {
    let all = documents
        .iter()
        .flat_map(|document| document.conflicts.iter().map(move |conflict| (document, conflict)));
    let beyond = all.clone().skip(most).count();
    let mut lines = Vec::new();
    for (document, conflict) in all.take(most) {
        lines.push(one(document, conflict, mode)?);
    }
    if beyond > 0 {
        lines.push(format!("and {beyond} more; -o json has them all"));
    }
    Ok(lines.join("\n"))
}

fn one(document: &DocumentConflict, conflict: &FieldConflict, mode: Mode) -> CommandResult<String> {
    let place = place(&document.collection, document.key.as_ref());
    let mut text = format!(
        "conflict in {place} at {}: {}",
        path_text(&conflict.path),
        happened(conflict.cause)
    );
    for (name, value) in sides(conflict) {
        let value = match value {
            Some(value) => shortened(&extjson(value, shown_in(conflict, mode)?)?),
            None => "(absent)".to_owned(),
        };
        text.push_str(&format!("\n  {name:<7} {value}"));
    }
    if let Some(note) = &conflict.note {
        text.push_str(&format!("\n  note    {note}"));
    }
    Ok(text)
}

/// A path on one line; the name of a field may be empty.
fn path_text(path: &Path) -> String {
    match path.to_string() {
        path if path.is_empty() => "\"\"".to_owned(),
        path => escape::line(&path).into_owned(),
    }
}

/// The mode in which the sides that differ look different: relaxed, an Int32 and an Int64 don't.
fn shown_in(conflict: &FieldConflict, mode: Mode) -> CommandResult<Mode> {
    let mut printed = Vec::new();
    for (_, value) in sides(conflict) {
        printed.push(value.as_ref().map(|value| extjson(value, mode)).transpose()?);
    }
    let alike = |one: usize, other: usize| {
        let values = sides(conflict).map(|(_, value)| value);
        printed[one] == printed[other] && values[one] != values[other]
    };
    let hidden = alike(0, 1) || alike(0, 2) || alike(1, 2);
    Ok(if hidden { Mode::Canonical } else { mode })
}

/// What is left to decide, for programs.
pub(super) fn json(documents: &[DocumentConflict], mode: Mode) -> CommandResult<Json> {
    let mut conflicts = Vec::new();
    for document in documents {
        for conflict in &document.conflicts {
            let mut fields = whose(&document.collection, document.key.as_ref());
            fields.push(("path", conflict.path.to_string().into()));
            fields.push(("cause", cause_name(conflict.cause).into()));
            for (name, value) in sides(conflict) {
                if let Some(value) = value {
                    let mode = shown_in(conflict, mode)?;
                    fields.push((name, Json::Verbatim(extjson(value, mode)?)));
                }
            }
            if let Some(note) = &conflict.note {
                fields.push(("note", note.as_str().into()));
            }
            conflicts.push(Json::Object(fields));
        }
    }
    Ok(Json::Array(conflicts))
}

/// What people decided, for programs.
pub(super) fn decisions(resolved: &Decisions, mode: Mode) -> CommandResult<Json> {
    let mut decisions = Vec::new();
    for (collection, key, resolutions) in resolved.iter() {
        for (path, choice) in resolutions.iter() {
            let mut fields = whose(collection, key);
            fields.push(("path", path.to_string().into()));
            fields.push(("choice", choice_name(choice).into()));
            if let Choice::Value(value) = choice {
                fields.push(("value", Json::Verbatim(extjson(value, mode)?)));
            }
            decisions.push(Json::Object(fields));
        }
    }
    Ok(Json::Array(decisions))
}

/// Whose path it is: a document's, or a collection's own.
fn whose(collection: &CollectionName, key: Option<&Key>) -> Vec<(&'static str, Json)> {
    let kind = if key.is_some() { "document" } else { "collection" };
    let mut fields = vec![("kind", kind.into()), ("collection", collection.as_str().into())];
    fields.extend(key.map(|key| ("id", Json::Verbatim(id(key)))));
    fields
}

pub(super) fn id(key: &Key) -> String {
    print_value(&key.to_bson(), Mode::Relaxed, Layout::Compact).unwrap_or_else(|_| key.to_string())
}

fn sides(conflict: &FieldConflict) -> [(&'static str, &Option<RawBson>); 3] {
    [("base", &conflict.base), ("ours", &conflict.ours), ("theirs", &conflict.theirs)]
}

fn extjson(value: &RawBson, mode: Mode) -> CommandResult<String> {
    Ok(print_raw_value(value.as_raw_bson_ref(), mode, Layout::Compact)?)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn happened(cause: Cause) -> &'static str {
    match cause {
        Cause::BothChanged => "both changed it",
        Cause::ChangedAndDeleted => "ours changed it, theirs deleted it",
        Cause::DeletedAndChanged => "ours deleted it, theirs changed it",
        Cause::BothInserted => "both inserted it",
        Cause::BothDeleted => "both deleted it",
    }
}

/// As the policy's types are written.
fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::BothChanged => "both-changed",
        Cause::ChangedAndDeleted => "changed-and-deleted",
        Cause::DeletedAndChanged => "deleted-and-changed",
        Cause::BothInserted => "both-inserted",
        Cause::BothDeleted => "both-deleted",
    }
}

fn choice_name(choice: &Choice) -> &'static str {
    match choice {
        Choice::Ours => "ours",
        Choice::Theirs => "theirs",
        Choice::Base => "base",
        Choice::Value(_) => "value",
        Choice::Absent => "absent",
    }
}
