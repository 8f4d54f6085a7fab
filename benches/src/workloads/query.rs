//! Queries that read a whole collection, next to core's scan of it.

use std::sync::Arc;
use std::time::Duration;

use argon_core::model::BranchName;
use argon_core::write::Precondition;
use argon_core::{Branch, State};
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{Find, FindCommand, Matcher};
use argon_query::pipeline::{Execution, Limits, Options, Pipeline, Rows, StateCollections};
use bson::raw::RawDocumentBuf;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt;

use crate::Result;
use crate::clock::{Stopwatch, timed};
use crate::memory::PeakMemory;
use crate::places::{COUNTIES, place, ready};
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{EngineName, Subject, collection};
use crate::workloads::scan::scan;
use crate::workloads::writers::count;
use crate::writing::{commit, import};

/// The documents that are filtered.
const DOCUMENTS: u64 = 50_000;

/// The bytes of memory that `$group` and a sort may take.
const GROUP_BYTES: f64 = 100e6;
const SORT_BYTES: f64 = 200e6;

/// Measures a filter over all documents; and, over many, a group and a sort with the memory that
/// they take.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let mut rows = filters(subject).await?;
    rows.extend(stages(subject).await?);
    Ok(rows)
}

async fn filters(subject: &Subject) -> Result<Vec<Row>> {
    let branch = imported(subject, "filtered", DOCUMENTS).await?;
    let state = branch.head().await?;
    let view = state.collection(&collection()?)?;
    let filter = doc! { "state": "S07", "pop": { "$gt": 50_000 } };
    let find = Find::compile(&FindCommand { filter: filter.clone(), ..FindCommand::default() })?;
    let in_memory: Vec<RawDocumentBuf> = (0..DOCUMENTS).map(|n| place(n, DOCUMENTS, 0)).collect();
    let expected = in_memory.iter().filter(|document| by_hand(document)).count() as u64;
    let [mut filtered, mut forked, mut scanned, mut matched, mut decoded] =
        [const { Samples::new() }; 5];
    let matcher = Matcher::compile(&filter, &FilterOptions::default())?;
    let evaluation = Evaluation::new(context());
    // One document of the fork hides that of the branch below.
    let fork = fork(&branch, &state).await?;
    scan(&view, DOCUMENTS).await?;
    for _ in 0..subject.size(15, 7) {
        filtered
            .push(drained(find.run(collection()?.as_str(), &execution(&state)), expected).await?);
        let found = find.run(collection()?.as_str(), &execution(&fork));
        forked.push(drained(found, expected).await?);
        scanned.push(scan(&view, DOCUMENTS).await?);
        let (time, matches) = timed(|| {
            let found = in_memory.iter().map(|document| matcher.matches(document, &evaluation));
            found.filter(|found| matches!(found, Ok(true))).count() as u64
        });
        expect(matches, expected)?;
        matched.push(time);
        let (time, matches) =
            timed(|| in_memory.iter().filter(|document| by_hand(document)).count());
        expect(matches as u64, expected)?;
        decoded.push(time);
    }
    let row = |what: &str, samples: &Samples, floor: &Samples| {
        Row::new(what, subject.engine, Quantity::time(samples.median()))
            .floor(Some(Quantity::time(floor.median())))
    };
    Ok(vec![
        row("filter over 50,000, floor: core's scan", &filtered, &scanned)
            .bar_on(EngineName::Fjall, Bar::AtMostFloorTimes(1.3)),
        row("filter over 50,000 on a fork, floor: core's scan below", &forked, &scanned),
        row("filter of 50,000 in memory, floor: decoding", &matched, &decoded)
            .bar(Bar::AtMostFloorTimes(1.0 / 8.0)),
    ])
}

/// A branch at a state, with a commit of its own that changes no answer.
async fn fork(branch: &Branch, state: &State) -> Result<State> {
    let name = BranchName::new("fork")?;
    let branch = branch.project().create_branch(&name, state, None).await?;
    let changed = ready(0, DOCUMENTS, 1)?;
    commit(&branch, &collection()?, [changed], Precondition::Present).await?;
    Ok(branch.head().await?)
}

