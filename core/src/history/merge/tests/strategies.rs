//! The results of strategies.

use bson::raw::RawBsonRef;
use bson::{DateTime, RawBson, RawDocumentBuf, cstr, rawdoc};

use super::super::{Cause, Merged, Policy, Versions};
use super::{always, clean, document, merge_with, paths, rules, versions};

fn field(value: impl Into<RawBson>) -> RawDocumentBuf {
    let mut document = rawdoc! { "_id": 1 };
    document.append(cstr!("a"), value.into());
    document
}

fn settled(
    strategy: &str,
    base: impl Into<RawBson>,
    ours: impl Into<RawBson>,
    theirs: impl Into<RawBson>,
) -> Merged {
    merge_with(&versions(&field(base), &field(ours), &field(theirs)), &always(strategy))
}

/// The result of a strategy on these values; the same from both sides.
#[track_caller]
fn value<V: Into<RawBson> + Clone>(strategy: &str, base: V, ours: V, theirs: V) -> RawBson {
    let one = settled(strategy, base.clone(), ours.clone(), theirs.clone());
    let other = settled(strategy, base, theirs, ours);
    assert_eq!((one.decided, clean(&one)), (1, clean(&other)));
    clean(&one).get("a").unwrap().unwrap().into()
}

/// The note of a conflict that the strategy left.
#[track_caller]
fn note(merged: &Merged) -> &str {
    assert_eq!((merged.decided, paths(merged)), (0, vec!["a".to_owned()]));
    merged.conflicts[0].note.as_deref().unwrap()
}

fn decimal(text: &str) -> RawBson {
    RawBson::Decimal128(text.parse().unwrap())
}

#[test]
fn ours_and_theirs_take_a_side() {
    assert_eq!(clean(&settled("ours", 1, 2, 3)), &*field(2));
    assert_eq!(clean(&settled("theirs", 1, 2, 3)), &*field(3));
}

#[test]
fn newest_takes_the_side_that_was_changed_last_and_ours_on_a_tie() {
    let (base, ours, theirs) = (field(1), field(2), field(3));
    for (times, expected) in [([5, 4], 2), ([4, 5], 3), ([5, 5], 2)] {
        let times = Some(times.map(DateTime::from_millis));
        let versions = Versions { times, ..versions(&base, &ours, &theirs) };
        assert_eq!(clean(&merge_with(&versions, &always("newest"))), &*field(expected));
    }
    let merged = settled("newest", 1, 2, 3);
    assert_eq!(note(&merged), "newest: the times of the changes are unknown");
}

#[test]
fn max_and_min_go_by_the_order_of_values() {
    assert_eq!(value("max", 1, 2, 3), RawBson::Int32(3));
    assert_eq!(value("min", 1, -2, -3), RawBson::Int32(-3));
    let mixed = [RawBson::Int32(0), RawBson::Int64(2), RawBson::Double(2.5)];
    let [base, ours, theirs] = mixed;
    assert_eq!(value("max", base.clone(), ours.clone(), theirs.clone()), RawBson::Double(2.5));
    assert_eq!(value("min", base, ours, theirs), RawBson::Int64(2));
    let text = RawBson::String("a".into());
    assert_eq!(value("max", RawBson::Null, text.clone(), RawBson::Int32(9)), text);
    assert_eq!(value("max", decimal("0"), decimal("2.1"), RawBson::Int32(2)), decimal("2.1"));
    assert_eq!(value("max", 0.0, f64::NAN, -5.0), RawBson::Double(-5.0));
}

#[test]
fn of_equal_values_max_and_min_take_the_same_from_both_sides() {
    let (whole, point) = (RawBson::Int32(2), RawBson::Double(2.0));
    assert_eq!(value("max", RawBson::Null, whole.clone(), point.clone()), whole);
    assert_eq!(value("min", RawBson::Null, whole, point.clone()), point);
    let zero = value("max", 1.0, 0.0, -0.0);
    assert!(matches!(zero, RawBson::Double(zero) if zero.is_sign_negative()));
}

