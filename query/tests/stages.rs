//! The golden cases of stages: `golden/stages/STAGE.jsonl`, one case a line, in Extended JSON:
//!
//! | field | content |
//! | --- | --- |
//! | `collections` | the documents of the collections by name |
//! | `collection` | the collection that the pipeline is for, `c` if it is left out |
//! | `pipeline` | the pipeline |
//! | `let` | the variables of the command |
//! | `result` | the documents, by type and bytes; or |
//! | `error` | the number of the error |
//! | `unordered` | `true`: the server gives the documents in any order |
//! | `written` | the documents of collections after `$out` or `$merge` |
//!
//! Every case runs twice, the second time with so little memory that each stage uses files.
//! The time of `$$NOW` is 2026-07-07T09:00:00Z. A line that begins with `//` is a comment.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use argon_core::Error;
use argon_formats::extjson;
use argon_query::Code;
use argon_query::expression::Context;
use argon_query::pipeline::{
    Execution, Limits, MemoryCollections, Merge, MergeOutcome, Options, Pipeline, Row, WriteMode,
    stage_names,
};
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, DateTime, Document};
use futures::TryStreamExt;

const FEWEST_CASES: usize = 8;

/// Stages whose result the cases can't have.
const WITHOUT_CASES: &[&str] = &["$history", "$diff"];

type Collections = BTreeMap<String, Vec<RawDocumentBuf>>;

struct Case {
    place: String,
    stage: String,
    fields: Document,
}

fn cases() -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stages");
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let stage = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim().is_empty() || line.starts_with("//") {
                continue;
            }
            let place = format!("{stage}:{}", number + 1);
            match extjson::parse_value(line) {
                Ok(Bson::Document(fields)) => {
                    cases.push(Case { place, stage: format!("${stage}"), fields });
                }
                other => panic!("{place}: expected a document, found {other:?}"),
            }
        }
    }
    cases
}

fn documents(value: &Bson) -> Vec<RawDocumentBuf> {
    let all = value.as_array().expect("a list of documents").iter();
    all.map(|document| RawDocumentBuf::try_from(document.as_document().unwrap().clone()).unwrap())
        .collect()
}

impl Case {
    fn collections(&self, name: &str) -> Collections {
        let given = self.fields.get_document(name).cloned().unwrap_or_default();
        given.iter().map(|(name, value)| (name.clone(), documents(value))).collect()
    }

    /// Runs the pipeline; returns its rows and the collections afterwards.
    fn run(&self, limits: Limits) -> Result<(Vec<RawDocumentBuf>, Collections), Error> {
        let mut collections = self.collections("collections");
        let mut memory = MemoryCollections::default();
        for (name, documents) in &collections {
            memory.insert(name, documents.iter().cloned().map(Row::from).collect());
        }
        let now = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap();
        let context = Arc::new(Context::new(now, 7));
        let execution = Execution::new(Arc::new(memory), context, limits);
        let variables = self.fields.get_document("let").cloned().unwrap_or_default();
        let stages = self.fields.get_array("pipeline").expect("a pipeline");
        let stages: Vec<Document> =
            stages.iter().map(|stage| stage.as_document().expect("a stage").clone()).collect();
        let pipeline =
            Arc::new(Pipeline::compile(&stages, &Options { variables, ..Options::default() })?);
        let collection = self.fields.get_str("collection").unwrap_or("c");
        let batches: Vec<Vec<Row>> = wait(pipeline.run(collection, &execution).try_collect())?;
        let rows = batches.into_iter().flatten();
        let Some(write) = pipeline.write() else {
            return Ok((rows.map(Row::into_raw).collect(), collections));
        };
        let target = collections.entry(write.collection.clone()).or_default();
        match &write.mode {
            WriteMode::Replace => *target = rows.map(Row::into_raw).collect(),
            WriteMode::Merge(merge) => {
                for row in rows {
                    merge_into(target, merge, row, &execution)?;
                }
            }
        }
        Ok((Vec::new(), collections))
    }
}

