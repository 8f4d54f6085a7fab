//! The golden cases of updates: `golden/updates/FAMILY.jsonl`, one case a line, in Extended JSON:
//!
//! | field | content |
//! | --- | --- |
//! | `operator` | the operator, or what else the case is for |
//! | `update` | the update |
//! | `filters` | the array filters |
//! | `multi` | whether several documents are updated |
//! | `document` | the document |
//! | `matched` | the index that `$` stands for; or |
//! | `query` | the query that finds it; without `document`, that of an upsert: a new `_id` is 00…07 |
//! | `result` | the new document, byte by byte; or |
//! | `unchanged` | `true`: nothing changes; or |
//! | `error` | the number of the error |
//!
//! The time is 2026-07-07T09:00:00Z. A line that begins with `//` is a comment.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;

use argon_core::document::Filter;
use argon_core::model::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use argon_query::expression::{Context, Scope};
use argon_query::update::{Target, Update, UpdateOptions};
use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use bson::{Bson, DateTime, Document, doc, rawdoc};

mod golden_cases;

use golden_cases::{cases, number, shown};

const FEWEST_CASES: usize = 8;

/// What must have enough cases.
const SUBJECTS: &[&str] = &[
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$currentDate",
    "$setOnInsert",
    "$push",
    "$pull",
    "$pullAll",
    "$addToSet",
    "$pop",
    "$bit",
    "$[]",
    "$[identifier]",
    "$",
    "replacement",
    "pipeline",
    "upsert",
    "conflict",
    "order",
];

/// The new document as text, or the number of the error.
fn answer(case: &Document) -> Result<String, u32> {
    let now = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap();
    let context = Context::new(now, 7);
    let filters: Vec<_> = match case.get_array("filters") {
        Ok(filters) => filters.iter().map(|filter| filter.as_document().unwrap().clone()).collect(),
        Err(_) => Vec::new(),
    };
    let multi = case.get_bool("multi").unwrap_or(false);
    let options = UpdateOptions { array_filters: &filters, multi, ..UpdateOptions::default() };
    let update =
        Update::compile(case.get("update").unwrap(), &options).map_err(|error| number(&error))?;
    let empty = rawdoc! {};
    let scope = Scope::new(&context, &empty);
    let query = case.get_document("query").ok();
    if let (Some(query), false) = (query, case.contains_key("document")) {
        let id = ObjectId::parse_str("000000000000000000000007").unwrap();
        return update
            .upsert(query, id, &scope)
            .map(|document| shown(&document))
            .map_err(|error| number(&error));
    }
    let document = case.get_document("document").cloned().unwrap_or_default();
    let document = RawDocumentBuf::try_from(document).unwrap();
    let matched = match query {
        Some(_) if !update.is_positional() => None,
        Some(query) => Filter::parse(query).unwrap().position(&document, &()).unwrap(),
        None => case.get_i32("matched").ok().map(|index| usize::try_from(index).unwrap()),
    };
    let target = Target { matched, is_insert: false };
    let updated = update.apply(&document, target, &scope).map_err(|error| number(&error))?;
    Ok(updated.map_or_else(|| "unchanged".to_owned(), |document| shown(&document)))
}

#[test]
fn each_case_gives_its_document_or_its_error() {
    let mut failures = Vec::new();
    for (place, case) in cases("updates") {
        let expected = match (case.get_document("result"), case.get_i32("error")) {
            (Ok(result), Err(_)) => Ok(shown(&RawDocumentBuf::try_from(result).unwrap())),
            (Err(_), Ok(error)) => Err(u32::try_from(error).unwrap()),
            (Err(_), Err(_)) if case.get_bool("unchanged").unwrap_or(false) => {
                Ok("unchanged".to_owned())
            }
            _ => panic!("{place}: expected one of result, unchanged and error"),
        };
        let found = answer(&case);
        if found != expected {
            failures.push(format!("{place}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The number of the error of an update of a document, or of an upsert.
fn refused(update: Document, document: Option<&RawDocumentBuf>) -> Option<u32> {
    let context = Context::new(DateTime::from_millis(0), 7);
    let update = Update::compile(&update.into(), &UpdateOptions::default()).unwrap();
    let empty = rawdoc! {};
    let scope = Scope::new(&context, &empty);
    let result = match document {
        Some(document) => update.apply(document, Target::default(), &scope).map(drop),
        None => update.upsert(&doc! { "_id": 1 }, ObjectId::from_bytes([1; 12]), &scope).map(drop),
    };
    result.err().map(|error| number(&error))
}

#[test]
fn a_document_that_becomes_too_large_is_refused_with_the_code_of_mongodb() {
    let text = |bytes: usize| "t".repeat(bytes);
    let document = rawdoc! { "_id": 1, "a": text(MAX_DOCUMENT_BYTES - 100) };
    assert_eq!(refused(doc! { "$set": { "b": 1 } }, Some(&document)), None);
    assert_eq!(refused(doc! { "$set": { "b": text(200) } }, Some(&document)), Some(17419));
    assert_eq!(refused(doc! { "$set": { "b": text(20_000) } }, Some(&document)), Some(10334));
    assert_eq!(refused(doc! { "$set": { "b": text(MAX_DOCUMENT_BYTES) } }, None), Some(17420));
    let copy = doc! { "$rename": { "a": "a much longer name".repeat(8) } };
    assert_eq!(refused(copy, Some(&document)), Some(17419));
}

#[test]
fn a_document_that_becomes_too_deep_is_refused_with_the_code_of_mongodb() {
    let document = rawdoc! { "_id": 1 };
    let path = |names: usize| vec!["a"; names].join(".");
    assert_eq!(refused(doc! { "$set": { path(MAX_DEPTH): 1 } }, Some(&document)), None);
    for value in [Bson::Int32(1), doc! {}.into()] {
        let deeper = doc! { "$set": { path(MAX_DEPTH + 1): value } };
        assert_eq!(refused(deeper.clone(), Some(&document)), Some(15));
        assert_eq!(refused(deeper, None), Some(15));
    }
    let innermost = doc! { "$set": { path(MAX_DEPTH): {} } };
    assert_eq!(refused(innermost, Some(&document)), Some(15));
}

#[test]
fn each_operator_has_enough_cases() {
    let mut counts: BTreeMap<&str, usize> = SUBJECTS.iter().map(|name| (*name, 0)).collect();
    for (place, case) in cases("updates") {
        let operator = case.get_str("operator").unwrap();
        *counts.get_mut(operator).unwrap_or_else(|| panic!("{place}: unknown {operator}")) += 1;
    }
    counts.retain(|_, count| *count < FEWEST_CASES);
    assert!(counts.is_empty(), "operators with fewer than {FEWEST_CASES} cases: {counts:?}");
}
