//! A document that differs, as text.

use argon_service::changes::{DocumentChange, DocumentChangeKind, FieldDifference};
use argon_service::json::ExtJson;

use crate::output::{Colours, escape};

/// The lines of a document: `+` added, `-` removed, `~` changed.
pub(super) fn text(change: &DocumentChange, colours: Colours) -> String {
    let line = |side: &Option<ExtJson>| side.as_ref().unwrap_or(&change.id).as_str().to_owned();
    match change.change {
        DocumentChangeKind::Removed => colours.red(&format!("  - {}", line(&change.before))),
        DocumentChangeKind::Added => colours.green(&format!("  + {}", line(&change.after))),
        DocumentChangeKind::Changed => {
            let mut text = colours.yellow(&format!("  ~ _id: {}", change.id.as_str()));
            match &change.fields {
                None => {
                    let [old, new] = [&change.before, &change.after].map(line);
                    let (old, new) =
                        (colours.red(&format!("- {old}")), colours.green(&format!("+ {new}")));
                    text.push_str(&format!("\n      {old}\n      {new}"));
                }
                Some(fields) => {
                    for field in fields {
                        text.push_str("\n      ");
                        text.push_str(&field_text(field, colours));
                    }
                }
            }
            text
        }
    }
}

/// A field that differs: `path: old → new`, `+ path: new`, `- path: old`.
fn field_text(field: &FieldDifference, colours: Colours) -> String {
    let path = if field.path.is_empty() { "\"\"" } else { &field.path };
    let path = escape::line(path);
    let line = |value: &Option<ExtJson>| {
        value.as_ref().map(|value| escape::line(value.as_str()).into_owned())
    };
    match (line(&field.before), line(&field.after)) {
        (Some(before), Some(after)) => {
            format!("{path}: {} → {}", colours.red(&before), colours.green(&after))
        }
        (None, Some(after)) => colours.green(&format!("+ {path}: {after}")),
        (Some(before), None) => colours.red(&format!("- {path}: {before}")),
        (None, None) => format!("{path}: only the order of its fields"),
    }
}

#[cfg(test)]
mod tests {
    use argon_formats::extjson::Mode;
    use bson::{RawDocumentBuf, rawdoc};

    use super::*;

    fn texts(before: &RawDocumentBuf, after: &RawDocumentBuf) -> Vec<String> {
        let fields = argon_core::diff::fields(before, after).unwrap();
        let of =
            |field| field_text(&FieldDifference::of(field, Mode::Relaxed).unwrap(), Colours::NONE);
        fields.iter().map(of).collect()
    }

    #[test]
    fn added_removed_and_changed_fields_look_different() {
        let before = rawdoc! { "_id": 1, "a": { "b": 1 }, "tags": ["p"], "old": true };
        let after = rawdoc! { "_id": 1, "a": { "b": 2 }, "tags": ["p", "s"] };
        assert_eq!(texts(&before, &after), ["a.b: 1 → 2", "+ tags.1: \"s\"", "- old: true"]);
    }

    #[test]
    fn a_change_of_type_alone_is_seen() {
        let texts = texts(&rawdoc! { "_id": 1, "n": 5_i32 }, &rawdoc! { "_id": 1, "n": 5_i64 });
        assert_eq!(texts, [r#"n: {"$numberInt":"5"} → {"$numberLong":"5"}"#]);
    }

    #[test]
    fn a_change_of_order_alone_is_seen() {
        let texts = texts(&rawdoc! { "a": 1, "b": 2 }, &rawdoc! { "b": 2, "a": 1 });
        assert_eq!(texts, ["(document): only the order of its fields"]);
    }
}