#[test]
fn sum_adds_what_both_sides_added() {
    assert_eq!(value("sum", 10, 12, 15), RawBson::Int32(17));
    assert_eq!(value("sum", 10_i64, 12, 5), RawBson::Int64(7));
    assert_eq!(value("sum", 0.5, 1.5, 2.5), RawBson::Double(3.5));
    // Here the order of additions affects the last bit.
    assert_eq!(value("sum", 0.1, 0.7, 3.3), RawBson::Double(3.9));
    assert_eq!(
        value("sum", RawBson::Int32(1), RawBson::Double(1.5), RawBson::Int64(3)),
        RawBson::Double(3.5)
    );
}

#[test]
fn sum_without_a_base_adds_both() {
    let (ours, theirs) = (field(2), field(3));
    let merged = merge_with(&versions(&rawdoc! { "_id": 1 }, &ours, &theirs), &always("sum"));
    assert_eq!(clean(&merged), &*field(5));
}

#[test]
fn two_who_add_the_same_both_count() {
    assert_eq!(value("sum", 10, 9, 9), RawBson::Int32(8));
    let below = |n: i32| rawdoc! { "_id": 1, "stock": { "n": n, "to": n } };
    let policy = rules(&[("stock.n", "sum")]);
    let merged = merge_with(&versions(&below(10), &below(9), &below(9)), &policy);
    assert_eq!(clean(&merged), &*rawdoc! { "_id": 1, "stock": { "n": 8, "to": 9 } });
    // An element that both inserted occurs once.
    let merged = merge_with(&versions(&rawdoc! { "_id": 1 }, &field(3), &field(3)), &always("sum"));
    assert_eq!(clean(&merged), &*field(3));
}

#[test]
fn a_sum_that_no_int32_holds_becomes_an_int64_and_one_that_no_int64_holds_a_conflict() {
    let most = 2_147_483_647;
    assert_eq!(value("sum", 0, most, 1), RawBson::Int64(2_147_483_648));
    assert_eq!(value("sum", i64::MAX, i64::MAX - 1, 1_i64), RawBson::Int64(0));
    let merged = settled("sum", 0_i64, i64::MAX, 1_i64);
    assert_eq!(note(&merged), "sum: the sum does not fit in 64 bits");
    assert_eq!(document(&merged), &*field(i64::MAX));
}

