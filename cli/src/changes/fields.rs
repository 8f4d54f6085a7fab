//! Which fields differ between two images of a document.

use std::collections::{HashMap, HashSet};

use bson::raw::{RawArray, RawBsonRef, RawDocument};

use crate::exit::CommandResult;
use crate::formats::extjson::{Layout, Mode, print_raw_value};
use crate::output::Json;

/// A field that differs, its values as Extended JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Where it is, as MongoDB writes it: `address.city`, `tags.2`.
    pub(crate) path: String,
    /// Its value before, if it was there.
    pub(crate) before: Option<String>,
    /// Its value after, if it is there.
    pub(crate) after: Option<String>,
}

impl Difference {
    /// For people: `path: old → new`, `+ path: new`, `- path: old`.
    pub(crate) fn text(&self) -> String {
        let path = &self.path;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{path}: {before} → {after}"),
            (None, Some(after)) => format!("+ {path}: {after}"),
            (Some(before), None) => format!("- {path}: {before}"),
            (None, None) => format!("{path}: only the order of its fields"),
        }
    }

    pub(crate) fn json(&self) -> Json {
        let mut fields = vec![("path", self.path.as_str().into())];
        let sides = [("before", &self.before), ("after", &self.after)];
        fields.extend(
            sides
                .into_iter()
                .filter_map(|(name, side)| Some((name, Json::Verbatim(side.clone()?)))),
        );
        Json::Object(fields)
    }
}

/// Which fields differ, in their order in `after`, then those that are gone.
pub(crate) fn differences(
    before: &RawDocument,
    after: &RawDocument,
    mode: Mode,
) -> CommandResult<Vec<Difference>> {
    let mut comparison = Comparison { mode, found: Vec::new() };
    comparison.documents("", before, after)?;
    Ok(comparison.found)
}

struct Comparison {
    mode: Mode,
    found: Vec<Difference>,
}

type Fields<'a> = Vec<(&'a str, RawBsonRef<'a>)>;

impl Comparison {
    fn documents(
        &mut self,
        path: &str,
        before: &RawDocument,
        after: &RawDocument,
    ) -> CommandResult {
        let (old, new) = (fields(before), fields(after));
        let (Some(old), Some(new)) = (old, new) else {
            // Two fields of one name: which of them changed can't be said.
            let (before, after) = (RawBsonRef::Document(before), RawBsonRef::Document(after));
            return self.values(path, Some(before), Some(after));
        };
        let found = self.found.len();
        self.members(path, &old, &new)?;
        if self.found.len() == found && before.as_bytes() != after.as_bytes() {
            let path = if path.is_empty() { "(document)" } else { path };
            self.found.push(Difference { path: path.to_owned(), before: None, after: None });
        }
        Ok(())
    }

    fn arrays(&mut self, path: &str, before: &RawArray, after: &RawArray) -> CommandResult {
        let elements = |array: &RawArray| array.into_iter().filter_map(Result::ok).count();
        let names: Vec<String> =
            (0..elements(before).max(elements(after))).map(|index| index.to_string()).collect();
        let old = names.iter().map(String::as_str).zip(before.into_iter().filter_map(Result::ok));
        let new = names.iter().map(String::as_str).zip(after.into_iter().filter_map(Result::ok));
        self.members(path, &old.collect(), &new.collect())
    }

    fn members(&mut self, path: &str, old: &Fields<'_>, new: &Fields<'_>) -> CommandResult {
        let was: HashMap<&str, RawBsonRef<'_>> = old.iter().copied().collect();
        for (name, after) in new {
            let path = join(path, name);
            match was.get(name) {
                None => self.values(&path, None, Some(*after))?,
                Some(before) => self.one(&path, *before, *after)?,
            }
        }
        let is: HashSet<&str> = new.iter().map(|(name, _)| *name).collect();
        for (name, before) in old.iter().filter(|(name, _)| !is.contains(name)) {
            self.values(&join(path, name), Some(*before), None)?;
        }
        Ok(())
    }

    fn one(&mut self, path: &str, before: RawBsonRef<'_>, after: RawBsonRef<'_>) -> CommandResult {
        match (before, after) {
            (RawBsonRef::Document(before), RawBsonRef::Document(after)) => {
                if before.as_bytes() == after.as_bytes() {
                    return Ok(());
                }
                self.documents(path, before, after)
            }
            (RawBsonRef::Array(before), RawBsonRef::Array(after)) => {
                if before.as_bytes() == after.as_bytes() {
                    return Ok(());
                }
                self.arrays(path, before, after)
            }
            _ => {
                let canonical = |value| print_raw_value(value, Mode::Canonical, Layout::Compact);
                if before.element_type() == after.element_type()
                    && canonical(before)? == canonical(after)?
                {
                    return Ok(());
                }
                self.values(path, Some(before), Some(after))
            }
        }
    }

    fn values(
        &mut self,
        path: &str,
        before: Option<RawBsonRef<'_>>,
        after: Option<RawBsonRef<'_>>,
    ) -> CommandResult {
        let print = |value: Option<RawBsonRef<'_>>, mode| {
            value.map(|value| print_raw_value(value, mode, Layout::Compact)).transpose()
        };
        let (mut old, mut new) = (print(before, self.mode)?, print(after, self.mode)?);
        if old == new {
            // Relaxed, an Int32 and an Int64 look the same.
            (old, new) = (print(before, Mode::Canonical)?, print(after, Mode::Canonical)?);
        }
        self.found.push(Difference { path: path.to_owned(), before: old, after: new });
        Ok(())
    }
}

/// The fields of a document; `None` if two have the same name.
fn fields(document: &RawDocument) -> Option<Fields<'_>> {
    let fields: Fields<'_> = document
        .iter()
        .filter_map(Result::ok)
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    let names: HashSet<&str> = fields.iter().map(|(name, _)| *name).collect();
    (names.len() == fields.len()).then_some(fields)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
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
    fn fields_are_named_by_their_path() {
        let before =
            rawdoc! { "_id": 1, "a": { "b": 1, "c": "x" }, "tags": ["p", "q"], "old": true };
        let after =
            rawdoc! { "_id": 1, "a": { "b": 2, "c": "x" }, "tags": ["p", "r", "s"], "new": 5 };
        assert_eq!(
            texts(&before, &after),
            ["a.b: 1 → 2", "tags.1: \"q\" → \"r\"", "+ tags.2: \"s\"", "+ new: 5", "- old: true"]
        );
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
        let before = rawdoc! { "_id": 1, "in": { "a": 1, "b": 2 } };
        let after = rawdoc! { "_id": 1, "in": { "b": 2, "a": 1 } };
        assert_eq!(texts(&before, &after), ["in: only the order of its fields"]);
    }

    #[test]
    fn equal_documents_have_no_differences() {
        let document = rawdoc! { "_id": 1, "f": 1.5, "in": { "a": [1, 2, { "x": "y" }] } };
        assert!(texts(&document, &document).is_empty());
    }
}
