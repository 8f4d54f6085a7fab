//! Indexes in memory, and random documents and queries for plans.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::document::Index;
use argon_core::key::Key;
use argon_core::{CollectionView, Result};
use argon_query::plan::{Direction, EntryStream, IndexProvider, IndexSource, ReadableIndex};
use async_trait::async_trait;
use bson::{Bson, Document, RawDocumentBuf, doc};
use futures::stream::{self, StreamExt};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// The entries of indexes, made by the indexes themselves.
#[derive(Default)]
pub(crate) struct MemoryIndexes {
    readable: Vec<ReadableIndex>,
    unreadable: Vec<(String, String)>,
    entries: Vec<BTreeSet<(Vec<u8>, Key)>>,
    exact: bool,
}

impl MemoryIndexes {
    /// Indexes that have no documents yet.
    pub(crate) fn new(definitions: &[Document]) -> Self {
        let compiled = definitions.iter().map(index);
        let readable: Vec<_> = compiled
            .map(|index| ReadableIndex { index: Arc::new(index), multikey: false })
            .collect();
        let entries = vec![BTreeSet::new(); readable.len()];
        Self { readable, entries, exact: true, ..Self::default() }
    }

    /// Marks the indexes of these names as ones with arrays.
    pub(crate) fn with_arrays(mut self, names: &[String]) -> Self {
        for readable in &mut self.readable {
            readable.multikey |= names.iter().any(|name| name == readable.index.name());
        }
        self
    }

    /// Makes the index of a name unreadable.
    pub(crate) fn without(mut self, name: &str, reason: &str) -> Self {
        let at = self.readable.iter().position(|readable| readable.index.name() == name).unwrap();
        self.readable.remove(at);
        self.entries.remove(at);
        self.unreadable.push((name.to_owned(), reason.to_owned()));
        self
    }

    /// Adds documents.
    pub(crate) fn add_all(&mut self, documents: &[Document]) {
        for document in documents {
            self.add(document);
        }
    }

    /// Adds a document. An index that can't have it becomes empty and unreadable.
    fn add(&mut self, document: &Document) {
        let id = Key::of(document.get("_id").unwrap()).unwrap();
        let raw = RawDocumentBuf::try_from(document).unwrap();
        let mut at = 0;
        while at < self.readable.len() {
            let readable = &mut self.readable[at];
            match readable.index.entries_of(&raw) {
                Ok(entries) => {
                    readable.multikey |= entries.multikey;
                    self.entries[at].extend(entries.keys.into_iter().map(|key| (key, id.clone())));
                    at += 1;
                }
                Err(_) => {
                    self.readable.remove(at);
                    self.entries.remove(at);
                }
            }
        }
    }

    /// Adds the entries of a document for another one, which has not all of them.
    pub(crate) fn add_stale(&mut self, document: &Document, id: &Bson) {
        self.exact = false;
        let id = Key::of(id).unwrap();
        let raw = RawDocumentBuf::try_from(document).unwrap();
        for (readable, entries) in self.readable.iter().zip(&mut self.entries) {
            let stale = readable.index.entries_of(&raw).map(|entries| entries.keys);
            entries.extend(stale.unwrap_or_default().into_iter().map(|key| (key, id.clone())));
        }
    }
}

impl IndexSource for MemoryIndexes {
    fn readable(&self) -> &[ReadableIndex] {
        &self.readable
    }

    fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    fn exact(&self) -> bool {
        self.exact
    }

    fn entries(
        &self,
        index: usize,
        from: Vec<u8>,
        to: Vec<u8>,
        direction: Direction,
    ) -> EntryStream {
        let inside = self.entries[index].iter().filter(|(key, _)| from <= *key && *key < to);
        let mut inside: Vec<_> = inside.cloned().map(Ok).collect();
        if direction == Direction::Descending {
            inside.reverse();
        }
        stream::iter(inside).boxed()
    }
}

/// The same indexes for every collection.
#[derive(Clone)]
pub(crate) struct Provider(pub(crate) Arc<dyn IndexSource>);

