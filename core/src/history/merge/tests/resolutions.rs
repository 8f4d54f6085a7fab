//! Resolutions of a person.

use bson::{RawBson, rawdoc};

use super::super::{
    Choice, FieldConflict, Policy, Resolutions, Versions, conflicting_paths, merge_document,
};
use super::{always, clean, document, path, paths, resolved, rules, versions};
use crate::ErrorKind;
use crate::document::Path;

#[test]
fn a_resolution_settles_the_conflict_at_its_path() {
    let base = rawdoc! { "_id": 1, "a": 1, "b": 1, "c": 1 };
    let ours = rawdoc! { "_id": 1, "a": 2, "b": 2, "c": 2 };
    let theirs = rawdoc! { "_id": 1, "a": 3, "b": 3, "c": 3 };
    let versions = versions(&base, &ours, &theirs);
    let merge = |choice: Choice| {
        let resolutions = resolved(&[("b", choice)]);
        let merged = merge_document("c", &versions, &Policy::default(), &resolutions).unwrap();
        assert_eq!((paths(&merged), merged.decided), (vec!["a".into(), "c".into()], 1));
        document(&merged).get("b").unwrap().map(RawBson::from)
    };
    assert_eq!(merge(Choice::Ours), Some(RawBson::Int32(2)));
    assert_eq!(merge(Choice::Theirs), Some(RawBson::Int32(3)));
    assert_eq!(merge(Choice::Base), Some(RawBson::Int32(1)));
    assert_eq!(merge(Choice::Value("x".into())), Some(RawBson::String("x".into())));
    assert_eq!(merge(Choice::Absent), None);
}

#[test]
fn a_side_for_a_path_settles_conflicts_below_and_keeps_what_one_side_changed() {
    let base = rawdoc! { "_id": 1, "a": { "x": 1, "y": 1, "z": 1, "w": 1 } };
    let ours = rawdoc! { "_id": 1, "a": { "x": 2, "y": 2, "z": 2, "w": 1 } };
    let theirs = rawdoc! { "_id": 1, "a": { "x": 3, "y": 3, "z": 1, "w": 3 } };
    for (decisions, x) in [
        (vec![("(document)", Choice::Theirs)], 3),
        (vec![("a", Choice::Theirs)], 3),
        (vec![("a", Choice::Theirs), ("a.x", Choice::Ours)], 2),
    ] {
        let versions = versions(&base, &ours, &theirs);
        let merged =
            merge_document("c", &versions, &Policy::default(), &resolved(&decisions)).unwrap();
        let expected = rawdoc! { "_id": 1, "a": { "x": x, "y": 3, "z": 2, "w": 3 } };
        assert_eq!((clean(&merged), merged.decided), (&*expected, 2));
    }
}

#[test]
fn a_value_for_a_path_stands_in_place_of_all_below() {
    let base = rawdoc! { "_id": 1, "a": { "x": 1, "y": 1 }, "b": 1 };
    let ours = rawdoc! { "_id": 1, "a": { "x": 2, "y": 2 }, "b": 1 };
    let theirs = rawdoc! { "_id": 1, "a": { "x": 3, "y": 1 }, "b": 3 };
    let merge = |decisions: &[(&str, Choice)]| {
        let versions = versions(&base, &ours, &theirs);
        merge_document("c", &versions, &Policy::default(), &resolved(decisions)).unwrap()
    };
    let given = Choice::Value(rawdoc! { "new": true }.into());
    let merged = merge(&[("a", given), ("a.x", Choice::Theirs)]);
    assert_eq!(
        (clean(&merged), merged.decided),
        (&*rawdoc! { "_id": 1, "a": { "new": true }, "b": 3 }, 1)
    );
    assert_eq!(clean(&merge(&[("a", Choice::Absent)])), &*rawdoc! { "_id": 1, "b": 3 });
    let whole = rawdoc! { "_id": 1.0, "all": "new" };
    let given = Choice::Value(whole.clone().into());
    assert_eq!(clean(&merge(&[("(document)", given)])), &*whole);
    let merged = merge(&[("(document)", Choice::Absent)]);
    assert_eq!((merged.document, merged.decided), (None, 1));
}

#[test]
fn an_element_that_is_decided_to_be_absent_leaves_no_gap() {
    let of = |n: i32| rawdoc! { "_id": 1, "a": [{ "k": 1, "n": n }, { "k": 2 }] };
    let (base, ours, theirs) = (of(3), of(4), of(5));
    let versions = versions(&base, &ours, &theirs);
    let resolutions = resolved(&[("a.k=1", Choice::Absent)]);
    let merged =
        merge_document("c", &versions, &rules(&[("a", "by-key(k)")]), &resolutions).unwrap();
    assert_eq!(clean(&merged), &*rawdoc! { "_id": 1, "a": [{ "k": 2 }] });
}

#[test]
fn a_resolution_wins_over_a_strategy() {
    let base = rawdoc! { "_id": 1, "n": 1, "tags": ["a"] };
    let ours = rawdoc! { "_id": 1, "n": 2, "tags": ["b"] };
    let theirs = rawdoc! { "_id": 1, "n": 3, "tags": ["c"] };
    let versions = versions(&base, &ours, &theirs);
    let policy = rules(&[("n", "sum"), ("tags", "union")]);
    let merge = |decisions: &[(&str, Choice)]| {
        merge_document("c", &versions, &policy, &resolved(decisions)).unwrap()
    };
    assert_eq!(clean(&merge(&[])), &*rawdoc! { "_id": 1, "n": 4, "tags": ["b", "c"] });
    let merged = merge(&[("n", Choice::Ours), ("tags", Choice::Theirs)]);
    assert_eq!(
        (clean(&merged), merged.decided),
        (&*rawdoc! { "_id": 1, "n": 2, "tags": ["c"] }, 2)
    );
}

