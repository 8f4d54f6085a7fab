//! The keys of ordinary and hashed indexes.

use bson::{Bson, Document, doc};

use super::{encoded, entries, index, index_on, keys};
use crate::document::index::index_hash;
use crate::{DetailKey, DetailValue, Error};

fn on(fields: &[&str]) -> Document {
    fields.iter().map(|field| ((*field).to_owned(), Bson::Int32(1))).collect()
}

fn code(error: &Error) -> Option<&DetailValue> {
    error.details().iter().find(|(key, _)| *key == DetailKey::Code).map(|(_, code)| code)
}

#[test]
fn each_element_of_an_array_is_a_key() {
    let null = Bson::Null;
    for (fields, document, wanted, multikey) in [
        (&["a"][..], doc! { "a": 5 }, vec![vec![5.into()]], false),
        (&["a"], doc! { "a": [1, 2, 1.0] }, vec![vec![1.into()], vec![2.into()]], true),
        (&["a"], doc! { "a": [1] }, vec![vec![1.into()]], true),
        (&["a"], doc! { "a": [] }, vec![vec![Bson::Undefined]], true),
        (&["a"], doc! { "a": [[1, 2]] }, vec![vec![vec![1, 2].into()]], true),
        (&["a"], doc! { "b": [1] }, vec![vec![null.clone()]], false),
        (
            &["a.b"],
            doc! { "a": [{ "b": 1 }, { "c": 1 }, 7] },
            vec![vec![1.into()], vec![null.clone()]],
            true,
        ),
        (&["a.b"], doc! { "a": [{ "b": [1, 2] }] }, vec![vec![1.into()], vec![2.into()]], true),
        (&["a.b"], doc! { "a": { "b": [1, 2] } }, vec![vec![1.into()], vec![2.into()]], true),
        (&["a.b"], doc! { "a": { "b": { "c": 1 } } }, vec![vec![doc! { "c": 1 }.into()]], false),
        (&["a.b"], doc! { "a": [] }, vec![vec![null.clone()]], true),
        (&["a.b"], doc! { "a": 7 }, vec![vec![null.clone()]], false),
        (
            &["a", "b"],
            doc! { "a": [1, 2], "b": 3 },
            vec![vec![1.into(), 3.into()], vec![2.into(), 3.into()]],
            true,
        ),
        (
            &["a.b", "a.c"],
            doc! { "a": [{ "b": 1, "c": 2 }, { "b": 3 }] },
            vec![vec![1.into(), 2.into()], vec![3.into(), null.clone()]],
            true,
        ),
        (
            &["a", "a.b"],
            doc! { "a": [{ "b": 1 }] },
            vec![vec![doc! { "b": 1 }.into(), 1.into()]],
            true,
        ),
    ] {
        let found = entries(&index_on(on(fields)), &document).unwrap();
        assert_eq!(found.keys, keys(wanted), "{fields:?} {document}");
        assert_eq!(found.multikey, multikey, "{fields:?} {document}");
    }
}

#[test]
fn a_descending_field_has_the_inverted_bytes() {
    let found = entries(&index_on(doc! { "a": -1, "b": 1 }), &doc! { "a": "x", "b": 2 }).unwrap();
    let mut wanted: Vec<u8> = encoded(vec!["x".into()]).iter().map(|byte| !byte).collect();
    wanted.extend(encoded(vec![2.into()]));
    assert_eq!(found.keys.into_iter().collect::<Vec<_>>(), [wanted]);
}

#[test]
fn a_sparse_index_leaves_out_what_has_none_of_its_fields() {
    for (fields, document, wanted) in [
        (&["a", "b"][..], doc! { "c": 1 }, vec![]),
        (&["a", "b"], doc! { "b": 1 }, vec![vec![Bson::Null, 1.into()]]),
        (&["a"], doc! { "a": Bson::Null }, vec![vec![Bson::Null]]),
        (&["a.b"], doc! { "a": [{ "b": 1 }, {}] }, vec![vec![1.into()]]),
        (&["a.b"], doc! { "a": [] }, vec![]),
    ] {
        let sparse = index(&doc! { "key": on(fields), "sparse": true });
        assert_eq!(entries(&sparse, &document).unwrap().keys, keys(wanted), "{document}");
    }
}

#[test]
fn a_partial_index_has_the_documents_that_its_filter_matches() {
    let partial = doc! { "key": { "a": 1 }, "partialFilterExpression": { "b": { "$gt": 5 } } };
    let partial = index(&partial);
    assert_eq!(entries(&partial, &doc! { "a": 1, "b": 6 }).unwrap().keys.len(), 1);
    let left_out = entries(&partial, &doc! { "a": [1], "b": 5 }).unwrap();
    assert!(left_out.keys.is_empty() && !left_out.multikey);
}

#[test]
fn two_arrays_in_one_key_are_refused() {
    for (fields, document) in [
        (&["a", "b"][..], doc! { "a": [1], "b": [2] }),
        (&["a.b", "a.c"], doc! { "a": [{ "b": [1], "c": [2] }] }),
    ] {
        let error = entries(&index_on(on(fields)), &document).unwrap_err();
        assert_eq!(code(&error), Some(&171.into()), "{error}");
        let named = error.message();
        assert!(fields.iter().all(|field| named.contains(field)), "{named}");
    }
}

#[test]
fn a_hashed_field_has_the_hash_of_its_value() {
    let hashed = index_on(doc! { "a": "hashed", "b": 1 });
    let key = |document: Document| entries(&hashed, &document).unwrap().keys;
    let hash = index_hash(bson::RawBsonRef::Int32(5)).unwrap();
    assert_eq!(key(doc! { "a": 5.5, "b": "x" }), keys(vec![vec![hash.into(), "x".into()]]));
    assert_eq!(key(doc! { "b": 1 }), key(doc! { "a": Bson::Null, "b": 1 }));
    for (document, path) in [(doc! { "a": [1] }, "a"), (doc! { "a": 1, "b": [] }, "b")] {
        let error = entries(&hashed, &document).unwrap_err();
        assert_eq!(code(&error), Some(&16766.into()), "{error}");
        assert!(error.message().ends_with(&format!("at {path}")), "{error}");
    }
    let inside = index_on(doc! { "a.b.c": "hashed" });
    let error = entries(&inside, &doc! { "a": { "b": [{ "c": 1 }] } }).unwrap_err();
    assert!(error.message().ends_with("at a.b"), "{error}");
}

#[test]
fn the_values_of_a_key_are_read_back_unless_it_was_cut_or_hashed() {
    let index = index_on(doc! { "a": 1, "b.c": -1 });
    for document in [
        doc! { "a": 5, "b": { "c": "x" } },
        doc! { "a": { "x": [1, "y"] }, "b": { "c": true } },
        doc! { "a": "", "b": { "c": null } },
    ] {
        let keys = entries(&index, &document).unwrap().keys;
        let c = document.get_document("b").unwrap().get("c").unwrap().clone();
        let values = doc! { "a": document.get("a").unwrap().clone(), "b.c": c };
        assert_eq!(index.values_of(keys.first().unwrap()), Some(values));
    }
    let long = entries(&index, &doc! { "a": "x".repeat(1000) }).unwrap().keys;
    assert_eq!(index.values_of(long.first().unwrap()), None);
    let hashed = index_on(doc! { "a": "hashed" });
    let keys = entries(&hashed, &doc! { "a": 5 }).unwrap().keys;
    assert_eq!(hashed.values_of(keys.first().unwrap()), None);
}
