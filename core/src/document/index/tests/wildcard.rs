//! The keys of wildcard indexes.

use bson::{Bson, Document, doc};

use super::{encoded, entries, index, keys};

fn check(definition: &Document, document: &Document, wanted: &[(&str, Bson)], multikey: bool) {
    let found = entries(&index(definition), document).unwrap();
    let wanted = wanted.iter().map(|(path, value)| vec![(*path).into(), value.clone()]);
    assert_eq!(found.keys, keys(wanted.collect()), "{definition} {document}");
    assert_eq!(found.multikey, multikey, "{definition} {document}");
}

#[test]
fn every_leaf_has_a_key_by_its_path() {
    let all = doc! { "key": { "$**": 1 } };
    check(
        &all,
        &doc! { "_id": 1, "a": 5, "b": { "c": "x", "d": {} }, "e.f": 1, "n": Bson::Null },
        &[("a", 5.into()), ("b.c", "x".into()), ("b.d", doc! {}.into()), ("n", Bson::Null)],
        false,
    );
    check(
        &all,
        &doc! { "a": [1, { "b": 2 }, [3, { "c": 4 }], {}] },
        &[
            ("a", 1.into()),
            ("a.b", 2.into()),
            ("a", Bson::Array(vec![3.into(), doc! { "c": 4 }.into()])),
            ("a", doc! {}.into()),
        ],
        true,
    );
    check(&all, &doc! { "a": { "b": [] } }, &[("a.b", Bson::Undefined)], true);
    check(&all, &doc! { "_id": 1 }, &[], false);
}

#[test]
fn a_part_of_the_document_or_a_projection_limits_the_paths() {
    let document = doc! { "_id": 7, "a": { "b": 1, "c": [2] }, "d": 3, "ab": 4 };
    let (b, c) = (("a.b", Bson::from(1)), ("a.c", Bson::from(2)));
    let (d, ab, id) = (("d", 3.into()), ("ab", 4.into()), ("_id", 7.into()));
    let projected =
        |projection: Document| doc! { "key": { "$**": 1 }, "wildcardProjection": projection };
    for (definition, wanted, multikey) in [
        (doc! { "key": { "a.$**": 1 } }, vec![b.clone(), c.clone()], true),
        (doc! { "key": { "a.b.$**": 1 } }, vec![b.clone()], false),
        (projected(doc! { "a.b": 1, "d": true }), vec![b.clone(), d.clone()], false),
        (projected(doc! { "a": { "c": 1 }, "_id": 1 }), vec![c.clone(), id.clone()], true),
        (projected(doc! { "a.c": 0 }), vec![b.clone(), d.clone(), ab.clone()], false),
        (projected(doc! { "a": 0, "_id": 1 }), vec![d.clone(), ab.clone(), id], false),
        (projected(doc! { "_id": 0 }), vec![b, c, d, ab], true),
    ] {
        check(&definition, &document, &wanted, multikey);
    }
}

#[test]
fn the_values_of_a_descending_index_are_inverted_and_its_paths_are_not() {
    let found = entries(&index(&doc! { "key": { "$**": -1 } }), &doc! { "a": 1 }).unwrap();
    let mut wanted = encoded(vec!["a".into()]);
    wanted.extend(encoded(vec![1.into()]).iter().map(|byte| !byte));
    assert!(found.keys.iter().eq([&wanted]));
}

#[test]
fn a_path_is_covered_if_all_values_below_it_have_keys() {
    let projected = |projection: Document| {
        index(&doc! { "key": { "$**": 1 }, "wildcardProjection": projection })
    };
    for (index, covered, not) in [
        (index(&doc! { "key": { "$**": 1 } }), &["a", "a.b", "_ide"][..], &["_id", "_id.a"][..]),
        (index(&doc! { "key": { "a.$**": 1 } }), &["a", "a.b"], &["b", "ab"]),
        (projected(doc! { "a.b": 1 }), &["a.b", "a.b.c"], &["a", "a.c"]),
        (projected(doc! { "a.b": 0 }), &["a.c", "b"], &["a", "a.b", "a.b.c"]),
        (index(&doc! { "key": { "a": 1 } }), &[], &["a"]),
    ] {
        assert!(covered.iter().all(|path| index.covers(path)), "{:?}", index.key_pattern());
        assert!(!not.iter().any(|path| index.covers(path)), "{:?}", index.key_pattern());
    }
}