#[async_trait]
impl IndexProvider for Provider {
    async fn indexes_of(&self, _: &CollectionView) -> Result<Option<Arc<dyn IndexSource>>> {
        Ok(Some(self.0.clone()))
    }
}

pub(crate) fn index(definition: &Document) -> Index {
    Index::compile(definition, &doc! {}).unwrap()
}

/// Definitions of all kinds of indexes on the fields of the random documents.
pub(crate) fn definitions() -> Vec<Document> {
    let mut definitions = vec![
        doc! { "key": { "a": 1 } },
        doc! { "key": { "a": -1, "b": 1 } },
        doc! { "key": { "b": 1, "c": -1, "a": 1 } },
        doc! { "key": { "a.b": 1 } },
        doc! { "key": { "a.b": 1, "a.c": -1 } },
        doc! { "key": { "b": 1, "a.b": 1 } },
        doc! { "key": { "b": -1 }, "sparse": true },
        doc! { "key": { "a.b": 1, "c": 1 }, "sparse": true },
        doc! { "key": { "a": 1, "c": 1 }, "partialFilterExpression": { "b": { "$gt": 1 } } },
        doc! { "key": { "c": 1 }, "partialFilterExpression": { "a": { "$exists": true } } },
        doc! { "key": { "a": "hashed" } },
        doc! { "key": { "b": 1, "c": "hashed" } },
        doc! { "key": { "$**": 1 } },
        doc! { "key": { "a.$**": -1 } },
    ];
    for (number, definition) in definitions.iter_mut().enumerate() {
        definition.insert("name", format!("i{number}"));
    }
    definitions
}

fn leaf() -> impl Strategy<Value = Bson> {
    prop_oneof![
        6 => (0..5_i32).prop_map(Bson::Int32),
        1 => select(vec![1.0, 1.5, f64::NAN, f64::INFINITY]).prop_map(Bson::Double),
        2 => select(vec!["", "a", "ab", "b"]).prop_map(|text| Bson::String(text.to_owned())),
        1 => Just(Bson::String("long ".repeat(120))),
        1 => (0..3_i32).prop_map(|end| Bson::String(format!("{}{end}", "x".repeat(400)))),
        1 => Just(Bson::Null),
        1 => any::<bool>().prop_map(Bson::Boolean),
        1 => select(vec![Bson::Undefined, Bson::MinKey, Bson::MaxKey]),
        1 => (0..2_i64).prop_map(|at| Bson::DateTime(bson::DateTime::from_millis(at))),
    ]
}

/// A value that may contain arrays and documents with the fields `b` and `c`.
fn value() -> impl Strategy<Value = Bson> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => inner.clone(),
            2 => vec(inner.clone(), 0..4).prop_map(Bson::Array),
            2 => (option::of(inner.clone()), option::of(inner)).prop_map(|(b, c)| {
                let fields = [("b", b), ("c", c)];
                Bson::Document(present(fields))
            }),
        ]
    })
}

