//! Indexes, according to their definitions.

use bson::{Bson, Document as BsonDocument};

use crate::document::definition::{canonical, collation_of, is_set, locale};
use crate::document::{self, Collation, Keys, Path, Undecided};
use crate::engine::catalog::CollectionInfo;
use crate::model::Document;
use crate::{Error, Result};

/// The options that, with the key, make two indexes different in MongoDB. Only one index of such a
/// set may exist.
const IDENTITY: [&str; 5] =
    ["collation", "partialFilterExpression", "unique", "sparse", "wildcardProjection"];

/// The options that make a unique index a different rule.
const RULE: [&str; 4] = ["key", "collation", "partialFilterExpression", "sparse"];

/// The definition of an index.
#[derive(Clone, Copy)]
pub(super) struct Definition<'a>(&'a BsonDocument);

/// An index whose keys can be computed.
pub(super) struct Index {
    title: String,
    compiled: document::Index,
    /// The name of a collation other than simple.
    collation: Option<String>,
}

/// The definitions of a collection's indexes.
pub(super) fn indexes(info: &CollectionInfo) -> impl Iterator<Item = Definition<'_>> {
    info.indexes.iter().map(Definition)
}

impl<'a> Definition<'a> {
    pub(super) fn name(self) -> &'a str {
        self.0.get_str("name").unwrap_or_default()
    }

    /// The index in messages.
    pub(super) fn title(self) -> String {
        let kind = if self.is_unique() { "unique index" } else { "index" };
        format!("{kind} '{}'", self.name())
    }

    pub(super) fn is_unique(self) -> bool {
        is_set(self.0, "unique")
    }

    /// The fields of the key, each with its direction or kind.
    pub(super) fn key(self) -> impl Iterator<Item = (&'a str, &'a Bson)> {
        let key = self.0.get_document("key").into_iter().flatten();
        key.map(|(field, kind)| (field.as_str(), kind))
    }

    /// Whether no field has a special kind.
    pub(super) fn is_ordinary(self) -> bool {
        !self.key().any(|(_, kind)| matches!(kind, Bson::String(_)))
    }

    /// Returns the first field of one of these kinds, such as `text`.
    pub(super) fn field_of_kind(self, kinds: &[&str]) -> Option<&'a str> {
        let mut fields = self.key();
        fields
            .find(|(_, kind)| kind.as_str().is_some_and(|kind| kinds.contains(&kind)))
            .map(|(field, _)| field)
    }

    pub(super) fn option(self, name: &str) -> Option<&'a Bson> {
        self.0.get(name)
    }

    /// Whether MongoDB considers the two to be one index, whatever their names.
    pub(super) fn is_same_index(self, other: Self) -> bool {
        let key = |definition: Self| definition.0.get_document("key").ok().map(in_order);
        key(self).is_some()
            && key(self) == key(other)
            && self.only(&IDENTITY) == other.only(&IDENTITY)
    }

    /// Whether the two are unique for the same documents and values.
    pub(super) fn is_rule_of(self, other: Self) -> bool {
        self.is_unique() == other.is_unique() && self.only(&RULE) == other.only(&RULE)
    }

    /// Encodes some of the options for comparison.
    fn only(self, names: &[&str]) -> std::result::Result<Vec<u8>, String> {
        let mut only = BsonDocument::new();
        for (name, value) in self.0.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            match name.as_str() {
                "unique" | "sparse" if !is_set(self.0, name) => {}
                "unique" | "sparse" => drop(only.insert(name, true)),
                "collation" if collation_of(self.0) == Collation::Simple => {}
                _ => drop(only.insert(name, value.clone())),
            }
        }
        canonical(only)
    }

    /// Compiles the definition; `None` for the index on `_id`, which needs no check.
    ///
    /// # Errors
    /// The unsupported part of the definition, in words.
    pub(super) fn read(self, info: &CollectionInfo) -> std::result::Result<Option<Index>, String> {
        let key: Vec<(&str, &Bson)> = self.key().collect();
        if key.is_empty() || matches!(key.as_slice(), [("_id", _)]) {
            return Ok(None);
        }
        if let Some((field, kind)) = key.iter().find(|(_, kind)| matches!(kind, Bson::String(_))) {
            return Err(format!("the key {field} of the kind {kind}"));
        }
        let compiled = document::Index::compile_bytewise(self.0, &info.options)
            .map_err(|unindexable| unindexable.to_string())?;
        let collation = (collation_of(self.0) == Collation::Other)
            .then(|| locale(self.0).unwrap_or("unknown").to_owned());
        Ok(Some(Index { title: self.title(), compiled, collation }))
    }
}

/// Encodes a key, in which the order of fields counts, for comparison.
fn in_order(key: &BsonDocument) -> Vec<(String, std::result::Result<Vec<u8>, String>)> {
    let entry = |(field, kind): (&String, &Bson)| {
        (field.clone(), canonical(bson::doc! { "kind": kind.clone() }))
    };
    key.iter().map(entry).collect()
}

impl Index {
    pub(super) fn title(&self) -> String {
        self.title.clone()
    }

