//! The cases of `FerretDB`, which its authors checked against MongoDB: `compat/ferretdb`, whose README says
//! where they are from and what each field is.
//!
//! Two things are checked of a case, as far as it has them: its **label**, which says whether MongoDB
//! gives or changes a document, and its **answer**, the documents that two other engines give. An
//! exception names a check that Argon fails on purpose; one that passes is stale, and fails the test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use argon_core::Result;
use argon_core::model::Document as Stored;
use argon_formats::extjson;
use argon_query::Code;
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{Find, FindCommand, Selection};
use argon_query::pipeline::{Execution, Limits, MemoryCollections, Options, Pipeline, Row, Rows};
use argon_query::update::{Target, Update, UpdateOptions};
use bson::raw::RawDocumentBuf;
use bson::{Bson, DateTime, Document, doc};
use futures::TryStreamExt;
use serde_json::value::RawValue;

mod compat;

use compat::{Case, Documents, Label, hash, ranges, refused, text};

/// The checks that Argon fails, and why.
const EXCEPTIONS: &[(&str, Check, &str)] = &[
    ("TestAggregateCompatGroup/IDSumRecursiveInvalid", Check::Answer, NO_PATH),
    ("TestAggregateCompatProjectSum/ArrayEmptyVariable", Check::Answer, NO_PATH),
    ("TestAggregateCompatUnwind/InvalidVariable$s", Check::Answer, NO_VARIABLE),
    ("TestAggregateCompatUnwind/NonExistingVariable", Check::Answer, NO_VARIABLE),
    ("TestAggregateCompatUnwind/SystemVariable", Check::Answer, NO_VARIABLE),
    ("TestAggregateCompatRootVariable/Unwind", Check::Answer, NO_VARIABLE),
    ("TestQueryProjectionPositionalOperatorCompat/TwoFilter", Check::Label, TWICE),
    ("TestUpdateFieldCompatRename/MultipleConflictDestFields", Check::Answer, TWICE),
    ("TestUpdateFieldCompatSetOnInsert/DuplicateKeys", Check::Answer, TWICE),
    ("TestUpdateFieldCompatSetOnInsert/DoubleDouble", Check::Answer, NO_FIELDS),
    ("TestUpdateFieldCompatSetOnInsert/ErrString", Check::Answer, NO_FIELDS),
];

const NO_PATH: &str =
    "MongoDB refuses '$' as a path (16872), as the label says; the engines do not";
const NO_VARIABLE: &str = "MongoDB refuses a variable as the path of $unwind (16410), and the label is \
                           the same; the engines unwind nothing";
const TWICE: &str = "whatever reads a query refuses a field that is there twice, since most languages \
                     can't hold it; MongoDB takes both conditions of a filter, and refuses such an \
                     update; the engines were given the last of the two";
const NO_FIELDS: &str = "MongoDB refuses $setOnInsert without fields (9), as the label says; the \
                         engines ignore it";

/// The least number of checks of each kind, so that none is lost unseen.
const FEWEST: [(Check, usize); 2] = [(Check::Label, 500), (Check::Answer, 250)];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    Label,
    Answer,
}

/// What Argon does with a case; `None` if it refuses it.
type Outcome = Option<Answer>;

enum Answer {
    Rows(Vec<RawDocumentBuf>),
    /// The sample after an update: the index of each document, its hash, and whether the update of
    /// the document was refused.
    Updated {
        documents: Vec<(usize, String, bool)>,
        modified: usize,
    },
}

impl Answer {
    fn label(&self) -> Label {
        let count = match self {
            Self::Rows(rows) => rows.len(),
            Self::Updated { modified, .. } => *modified,
        };
        if count > 0 { Label::Some } else { Label::None }
    }
}

fn context() -> Arc<Context> {
    let now = DateTime::parse_rfc3339_str("2026-07-07T09:00:00Z").unwrap();
    Arc::new(Context::new(now, 7))
}

fn execution(documents: &Documents) -> Execution {
    let mut collections = MemoryCollections::default();
    collections.insert("all", documents.all.iter().cloned().map(Row::from).collect());
    Execution::new(Arc::new(collections), context(), Limits::default())
}