fn present<const N: usize>(fields: [(&str, Option<Bson>); N]) -> Document {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A document without an `_id`. Most have no arrays, so that indexes without any exist.
pub(crate) fn document() -> impl Strategy<Value = Document> {
    let field = || prop_oneof![1 => option::of(leaf()), 1 => option::of(value())];
    let flat = || option::of(leaf());
    prop_oneof![
        2 => (flat(), flat(), flat()).prop_map(|(a, b, c)| present([("a", a), ("b", b), ("c", c)])),
        1 => (field(), field(), field())
            .prop_map(|(a, b, c)| present([("a", a), ("b", b), ("c", c)])),
    ]
}

/// Some documents with the `_id`s 0, 1, 2 …
pub(crate) fn documents() -> impl Strategy<Value = Vec<Document>> {
    let flat = (option::of(leaf()), option::of(leaf()), option::of(leaf()))
        .prop_map(|(a, b, c)| present([("a", a), ("b", b), ("c", c)]));
    let documents = prop_oneof![vec(flat, 0..14), vec(document(), 0..14)];
    documents.prop_map(|documents| {
        let numbered = documents.into_iter().enumerate().map(|(number, document)| {
            let mut numbered = doc! { "_id": i32::try_from(number).unwrap() };
            numbered.extend(document);
            numbered
        });
        numbered.collect()
    })
}

fn comparable() -> impl Strategy<Value = Bson> {
    value().prop_filter("can't be compared", |value| !contains_undefined(value))
}

fn contains_undefined(value: &Bson) -> bool {
    *value == Bson::Undefined
}

/// The operators of a condition on a value.
fn operators() -> impl Strategy<Value = Document> {
    let operator = prop_oneof![
        6 => (select(vec!["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), comparable())
            .prop_map(|(operator, value)| doc! { operator: value }),
        2 => (select(vec!["$in", "$nin"]), vec(comparable(), 0..4))
            .prop_map(|(operator, values)| doc! { operator: values }),
        1 => any::<bool>().prop_map(|exists| doc! { "$exists": exists }),
        1 => select(vec!["int", "number", "string", "array", "object", "null", "bool", "minKey"])
            .prop_map(|name| doc! { "$type": name }),
        1 => select(vec!["^a", "^ab", "b", "^x", "^ab?", "^"])
            .prop_map(|pattern| doc! { "$regex": pattern }),
        1 => (1..3_i32, 0..3_i32).prop_map(|(by, rest)| doc! { "$mod": [by, rest] }),
        1 => vec(comparable(), 0..3).prop_map(|values| doc! { "$all": values }),
        1 => (0..3_i32).prop_map(|size| doc! { "$size": size }),
        1 => (0..4_i32).prop_map(|mask| doc! { "$bitsAnySet": mask }),
    ];
    let several = vec(operator, 1..3).prop_map(|each| each.into_iter().flatten().collect());
    several.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            4 => inner.clone(),
            1 => inner.clone().prop_map(|inner: Document| doc! { "$not": inner }),
            1 => inner.prop_map(|inner: Document| doc! { "$elemMatch": inner }),
        ]
    })
}

fn path() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "a", "b", "b", "c", "a.b", "a.c", "b.c"])
}

fn clause() -> impl Strategy<Value = Document> {
    prop_oneof![
        2 => (path(), comparable()).prop_map(|(path, value)| doc! { path: value }),
        4 => (path(), operators()).prop_map(|(path, operators)| doc! { path: operators }),
        1 => (select(vec!["a", "b"]), select(vec!["b", "c"]), operators()).prop_map(
            |(outer, inner, operators)| doc! { outer: { "$elemMatch": { inner: operators } } }
        ),
        1 => (select(vec!["a", "b"]), operators(), operators()).prop_map(
            |(outer, b, c)| doc! { outer: { "$elemMatch": { "b": b, "c": c } } }
        ),
        1 => (0..4_i32).prop_map(|id| doc! { "_id": { "$gte": id } }),
        1 => vec(0..9_i32, 1..3).prop_map(|ids| doc! { "_id": { "$in": ids } }),
    ]
}

/// A filter.
pub(crate) fn filter() -> impl Strategy<Value = Document> {
    let conjunction =
        vec(clause(), 0..4).prop_map(|clauses| clauses.into_iter().flatten().collect::<Document>());
    conjunction.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            4 => inner.clone(),
            1 => (inner.clone(), vec(inner.clone(), 1..4)).prop_map(|(outer, each)| {
                let mut outer: Document = outer;
                outer.insert("$or", each);
                outer
            }),
            1 => vec(inner, 1..3).prop_map(|each| doc! { "$and": each }),
        ]
    })
}

/// A sort pattern; empty for none.
pub(crate) fn sort() -> impl Strategy<Value = Document> {
    let field = (select(vec!["a", "b", "c", "_id", "a.b"]), select(vec![1, -1]));
    vec(field, 0..4).prop_map(|fields| {
        let mut names = BTreeSet::new();
        fields
            .into_iter()
            .filter(|(name, _)| names.insert(*name))
            .map(|(name, direction)| (name.to_owned(), Bson::Int32(direction)))
            .collect()
    })
}
