//! Edits of random documents, forwards and backwards, byte for byte.

use bson::raw::{CString, RawArrayBuf, RawBson, RawDocumentBuf};
use bson::{RawBsonRef, rawdoc};
use proptest::prelude::*;

use super::*;
use crate::document::Path;
use crate::document::key::Key;
use crate::engine::write::DOCUMENT_OVERHEAD_BYTES;
use crate::model::{CollectionName, Document, MAX_COMMIT_BYTES};

fn scalar() -> impl Strategy<Value = RawBson> {
    prop_oneof![
        (0..3_i32).prop_map(RawBson::Int32),
        (0..3_i64).prop_map(RawBson::Int64),
        any::<u64>().prop_map(|bits| RawBson::Double(f64::from_bits(bits))),
        "[ab]{0,2}".prop_map(RawBson::String),
        any::<bool>().prop_map(RawBson::Boolean),
        any::<[u8; 16]>().prop_map(|b| RawBson::Decimal128(bson::Decimal128::from_bytes(b))),
        Just(RawBson::Null),
        Just(RawBson::MinKey),
    ]
}

fn value() -> impl Strategy<Value = RawBson> {
    scalar().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            fields(inner.clone()).prop_map(RawBson::Document),
            prop::collection::vec(inner, 0..4)
                .prop_map(|items| RawBson::Array(items.into_iter().collect::<RawArrayBuf>())),
        ]
    })
}

/// Few names, so that two documents have many of them in common, some twice.
fn fields(value: impl Strategy<Value = RawBson>) -> impl Strategy<Value = RawDocumentBuf> {
    prop::collection::vec(("[abcdef.]|", value), 0..7).prop_map(|fields| {
        let mut document = RawDocumentBuf::new();
        for (name, value) in fields {
            document.append(CString::try_from(name).unwrap(), value);
        }
        document
    })
}