/// What a program does that has no query language: it decodes a document and looks at its fields.
fn by_hand(document: &RawDocumentBuf) -> bool {
    let document = Document::try_from(document.as_ref()).unwrap_or_default();
    document.get_str("state").is_ok_and(|state| state == "S07")
        && document.get_i32("pop").is_ok_and(|pop| pop > 50_000)
}

async fn stages(subject: &Subject) -> Result<Vec<Row>> {
    let documents = subject.size(1_000_000, 100_000);
    let state = imported(subject, "grouped", documents).await?.head().await?;
    let view = state.collection(&collection()?)?;
    scan(&view, documents).await?;
    let group = doc! { "$group": { "_id": "$county", "people": { "$sum": "$pop" } } };
    let [mut scanned, mut grouped, mut sorted] = [const { Samples::new() }; 3];
    let [mut group_bytes, mut sort_bytes] = [None, None];
    for _ in 0..3 {
        scanned.push(scan(&view, documents).await?);
        let (time, bytes) = run_stage(&state, &group, COUNTIES).await?;
        grouped.push(time);
        group_bytes = group_bytes.max(bytes);
        let (time, bytes) = run_stage(&state, &doc! { "$sort": { "pop": 1 } }, documents).await?;
        sorted.push(time);
        sort_bytes = sort_bytes.max(bytes);
    }
    let many = rounded(documents);
    let time = |what: &str, samples: &Samples| {
        let what = format!("{what} of {many}, floor: core's scan");
        Row::new(what, subject.engine, Quantity::time(samples.median()))
            .floor(Some(Quantity::time(scanned.median())))
    };
    let memory = |what: &str, bytes: Option<u64>, most| {
        let what = format!("memory of a {what} of {many}");
        let row = |bytes| Row::new(what, subject.engine, Quantity::bytes(count(bytes)));
        bytes.map(row).map(|row| row.bar(Bar::AtMost(Quantity::bytes(most))))
    };
    let times = [time("$group", &grouped).bar(Bar::AtMostFloorTimes(1.5)), time("sort", &sorted)];
    let bytes =
        [memory("$group", group_bytes, GROUP_BYTES), memory("sort", sort_bytes, SORT_BYTES)];
    Ok(times.into_iter().chain(bytes.into_iter().flatten()).collect())
}

async fn run_stage(state: &State, stage: &Document, rows: u64) -> Result<(Duration, Option<u64>)> {
    let pipeline = Arc::new(Pipeline::compile(std::slice::from_ref(stage), &Options::default())?);
    let memory = PeakMemory::start();
    let time = drained(pipeline.run(collection()?.as_str(), &execution(state)), rows).await?;
    Ok((time, memory.and_then(PeakMemory::growth)))
}

/// A branch with so many places.
async fn imported(subject: &Subject, name: &str, documents: u64) -> Result<Branch> {
    let (store, branch) = subject.create(name).await?;
    import(&branch, (0..documents).map(|number| place(number, documents, 0))).await?;
    Ok(subject.open_again(name, (store, branch)).await?.1)
}

pub(super) fn execution(state: &State) -> Execution {
    Execution::new(Arc::new(StateCollections::new(state.clone())), context(), Limits::default())
}

/// What is the same in every run.
pub(super) fn context() -> Arc<Context> {
    Arc::new(Context::new(DateTime::from_millis(0), 1))
}

/// Reads all rows, of which there must be so many; gives how long it took.
pub(super) async fn drained(mut rows: Rows, expected: u64) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let mut read = 0;
    while let Some(batch) = rows.try_next().await? {
        read += batch.len() as u64;
    }
    let time = stopwatch.elapsed();
    expect(read, expected)?;
    Ok(time)
}

pub(super) fn expect(found: u64, expected: u64) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} documents were found instead of {expected}").into())
}