    pub(super) fn fields(&self) -> Vec<String> {
        self.compiled.fields().iter().map(|field| field.path().to_owned()).collect()
    }

    /// The locale of the collation, if it is not simple.
    pub(super) fn collation(&self) -> Option<&str> {
        self.collation.as_deref()
    }

    /// Whether it refuses everything that a policy's rule for this single field refuses.
    pub(super) fn is_stricter_than(&self, field: &Path) -> bool {
        self.compiled.filter().is_none() && self.compiled.paths().eq([field])
    }

    /// Returns the keys of a document, none if it is not indexed; `None` if that is undecidable.
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded.
    pub(super) fn keys_of(&self, document: &Document) -> Result<Option<Keys>> {
        match self.compiled.keys_of(document.as_raw()) {
            Ok(keys) => Ok(Some(keys)),
            Err(Undecided::GaveUp) => Ok(None),
            Err(malformed @ Undecided::Malformed) => Err(corrupt(malformed)),
            Err(failed @ Undecided::Failed(_)) => Err(failed.into()),
        }
    }

    /// Whether a document has text in the index.
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded.
    pub(super) fn has_text(&self, document: &Document) -> Result<bool> {
        self.compiled.has_text(document.as_raw()).map_err(corrupt)
    }
}

fn corrupt(_: Undecided) -> Error {
    Error::corrupt("failed to decode a stored document")
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn read(definition: &BsonDocument) -> std::result::Result<Option<Index>, String> {
        let name = crate::model::CollectionName::new("boats").unwrap();
        Definition(definition)
            .read(&crate::engine::catalog::Catalog::default().new_collection(name))
    }

    #[test]
    fn indexes_are_read_but_for_what_is_not_known() {
        for (index, fields, sparse) in [
            (doc! { "key": { "email": 1 }, "unique": true }, vec!["email"], false),
            (doc! { "key": { "email": -1_i64 }, "sparse": true }, vec!["email"], true),
            (doc! { "key": { "a": 1, "b.c": -1.0 } }, vec!["a", "b.c"], false),
        ] {
            let read = read(&index).unwrap().unwrap();
            assert_eq!(
                (read.fields(), read.compiled.is_sparse()),
                (fields.into_iter().map(String::from).collect(), sparse)
            );
        }
        assert!(read(&doc! { "key": { "_id": 1 }, "unique": true }).unwrap().is_none());
        for (index, named) in [
            (doc! { "key": { "a": "2dsphere" } }, "2dsphere"),
            (doc! { "key": { "a.0": 1 } }, "number"),
            (doc! { "key": { "a": 1 }, "partialFilterExpression": { "a": { "$foo": 1 } } }, "$foo"),
            (
                doc! {
                    "key": { "a": 1 },
                    "collation": { "locale": "de" },
                    "partialFilterExpression": { "a": "x" },
                },
                "collation",
            ),
        ] {
            let error = read(&index).err().unwrap();
            assert!(error.contains(named), "{index}: {error}");
        }
        let collated = doc! { "key": { "a": 1 }, "collation": { "locale": "de" } };
        assert_eq!(read(&collated).unwrap().unwrap().collation(), Some("de"));
        let simple = doc! { "key": { "a": 1 }, "collation": { "locale": "simple" } };
        assert_eq!(read(&simple).unwrap().unwrap().collation(), None);
    }

    #[test]
    fn an_index_takes_the_place_of_a_check_of_the_same_field_and_not_of_the_same_text() {
        let index =
            |field: &str| read(&doc! { "key": { field: 1 }, "unique": true }).unwrap().unwrap();
        let path = |text: &str| text.parse::<Path>().unwrap();
        assert!(index("a.b").is_stricter_than(&path("a.b")));
        assert!(index("email").is_stricter_than(&path("em\\ail")));
        // In MongoDB each dot divides, and this is the field b of one whose name ends with a \.
        assert!(!index("a\\.b").is_stricter_than(&path("a\\.b")));
        assert!(!index("a.b").is_stricter_than(&path("a\\.b")));
    }

    #[test]
    fn an_index_is_another_by_its_key_and_what_it_takes() {
        let index = doc! { "key": { "a": 1, "b": 1 }, "name": "i" };
        let same = |other: BsonDocument| Definition(&index).is_same_index(Definition(&other));
        assert!(same(doc! { "key": { "a": 1.0, "b": 1 }, "name": "j", "expireAfterSeconds": 5 }));
        assert!(same(
            doc! { "key": { "a": 1, "b": 1 }, "unique": false, "collation": { "locale": "simple" } }
        ));
        for other in [
            doc! { "key": { "b": 1, "a": 1 } },
            doc! { "key": { "a": 1, "b": -1 } },
            doc! { "key": { "a": 1, "b": 1 }, "unique": true },
            doc! { "key": { "a": 1, "b": 1 }, "sparse": true },
            doc! { "key": { "a": 1, "b": 1 }, "collation": { "locale": "de" } },
            doc! { "key": { "a": 1, "b": 1 }, "partialFilterExpression": { "a": 1 } },
        ] {
            assert!(!same(other.clone()), "{other}");
        }
    }
}
