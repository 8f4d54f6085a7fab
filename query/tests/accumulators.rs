//! The golden cases of accumulators, `golden/accumulators.jsonl`:
//!
//! | field | content |
//! | --- | --- |
//! | `accumulator` | the accumulator, such as `{"$sum": "$a"}` |
//! | `documents` | the documents of a group, none if it is left out |
//! | `key` | the key of the group, `{}` if it is left out |
//! | `result` | the value, by type and bytes; or |
//! | `error` | the number of the error |

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod common;

use std::collections::BTreeMap;

use argon_query::Value;
use argon_query::accumulator::{Accumulation, Accumulator, accumulators};
use argon_query::expression::{Compiler, Context, Scope};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{DateTime, Document};
use common::{cases, documents, expected_text, number, text};

const FEWEST_CASES: usize = 8;

fn context() -> Context {
    Context::new(DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap(), 7)
}

fn accumulate(
    accumulation: &Accumulation,
    key: &RawDocument,
    documents: &[RawDocumentBuf],
) -> argon_core::Result<Box<dyn Accumulator>> {
    let context = context();
    let mut accumulator = accumulation.start(&Scope::new(&context, key))?;
    for document in documents {
        accumulation.add(accumulator.as_mut(), &Scope::new(&context, document))?;
    }
    Ok(accumulator)
}

/// The result of all documents, and the same from two partial states.
fn answers(case: &Document) -> argon_core::Result<(Value<'static>, Value<'static>)> {
    let accumulator = case.get("accumulator").expect("an accumulator");
    let accumulation = Accumulation::compile("result", accumulator, &Compiler::default())?;
    let key = case.get_document("key").cloned().unwrap_or_default();
    let key = RawDocumentBuf::try_from(key).unwrap();
    let documents = documents(case);
    let whole = accumulate(&accumulation, &key, &documents)?.finish()?;
    let (first, second) = documents.split_at(documents.len() / 2);
    let mut merged = accumulate(&accumulation, &key, &[])?;
    for part in [first, second] {
        let partial = accumulate(&accumulation, &key, part)?.partial()?;
        merged.merge(partial.as_raw_bson_ref())?;
    }
    Ok((whole, merged.finish()?))
}

#[test]
fn each_case_gives_its_value_or_its_error() {
    let mut failures = Vec::new();
    for (place, case) in cases("accumulators.jsonl") {
        let expected = match (case.get("result"), case.get("error")) {
            (Some(result), None) => Ok(expected_text(result)),
            (None, Some(error)) => Err(u32::try_from(error.as_i32().unwrap()).unwrap()),
            _ => panic!("{place}: expected a result or an error"),
        };
        let (whole, merged) = match answers(&case) {
            Ok((whole, merged)) => (Ok(text(whole)), Ok(text(merged))),
            Err(error) => (Err(number(&error)), Err(number(&error))),
        };
        if whole != expected || merged != expected {
            failures.push(format!(
                "{place}: {}\n  expected {expected:?}\n  found    {whole:?}\n  merged   {merged:?}",
                case.get("accumulator").unwrap()
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn each_accumulator_has_enough_cases() {
    let mut counts: BTreeMap<&str, usize> = accumulators().keys().map(|name| (*name, 0)).collect();
    let cases = cases("accumulators.jsonl");
    for (_, case) in &cases {
        let name = case.get_document("accumulator").ok().and_then(|of| of.keys().next());
        if let Some(count) = name.and_then(|name| counts.get_mut(name.as_str())) {
            *count += 1;
        }
    }
    counts.retain(|_, count| *count < FEWEST_CASES);
    assert!(counts.is_empty(), "accumulators with fewer than {FEWEST_CASES} cases: {counts:?}");
}

#[test]
fn percentiles_of_many_numbers_are_close_to_the_true_ones() {
    const COUNT: i32 = 50_000;
    let accumulator = bson::bson!({
        "$percentile": { "input": "$n", "p": [0.001, 0.5, 0.999, 1], "method": "approximate" }
    });
    let accumulation = Accumulation::compile("p", &accumulator, &Compiler::default()).unwrap();
    // Each number once, in an order that is not sorted.
    let documents: Vec<_> = (0..COUNT).map(|i| bson::rawdoc! { "n": i * 7919 % COUNT }).collect();
    let empty = RawDocumentBuf::new();
    let result = accumulate(&accumulation, &empty, &documents).unwrap().finish().unwrap();
    let found: Vec<f64> =
        result.as_array().unwrap().into_iter().map(|n| n.unwrap().as_f64().unwrap()).collect();
    let count = f64::from(COUNT);
    for (found, (share, tolerance)) in
        found.iter().zip([(0.001, 0.0001), (0.5, 0.002), (0.999, 0.0001), (1.0, 0.0001)])
    {
        assert!((found / count - share).abs() <= tolerance, "{share} gives {found}");
    }
}