/// A part of an operation; `None` if it is refused because it has a field twice. Nothing else is
/// wrong with one.
fn parsed(text: &RawValue) -> Option<Bson> {
    extjson::parse_value(text.get()).ok()
}

fn document(text: Option<&RawValue>) -> Option<Document> {
    match text.map_or_else(|| Some(Document::new().into()), parsed)? {
        Bson::Document(document) => Some(document),
        other => panic!("expected a document, found {other}"),
    }
}

fn number(text: Option<&RawValue>) -> i64 {
    text.and_then(parsed).map_or(0, |number| number.as_i64().expect("an int64"))
}

/// The result, if it is no refusal. A refusal has MongoDB's code.
fn answered<T>(case: &Case<'_>, result: Result<T>) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(error) if Code::of(&error).is_some() => None,
        Err(error) => panic!("{}: an error without a code: {error}", case.name),
    }
}

async fn outcome(case: &Case<'_>, documents: &Documents) -> Outcome {
    if case.update.or(case.replacement).is_some() {
        return Some(updated(case, documents));
    }
    let rows = match case.pipeline {
        Some(pipeline) => aggregated(case, &parsed(pipeline)?, &execution(documents)),
        None => found(case, &execution(documents)),
    };
    let batches: Result<Vec<Vec<Row>>> = rows?.try_collect().await;
    let rows = answered(case, batches)?.into_iter().flatten().map(Row::into_raw);
    Some(Answer::Rows(rows.collect()))
}

fn found(case: &Case<'_>, execution: &Execution) -> Option<Rows> {
    let mut sort = document(case.sort)?;
    if !sort.contains_key("_id") {
        sort.insert("_id", 1);
    }
    let command = FindCommand {
        filter: document(case.filter)?,
        projection: document(case.projection)?,
        sort,
        // A negative number can't be given.
        skip: u64::try_from(number(case.skip)).ok()?,
        // As drivers do: a negative one asks for a single batch.
        limit: number(case.limit).unsigned_abs(),
        ..FindCommand::default()
    };
    Some(answered(case, Find::compile(&command))?.run("all", execution))
}

fn aggregated(case: &Case<'_>, pipeline: &Bson, execution: &Execution) -> Option<Rows> {
    let stages = pipeline.as_array().expect("a list of stages").iter();
    let mut stages: Vec<Document> =
        stages.map(|stage| stage.as_document().cloned()).collect::<Option<_>>()?;
    if !stages.iter().any(|stage| stage.contains_key("$sort")) {
        stages.push(doc! { "$sort": { "_id": 1 } });
    }
    let pipeline = answered(case, Pipeline::compile(&stages, &Options::default()))?;
    Some(Arc::new(pipeline).run("all", execution))
}

fn updated(case: &Case<'_>, documents: &Documents) -> Answer {
    let (mut after, mut modified) = (Vec::new(), 0);
    for index in &documents.sample {
        let before = &documents.all[*index];
        let image = new_image(case, before);
        modified += usize::from(image.as_ref().is_some_and(|image| image != before));
        let is_refused = image.is_none();
        let hash = hash(image.as_ref().unwrap_or(before).as_bytes());
        after.push((*index, hash, is_refused));
    }
    Answer::Updated { documents: after, modified }
}

/// The document after the update, which may be the same; `None` if the update is refused.
fn new_image(case: &Case<'_>, before: &RawDocumentBuf) -> Option<RawDocumentBuf> {
    let update = parsed(case.update.or(case.replacement)?)?;
    let is_replacement = update
        .as_document()
        .is_some_and(|update| !update.keys().next().is_some_and(|name| name.starts_with('$')));
    // Drivers refuse the one in place of the other.
    if is_replacement != case.replacement.is_some() {
        return None;
    }
    let update = answered(case, Update::compile(&update, &UpdateOptions::default()))?;
    let evaluation = Evaluation::new(context());
    let filter = document(case.filter)?;
    let selection = Selection::compile(&filter, &FilterOptions::default(), evaluation.clone());
    let selection = answered(case, selection)?;
    if !answered(case, selection.matches(before))? {
        return Some(before.clone());
    }
    let matched = answered(case, selection.position(before))?;
    let target = Target { matched, is_insert: false };
    let image = answered(case, update.apply(before, target, &evaluation.scope(before)))?;
    let image = image.unwrap_or_else(|| before.clone());
    Stored::checked(image).ok().map(|(_, image)| image.as_raw().to_owned())
}

