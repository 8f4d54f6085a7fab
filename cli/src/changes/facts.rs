//! How the metadata (options and indexes) of two collections differ.

use std::collections::BTreeMap;

use argon_core::CollectionInfo;
use argon_formats::extjson::{Layout, Mode, print_value};
use bson::{Bson, Document};

/// The differences, a line each: `+` added, `-` removed, `~` changed.
pub(crate) fn differences(before: &CollectionInfo, after: &CollectionInfo) -> Vec<String> {
    let mut lines = Vec::new();
    if before.name != after.name {
        lines.push(format!("~ name: {} → {}", before.name, after.name));
    }
    compare(&mut lines, "index", &indexes(before), &indexes(after));
    let options = |info: &CollectionInfo| {
        info.options.iter().map(|(name, value)| (name.clone(), Texts::of(value))).collect()
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
    before: &BTreeMap<String, Texts>,
    after: &BTreeMap<String, Texts>,
) {
    for (name, old) in before {
        match after.get(name) {
            None => lines.push(format!("- {what} {name}: {}", old.relaxed)),
            Some(new) if new == old => {}
            // Only the types of numbers differ.
            Some(new) if new.relaxed == old.relaxed => {
                lines.push(format!("~ {what} {name}: {} → {}", old.canonical, new.canonical));
            }
            Some(new) => lines.push(format!("~ {what} {name}: {} → {}", old.relaxed, new.relaxed)),
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        lines.push(format!("+ {what} {name}: {}", new.relaxed));
    }
}

/// A value as people read it, and with the types of its numbers.
#[derive(PartialEq)]
struct Texts {
    relaxed: String,
    canonical: String,
}

impl Texts {
    fn of(value: &Bson) -> Self {
        let canonical = print_value(value, Mode::Canonical, Layout::Compact);
        Self { relaxed: text(value), canonical: canonical.unwrap_or_else(|_| value.to_string()) }
    }
}

fn indexes(info: &CollectionInfo) -> BTreeMap<String, Texts> {
    let texts = |index: &Document| Texts::of(&Bson::Document(index.clone()));
    info.indexes.iter().map(|index| (index_name(index), texts(index))).collect()
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
