//! The golden cases of projections: `golden/projections/FAMILY.jsonl`, one case a line, in Extended
//! JSON:
//!
//! | field | content |
//! | --- | --- |
//! | `operator` | the stage, the operator, or what else the case is for |
//! | `find` | the projection of a query; or |
//! | `stage` | a stage |
//! | `query` | the query that the document matches, for a positional `$` |
//! | `document` | the document |
//! | `result` | the projected document, byte by byte; or |
//! | `error` | the number of the error |
//!
//! A line that begins with `//` is a comment.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;

use argon_core::document::Filter;
use argon_query::expression::{Compiler, Context, Scope};
use argon_query::projection::{Projection, transform};
use bson::raw::RawDocumentBuf;
use bson::{DateTime, Document, rawdoc};

mod golden_cases;

use golden_cases::{cases, number, shown};

const FEWEST_CASES: usize = 8;

/// What must have enough cases.
const SUBJECTS: &[&str] = &[
    "inclusion",
    "exclusion",
    "expression",
    "mixture",
    "$slice",
    "$elemMatch",
    "$",
    "$project",
    "$addFields",
    "$unset",
    "$replaceRoot",
    "$replaceWith",
];

/// The projected document as text, or the number of the error.
fn answer(case: &Document) -> Result<String, u32> {
    let context = Context::new(DateTime::from_millis(0), 7);
    let compiler = Compiler::default();
    let document = case.get_document("document").cloned().unwrap_or_default();
    let document = RawDocumentBuf::try_from(document).unwrap();
    let empty = rawdoc! {};
    let scope = Scope::new(&context, &empty);
    let projected = if let Ok(fields) = case.get_document("find") {
        let projection = Projection::find(fields, &compiler).map_err(|error| number(&error))?;
        let matched = case
            .get_document("query")
            .ok()
            .and_then(|query| Filter::parse(query).unwrap().position(&document, &()).unwrap());
        projection.apply(&document, matched, &scope)
    } else {
        let (name, argument) = case.get_document("stage").unwrap().iter().next().unwrap();
        let stage =
            transform(name, argument, &compiler).unwrap().map_err(|error| number(&error))?;
        stage.transform(&document, &scope)
    };
    projected.map(|document| shown(&document)).map_err(|error| number(&error))
}

#[test]
fn each_case_gives_its_document_or_its_error() {
    let mut failures = Vec::new();
    for (place, case) in cases("projections") {
        let expected = match (case.get_document("result"), case.get_i32("error")) {
            (Ok(result), Err(_)) => Ok(shown(&RawDocumentBuf::try_from(result).unwrap())),
            (Err(_), Ok(error)) => Err(u32::try_from(error).unwrap()),
            _ => panic!("{place}: expected one of result and error"),
        };
        let found = answer(&case);
        if found != expected {
            failures.push(format!("{place}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn each_subject_has_enough_cases() {
    let mut counts: BTreeMap<&str, usize> = SUBJECTS.iter().map(|name| (*name, 0)).collect();
    for (place, case) in cases("projections") {
        let operator = case.get_str("operator").unwrap();
        *counts.get_mut(operator).unwrap_or_else(|| panic!("{place}: unknown {operator}")) += 1;
    }
    counts.retain(|_, count| *count < FEWEST_CASES);
    assert!(counts.is_empty(), "subjects with fewer than {FEWEST_CASES} cases: {counts:?}");
}
