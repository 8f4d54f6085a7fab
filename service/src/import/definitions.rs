//! Index definitions and options, as versions of `mongodump` and of the server write them.
//!
//! One definition is written in many ways: `1`, `1.0` and `NumberLong(1)` are one direction, `ns`
//! went with MongoDB 4.4, and what is absent has a value all the same. An import stores indexes in
//! one of them, and takes none for a difference.

use std::collections::BTreeMap;

use argon_core::CollectionInfo;
use bson::{Bson, Document, doc};

use argon_formats::Metadata;
use argon_formats::extjson::{Layout, Mode, print_value};

/// Fields of an index that are whole numbers, whatever type they came in.
const NUMBERS: [&str; 5] =
    ["v", "expireAfterSeconds", "textIndexVersion", "2dsphereIndexVersion", "bits"];
/// Fields of an index that are false if they are absent. The last is of the building alone.
const FLAGS: [&str; 4] = ["unique", "sparse", "hidden", "background"];
/// The version of an index that says none.
const VERSION: i32 = 2;
/// How much of a value a message shows.
const SHOWN: usize = 100;

/// What makes two definitions the same one: the bytes of each field by its name.
type Meaning = BTreeMap<String, Vec<u8>>;

/// An index definition as an import stores it.
pub(super) fn normalised(index: &Document) -> Document {
    let mut normalised = Document::new();
    if !index.contains_key("v") {
        normalised.insert("v", VERSION);
    }
    for (name, value) in index.iter().filter(|(name, _)| *name != "ns") {
        let value = match (name.as_str(), value) {
            ("key" | "weights", Bson::Document(fields)) => {
                Bson::Document(fields.iter().map(|(name, at)| (name.clone(), whole(at))).collect())
            }
            (name, value) if NUMBERS.contains(&name) => whole(value),
            (_, value) => value.clone(),
        };
        normalised.insert(name, value);
    }
    normalised
}

/// How the collection differs from what a dump says of it, in words; nothing if only the writing
/// does.
pub(super) fn differences(present: &CollectionInfo, metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    let (here, there) = (by_name(&present.indexes), by_name(&metadata.indexes));
    for (name, index) in &here {
        match there.get(name) {
            None => found.push(format!("the dump has no index {name}")),
            Some(other) if meaning(index) != meaning(other) => found.push(format!(
                "index {name} is {} here and {} in the dump",
                shown(&Bson::Document(normalised(index))),
                shown(&Bson::Document(normalised(other)))
            )),
            Some(_) => {}
        }
    }
    let new = there.keys().filter(|name| !here.contains_key(*name));
    found.extend(new.map(|name| format!("index {name} is only in the dump")));
    found.extend(options(&present.options, &metadata.options));
    found
}

/// The names of the indexes that are not among others, or mean something else there; without the one of
/// `_id`.
pub(super) fn missing(indexes: &[Document], others: &[Document]) -> Vec<String> {
    let (here, there) = (by_name(indexes), by_name(others));
    let is_kept = |name: &str, index: &Document| {
        there.get(name).is_some_and(|other| meaning(index) == meaning(other))
    };
    let lost = here.into_iter().filter(|(name, index)| !is_kept(name, index));
    lost.map(|(name, _)| name.to_owned()).collect()
}

fn options(here: &Document, there: &Document) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in here {
        match there.get(name) {
            None => found.push(format!("the dump has no option {name}")),
            Some(other) if bytes(&plain(value)) != bytes(&plain(other)) => found.push(format!(
                "option {name} is {} here and {} in the dump",
                shown(value),
                shown(other)
            )),
            Some(_) => {}
        }
    }
    let new = there.keys().filter(|name| !here.contains_key(*name));
    found.extend(new.map(|name| format!("option {name} is only in the dump")));
    found
}

/// The indexes by their names, without the one of `_id` that every collection has.
fn by_name(indexes: &[Document]) -> BTreeMap<&str, &Document> {
    let named = indexes.iter().map(|index| (index.get_str("name").unwrap_or_default(), index));
    named.filter(|(_, index)| !is_of_id(index)).collect()
}

fn is_of_id(index: &Document) -> bool {
    let plain = doc! { "v": VERSION, "key": { "_id": 1 }, "name": "_id_" };
    let mut index = normalised(index);
    index.insert("v", VERSION);
    meaning(&index) == meaning(&plain)
}

fn meaning(index: &Document) -> Meaning {
    let fields = normalised(index).into_iter().filter_map(|(name, value)| {
        if !FLAGS.contains(&name.as_str()) {
            let value = bytes(&value);
            return Some((name, value));
        }
        let is_set = !matches!(plain(&value), Bson::Boolean(false) | Bson::Int32(0) | Bson::Null);
        (is_set && name != "background").then(|| (name, Vec::new()))
    });
    fields.collect()
}

/// A value whose number's type does not matter: a flag, a size, the parameters of a time series.
fn plain(value: &Bson) -> Bson {
    match whole(value) {
        Bson::Document(fields) if fields.keys().all(|name| !name.starts_with('$')) => {
            Bson::Document(
                fields.iter().map(|(name, value)| (name.clone(), whole(value))).collect(),
            )
        }
        other => other,
    }
}

