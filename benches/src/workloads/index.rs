//! Indexes: reads by them, and what they cost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use argon_core::model::Document as Stored;
use argon_core::write::Precondition;
use argon_core::{Branch, State};
use argon_query::expression::Evaluation;
use argon_query::filter::FilterOptions;
use argon_query::find::{Find, FindCommand, Selection};
use bson::{Document, doc};

use crate::Result;
use crate::clock::{Stopwatch, time_of};
use crate::places::{BLOCK, block_of, in_block, int, place, ready};
use crate::random::Random;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{EngineName, Subject, collection};
use crate::workloads::query::{context, drained, execution, expect};
use crate::workloads::writers::count;
use crate::writing::{commit, import};

/// Reads in one round, of each kind.
const ROUND: u64 = 200;

/// States of the past that are read.
const PAST_STATES: usize = 16;

/// The documents of a commit.
const BATCH: u64 = 64;

/// The documents whose indexed field is changed, and how often.
const CHANGED: u64 = 10_000;
const CHANGES: u64 = 20;

/// Measures finding a few of few and of many documents; inserts with indexes and without; and the
/// read of a range whose documents were changed often.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let mut rows = lookups(subject).await?;
    rows.extend(inserts(subject).await?);
    rows.extend(changes(subject).await?);
    Ok(rows)
}

/// An indexed collection, and what was measured in it.
struct Indexed {
    documents: u64,
    /// The blocks whose documents were exchanged: about a thousand in each collection, so that the
    /// numbers of documents are compared, and not how much of them fits into caches.
    changed: Vec<u64>,
    head: State,
    past: Vec<State>,
    random: Random,
    /// Finds of any block at the head, and of a changed one at the head and in the past.
    anywhere: Samples,
    at_head: Samples,
    in_past: Samples,
}

async fn lookups(subject: &Subject) -> Result<Vec<Row>> {
    let mut few = Indexed::new(subject, "few-indexed", 10_000).await?;
    let mut many = Indexed::new(subject, "many-indexed", subject.size(1_000_000, 100_000)).await?;
    for collection in [&mut few, &mut many] {
        collection.round().await?;
        (collection.anywhere, collection.at_head, collection.in_past) = Default::default();
    }
    for _ in 0..subject.size(25, 10) {
        few.round().await?;
        many.round().await?;
    }
    let mut rows = Vec::new();
    for indexed in [&few, &many] {
        let of = rounded(indexed.documents);
        let time = |samples: &Samples| Quantity::time(samples.median());
        let bar = Bar::AtMost(Quantity::time(Duration::from_micros(100)));
        let what = format!("find of 10 of {of} by index at head, p50");
        rows.push(
            Row::new(what, subject.engine, time(&indexed.anywhere)).bar_on(EngineName::Fjall, bar),
        );
        let what = format!("find of 10 of {of} by index in the past, floor: at head");
        let row = Row::new(what, subject.engine, time(&indexed.in_past));
        rows.push(row.floor(Some(time(&indexed.at_head))).bar(Bar::AtMostFloorTimes(1.3)));
    }
    let what = format!("find by index, {} to 10 k documents", rounded(many.documents));
    let grown = many.at_head.median().as_secs_f64() / few.at_head.median().as_secs_f64();
    let flat = Bar::AtMost(Quantity::times(1.25));
    rows.push(Row::new(what, subject.engine, Quantity::times(grown)).bar(flat));
    Ok(rows)
}

