//! The description of an update: what turns a document into another.

use std::collections::{HashMap, HashSet};

use bson::raw::{RawArray, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::{RawBson, rawdoc};

use crate::failure::Result;

/// The difference of two documents, by paths with dots.
#[derive(Debug, Default)]
pub(super) struct Difference<'d> {
    /// Fields and elements that are new or have other values.
    updated: Vec<(String, RawBsonRef<'d>)>,
    /// Fields that are gone.
    removed: Vec<String>,
    /// Arrays that became shorter, and their length.
    truncated: Vec<(String, usize)>,
}

impl<'d> Difference<'d> {
    /// The difference; `None` if no description of an update says it: the order of fields has changed, or
    /// a field that has changed has a dot in its name, or occurs twice.
    pub(super) fn of(before: &'d RawDocument, after: &'d RawDocument) -> Result<Option<Self>> {
        let mut difference = Self::default();
        let is_said = difference.documents("", before, after)?;
        Ok(is_said.then_some(difference))
    }

    /// As `updateDescription`.
    pub(super) fn description(&self) -> RawDocumentBuf {
        let mut updated = RawDocumentBuf::new();
        for (path, value) in &self.updated {
            if let Ok(path) = bson::raw::CString::try_from(path.as_str()) {
                updated.append(&path, RawBson::from(*value));
            }
        }
        let mut removed = RawArrayBuf::new();
        for path in &self.removed {
            removed.push(path.as_str());
        }
        let mut truncated = RawArrayBuf::new();
        for (field, length) in &self.truncated {
            let length = i32::try_from(*length).unwrap_or(i32::MAX);
            truncated.push(rawdoc! { "field": field.as_str(), "newSize": length });
        }
        let mut description = RawDocumentBuf::new();
        description.append(cstr!("updatedFields"), updated);
        description.append(cstr!("removedFields"), removed);
        description.append(cstr!("truncatedArrays"), truncated);
        description
    }

    /// Adds the difference of two documents at a path. Returns whether it can be said.
    fn documents(
        &mut self,
        path: &str,
        before: &'d RawDocument,
        after: &'d RawDocument,
    ) -> Result<bool> {
        let mut known = HashMap::new();
        for (place, field) in before.iter().enumerate() {
            let (name, value) = field?;
            if known.insert(name.as_str(), (place, value)).is_some() {
                return Ok(false);
            }
        }
        let (mut next, mut names) = (Some(0), HashSet::new());
        for field in after {
            let (name, value) = field?;
            let name = name.as_str();
            if !names.insert(name) {
                return Ok(false);
            }
            match known.remove(name) {
                // Those that stay keep their order, and new ones follow them.
                Some((place, _)) if next.is_none_or(|next| place < next) => return Ok(false),
                Some((place, old)) => {
                    next = Some(place + 1);
                    if !is_same(old, value) {
                        if !is_path(name) {
                            return Ok(false);
                        }
                        self.values(joined(path, name), old, value)?;
                    }
                }
                None if !is_path(name) => return Ok(false),
                None => {
                    next = None;
                    self.updated.push((joined(path, name), value));
                }
            }
        }
        let mut removed: Vec<_> = known.into_iter().collect();
        removed.sort_by_key(|(_, (place, _))| *place);
        for (name, _) in removed {
            if !is_path(name) {
                return Ok(false);
            }
            self.removed.push(joined(path, name));
        }
        Ok(true)
    }

    fn values(&mut self, path: String, old: RawBsonRef<'d>, new: RawBsonRef<'d>) -> Result<()> {
        let mut within = Self::default();
        let is_said = match (old, new) {
            (RawBsonRef::Document(old), RawBsonRef::Document(new)) => {
                within.documents(&path, old, new)?
            }
            (RawBsonRef::Array(old), RawBsonRef::Array(new)) => {
                within.arrays(&path, old, new)?;
                true
            }
            _ => false,
        };
        if is_said {
            self.updated.append(&mut within.updated);
            self.removed.append(&mut within.removed);
            self.truncated.append(&mut within.truncated);
        } else {
            self.updated.push((path, new));
        }
        Ok(())
    }

    fn arrays(&mut self, path: &str, old: &'d RawArray, new: &'d RawArray) -> Result<()> {
        let mut old_values = old.into_iter();
        let mut length = 0;
        for value in new {
            let (value, path) = (value?, joined(path, &length.to_string()));
            length += 1;
            match old_values.next() {
                None => self.updated.push((path, value)),
                Some(old) => {
                    let old = old?;
                    if !is_same(old, value) {
                        self.values(path, old, value)?;
                    }
                }
            }
        }
        if old_values.next().is_some() {
            self.truncated.push((path.to_owned(), length));
        }
        Ok(())
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a name can be a part of a path.
fn is_path(name: &str) -> bool {
    !name.is_empty() && !name.contains('.')
}

/// Whether two values are the same, bit by bit.
fn is_same(one: RawBsonRef<'_>, other: RawBsonRef<'_>) -> bool {
    match (one, other) {
        (RawBsonRef::Double(one), RawBsonRef::Double(other)) => one.to_bits() == other.to_bits(),
        (RawBsonRef::Document(one), RawBsonRef::Document(other)) => {
            one.as_bytes() == other.as_bytes()
        }
        (RawBsonRef::Array(one), RawBsonRef::Array(other)) => one.as_bytes() == other.as_bytes(),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use bson::{Bson, Document, doc};
    use proptest::prelude::*;

    use super::*;

    fn described(before: &Document, after: &Document) -> Option<Document> {
        let [before, after] = [before, after].map(|all| RawDocumentBuf::try_from(all).unwrap());
        let difference = Difference::of(&before, &after).unwrap()?;
        Some(Document::try_from(difference.description().as_ref()).unwrap())
    }

    #[test]
    fn fields_elements_and_lengths_are_told() {
        let before =
            doc! { "_id": 1, "a": 1, "b": { "c": 1, "d": 2 }, "e": [1, { "f": 1 }, 3], "g": 1 };
        let after =
            doc! { "_id": 1, "a": 2, "b": { "c": 1, "h": 5 }, "e": [1, { "f": 2 }], "i": 1 };
        assert_eq!(
            described(&before, &after).unwrap(),
            doc! {
                "updatedFields": { "a": 2, "b.h": 5, "e.1.f": 2, "i": 1 },
                "removedFields": ["b.d", "g"],
                "truncatedArrays": [{ "field": "e", "newSize": 2 }],
            }
        );
        let longer = doc! { "_id": 1, "e": [1, 2, 3] };
        assert_eq!(
            described(&doc! { "_id": 1, "e": [1] }, &longer)
                .unwrap()
                .get_document("updatedFields")
                .unwrap(),
            &doc! { "e.1": 2, "e.2": 3 }
        );
    }

    #[test]
    fn another_order_or_a_dot_in_a_name_is_no_update() {
        let before = doc! { "_id": 1, "a": 1, "b": 2, "x.y": 1 };
        assert!(described(&before, &doc! { "_id": 1, "b": 2, "a": 1, "x.y": 1 }).is_none());
        assert!(described(&before, &doc! { "_id": 1, "a": 1, "c": 1, "b": 2, "x.y": 1 }).is_none());
        assert!(described(&before, &doc! { "_id": 1, "a": 1, "b": 2, "x.y": 2 }).is_none());
        assert!(described(&before, &doc! { "_id": 1, "a": 1, "b": 2 }).is_none());
        let other = described(&before, &doc! { "_id": 1, "a": 7, "b": 2, "x.y": 1 }).unwrap();
        assert_eq!(other.get_document("updatedFields").unwrap(), &doc! { "a": 7 });
        // Within another document, the whole of that is set.
        let [one, two] = [doc! { "a": { "b": 1, "c": 2 } }, doc! { "a": { "c": 2, "b": 1 } }];
        let whole = described(&one, &two).unwrap();
        assert_eq!(whole.get_document("updatedFields").unwrap(), &two);
    }

    /// Applies a description.
    fn apply(document: &mut Document, description: &Document) {
        for path in description.get_array("removedFields").unwrap() {
            edit(document, path.as_str().unwrap(), None);
        }
        for truncated in description.get_array("truncatedArrays").unwrap() {
            let truncated = truncated.as_document().unwrap();
            let length = usize::try_from(truncated.get_i32("newSize").unwrap()).unwrap();
            let found = find(document, truncated.get_str("field").unwrap());
            let Bson::Array(array) = found else { panic!("{truncated} is no array") };
            array.truncate(length);
        }
        for (path, value) in description.get_document("updatedFields").unwrap() {
            edit(document, path, Some(value.clone()));
        }
    }

    fn find<'d>(document: &'d mut Document, path: &str) -> &'d mut Bson {
        let mut parts = path.split('.');
        let first = document.get_mut(parts.next().unwrap()).unwrap();
        parts.fold(first, |value, part| match value {
            Bson::Document(document) => document.get_mut(part).unwrap(),
            Bson::Array(array) => &mut array[part.parse::<usize>().unwrap()],
            other => panic!("{other} has no {part}"),
        })
    }

    fn edit(document: &mut Document, path: &str, value: Option<Bson>) {
        let parent = match path.rsplit_once('.') {
            None => {
                match value {
                    Some(value) => document.insert(path, value),
                    None => document.remove(path),
                };
                return;
            }
            Some((parent, _)) => find(document, parent),
        };
        let name = path.rsplit('.').next().unwrap();
        match (parent, value) {
            (Bson::Document(document), Some(value)) => drop(document.insert(name, value)),
            (Bson::Document(document), None) => drop(document.remove(name)),
            (Bson::Array(array), Some(value)) => {
                let place = name.parse::<usize>().unwrap();
                if place == array.len() { array.push(value) } else { array[place] = value }
            }
            (parent, value) => panic!("{path} of {parent} can't become {value:?}"),
        }
    }

    fn values() -> impl Strategy<Value = Bson> {
        let leaf = prop_oneof![
            (0..4_i32).prop_map(Bson::from),
            Just(Bson::Double(0.0)),
            Just(Bson::Double(-0.0)),
            Just(Bson::Null),
            Just(Bson::from("x")),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Bson::Array),
                documents_of(inner).prop_map(Bson::Document),
            ]
        })
    }

    fn documents_of(values: impl Strategy<Value = Bson>) -> impl Strategy<Value = Document> {
        let names = prop_oneof![Just("a"), Just("b"), Just("c"), Just("0"), Just("1"), Just("a.b")];
        proptest::collection::vec((names, values), 0..5).prop_map(|fields| {
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    proptest! {
        #[test]
        fn the_difference_turns_the_document_into_the_other(
            before in documents_of(values()),
            after in documents_of(values()),
        ) {
            if let Some(description) = described(&before, &after) {
                let mut applied = before.clone();
                apply(&mut applied, &description);
                let [applied, after] = [&applied, &after].map(|all| bson::serialize_to_vec(all).unwrap());
                prop_assert_eq!(applied, after, "{}", description);
            }
        }
    }
}