/// A whole number as the smallest integer type that holds it; anything else as it is.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and in the range")]
fn whole(value: &Bson) -> Bson {
    let number = match value {
        Bson::Int64(number) => i32::try_from(*number).ok(),
        Bson::Double(number)
            if number.fract() == 0.0
                && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(number) =>
        {
            Some(*number as i32)
        }
        _ => None,
    };
    number.map_or_else(|| value.clone(), Bson::Int32)
}

fn bytes(value: &Bson) -> Vec<u8> {
    // A value that does not fit into a document is not a definition; it is compared by its text.
    bson::serialize_to_vec(&doc! { "": value.clone() })
        .unwrap_or_else(|_| format!("{value:?}").into_bytes())
}

fn shown(value: &Bson) -> String {
    let text = print_value(value, Mode::Relaxed, Layout::Compact)
        .unwrap_or_else(|error| error.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use argon_core::model::{CollectionId, CollectionName};

    use super::*;

    fn differ(here: Vec<Document>, there: Vec<Document>) -> Vec<String> {
        let info = CollectionInfo {
            id: CollectionId::new(16),
            name: CollectionName::new("boats").unwrap(),
            options: Document::new(),
            indexes: here,
        };
        differences(&info, &Metadata { indexes: there, ..Metadata::default() })
    }

    #[test]
    fn what_is_written_in_another_way_is_no_difference() {
        let new = doc! { "v": 2, "key": { "a": 1, "b": -1 }, "name": "x", "unique": true };
        for old in [
            doc! { "v": 2, "unique": true, "key": { "a": 1.0, "b": -1_i64 }, "name": "x", "ns": "s.b" },
            doc! { "key": { "a": 1, "b": -1 }, "name": "x", "unique": 1.0, "background": true },
            doc! { "v": 2.0, "key": { "a": 1, "b": -1 }, "name": "x", "unique": true, "sparse": false },
        ] {
            let id = doc! { "v": 1, "key": { "_id": 1.0 }, "name": "_id_", "ns": "s.b" };
            assert_eq!(differ(vec![new.clone()], vec![id, old]), Vec::<String>::new());
        }
    }

    #[test]
    fn what_means_something_else_is_named() {
        let index = |key: Document| doc! { "v": 2, "key": key, "name": "x" };
        for other in [
            index(doc! { "b": 1, "a": 1 }),
            index(doc! { "a": 1, "b": -1 }),
            doc! { "v": 2, "key": { "a": 1, "b": 1 }, "name": "x", "unique": true },
            doc! { "v": 1, "key": { "a": 1, "b": 1 }, "name": "x" },
        ] {
            let found = differ(vec![index(doc! { "a": 1, "b": 1 })], vec![other]);
            assert!(found.len() == 1 && found[0].starts_with("index x is {"), "{found:?}");
        }
        assert_eq!(differ(vec![], vec![index(doc! { "a": 1 })]), ["index x is only in the dump"]);
        assert_eq!(differ(vec![index(doc! { "a": 1 })], vec![]), ["the dump has no index x"]);
    }

    #[test]
    fn an_index_is_lost_if_the_other_of_its_name_means_something_else() {
        let index = |key: Document| doc! { "v": 2, "key": key, "name": "x" };
        let id = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
        let here = [id, index(doc! { "a": 1 })];
        assert_eq!(missing(&here, &[]), ["x"]);
        assert_eq!(missing(&here, &[index(doc! { "b": 1 })]), ["x"]);
        assert_eq!(missing(&here, &[index(doc! { "a": 1.0 })]), Vec::<String>::new());
    }

    #[test]
    fn options_differ_by_value_and_not_by_the_type_of_a_number() {
        let here = doc! { "capped": true, "size": 4096, "validator": { "a": { "$gt": 1 } } };
        let same = doc! { "size": 4096.0, "validator": { "a": { "$gt": 1 } }, "capped": true };
        assert_eq!(options(&here, &same), Vec::<String>::new());
        let other = doc! { "size": 1, "validator": { "a": { "$gt": 1.0 } }, "max": 5 };
        assert_eq!(
            options(&here, &other),
            [
                "the dump has no option capped",
                "option size is 4096 here and 1 in the dump",
                "option validator is {\"a\":{\"$gt\":1}} here and {\"a\":{\"$gt\":1.0}} in the dump",
                "option max is only in the dump"
            ]
        );
    }

    #[test]
    fn a_normalised_index_has_a_version_whole_numbers_and_no_namespace() {
        let index = doc! {
            "key": { "a": 1.0, "t": "text", "h": 0.5 }, "name": "x", "ns": "s.b",
            "expireAfterSeconds": 3600_i64, "partialFilterExpression": { "a": { "$gt": 1.0 } },
        };
        let expected = doc! {
            "v": 2, "key": { "a": 1, "t": "text", "h": 0.5 }, "name": "x",
            "expireAfterSeconds": 3600, "partialFilterExpression": { "a": { "$gt": 1.0 } },
        };
        assert_eq!(normalised(&index), expected);
        assert_eq!(normalised(&expected), expected);
    }
}