#[test]
fn a_decision_for_a_document_that_both_inserted_takes_it_whole() {
    let (ours, theirs) = (rawdoc! { "_id": 1, "a": 1 }, rawdoc! { "_id": 1, "b": 1 });
    let inserted = Versions { ours: Some(&ours), theirs: Some(&theirs), ..Versions::default() };
    for policy in [Policy::default(), always("sum")] {
        let merge = |choice: Choice| {
            let resolutions = resolved(&[("(document)", choice)]);
            merge_document("c", &inserted, &policy, &resolutions).unwrap()
        };
        assert_eq!(clean(&merge(Choice::Theirs)), &*theirs);
        assert_eq!(clean(&merge(Choice::Ours)), &*ours);
        assert_eq!(merge(Choice::Base).document, None);
    }
}

#[test]
fn a_resolution_without_a_conflict_is_refused_with_the_paths_that_have_one() {
    let base = rawdoc! { "_id": 1, "a": { "x": 1 }, "n": 1, "b": 1 };
    let ours = rawdoc! { "_id": 1, "a": { "x": 2 }, "n": 2, "b": 2 };
    let theirs = rawdoc! { "_id": 1, "a": { "x": 3 }, "n": 3, "b": 1 };
    let versions = versions(&base, &ours, &theirs);
    let conflicting = conflicting_paths("c", &versions, &rules(&[("n", "sum")])).unwrap();
    assert_eq!(conflicting, [path("a.x"), path("n")]);
    for good in ["(document)", "a", "a.x", "n"] {
        resolved(&[(good, Choice::Ours)]).check(&conflicting).unwrap();
    }
    for wrong in ["b", "a.x.y", "a.z", "_id"] {
        let resolutions = resolved(&[("a", Choice::Ours), (wrong, Choice::Ours)]);
        let error = resolutions.check(&conflicting).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!("no conflict at path {wrong}; the document has conflicts at a.x, n");
        assert_eq!(error.to_string(), expected);
    }
    assert!(resolved(&[("a", Choice::Ours)]).check(&[]).is_err());
}

#[test]
fn a_resolution_that_changes_the_id_is_refused() {
    let base = rawdoc! { "_id": 1, "a": 1 };
    let (ours, theirs) = (rawdoc! { "_id": 1.0, "a": 1 }, rawdoc! { "_id": 1_i64, "a": 1 });
    let versions = versions(&base, &ours, &theirs);
    let merge = |at: &str, choice: Choice| {
        let resolutions = resolved(&[(at, choice)]);
        merge_document("c", &versions, &Policy::default(), &resolutions)
    };
    let same = merge("_id", Choice::Value(RawBson::Int64(1))).unwrap();
    assert_eq!(clean(&same), &*theirs);
    for (at, choice) in [
        ("_id", Choice::Value(RawBson::Int32(2))),
        ("_id", Choice::Absent),
        ("(document)", Choice::Value(rawdoc! { "_id": 2 }.into())),
        ("(document)", Choice::Value(RawBson::Int32(1))),
    ] {
        let error = merge(at, choice).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let error = merge("_id", Choice::Value(RawBson::Int32(2))).unwrap_err();
    assert!(error.to_string().contains("from 1 to 2"), "{error}");
}

#[test]
fn resolutions_and_conflicts_can_be_stored() {
    let value: RawBson = rawdoc! { "n": f64::NAN.to_bits().cast_signed(), "a": [1, "x"] }.into();
    let resolutions = resolved(&[
        ("(document)", Choice::Ours),
        ("a.b", Choice::Value(value.clone())),
        ("x", Choice::Absent),
        ("y", Choice::Value(RawBson::Null)),
    ]);
    let bytes = bson::serialize_to_vec(&Holder { held: resolutions.clone() }).unwrap();
    let read: Holder<Resolutions> = bson::deserialize_from_slice(&bytes).unwrap();
    assert_eq!(read.held, resolutions);
    let conflict = FieldConflict {
        path: path("a.b"),
        cause: super::super::Cause::DeletedAndChanged,
        base: Some(value),
        ours: None,
        theirs: Some(RawBson::Null),
        note: Some("why".into()),
    };
    let bytes = bson::serialize_to_vec(&conflict).unwrap();
    assert_eq!(bson::deserialize_from_slice::<FieldConflict>(&bytes).unwrap(), conflict);
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Holder<T> {
    held: T,
}

#[test]
fn decisions_can_be_taken_back() {
    let mut resolutions = Resolutions::default();
    assert_eq!(resolutions.insert(path("a"), Choice::Ours), None);
    assert_eq!(resolutions.insert(path("a"), Choice::Base), Some(Choice::Ours));
    assert_eq!(resolutions.len(), 1);
    assert_eq!(resolutions.iter().next(), Some((&path("a"), &Choice::Base)));
    assert_eq!(resolutions.remove(&Path::new(["a"])), Some(Choice::Base));
    assert!(resolutions.is_empty());
}
