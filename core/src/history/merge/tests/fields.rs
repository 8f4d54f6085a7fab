//! Fields, nested documents, deletions, order.

use bson::{RawBson, RawDocumentBuf, cstr, rawdoc};

use super::super::{
    Cause, Choice, Policy, Resolutions, Versions, conflicting_paths, merge_document,
};
use super::{clean, document, merge, merge_with, paths, resolved, rules, versions};
use crate::document::Path;

#[test]
fn what_one_side_changed_is_taken_from_it() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1, "c": 1 };
    let ours = rawdoc! { "_id": 1, "a": 2, "b": 1, "c": 1, "mine": true };
    let theirs = rawdoc! { "_id": 1, "a": 1, "b": 3, "yours": true };
    let merged = merge(&base, &ours, &theirs);
    let expected = rawdoc! { "_id": 1, "a": 2, "b": 3, "yours": true, "mine": true };
    assert_eq!(clean(&merged), &*expected);
    assert_eq!(merged.decided, 0);
}

#[test]
fn the_same_change_on_both_sides_is_no_conflict() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1 };
    let ours = rawdoc! { "_id": 1, "a": 2, "b": 2 };
    let theirs = rawdoc! { "_id": 1, "a": 2, "b": 1, "c": 1 };
    assert_eq!(
        clean(&merge(&base, &ours, &theirs)),
        &*rawdoc! { "_id": 1, "a": 2, "b": 2, "c": 1 }
    );
}

#[test]
fn a_field_that_both_changed_is_a_conflict_where_ours_stands() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1 };
    let ours = rawdoc! { "_id": 1, "a": 2, "b": 1 };
    let theirs = rawdoc! { "_id": 1, "a": 3, "b": 3 };
    let merged = merge(&base, &ours, &theirs);
    assert_eq!(document(&merged), &*rawdoc! { "_id": 1, "a": 2, "b": 3 });
    let [conflict] = &merged.conflicts[..] else { panic!("{:?}", merged.conflicts) };
    assert_eq!((conflict.path.to_string().as_str(), conflict.cause), ("a", Cause::BothChanged));
    assert_eq!(conflict.base, Some(RawBson::Int32(1)));
    assert_eq!(conflict.ours, Some(RawBson::Int32(2)));
    assert_eq!(conflict.theirs, Some(RawBson::Int32(3)));
    assert_eq!(conflict.note, None);
}

#[test]
fn equal_values_of_two_types_are_different_values() {
    let base = rawdoc! { "_id": 1, "a": 0 };
    let merged = merge(&base, &rawdoc! { "_id": 1, "a": 1 }, &rawdoc! { "_id": 1, "a": 1.0 });
    assert_eq!(paths(&merged), ["a"]);
}

#[test]
fn not_a_number_is_equal_to_itself() {
    let base = rawdoc! { "_id": 1, "a": f64::NAN, "b": 1 };
    let ours = rawdoc! { "_id": 1, "a": f64::NAN, "b": 2 };
    let theirs = rawdoc! { "_id": 1, "a": 1, "b": 1 };
    assert_eq!(clean(&merge(&base, &ours, &theirs)), &*rawdoc! { "_id": 1, "a": 1, "b": 2 });
}

#[test]
fn a_field_that_one_side_changed_and_the_other_removed_is_a_conflict() {
    let base = rawdoc! { "_id": 1, "a": 1 };
    let (changed, removed) = (rawdoc! { "_id": 1, "a": 2 }, rawdoc! { "_id": 1, "b": 1 });
    let merged = merge(&base, &changed, &removed);
    assert_eq!(merged.conflicts[0].cause, Cause::ChangedAndDeleted);
    assert_eq!(document(&merged), &*rawdoc! { "_id": 1, "b": 1, "a": 2 });
    let merged = merge(&base, &removed, &changed);
    assert_eq!(merged.conflicts[0].cause, Cause::DeletedAndChanged);
    assert_eq!(merged.conflicts[0].ours, None);
    assert_eq!(document(&merged), &*rawdoc! { "_id": 1, "b": 1 });
}

#[test]
fn a_field_that_both_added_is_a_conflict_unless_it_is_the_same() {
    let base = rawdoc! { "_id": 1 };
    let ours = rawdoc! { "_id": 1, "a": 1, "same": "x" };
    let merged = merge(&base, &ours, &rawdoc! { "_id": 1, "a": 2, "same": "x" });
    assert_eq!(paths(&merged), ["a"]);
    assert_eq!(merged.conflicts[0].cause, Cause::BothInserted);
}

