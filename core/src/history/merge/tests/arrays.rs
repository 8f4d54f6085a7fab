//! Arrays without a strategy.

use bson::{RawArrayBuf, RawDocumentBuf, rawdoc};

use super::super::Cause;
use super::{clean, document, merge, paths};

fn tags(elements: &[i32]) -> RawDocumentBuf {
    rawdoc! { "_id": 1, "tags": elements.iter().copied().collect::<RawArrayBuf>() }
}

#[test]
fn what_one_side_appended_follows_the_array_of_the_other() {
    let base = tags(&[1, 2, 3]);
    let (appended, other) = (tags(&[1, 2, 3, 4, 5]), tags(&[3, 9]));
    assert_eq!(clean(&merge(&base, &appended, &other)), &*tags(&[3, 9, 4, 5]));
    assert_eq!(clean(&merge(&base, &other, &appended)), &*tags(&[3, 9, 4, 5]));
}

#[test]
fn arrays_to_which_both_appended_are_a_conflict() {
    let merged = merge(&tags(&[1]), &tags(&[1, 2]), &tags(&[1, 3]));
    assert_eq!(paths(&merged), ["tags"]);
    assert_eq!(document(&merged), &*tags(&[1, 2]));
}

#[test]
fn arrays_of_one_length_that_both_changed_are_a_conflict() {
    let merged = merge(&tags(&[1, 2, 3, 4]), &tags(&[7, 2, 8, 4]), &tags(&[1, 2, 9, 6]));
    assert_eq!(paths(&merged), ["tags"]);
    assert_eq!(document(&merged), &*tags(&[7, 2, 8, 4]));
    // Theirs changed the first element, not the one that ours inserted there.
    let items = |items: &[(&str, i32)]| {
        let item = |(sku, n): &(&str, i32)| rawdoc! { "sku": *sku, "n": *n };
        rawdoc! { "_id": 1, "items": items.iter().map(item).collect::<bson::RawArrayBuf>() }
    };
    let (ours, theirs) = (items(&[("b", 1), ("c", 1)]), items(&[("a", 500), ("b", 1)]));
    let merged = merge(&items(&[("a", 1), ("b", 1)]), &ours, &theirs);
    assert_eq!(paths(&merged), ["items"]);
}

#[test]
fn arrays_that_both_made_longer_or_shorter_are_a_conflict() {
    let merged = merge(&tags(&[1, 2, 3]), &tags(&[1, 3]), &tags(&[2, 3, 4]));
    assert_eq!(paths(&merged), ["tags"]);
    assert_eq!(merged.conflicts[0].cause, Cause::BothChanged);
}

#[test]
fn arrays_that_both_inserted_are_a_conflict() {
    let merged = merge(&rawdoc! { "_id": 1 }, &tags(&[1]), &tags(&[1, 2]));
    assert_eq!(paths(&merged), ["tags"]);
    assert_eq!(merged.conflicts[0].cause, Cause::BothInserted);
}
