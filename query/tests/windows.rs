//! The golden cases of window functions, `golden/windows.jsonl`:
//!
//! | field | content |
//! | --- | --- |
//! | `function` | the function, such as `{"$sum": "$a", "window": {"documents": [-1, 0]}}` |
//! | `sortBy` | the sort of the stage |
//! | `documents` | the documents of a partition, sorted |
//! | `results` | a document for each document: `{"r": VALUE}`, or `{}` if the value is missing; or |
//! | `error` | the number of the error |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::collections::BTreeSet;

use argon_query::expression::{Compiler, Context, Scope};
use argon_query::window::{WindowFunction, window_functions};
use bson::raw::RawDocumentBuf;
use bson::{DateTime, Document};
use common::{cases, documents, expected_text, number, text};

fn answer(case: &Document) -> argon_core::Result<Vec<String>> {
    let function = case.get("function").expect("a function");
    let sort_by = case.get_document("sortBy").ok();
    let function = WindowFunction::compile(function, sort_by, &Compiler::default())?;
    let documents = documents(case);
    let documents: Vec<_> = documents.iter().map(AsRef::as_ref).collect();
    let context = Context::new(DateTime::from_millis(0), 7);
    let root = RawDocumentBuf::new();
    let values = function.evaluate(&documents, &Scope::new(&context, &root))?;
    Ok(values.into_iter().map(text).collect())
}

#[test]
fn each_case_gives_its_values_or_its_error() {
    let mut failures = Vec::new();
    for (place, case) in cases("windows.jsonl") {
        let expected = match (case.get_array("results"), case.get("error")) {
            (Ok(results), None) => Ok(results
                .iter()
                .map(|result| match result.as_document().unwrap().get("r") {
                    Some(value) => expected_text(value),
                    None => "missing".to_owned(),
                })
                .collect()),
            (Err(_), Some(error)) => Err(u32::try_from(error.as_i32().unwrap()).unwrap()),
            _ => panic!("{place}: expected results or an error"),
        };
        let found = answer(&case).map_err(|error| number(&error));
        if found != expected {
            failures.push(format!(
                "{place}: {}\n  expected {expected:?}\n  found    {found:?}",
                case.get("function").unwrap()
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn each_function_has_a_case() {
    let cases = cases("windows.jsonl");
    let named: BTreeSet<_> = cases
        .iter()
        .filter_map(|(_, case)| case.get_document("function").ok())
        .flat_map(|function| function.keys().map(String::as_str))
        .collect();
    let without: Vec<_> = window_functions().filter(|name| !named.contains(name)).collect();
    assert!(without.is_empty(), "functions without a case: {without:?}");
}