#[test]
fn documents_in_documents_are_merged_by_field() {
    let base = rawdoc! { "_id": 1, "a": { "x": { "y": 1, "z": 1 }, "w": 1 } };
    let ours = rawdoc! { "_id": 1, "a": { "x": { "y": 2, "z": 1 }, "w": 2 } };
    let theirs = rawdoc! { "_id": 1, "a": { "x": { "y": 1, "z": 3 }, "w": 3 } };
    let merged = merge(&base, &ours, &theirs);
    assert_eq!(paths(&merged), ["a.w"]);
    let expected = rawdoc! { "_id": 1, "a": { "x": { "y": 2, "z": 3 }, "w": 2 } };
    assert_eq!(document(&merged), &*expected);
}

#[test]
fn documents_that_both_added_under_one_name_are_merged_by_field() {
    let base = rawdoc! { "_id": 1 };
    let ours = rawdoc! { "_id": 1, "a": { "x": 1, "same": 0 } };
    let theirs = rawdoc! { "_id": 1, "a": { "y": 2, "same": 0 } };
    let expected = rawdoc! { "_id": 1, "a": { "y": 2, "same": 0, "x": 1 } };
    assert_eq!(clean(&merge(&base, &ours, &theirs)), &*expected);
}

#[test]
fn a_document_and_a_value_in_its_place_are_one_conflict() {
    let base = rawdoc! { "_id": 1, "a": { "x": 1 } };
    let merged =
        merge(&base, &rawdoc! { "_id": 1, "a": { "x": 2 } }, &rawdoc! { "_id": 1, "a": 2 });
    assert_eq!(paths(&merged), ["a"]);
}

#[test]
fn a_deletion_is_taken_if_the_other_side_changed_nothing() {
    let base = rawdoc! { "_id": 1, "a": 1 };
    let both = Versions { base: Some(&base), ..Versions::default() };
    let ours = Versions { theirs: Some(&base), ..both };
    let theirs = Versions { ours: Some(&base), ..both };
    for versions in [both, ours, theirs] {
        let merged = merge_with(&versions, &Policy::default());
        assert_eq!((merged.document, merged.conflicts), (None, vec![]));
    }
}

#[test]
fn a_document_that_one_side_changed_and_the_other_deleted_is_one_conflict() {
    let (base, changed) = (rawdoc! { "_id": 1, "a": 1 }, rawdoc! { "_id": 1, "a": 2 });
    let versions = Versions { base: Some(&base), ours: Some(&changed), ..Versions::default() };
    let merged = merge_with(&versions, &Policy::default());
    assert_eq!(document(&merged), &*changed);
    assert!(merged.conflicts[0].path.is_document());
    assert_eq!(merged.conflicts[0].cause, Cause::ChangedAndDeleted);

    let versions = Versions { base: Some(&base), theirs: Some(&changed), ..Versions::default() };
    let merged = merge_with(&versions, &Policy::default());
    assert_eq!(merged.document, None);
    assert_eq!(merged.conflicts[0].cause, Cause::DeletedAndChanged);
}

#[test]
fn documents_that_both_inserted_are_one_conflict_unless_they_are_the_same() {
    let (ours, theirs) = (rawdoc! { "_id": 1, "a": 1 }, rawdoc! { "_id": 1, "b": 2 });
    let versions = Versions { ours: Some(&ours), theirs: Some(&theirs), ..Versions::default() };
    let merged = merge_with(&versions, &rules(&[("a", "ours")]));
    assert_eq!(paths(&merged), ["(document)"]);
    assert_eq!(merged.conflicts[0].cause, Cause::BothInserted);
    let same = Versions { theirs: Some(&ours), ..versions };
    assert_eq!(clean(&merge_with(&same, &Policy::default())), &*ours);
}

#[test]
fn a_new_order_of_fields_on_one_side_is_kept() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1, "c": 1 };
    let reordered = rawdoc! { "_id": 1, "c": 1, "new": 0, "a": 1, "b": 1 };
    let edited = rawdoc! { "_id": 1, "a": 1, "b": 2, "c": 1, "also": 0 };
    let expected = rawdoc! { "_id": 1, "c": 1, "new": 0, "a": 1, "b": 2, "also": 0 };
    assert_eq!(clean(&merge(&base, &reordered, &edited)), &*expected);
    assert_eq!(clean(&merge(&base, &edited, &reordered)), &*expected);
}

#[test]
fn of_two_new_orders_that_of_ours_is_kept() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1, "c": 1 };
    let ours = rawdoc! { "_id": 1, "c": 1, "b": 1, "a": 1 };
    let theirs = rawdoc! { "_id": 1, "b": 1, "a": 1, "c": 2 };
    let expected = rawdoc! { "_id": 1, "c": 2, "b": 1, "a": 1 };
    assert_eq!(clean(&merge(&base, &ours, &theirs)), &*expected);
}