impl Indexed {
    /// Imports so many documents; then some exchange their blocks, commit by commit.
    async fn new(subject: &Subject, name: &str, documents: u64) -> Result<Self> {
        let (store, branch) = subject.create(name).await?;
        create_index(&branch, doc! { "block": 1 }).await?;
        import(&branch, (0..documents).map(|number| place(number, documents, 0))).await?;
        let mut past_heads = Vec::new();
        let mut random = Random::new(documents);
        let mut blocks: BTreeMap<u64, u64> = BTreeMap::new();
        for _ in 0..PAST_STATES {
            past_heads.push(branch.head().await?.lsn());
            let changed: BTreeSet<u64> = (0..BATCH).map(|_| random.below(documents)).collect();
            let block = |number: &u64| {
                blocks.get(number).copied().unwrap_or_else(|| block_of(*number, documents))
            };
            let mut exchanged: Vec<u64> = changed.iter().map(block).collect();
            exchanged.rotate_left(1);
            let mut revised = Vec::new();
            for (number, block) in changed.into_iter().zip(exchanged) {
                revised.push(Stored::checked(in_block(number, block, 1))?);
                blocks.insert(number, block);
            }
            commit(&branch, &collection()?, revised, Precondition::Present).await?;
        }
        let changed = blocks.into_values().collect::<BTreeSet<_>>().into_iter().collect();
        let (_, branch) = subject.open_again(name, (store, branch)).await?;
        let head = branch.head().await?;
        let mut past = Vec::new();
        for lsn in past_heads {
            past.push(branch.at(lsn).await?);
        }
        let (anywhere, at_head, in_past) = Default::default();
        Ok(Self { documents, changed, head, past, random, anywhere, at_head, in_past })
    }

    async fn round(&mut self) -> Result<()> {
        for read in 0..ROUND {
            let block = self.random.below(self.documents / BLOCK);
            self.anywhere.push(find(&self.head, &in_(block), BLOCK).await?);
            let block = self.changed_block()?;
            self.at_head.push(find(&self.head, &in_(block), BLOCK).await?);
            let block = self.changed_block()?;
            let past = &self.past[usize::try_from(read)? % PAST_STATES];
            self.in_past.push(find(past, &in_(block), BLOCK).await?);
        }
        Ok(())
    }

    fn changed_block(&mut self) -> Result<u64> {
        let at = usize::try_from(self.random.below(self.changed.len() as u64))?;
        Ok(self.changed[at])
    }
}

fn in_(block: u64) -> Document {
    doc! { "block": int(block) }
}

/// Compiles and runs a query that so many documents match; gives how long it took.
async fn find(state: &State, filter: &Document, expected: u64) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let find = Find::compile(&FindCommand { filter: filter.clone(), ..FindCommand::default() })?;
    drained(find.run(collection()?.as_str(), &execution(state)), expected).await?;
    Ok(stopwatch.elapsed())
}

async fn create_index(branch: &Branch, key: Document) -> Result<()> {
    let definition = doc! { "key": key };
    let created = branch.create_index(&collection()?, definition, &branch.request()).await?;
    created.unbuilt.map_or(Ok(()), |reason| Err(reason.into()))
}

/// Inserts with four indexes next to inserts without, commits of 64 taking turns; and the bytes that
/// an entry takes.
async fn inserts(subject: &Subject) -> Result<Vec<Row>> {
    let documents = subject.size(400_000, 50_000) / BATCH * BATCH;
    let (plain_store, plain) = subject.create("not-indexed").await?;
    let (indexed_store, indexed) = subject.create("indexed").await?;
    let keys = [
        doc! { "block": 1 },
        doc! { "city": 1 },
        doc! { "pop": -1 },
        doc! { "state": 1, "county": 1 },
    ];
    let entries = count(documents * keys.len() as u64);
    for key in keys {
        create_index(&indexed, key).await?;
    }
    let [mut without, mut with] = [const { Samples::new() }; 2];
    for first in (0..documents).step_by(usize::try_from(BATCH)?) {
        for (branch, samples) in [(&plain, &mut without), (&indexed, &mut with)] {
            let batch: Result<Vec<_>> =
                (first..first + BATCH).map(|number| ready(number, documents, 0)).collect();
            let (batch, collection) = (batch?, collection()?);
            samples.push(time_of(commit(branch, &collection, batch, Precondition::Absent)).await?);
        }
    }
    let time = |samples: &Samples| {
        Quantity::time(samples.total() / u32::try_from(documents).unwrap_or(u32::MAX))
    };
    let mut rows = vec![
        Row::new(
            "insert of a document with 4 indexes, commits of 64, floor: without",
            subject.engine,
            time(&with),
        )
        .floor(Some(time(&without)))
        .bar_on(EngineName::Fjall, Bar::AtMostFloorTimes(2.5)),
    ];
    if subject.engine.on_disk() {
        drop((plain, indexed));
        let mut bytes = [0.0; 2];
        for (bytes, (name, store)) in
            bytes.iter_mut().zip([("not-indexed", plain_store), ("indexed", indexed_store)])
        {
            store.compact().await?;
            drop(store);
            *bytes = count(subject.open(name).await?.0.stored_bytes().await?);
        }
        let bytes = Quantity::bytes((bytes[1] - bytes[0]) / entries);
        rows.push(
            Row::new("bytes of an entry of an index, after compaction", subject.engine, bytes)
                .bar_on(EngineName::Fjall, Bar::AtMost(Quantity::bytes(40.0))),
        );
    }
    Ok(rows)
}

