//! The fields that differ between two images of a document, as text.

use argon_core::diff::FieldChange;
use argon_formats::extjson::{Layout, Mode, print_raw_value};
use bson::raw::{RawBson, RawDocument};

use crate::exit::CommandResult;

/// A field that differs, its values as Extended JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where it is: `address.city`, `tags.2`.
    pub(crate) path: String,
    /// Its value before, if it was there.
    pub(crate) before: Option<String>,
    /// Its value after, if it is there.
    pub(crate) after: Option<String>,
}

impl Difference {
    fn of(change: &FieldChange, mode: Mode) -> CommandResult<Self> {
        let print = |value: &Option<RawBson>, mode| {
            let value = value.as_ref().map(RawBson::as_raw_bson_ref);
            value.map(|value| print_raw_value(value, mode, Layout::Compact)).transpose()
        };
        let (mut before, mut after) = (print(&change.before, mode)?, print(&change.after, mode)?);
        if before == after {
            // Relaxed, an Int32 and an Int64 look the same.
            let canonical = Mode::Canonical;
            (before, after) = (print(&change.before, canonical)?, print(&change.after, canonical)?);
        }
        Ok(Self { path: change.path.to_string(), before, after })
    }

    /// For people: `path: old → new`, `+ path: new`, `- path: old`.
    pub(crate) fn text(&self) -> String {
        let path = if self.path.is_empty() { "\"\"" } else { &self.path };
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{path}: {before} → {after}"),
            (None, Some(after)) => format!("+ {path}: {after}"),
            (Some(before), None) => format!("- {path}: {before}"),
            (None, None) => format!("{path}: only the order of its fields"),
        }
    }
}

/// Which fields differ, in their order in `after`, then those that are gone.
pub(crate) fn differences(
    before: &RawDocument,
    after: &RawDocument,
    mode: Mode,
) -> CommandResult<Vec<Difference>> {
    let changes = argon_core::diff::fields(before, after)?;
    changes.iter().map(|change| Difference::of(change, mode)).collect()
}

#[cfg(test)]
mod tests {
    use bson::{RawDocumentBuf, rawdoc};

    use super::*;

    fn texts(before: &RawDocumentBuf, after: &RawDocumentBuf) -> Vec<String> {
        let found = differences(before, after, Mode::Relaxed).unwrap();
        found.iter().map(Difference::text).collect()
    }

    #[test]
    fn what_is_new_gone_and_changed_is_told_apart() {
        let before = rawdoc! { "_id": 1, "a": { "b": 1 }, "tags": ["p"], "old": true };
        let after = rawdoc! { "_id": 1, "a": { "b": 2 }, "tags": ["p", "s"] };
        assert_eq!(texts(&before, &after), ["a.b: 1 → 2", "+ tags.1: \"s\"", "- old: true"]);
    }

    #[test]
    fn a_change_of_type_alone_is_seen() {
        let found = texts(&rawdoc! { "_id": 1, "n": 5_i32 }, &rawdoc! { "_id": 1, "n": 5_i64 });
        assert_eq!(found, [r#"n: {"$numberInt":"5"} → {"$numberLong":"5"}"#]);
    }

    #[test]
    fn a_change_of_order_alone_is_seen() {
        let found = texts(&rawdoc! { "a": 1, "b": 2 }, &rawdoc! { "b": 2, "a": 1 });
        assert_eq!(found, ["(document): only the order of its fields"]);
    }
}