/// How an answer differs from the expected one; `None` if it does not.
fn difference(case: &Case<'_>, outcome: &Outcome, documents: &Documents) -> Option<String> {
    let Some(answer) = outcome else {
        return (!case.refused).then(|| "it is refused".to_owned());
    };
    if case.refused {
        return Some("it is not refused".to_owned());
    }
    let found: BTreeMap<usize, String> = match (answer, &case.rows) {
        (Answer::Rows(rows), Some(expected)) => {
            let bytes: Vec<u8> = rows.iter().flat_map(|row| row.as_bytes().to_vec()).collect();
            let found = (rows.len(), hash(&bytes));
            return (found != *expected)
                .then(|| format!("expected {expected:?}, found {found:?}: {}", shown(rows)));
        }
        (Answer::Rows(rows), None) => {
            rows.iter().map(|row| (documents.index(row), hash(row.as_bytes()))).collect()
        }
        (Answer::Updated { documents, .. }, _) => documents
            .iter()
            .map(|(index, hash, is_refused)| {
                (*index, if *is_refused { refused(hash) } else { hash.clone() })
            })
            .collect(),
    };
    let expected = documents.listed(case);
    let mut differing: BTreeSet<usize> = expected
        .iter()
        .filter(|(index, hash)| found.get(index) != Some(hash))
        .map(|(index, _)| *index)
        .collect();
    // Without this list, only the listed documents are compared.
    if let Some(disputed) = &case.disputed {
        let disputed: BTreeSet<usize> = ranges(Some(disputed)).collect();
        let more = found.keys().filter(|index| !expected.contains_key(index));
        differing.extend(more.filter(|index| !disputed.contains(index)));
    }
    let names: Vec<_> = differing.iter().map(|index| documents.id(*index)).collect();
    (!names.is_empty()).then(|| format!("{} documents differ: {names:?}", names.len()))
}

fn shown(rows: &[RawDocumentBuf]) -> String {
    let rows = rows.iter().take(5).map(|row| Document::try_from(row.as_ref()).unwrap().to_string());
    rows.collect::<Vec<_>>().join(" ")
}

/// The checks that a case fails, with the reason, after counting those that it has.
fn failures(
    case: &Case<'_>,
    outcome: &Outcome,
    documents: &Documents,
    counts: &mut BTreeMap<Check, usize>,
) -> Vec<(Check, String)> {
    let mut failures = Vec::new();
    if let Some(expected) = case.label {
        *counts.entry(Check::Label).or_default() += 1;
        let found = outcome.as_ref().map_or(Label::None, Answer::label);
        if found != expected {
            failures.push((Check::Label, format!("expected {expected:?}, found {found:?}")));
        }
    }
    if case.refused || case.rows.is_some() || case.kept.is_some() {
        *counts.entry(Check::Answer).or_default() += 1;
        let difference = difference(case, outcome, documents);
        failures.extend(difference.map(|difference| (Check::Answer, difference)));
    }
    failures
}

#[tokio::test]
async fn each_case_has_its_label_and_its_answer() {
    let documents = Documents::read();
    let mut counts = BTreeMap::new();
    let mut problems = Vec::new();
    let mut excepted: BTreeSet<_> =
        EXCEPTIONS.iter().map(|(name, check, _)| ((*name).to_owned(), *check)).collect();
    let lines = text("cases.jsonl");
    for line in lines.lines() {
        let case: Case<'_> = serde_json::from_str(line).unwrap();
        let outcome = outcome(&case, &documents).await;
        for (check, problem) in failures(&case, &outcome, &documents, &mut counts) {
            if !excepted.remove(&(case.name.clone(), check)) {
                problems.push(format!("{} {check:?}: {problem}\n  {line}", case.name));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    assert!(excepted.is_empty(), "exceptions that pass: {excepted:?}");
    for (check, fewest) in FEWEST {
        assert!(counts[&check] >= fewest, "{check:?}: {} of at least {fewest}", counts[&check]);
    }
}