fn merge_into(
    target: &mut Vec<RawDocumentBuf>,
    merge: &Merge,
    row: Row,
    execution: &Execution,
) -> Result<(), Error> {
    let key = merge.key(row.as_raw())?.expect("an _id");
    let of = |document: &RawDocument| merge.key(document).ok().flatten();
    let place = target.iter().position(|document| of(document).as_ref() == Some(&key));
    let existing = place.map(|place| target[place].clone());
    match merge.merge(row, existing.as_deref(), execution)? {
        MergeOutcome::Insert(document) => target.push(document),
        MergeOutcome::Replace(document) => target[place.unwrap()] = document,
        MergeOutcome::Keep => {}
    }
    Ok(())
}

/// Waits for a future that never waits for anything else.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

fn texts(documents: &[RawDocumentBuf], unordered: bool) -> Vec<String> {
    let shown =
        |document: &RawDocumentBuf| format!("{:?}", Document::try_from(document.as_ref()).unwrap());
    let mut texts: Vec<_> = documents.iter().map(shown).collect();
    if unordered {
        texts.sort();
    }
    texts
}

fn check(case: &Case, limits: Limits, spills: bool) -> Option<String> {
    let unordered = case.fields.get_bool("unordered").is_ok_and(|unordered| unordered) || spills;
    let found = case.run(limits);
    let number = |error: &Error| match Code::of(error) {
        Some(code) => i32::try_from(code.number()).unwrap(),
        None => panic!("{}: an error without a code: {error}", case.place),
    };
    match (case.fields.get("result"), case.fields.get("error"), case.fields.get("written")) {
        (_, Some(Bson::Int32(code)), _) => match found {
            Err(error) if number(&error) == *code => None,
            Err(error) => {
                Some(format!("expected the error {code}, found {}: {error}", number(&error)))
            }
            Ok((rows, _)) => {
                Some(format!("expected the error {code}, found {:?}", texts(&rows, false)))
            }
        },
        (Some(expected), None, None) => match found {
            Err(error) => Some(format!("unexpected error {}: {error}", number(&error))),
            Ok((rows, _)) => {
                let expected = texts(&documents(expected), unordered);
                let rows = texts(&rows, unordered);
                (rows != expected).then(|| format!("expected {expected:#?}\n  found    {rows:#?}"))
            }
        },
        (None, None, Some(_)) => match found {
            Err(error) => Some(format!("unexpected error {}: {error}", number(&error))),
            Ok((_, collections)) => {
                case.collections("written").into_iter().find_map(|(name, expected)| {
                    let expected = texts(&expected, unordered);
                    let written = collections.get(&name).cloned().unwrap_or_default();
                    let written = texts(&written, unordered);
                    (written != expected)
                        .then(|| format!("{name}: expected {expected:#?}\n  found    {written:#?}"))
                })
            }
        },
        _ => panic!("{}: expected one of result, error and written", case.place),
    }
}

#[test]
fn each_case_gives_its_result_or_its_error() {
    let failures: Vec<_> = cases()
        .iter()
        .filter_map(|case| {
            let failure = check(case, Limits::default(), false)?;
            Some(format!("{}: {}\n  {failure}", case.place, case.fields.get("pipeline").unwrap()))
        })
        .collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_case_gives_the_same_through_temporary_files() {
    let limits = Limits { memory: 1, disk: true };
    let failures: Vec<_> = cases()
        .iter()
        .filter_map(|case| {
            let failure = check(case, limits, true)?;
            Some(format!("{}: {}\n  {failure}", case.place, case.fields.get("pipeline").unwrap()))
        })
        .collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn each_stage_has_enough_cases() {
    let mut counts: BTreeMap<&str, usize> = stage_names().map(|name| (name, 0)).collect();
    counts.retain(|name, _| !WITHOUT_CASES.contains(name));
    for case in cases() {
        let count = counts.get_mut(case.stage.as_str());
        *count.unwrap_or_else(|| panic!("{}: unknown {}", case.place, case.stage)) += 1;
    }
    counts.retain(|_, count| *count < FEWEST_CASES);
    assert!(counts.is_empty(), "stages with fewer than {FEWEST_CASES} cases: {counts:?}");
}
