//! A collection's own facts (options and indexes), and how they differ.

use std::collections::BTreeMap;

use argon_core::CollectionInfo;
use bson::{Bson, Document};

use crate::formats::extjson::{Layout, Mode, print_value};
use crate::output::Json;

/// The names of a collection's indexes.
pub(crate) fn index_names(info: &CollectionInfo) -> Vec<String> {
    info.indexes.iter().map(index_name).collect()
}

/// The names of a collection's options.
pub(crate) fn option_names(info: &CollectionInfo) -> Vec<String> {
    info.options.keys().cloned().collect()
}

/// Options and indexes as fields of JSON.
pub(crate) fn json(info: &CollectionInfo) -> [(&'static str, Json); 2] {
    let indexes = info.indexes.iter().map(|index| Json::Verbatim(line(index))).collect();
    [("options", Json::Verbatim(line(&info.options))), ("indexes", Json::Array(indexes))]
}

/// How the facts differ, a line each: `+` new, `-` gone, `~` changed.
pub(crate) fn differences(before: &CollectionInfo, after: &CollectionInfo) -> Vec<String> {
    let mut lines = Vec::new();
    if before.name != after.name {
        lines.push(format!("~ name: {} → {}", before.name, after.name));
    }
    compare(&mut lines, "index", &indexes(before), &indexes(after));
    let options = |info: &CollectionInfo| {
        info.options.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    compare(&mut lines, "option", &options(before), &options(after));
    if lines.is_empty() {
        lines.push("~ the order of options or indexes".to_owned());
    }
    lines
}

fn compare(
    lines: &mut Vec<String>,
    what: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) {
    for (name, old) in before {
        match after.get(name) {
            None => lines.push(format!("- {what} {name}: {old}")),
            Some(new) if new != old => lines.push(format!("~ {what} {name}: {old} → {new}")),
            Some(_) => {}
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        lines.push(format!("+ {what} {name}: {new}"));
    }
}

fn indexes(info: &CollectionInfo) -> BTreeMap<String, String> {
    info.indexes.iter().map(|index| (index_name(index), line(index))).collect()
}

fn index_name(index: &Document) -> String {
    match index.get("name") {
        Some(Bson::String(name)) => name.clone(),
        _ => index.get("key").map_or_else(|| line(index), text),
    }
}

fn line(document: &Document) -> String {
    text(&Bson::Document(document.clone()))
}

fn text(value: &Bson) -> String {
    print_value(value, Mode::Relaxed, Layout::Compact).unwrap_or_else(|_| value.to_string())
}