fn applied(edit: &Edit, document: &RawDocumentBuf) -> Vec<u8> {
    match edit.apply(document).unwrap() {
        Ok(Edited::Changed(bytes)) => bytes,
        Ok(Edited::Already) => document.as_bytes().to_vec(),
        Err(misfits) => panic!("{misfits:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_edit_gives_the_other_document_byte_for_byte_and_back(
        before in fields(value()),
        after in fields(value()),
    ) {
        let edit = Edit::between(&before, &after).unwrap();
        prop_assert_eq!(applied(&edit, &before), after.as_bytes());
        prop_assert_eq!(applied(&edit.clone().reversed(), &after), before.as_bytes());
        if before != after {
            Edit::new(edit.fields().to_vec(), edit.orders().to_vec()).unwrap();
            prop_assert_eq!(edit.apply(&after).unwrap(), Ok(Edited::Already));
        }
    }
}

fn edit(before: &RawDocumentBuf, after: &RawDocumentBuf) -> Edit {
    Edit::between(before, after).unwrap()
}

#[test]
fn an_edit_fits_a_document_that_differs_elsewhere() {
    let change = edit(
        &rawdoc! { "_id": 1, "a": 1, "in": { "x": 1 }, "z": 1 },
        &rawdoc! { "_id": 1, "new": 0, "a": 2, "in": { "x": 1, "y": 2 } },
    );
    let other = rawdoc! { "own": true, "_id": 1, "a": 1, "in": { "w": 0, "x": 9 }, "z": 1, "t": 1 };
    let expected = rawdoc! { "own": true, "_id": 1, "new": 0, "a": 2, "in": { "w": 0, "x": 9, "y": 2 }, "t": 1 };
    assert_eq!(applied(&change, &other), expected.as_bytes());
}

#[test]
fn each_part_that_does_not_fit_is_named() {
    let change = edit(
        &rawdoc! { "_id": 1, "a": 1, "in": { "x": 1 }, "tags": [1, 2], "gone": 1 },
        &rawdoc! { "_id": 1, "a": 2, "in": { "x": 2 }, "tags": [1, 2, 3], "new": 1 },
    );
    let other = rawdoc! { "_id": 1, "a": 7, "in": 5, "tags": [1], "gone": 2, "new": 2 };
    let misfits = change.apply(&other).unwrap().unwrap_err();
    let named: Vec<_> = misfits.iter().map(|m| (m.path.to_string(), m.reason)).collect();
    let value = MisfitReason::Value;
    assert_eq!(
        named,
        [
            ("a".to_owned(), value),
            ("in".to_owned(), MisfitReason::NotInside),
            ("tags".to_owned(), MisfitReason::Length),
            ("gone".to_owned(), value),
            ("new".to_owned(), value),
        ]
    );
    assert_eq!(misfits[0].expected, Some(RawBson::Int32(1)));
    assert_eq!(misfits[0].found, Some(RawBson::Int32(7)));
}

#[test]
fn an_array_that_got_longer_is_not_cut_in_the_middle() {
    let change = edit(&rawdoc! { "t": [1, 2] }, &rawdoc! { "t": [1] });
    let misfits = change.apply(&rawdoc! { "t": [1, 2, 3] }).unwrap().unwrap_err();
    assert_eq!(misfits[0].reason, MisfitReason::Length);
}

#[test]
fn a_new_order_fits_the_old_one_only() {
    let change = edit(&rawdoc! { "a": 1, "b": 2, "c": 3 }, &rawdoc! { "c": 3, "a": 1, "b": 2 });
    let with_more = rawdoc! { "x": 0, "a": 7, "b": 2, "y": 0, "c": 3 };
    let expected = rawdoc! { "x": 0, "c": 3, "a": 7, "y": 0, "b": 2 };
    assert_eq!(applied(&change, &with_more), expected.as_bytes());
    let misfits = change.apply(&rawdoc! { "b": 2, "a": 1, "c": 3 }).unwrap().unwrap_err();
    assert_eq!(misfits[0].reason, MisfitReason::Order);
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let field = |path: &str, before, after| FieldEdit {
        path: path.parse().unwrap(),
        before,
        after,
        place: FieldPosition::Last,
    };
    let one = || Some(RawBson::from(RawBsonRef::Int32(1)));
    let order = |before: &[&str], after: &[&str]| OrderEdit {
        path: Path::DOCUMENT,
        before: before.iter().map(ToString::to_string).collect(),
        after: after.iter().map(ToString::to_string).collect(),
    };
    for (fields, orders) in [
        (vec![], vec![]),
        (vec![field("a", None, None)], vec![]),
        (vec![field("a", one(), None), field("a", None, one())], vec![]),
        (vec![field("a", one(), None), field("a.b", None, one())], vec![]),
        (vec![field("a.b", one(), None), field("a", None, one())], vec![]),
        (vec![field("a\0", one(), None)], vec![]),
        (vec![field(&vec!["a"; 101].join("."), one(), None)], vec![]),
        (vec![], vec![order(&["a", "b"], &["b", "c"])]),
        (vec![], vec![order(&["a", "a"], &["a", "a"])]),
        (vec![], vec![order(&["a", "b"], &["b", "a"]), order(&["a", "b"], &["b", "a"])]),
        (vec![field("(document)", one(), None)], vec![order(&["a", "b"], &["b", "a"])]),
    ] {
        let described = format!("{fields:?} {orders:?}");
        assert!(Edit::new(fields, orders).is_err(), "{described}");
    }
}

/// Returns the maximum number of changes of this kind in a patch, and the error of the next one.
fn most(change: &dyn Fn() -> DocumentChange) -> (usize, String) {
    let mut patch = Patch::new();
    let name = CollectionName::new("a").unwrap();
    patch.begin(SectionChange::Same(name)).unwrap();
    for id in 0.. {
        let key = Key::of_id(RawBsonRef::Int32(id)).unwrap();
        if let Err(error) = patch.push(key, change()) {
            return (usize::try_from(id).unwrap(), error.to_string());
        }
    }
    unreachable!()
}

#[test]
fn a_patch_of_tiny_changes_counts_what_holds_them() {
    let (_, document) = Document::checked(rawdoc! { "_id": 1 }).unwrap();
    let (added, said) = most(&|| DocumentChange::Added(document.clone()));
    assert_eq!(added, MAX_COMMIT_BYTES / (DOCUMENT_OVERHEAD_BYTES + document.as_bytes().len()));
    assert!(said.contains("plus 512 for each document"), "{said}");
    let fields = |value: i32| {
        let mut document = rawdoc! { "_id": 1 };
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            document.append(CString::try_from(name.to_owned()).unwrap(), value);
        }
        document
    };
    let edit = Edit::between(&fields(1), &fields(2)).unwrap();
    let (changed, _) = most(&|| DocumentChange::Changed(edit.clone()));
    let each = DOCUMENT_OVERHEAD_BYTES + 10 * (FIELD_OVERHEAD_BYTES + 4);
    assert_eq!(changed, MAX_COMMIT_BYTES / each);
}