#[test]
fn decimals_are_added_exactly_or_not_at_all() {
    let sum = |base: &str, ours: &str, theirs: &str| match value(
        "sum",
        decimal(base),
        decimal(ours),
        decimal(theirs),
    ) {
        RawBson::Decimal128(sum) => sum.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(sum("10.50", "11.75", "10.25"), "11.50");
    assert_eq!(sum("0", "1E-40", "2E-41"), "1.2E-40");
    assert_eq!(sum("0", "1E+40", "2E+40"), "3E+40");
    assert_eq!(sum("1.5", "-1.5", "3"), "0.0");
    let mixed = value("sum", RawBson::Int32(1), decimal("1.10"), RawBson::Int64(5));
    assert_eq!(mixed, decimal("5.10"));

    let long = settled("sum", decimal("0"), decimal("1E+40"), decimal("1"));
    assert_eq!(note(&long), "sum: the sum does not fit in the 34 digits of a decimal");
    let full = "9999999999999999999999999999999999";
    note(&settled("sum", decimal("0"), decimal(full), decimal("1")));
    note(&settled("sum", decimal("0"), decimal("NaN"), decimal("1")));
    note(&settled("sum", decimal("0"), decimal("1"), 1.5));
}

#[test]
fn a_sum_that_is_no_number_stays_a_conflict() {
    note(&settled("sum", 0.0, f64::INFINITY, 1.0));
    note(&settled("sum", 0.0, f64::MAX, f64::MAX / 2.0));
    assert_eq!(note(&settled("sum", 1, "x", 2)), "sum: not all values are numbers");
    note(&settled("sum", "x", 1, 2));
}

#[test]
fn union_takes_arrays_as_sets() {
    let set = |elements: &[&str]| rawdoc! { "_id": 1, "a": elements.iter().copied().collect::<bson::RawArrayBuf>() };
    let merge = |base: &[&str], ours: &[&str], theirs: &[&str]| {
        merge_with(&versions(&set(base), &set(ours), &set(theirs)), &always("union"))
    };
    let merged = merge(&["a", "b", "c"], &["x", "b", "c", "y"], &["c", "a", "y", "z", "z"]);
    assert_eq!((clean(&merged), merged.decided), (&*set(&["c", "x", "y", "z"]), 1));
    // Otherwise, appending on one side would apply by position.
    let merged = merge(&["a"], &["a", "x"], &["x", "b"]);
    assert_eq!(clean(&merged), &*set(&["x", "b"]));
    let (ours, theirs) = (set(&["a"]), set(&["b"]));
    let merged = merge_with(&versions(&rawdoc! { "_id": 1 }, &ours, &theirs), &always("union"));
    assert_eq!(clean(&merged), &*set(&["a", "b"]));
    assert_eq!(note(&settled("union", 1, 2, 3)), "union: not all values are arrays");
}

#[test]
fn append_keeps_what_both_sides_appended() {
    let base = rawdoc! { "_id": 1, "a": [1, 2] };
    let ours = rawdoc! { "_id": 1, "a": [1, 7, 3] };
    let theirs = rawdoc! { "_id": 1, "a": [1, 2, 4, 5] };
    let merged = merge_with(&versions(&base, &ours, &theirs), &always("append"));
    // Theirs only appended, which needs no strategy.
    assert_eq!(clean(&merged), &*rawdoc! { "_id": 1, "a": [1, 7, 3, 4, 5] });
    let theirs = rawdoc! { "_id": 1, "a": [6, 2, 4, 5] };
    let merged = merge_with(&versions(&base, &ours, &theirs), &always("append"));
    let changed = "append: one side removed elements, or both changed the others";
    assert_eq!(note(&merged), changed);
    let ours = rawdoc! { "_id": 1, "a": [1, 2, 3] };
    let theirs = rawdoc! { "_id": 1, "a": [1, 8, 4] };
    let merged = merge_with(&versions(&base, &ours, &theirs), &always("append"));
    // Ours only appended, which needs no strategy.
    assert_eq!((clean(&merged), merged.decided), (&*rawdoc! { "_id": 1, "a": [1, 8, 4, 3] }, 0));
    let both = rawdoc! { "_id": 1, "a": [1, 2, 4, 3] };
    let merged = merge_with(&versions(&base, &ours, &both), &always("append"));
    assert_eq!((clean(&merged), merged.decided), (&*rawdoc! { "_id": 1, "a": [1, 2, 3, 4, 3] }, 1));
    let shorter = rawdoc! { "_id": 1, "a": [1] };
    let merged = merge_with(&versions(&base, &shorter, &theirs), &always("append"));
    assert_eq!(note(&merged), changed);
}

fn cart(items: &[(&str, i32, i32)]) -> RawDocumentBuf {
    let item =
        |(sku, n, price): &(&str, i32, i32)| rawdoc! { "sku": *sku, "n": *n, "price": *price };
    rawdoc! { "_id": 1, "items": items.iter().map(item).collect::<bson::RawArrayBuf>() }
}

#[test]
fn by_key_merges_the_elements_of_one_key_wherever_they_stand() {
    let base = cart(&[("a", 1, 1), ("b", 1, 1), ("c", 1, 1)]);
    let ours = cart(&[("c", 1, 1), ("b", 2, 1), ("a", 1, 1), ("x", 0, 0)]);
    let theirs = cart(&[("a", 5, 1), ("b", 1, 3), ("y", 0, 0)]);
    let policy = rules(&[("items", "by-key(sku)")]);
    let merged = merge_with(&versions(&base, &ours, &theirs), &policy);
    let expected = cart(&[("b", 2, 3), ("a", 5, 1), ("x", 0, 0), ("y", 0, 0)]);
    assert_eq!(clean(&merged), &*expected);
}

#[test]
fn conflicts_of_elements_merged_by_key_are_at_paths_with_the_key() {
    let base = cart(&[("a", 1, 1), ("b", 1, 1), ("c.d", 1, 1)]);
    let ours = cart(&[("b", 2, 2), ("c.d", 2, 1)]);
    let theirs = cart(&[("a", 5, 1), ("b", 3, 3), ("c.d", 1, 1), ("x", 1, 1)]);
    let policy = rules(&[("items", "by-key(sku)"), ("items.*.n", "sum")]);
    let merged = merge_with(&versions(&base, &ours, &theirs), &policy);
    assert_eq!(paths(&merged), ["items.sku=\"a\"", "items.sku=\"b\".price"]);
    assert_eq!(merged.decided, 1);
    let expected = cart(&[("b", 4, 2), ("c.d", 2, 1), ("x", 1, 1)]);
    assert_eq!(document(&merged), &*expected);
    let removed = merged.conflicts.iter().find(|c| c.cause == Cause::DeletedAndChanged);
    assert_eq!(removed.unwrap().path, crate::document::Path::new(["items", "sku=\"a\""]));
}

#[test]
fn arrays_whose_elements_have_no_key_of_their_own_are_a_conflict() {
    let merge = |ours: RawDocumentBuf| {
        let (base, theirs) = (cart(&[("a", 1, 1)]), cart(&[("a", 2, 1)]));
        merge_with(&versions(&base, &ours, &theirs), &rules(&[("items", "by-key(sku)")]))
    };
    for (ours, note) in [
        (cart(&[("a", 3, 1), ("a", 1, 1)]), "by-key(sku): two elements have the same sku"),
        (rawdoc! { "_id": 1, "items": [{ "n": 1 }] }, "by-key(sku): an element has no sku"),
        (rawdoc! { "_id": 1, "items": [1] }, "by-key(sku): an element is not a document"),
        (
            rawdoc! { "_id": 1, "items": [{ "sku": [] }] },
            "by-key(sku): the sku of an element has a type or length that can't be a key",
        ),
        (rawdoc! { "_id": 1, "items": 1 }, "by-key(sku): not all values are arrays"),
    ] {
        let merged = merge(ours);
        assert_eq!(paths(&merged), ["items"]);
        assert_eq!(merged.conflicts[0].note.as_deref(), Some(note));
    }
}

#[test]
fn a_value_that_one_side_removed_is_settled_by_the_side_only() {
    let (base, ours, theirs) = (field(1), field(2), rawdoc! { "_id": 1, "b": 1 });
    for strategy in ["max", "min", "sum", "union", "append", "by-key(x)"] {
        let merged = merge_with(&versions(&base, &ours, &theirs), &always(strategy));
        assert_eq!(note(&merged), format!("{strategy}: one side deleted the value"));
    }
    let merged = merge_with(&versions(&base, &ours, &theirs), &always("theirs"));
    assert_eq!(clean(&merged), &*theirs);
}

#[test]
fn a_whole_document_is_settled_by_the_side_only() {
    let (base, theirs) = (field(1), field(2));
    let times = Some([DateTime::from_millis(5), DateTime::from_millis(4)]);
    let deleted = Versions { base: Some(&base), ours: None, theirs: Some(&theirs), times };
    assert_eq!(clean(&merge_with(&deleted, &always("theirs"))), &*theirs);
    for strategy in ["ours", "newest"] {
        let merged = merge_with(&deleted, &always(strategy));
        assert_eq!((merged.document, merged.conflicts, merged.decided), (None, vec![], 1));
    }
    let merged = merge_with(&deleted, &always("max"));
    assert_eq!(paths(&merged), ["(document)"]);
    assert!(merged.conflicts[0].note.is_some());
    // A rule for fields does not apply to the document.
    let merged = merge_with(&deleted, &rules(&[("*", "theirs")]));
    assert_eq!((paths(&merged).len(), merged.conflicts[0].note.as_ref()), (1, None));
}

#[test]
fn two_inserted_documents_are_merged_by_field_if_the_policy_speaks_of_documents() {
    let ours = rawdoc! { "_id": 1, "n": 2, "s": "x", "mine": 1 };
    let theirs = rawdoc! { "_id": 1, "n": 3, "s": "y", "yours": 1 };
    let inserted = Versions { ours: Some(&ours), theirs: Some(&theirs), ..Versions::default() };
    let merged = merge_with(&inserted, &always("sum"));
    assert_eq!((paths(&merged), merged.decided), (vec!["s".to_owned()], 1));
    let expected = rawdoc! { "_id": 1, "n": 5, "s": "x", "yours": 1, "mine": 1 };
    assert_eq!(document(&merged), &*expected);
    let merged = merge_with(&inserted, &rules(&[("n", "sum"), ("**", "theirs")]));
    let expected = rawdoc! { "_id": 1, "n": 5, "s": "y", "yours": 1, "mine": 1 };
    assert_eq!(clean(&merged), &*expected);
}

#[test]
fn no_strategy_changes_an_id() {
    for strategy in ["ours", "theirs", "max", "min", "sum", "union", "append", "by-key(x)"] {
        let (ours, theirs) = (rawdoc! { "_id": { "k": 1 } }, rawdoc! { "_id": { "k": 1.0 } });
        let inserted = Versions { ours: Some(&ours), theirs: Some(&theirs), ..Versions::default() };
        let merged = merge_with(&inserted, &always(strategy));
        let id = document(&merged).get_document("_id").unwrap().get("k").unwrap().unwrap();
        assert!(matches!(id, RawBsonRef::Int32(1) | RawBsonRef::Double(1.0)), "{strategy}");
    }
}

/// Returns the paths in conflict, and checks that swapping the sides gives the same conflicts.
#[track_caller]
fn touched(policy: &Policy, sides: [Option<&RawDocumentBuf>; 3]) -> Vec<String> {
    let [base, ours, theirs] = sides.map(|side| side.map(|side| &**side));
    let one = merge_with(&Versions { base, ours, theirs, times: None }, policy);
    let other = merge_with(&Versions { base, ours: theirs, theirs: ours, times: None }, policy);
    assert_eq!((paths(&one), one.decided), (paths(&other), other.decided));
    paths(&one)
}

#[test]
fn touched_is_a_conflict_where_both_sides_wrote_also_if_they_wrote_the_same() {
    let policy = rules(&[("n", "touched"), ("job.owner", "touched"), ("(document)", "touched")]);
    let base = rawdoc! { "_id": 1, "n": 5, "job": { "free": true }, "x": 1 };
    let ours = rawdoc! { "_id": 1, "n": 6, "job": { "free": false, "owner": "a" }, "x": 2 };
    let alike = [Some(&base), Some(&ours), Some(&ours)];
    assert_eq!(touched(&policy, alike), ["job.owner", "n"]);
    assert!(touched(&Policy::default(), alike).is_empty(), "without it both are right");
    let one = rawdoc! { "_id": 1, "n": 6, "job": { "free": true }, "x": 1 };
    let other = rawdoc! { "_id": 1, "n": 5, "job": { "free": true }, "x": 2 };
    assert!(touched(&policy, [Some(&base), Some(&one), Some(&other)]).is_empty());
    assert_eq!(touched(&policy, [Some(&base), Some(&one), Some(&one)]), ["n"]);
    assert_eq!(touched(&policy, [None, Some(&one), Some(&one)]), ["(document)"]);
    assert_eq!(touched(&policy, [Some(&base), None, None]), ["(document)"]);
    let fields = rules(&[("n", "touched")]);
    assert_eq!(touched(&fields, [None, Some(&one), Some(&one)]), ["n"]);
    assert!(touched(&fields, [Some(&base), None, None]).is_empty());
    let gone = rawdoc! { "_id": 1, "job": { "free": true }, "x": 1 };
    assert_eq!(touched(&fields, [Some(&base), Some(&gone), Some(&gone)]), ["n"]);
    let merged = merge_with(&versions(&base, &gone, &gone), &fields);
    assert_eq!(merged.conflicts[0].cause, Cause::BothDeleted);
}

#[test]
fn touched_sees_elements_that_are_matched_by_a_field_and_arrays_as_a_whole() {
    let list = |n: i32| rawdoc! { "_id": 1, "items": [{ "sku": "A", "n": n }], "tags": [n] };
    let (base, both) = (list(1), list(2));
    let policy = rules(&[("items", "by-key(sku)"), ("items.*.n", "touched"), ("tags", "touched")]);
    let alike = [Some(&base), Some(&both), Some(&both)];
    assert_eq!(touched(&policy, alike), ["items.sku=\"A\".n", "tags"]);
    let longer = rawdoc! { "_id": 1, "items": [{ "sku": "A", "n": 1 }], "tags": [1, 2] };
    assert_eq!(touched(&policy, [Some(&base), Some(&longer), Some(&both)]), ["tags"]);
}
