//! The golden cases of expressions: `golden/expressions/FAMILY.jsonl`, one case a line, in Extended
//! JSON:
//!
//! | field | content |
//! | --- | --- |
//! | `operator` | the operator that the case is for |
//! | `expression` | the expression |
//! | `document` | the document, `{}` if it is left out |
//! | `result` | the value, by type and bytes; or |
//! | `missing` | `true`: the value is missing; or |
//! | `error` | the number of the error |
//!
//! The time of `$$NOW` is 2026-07-07T09:00:00Z. A line that begins with `//` is a comment.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use argon_formats::extjson;
use argon_query::expression::{Compiler, Context, Definition, Scope, operators};
use argon_query::{Code, Value};
use bson::raw::{RawBson, RawDocumentBuf};
use bson::{Bson, DateTime, Document};

const FEWEST_CASES: usize = 8;

fn cases() -> Vec<(String, Document)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/expressions");
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim().is_empty() || line.starts_with("//") {
                continue;
            }
            let place = format!("{name}:{}", number + 1);
            match extjson::parse_value(line) {
                Ok(Bson::Document(case)) => cases.push((place, case)),
                other => panic!("{place}: expected a document, found {other:?}"),
            }
        }
    }
    cases
}

/// The value as canonical text, or the number of the error.
fn answer(case: &Document) -> Result<String, u32> {
    let now = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap();
    let context = Context::new(now, 7);
    let document = case.get_document("document").cloned().unwrap_or_default();
    let document = RawDocumentBuf::try_from(document).unwrap();
    let number = |error: argon_core::Error| match Code::of(&error) {
        Some(code) => code.number(),
        None => panic!("an error without a code: {error}"),
    };
    let expression = case.get("expression").expect("an expression");
    let compiled = Compiler::default().compile(expression).map_err(number)?;
    let value = compiled.evaluate(&Scope::new(&context, &document)).map_err(number)?;
    Ok(match value {
        Value::Missing => "missing".to_owned(),
        value => text(value.into_bson()),
    })
}

fn text(value: RawBson) -> String {
    format!("{:?}", Bson::try_from(value).unwrap())
}

#[test]
fn each_case_gives_its_value_or_its_error() {
    let mut failures = Vec::new();
    for (place, case) in cases() {
        let expected = match (case.get("result"), case.get("error")) {
            (Some(result), None) => Ok(text(RawBson::try_from(result.clone()).unwrap())),
            (None, Some(error)) => Err(u32::try_from(error.as_i32().unwrap()).unwrap()),
            (None, None) if case.get_bool("missing").is_ok_and(|missing| missing) => {
                Ok("missing".to_owned())
            }
            _ => panic!("{place}: expected one of result, missing and error"),
        };
        let found = answer(&case);
        if found != expected {
            failures.push(format!(
                "{place}: {}\n  expected {expected:?}\n  found    {found:?}",
                case.get("expression").unwrap()
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn each_operator_has_enough_cases() {
    let mut counts: BTreeMap<&str, usize> = operators()
        .iter()
        .filter(|(_, definition)| !matches!(definition, Definition::Refused { .. }))
        .map(|(name, _)| (*name, 0))
        .collect();
    for (place, case) in cases() {
        let operator = case.get_str("operator").unwrap();
        *counts.get_mut(operator).unwrap_or_else(|| panic!("{place}: unknown {operator}")) += 1;
    }
    counts.retain(|_, count| *count < FEWEST_CASES);
    assert!(counts.is_empty(), "operators with fewer than {FEWEST_CASES} cases: {counts:?}");
}