/// A range of an index whose documents were changed often, next to one of documents that were not:
/// its entries alone, and its documents, of which the first have more versions.
async fn changes(subject: &Subject) -> Result<Vec<Row>> {
    let range = doc! { "rank": { "$gte": 0 } };
    let mut rows = Vec::new();
    for compact in [false, true] {
        let unchanged = ranked(subject, 0, compact).await?;
        let changed = ranked(subject, CHANGES, compact).await?;
        let [mut entries, mut documents] = [const { [Samples::new(), Samples::new()] }; 2];
        for _ in 0..subject.size(15, 7) {
            for (at, state) in [&changed, &unchanged].into_iter().enumerate() {
                entries[at].push(counted(state, &range, CHANGED).await?);
                documents[at].push(find(state, &range, CHANGED).await?);
            }
        }
        let when = if compact { ", compacted" } else { "" };
        let row = |what: &str, [measured, floor]: &[Samples; 2]| {
            let what = format!("{what} a range of 10 k after 20 changes{when}, floor: unchanged");
            Row::new(what, subject.engine, Quantity::time(measured.median()))
                .floor(Some(Quantity::time(floor.median())))
        };
        rows.push(row("count of", &entries).bar(Bar::AtMostFloorTimes(1.2)));
        rows.push(row("find of", &documents));
    }
    Ok(rows)
}

/// Counts documents that match, of which there must be so many; gives how long it took.
async fn counted(state: &State, filter: &Document, expected: u64) -> Result<Duration> {
    let view = state.collection(&collection()?)?;
    let evaluation = Evaluation::new(context());
    let selection = Selection::compile(filter, &FilterOptions::default(), evaluation)?;
    let stopwatch = Stopwatch::start();
    let count = selection.count(&view).await?;
    let time = stopwatch.elapsed();
    expect(count, expected)?;
    Ok(time)
}

/// Documents whose rank is indexed, and was changed so many times.
async fn ranked(subject: &Subject, changes: u64, compact: bool) -> Result<State> {
    let name = format!("ranked-{changes}-{compact}");
    let (store, branch) = subject.create(&name).await?;
    create_index(&branch, doc! { "rank": 1 }).await?;
    import(&branch, (0..CHANGED).map(|number| place(number, CHANGED, 0))).await?;
    let numbers: Vec<u64> = (0..CHANGED).collect();
    for change in 1..=changes {
        for group in numbers.chunks(1_000) {
            let revised: Result<Vec<_>> =
                group.iter().map(|number| ready(*number, CHANGED, change)).collect();
            commit(&branch, &collection()?, revised?, Precondition::Present).await?;
        }
    }
    if !compact {
        return Ok(branch.head().await?);
    }
    store.compact().await?;
    Ok(subject.open_again(&name, (store, branch)).await?.1.head().await?)
}
