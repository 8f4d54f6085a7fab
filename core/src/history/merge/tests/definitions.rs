//! Single values in a collection's definition.

use bson::raw::RawDocumentBuf;
use bson::{Document as BsonDocument, RawBson, rawdoc};

use super::super::{Cause, Choice, Merged, Resolutions, Strategy, merge_definition};
use super::{paths, resolved, versions};

/// A collection's document in the catalog.
fn with(
    options: RawDocumentBuf,
    indexes: impl IntoIterator<Item = RawDocumentBuf>,
) -> RawDocumentBuf {
    let indexes: bson::RawArrayBuf = indexes.into_iter().map(RawBson::Document).collect();
    rawdoc! { "_id": 1_i64, "name": "boats", "options": options, "indexes": indexes }
}

fn index(key: RawDocumentBuf) -> RawDocumentBuf {
    rawdoc! { "v": 2, "key": key, "name": "i" }
}

/// A document with this field.
fn keyed(field: &str) -> RawDocumentBuf {
    RawDocumentBuf::try_from(&BsonDocument::from_iter([(field.to_owned(), 1.into())])).unwrap()
}

fn merge(sides: [&RawDocumentBuf; 3], default: Option<&Strategy>, decided: &Resolutions) -> Merged {
    merge_definition(&versions(sides[0], sides[1], sides[2]), default, decided).unwrap()
}

#[track_caller]
fn conflicts(base: &RawDocumentBuf, ours: &RawDocumentBuf, theirs: &RawDocumentBuf) -> Vec<String> {
    let one = merge([base, ours, theirs], None, &Resolutions::NONE);
    let other = merge([base, theirs, ours], None, &Resolutions::NONE);
    assert_eq!(paths(&one), paths(&other), "from both sides");
    paths(&one)
}

#[test]
fn an_index_is_one_value_by_its_name() {
    let of = |key| with(rawdoc! {}, [index(key)]);
    let base = of(rawdoc! { "email": 1 });
    let ours = of(rawdoc! { "email": 1, "tenant": 1 });
    let theirs = of(rawdoc! { "email": 1, "year": 1 });
    assert_eq!(conflicts(&base, &ours, &theirs), ["indexes.name=\"i\""]);
    let mut unique = index(rawdoc! { "email": 1 });
    unique.append(bson::cstr!("unique"), true);
    assert_eq!(conflicts(&base, &with(rawdoc! {}, [unique]), &theirs), ["indexes.name=\"i\""]);
    assert_eq!(conflicts(&base, &ours, &ours), Vec::<String>::new());
    assert_eq!(conflicts(&base, &with(rawdoc! {}, []), &theirs), ["indexes.name=\"i\""]);
    let turned = of(rawdoc! { "tenant": 1, "email": 1 });
    assert_eq!(
        conflicts(&base, &ours, &turned),
        ["indexes.name=\"i\""],
        "the order of keys counts"
    );

    let decided = resolved(&[("indexes.name=\"i\"", Choice::Theirs)]);
    let merged = merge([&base, &ours, &theirs], None, &decided);
    assert_eq!(merged.document.unwrap().as_raw(), &*theirs);
    let merged = merge([&base, &ours, &theirs], Some(&Strategy::Ours), &Resolutions::NONE);
    assert_eq!((merged.document.unwrap().as_raw(), merged.decided), (&*ours, 1));
}

#[test]
fn different_indexes_come_together() {
    let [a, b, c] = ["a", "b", "c"].map(|name| rawdoc! { "name": name, "key": keyed(name) });
    let base = with(rawdoc! {}, [c.clone()]);
    let ours = with(rawdoc! {}, [c.clone(), a.clone()]);
    let theirs = with(rawdoc! {}, [c.clone(), b.clone()]);
    let merged = merge([&base, &ours, &theirs], None, &Resolutions::NONE);
    assert_eq!(merged.conflicts, []);
    let document = merged.document.unwrap();
    assert_eq!(document.as_raw().get_array("indexes").unwrap().into_iter().count(), 3);
}

#[test]
fn each_option_is_one_value() {
    let of = |options| with(options, []);
    let validator = |inner: RawDocumentBuf| of(rawdoc! { "validator": inner });
    let base = validator(rawdoc! { "a": 1 });
    let [ours, theirs] = ["b", "c"].map(|name| validator(rawdoc! { "a": 1, "more": keyed(name) }));
    assert_eq!(conflicts(&base, &ours, &theirs), ["options.validator"]);
    let collation = |strength: i32, level: bool| {
        of(rawdoc! { "collation": { "locale": "de", "strength": strength, "caseLevel": level } })
    };
    let sides = [collation(1, false), collation(2, false), collation(1, true)];
    assert_eq!(conflicts(&sides[0], &sides[1], &sides[2]), ["options.collation"]);
    // Unrelated changes are merged.
    let other = of(rawdoc! { "validator": { "a": 1 }, "comment": "x" });
    assert_eq!(conflicts(&base, &ours, &other), Vec::<String>::new());
}

#[test]
fn options_that_are_one_value_together_are_not_torn() {
    let of = |options| with(options, []);
    let base = of(rawdoc! { "capped": true, "size": 4096 });
    let ours = of(rawdoc! { "capped": true, "size": 8192 });
    let theirs = of(rawdoc! { "capped": true, "size": 4096, "max": 10 });
    assert_eq!(conflicts(&base, &ours, &theirs), ["options.max", "options.size"]);
    let merged = merge([&base, &ours, &theirs], None, &Resolutions::NONE);
    assert!(
        merged
            .conflicts
            .iter()
            .all(|found| found.cause == Cause::BothChanged && found.note.is_some())
    );
    let merged = merge([&base, &ours, &theirs], Some(&Strategy::Theirs), &Resolutions::NONE);
    assert_eq!(merged.document.unwrap().as_raw(), &*theirs);
    let view = |on: &str, field: &str| {
        of(rawdoc! { "viewOn": on, "pipeline": [{ "$match": keyed(field) }] })
    };
    let sides = [view("a", "x"), view("b", "x"), view("a", "y")];
    assert_eq!(conflicts(&sides[0], &sides[1], &sides[2]), ["options.pipeline", "options.viewOn"]);
}