#[test]
fn a_document_with_two_fields_of_one_name_is_one_value() {
    let twice = |value: i32| {
        let mut inner = rawdoc! { "x": 1 };
        inner.append(cstr!("x"), value);
        rawdoc! { "_id": 1, "a": inner, "b": value }
    };
    let merged = merge(&twice(0), &twice(1), &twice(2));
    assert_eq!(paths(&merged), ["a", "b"]);
    let mut base = rawdoc! { "_id": 1, "x": 1 };
    base.append(cstr!("x"), 2);
    let merged = merge(&base, &rawdoc! { "_id": 1, "x": 1, "y": 1 }, &rawdoc! { "_id": 1, "x": 1 });
    assert_eq!(paths(&merged), ["(document)"]);
}

#[test]
fn documents_with_many_fields_are_merged_as_those_with_few() {
    let fields = |changed: std::ops::Range<i32>, reversed: bool| {
        let mut order: Vec<i32> = (0..200).collect();
        if reversed {
            order.reverse();
        }
        let mut document = rawdoc! { "_id": 1 };
        for n in order {
            let name = bson::raw::CString::try_from(format!("f{n}")).unwrap();
            document.append(name, if changed.contains(&n) { -1 } else { n });
        }
        document
    };
    let merged = merge(&fields(0..0, false), &fields(0..9, false), &fields(100..109, true));
    let document = clean(&merged);
    assert_eq!(document.into_iter().nth(1).unwrap().unwrap().0.as_str(), "f199");
    for (name, expected) in [("f0", -1), ("f8", -1), ("f9", 9), ("f100", -1), ("f109", 109)] {
        assert_eq!(document.get_i32(name).unwrap(), expected, "{name}");
    }
    let mut twice = fields(0..1, false);
    twice.append(cstr!("f199"), 0);
    let merged = merge(&fields(0..0, false), &twice, &fields(1..2, false));
    assert_eq!(paths(&merged), ["(document)"]);
}

#[test]
fn every_type_comes_through_a_conflict_unchanged() {
    let document = super::generators::every_type();
    for element in &document {
        let (_, value) = element.unwrap();
        let mut ours = rawdoc! { "_id": 1, "b": 1 };
        ours.append(cstr!("a"), value);
        let base = rawdoc! { "_id": 1, "b": 1, "a": "base" };
        let theirs = rawdoc! { "_id": 1, "b": 2, "a": "theirs" };
        let merged = merge(&base, &ours, &theirs);
        assert_eq!(paths(&merged), ["a"]);
        assert_eq!(merged.conflicts[0].ours.as_ref().unwrap().as_raw_bson_ref(), value);
        let mut expected = rawdoc! { "_id": 1, "b": 2 };
        expected.append(cstr!("a"), value);
        assert_eq!(super::document(&merged), &*expected);
    }
}

#[test]
fn an_id_of_two_types_is_a_conflict_like_any_other() {
    let base = rawdoc! { "_id": 1, "a": 1 };
    let merged = merge(&base, &rawdoc! { "_id": 1.0, "a": 1 }, &rawdoc! { "_id": 1_i64, "a": 2 });
    assert_eq!(paths(&merged), ["_id"]);
    assert_eq!(document(&merged), &*rawdoc! { "_id": 1.0, "a": 2 });
}

#[test]
fn a_document_that_both_sides_make_too_large_is_one_conflict() {
    let long = "x".repeat(9 << 20);
    let base = rawdoc! { "_id": 1 };
    let (ours, theirs) =
        (rawdoc! { "_id": 1, "a": long.as_str() }, rawdoc! { "_id": 1, "b": long.as_str() });
    let versions = versions(&base, &ours, &theirs);
    let merge = |decisions: &[(&str, Choice)]| {
        merge_document("c", &versions, &Policy::default(), &resolved(decisions)).unwrap()
    };
    let merged = merge(&[]);
    assert_eq!((paths(&merged), document(&merged)), (vec!["(document)".to_owned()], &*ours));
    let note = merged.conflicts[0].note.as_ref().unwrap();
    assert!(note.contains("can't be stored") && note.contains("at most 16777216"), "{note}");
    let paths = conflicting_paths("c", &versions, &Policy::default()).unwrap();
    assert_eq!(paths, [Path::DOCUMENT]);
    let merged = merge(&[("(document)", Choice::Theirs)]);
    assert_eq!((clean(&merged), merged.decided), (&*theirs, 1));
    let given = rawdoc! { "_id": 1, "a": 1 };
    let merged = merge(&[("(document)", Choice::Value(given.clone().into()))]);
    assert_eq!(clean(&merged), &*given);
}

#[test]
fn bytes_that_are_no_document_are_reported_as_damage() {
    let whole = rawdoc! { "_id": 1, "a": "text" };
    let mut bytes = whole.clone().into_bytes();
    let length = bytes.len();
    bytes[length - 10] = 0xFF;
    let damaged = RawDocumentBuf::from_bytes(bytes).unwrap();
    let theirs = rawdoc! { "_id": 1, "a": "b" };
    let versions = versions(&whole, &damaged, &theirs);
    let error = merge_document("c", &versions, &Policy::default(), &Resolutions::NONE).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
}
