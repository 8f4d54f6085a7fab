//! Definitions.

use bson::{Document, doc};

use super::{index, index_on};
use crate::document::{FieldKind, Index};

#[test]
fn the_options_of_a_definition_are_read() {
    let full = index(&doc! {
        "v": 2,
        "key": { "a.b": 1, "c": -1.0, "d": "hashed" },
        "name": "i",
        "unique": true,
        "sparse": 1,
        "hidden": true,
        "expireAfterSeconds": 60.0,
        "partialFilterExpression": { "e": { "$exists": true } },
        "collation": { "locale": "simple" },
    });
    let fields: Vec<(&str, FieldKind)> =
        full.fields().iter().map(|field| (field.path(), field.kind())).collect();
    assert_eq!(
        fields,
        [("a.b", FieldKind::Ascending), ("c", FieldKind::Descending), ("d", FieldKind::Hashed)]
    );
    assert_eq!(full.name(), "i");
    assert!(full.is_unique() && full.is_sparse() && full.is_hidden() && !full.is_id_index());
    assert_eq!(full.expire_after_seconds(), Some(60));
    assert_eq!(full.filter(), Some(&doc! { "e": { "$exists": true } }));
    let plain = index(&doc! { "key": { "_id": 1 }, "unique": false });
    assert!(plain.is_id_index() && !plain.is_unique() && !plain.is_sparse() && !plain.is_hidden());
    assert_eq!((plain.expire_after_seconds(), plain.filter()), (None, None));
    assert!(!index_on(doc! { "_id": "hashed" }).is_id_index());
    assert_eq!(index_on(doc! { "a.$**": 1 }).fields()[0].kind(), FieldKind::Wildcard);
}

#[test]
fn what_has_no_entries_is_refused_with_the_reason() {
    let german = doc! { "locale": "de" };
    for (definition, reason) in [
        (doc! { "key": {} }, "no key"),
        (doc! { "key": { "a": "2dsphere" } }, "the key a of the kind \"2dsphere\""),
        (doc! { "key": { "_fts": "text", "_ftsx": 1 } }, "the key _fts of the kind \"text\""),
        (doc! { "key": { "a.0": 1 } }, "a number in the path"),
        (doc! { "key": { "a": 1 }, "collation": german.clone() }, "the collation de"),
        (doc! { "key": { "a": 1, "$**": 1 } }, "the key $** together with others"),
        (doc! { "key": { "a.$**": 1 }, "wildcardProjection": { "b": 1 } }, "wildcardProjection"),
        (doc! { "key": { "$**": 1 }, "wildcardProjection": { "a": 1, "b": 0 } }, "\"b\": 0"),
        (doc! { "key": { "a": 1 }, "partialFilterExpression": 5 }, "the filter 5"),
        (doc! { "key": { "a": 1 }, "partialFilterExpression": { "a": { "$near": 1 } } }, "$near"),
    ] {
        let refused = Index::compile(&definition, &doc! {}).unwrap_err().to_string();
        assert!(refused.contains(reason), "{definition}: {refused}");
    }
    // The texts of a filter are compared by the collation of the collection.
    let partial = |value: &str| {
        doc! { "key": { "a": 1 }, "partialFilterExpression": { "a": value, "n": 1 } }
    };
    let collection = doc! { "collation": german };
    let plain = doc! { "key": { "a": 1 } };
    let refused = Index::compile(&plain, &collection).unwrap_err().to_string();
    assert!(refused.contains("the collation de"), "an index has the collation of its collection");
    let simple = doc! { "key": { "a": 1 }, "collation": { "locale": "simple" } };
    assert!(Index::compile(&simple, &collection).is_ok());
    assert!(Index::compile(&doc! { "key": { "_id": 1 } }, &collection).is_ok());
    let refused = Index::compile(&partial("x"), &collection).unwrap_err().to_string();
    assert!(refused.contains("compared by a collation in its filter"), "{refused}");
    assert!(Index::compile(&partial("x"), &doc! {}).is_ok());
}

#[test]
fn an_index_has_another_identity_if_its_entries_may_differ() {
    let base = doc! { "key": { "a": 1, "b": 1 }, "name": "i" };
    let with = |option: &str, value: bson::Bson| {
        let mut definition = base.clone();
        definition.insert(option, value);
        definition
    };
    let identity = |definition: &Document| index(definition).identity();
    for same in [
        with("name", "j".into()),
        with("v", 1.into()),
        with("unique", true.into()),
        with("hidden", true.into()),
        with("expireAfterSeconds", 5.into()),
        with("sparse", false.into()),
        with("key", doc! { "a": 1.0, "b": 2_i64 }.into()),
    ] {
        assert_eq!(identity(&base), identity(&same), "{same}");
    }
    let mut others = vec![
        base.clone(),
        with("sparse", true.into()),
        with("partialFilterExpression", doc! { "a": 1 }.into()),
        with("partialFilterExpression", doc! { "a": 2 }.into()),
    ];
    for key in [
        doc! { "a": 1 },
        doc! { "b": 1, "a": 1 },
        doc! { "a": 1, "b": -1 },
        doc! { "a": "hashed", "b": 1 },
        doc! { "$**": 1 },
        doc! { "$**": -1 },
    ] {
        others.push(with("key", key.into()));
    }
    let mut projected = others[8].clone();
    projected.insert("wildcardProjection", doc! { "a": 1 });
    others.push(projected);
    for (at, one) in others.iter().enumerate() {
        for other in &others[at + 1..] {
            assert_ne!(identity(one), identity(other), "{one} {other}");
        }
    }
}

#[test]
fn the_identity_of_an_index_never_changes() {
    // Stores keep entries under it.
    let identity = index_on(doc! { "a": 1, "b": -1 }).identity().to_string();
    assert_eq!(identity, "f74a323b74462067aabff82a2938d7ae710f8475ae3eab2874706eca9e40b94f");
}
