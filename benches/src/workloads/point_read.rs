//! Reads of one document, at the head and in the past, in short and in long histories.

use std::time::Duration;

use argon_core::CollectionView;
use argon_core::key::Key;
use argon_core::model::Lsn;
use futures::TryStreamExt;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked, key};
use crate::filled::{Bare, Filled};
use crate::random::Random;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{Subject, collection};
use crate::writing::as_history;

/// Reads in one round, of each kind.
const ROUND: u64 = 200;

/// States of the past that are read.
const PAST_STATES: u64 = 16;

/// Each document has so many versions.
const VERSIONS: u64 = 10;

/// The short history has so many documents, and in the long one as many are read most: what is
/// compared is the history, not how much of it fits into the processor's caches.
const HOT: u64 = 100;

/// A history, and what was measured in it.
struct History {
    filled: Filled,
    commits: u64,
    documents: u64,
    head: CollectionView,
    past: Vec<(Lsn, CollectionView)>,
    random: Random,
    times: Times,
}

/// Times of reads, and those of the bare engine's seeks.
#[derive(Default)]
struct Times {
    at_head: Samples,
    in_past: Samples,
    by_lsn: Samples,
    floor: Samples,
    anywhere: Samples,
    anywhere_floor: Samples,
}

/// Measures reads of a hundred documents at the head, in held states of the past, and in a state
/// that is found by its LSN first; and reads of random ones among all documents.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let mut short = History::new(subject, "short-history", 1_000).await?;
    let mut long = History::new(subject, "long-history", subject.size(1_000_000, 100_000)).await?;
    for history in [&mut short, &mut long] {
        history.warm_up().await?;
    }
    for _ in 0..subject.size(25, 10) {
        short.round().await?;
        long.round().await?;
    }
    let mut rows = short.rows(subject);
    rows.extend(long.rows(subject));
    let flat = |what: &str, of: fn(&Times) -> &Samples| {
        let [long_time, short_time] =
            [&long, &short].map(|history| of(&history.times).median().as_secs_f64());
        let what = format!("{what}, {} to 1 k commits", rounded(long.commits));
        Row::new(what, subject.engine, Quantity::times(long_time / short_time))
    };
    let bar = Bar::AtMost(Quantity::times(1.25));
    rows.push(flat("point read at head", |times| &times.at_head).bar(bar));
    rows.push(flat("point read in the past", |times| &times.in_past).bar(bar));
    if subject.engine.on_disk() {
        rows.push(flat("the bare engine's seek", |times| &times.floor));
    }
    Ok(rows)
}

impl History {
    async fn new(subject: &Subject, name: &str, commits: u64) -> Result<Self> {
        let filled = history(subject, name, commits).await?;
        let documents = commits / VERSIONS;
        let mut random = Random::new(commits);
        let branch = &filled.branch;
        let head = branch.head().await?.collection(&collection()?)?;
        let mut past = Vec::new();
        for _ in 0..PAST_STATES {
            let lsn = Lsn::new(documents + random.below(commits - documents));
            past.push((lsn, branch.at(lsn).await?.collection(&collection()?)?));
        }
        Ok(Self { filled, commits, documents, head, past, random, times: Times::default() })
    }

    /// Has everything read once, as far as the engines' caches reach.
    async fn warm_up(&mut self) -> Result<()> {
        self.head.scan().try_for_each(|_| async { Ok(()) }).await?;
        if let Some(bare) = &self.filled.bare {
            bare.scan(usize::try_from(self.commits)?)?;
        }
        self.round().await?;
        self.times = Times::default();
        Ok(())
    }

    async fn round(&mut self) -> Result<()> {
        for read in 0..ROUND {
            let past = usize::try_from(read % PAST_STATES)?;
            let id = self.hot()?;
            self.times.at_head.push(read_in(&self.head, &id).await?);
            let id = self.hot()?;
            self.times.in_past.push(read_in(&self.past[past].1, &id).await?);
            let id = self.hot()?;
            self.times.by_lsn.push(self.read_by_lsn(self.past[past].0, &id).await?);
        }
        for _ in 0..ROUND {
            let id = key(self.random.below(self.documents))?;
            self.times.anywhere.push(read_in(&self.head, &id).await?);
        }
        self.bare_round()
    }

    fn bare_round(&mut self) -> Result<()> {
        let head = Lsn::new(self.commits);
        for read in 0..ROUND {
            let past = self.past[usize::try_from(read % PAST_STATES)?].0;
            let (hot, any) = (self.hot()?, key(self.random.below(self.documents))?);
            let Some(bare) = &self.filled.bare else { break };
            self.times.floor.push(seek(bare, &hot, past)?);
            self.times.anywhere_floor.push(seek(bare, &any, head)?);
        }
        Ok(())
    }

    /// One of the documents that are read most.
    fn hot(&mut self) -> Result<Key> {
        key(self.random.below(HOT) * (self.documents / HOT))
    }

    async fn read_by_lsn(&self, lsn: Lsn, id: &Key) -> Result<Duration> {
        let stopwatch = Stopwatch::start();
        let state = self.filled.branch.at(lsn).await?.collection(&collection()?)?;
        state.get(id).await?.ok_or("the document is not there")?;
        Ok(stopwatch.elapsed())
    }

    fn rows(&self, subject: &Subject) -> Vec<Row> {
        let row = |what: &str, samples: &Samples, floor: &Samples, percent| {
            let floor = Quantity::time(floor.percentile(percent));
            let what = format!("{what}, {} commits, p{percent}", rounded(self.commits));
            Row::new(what, subject.engine, Quantity::time(samples.percentile(percent)))
                .floor(subject.engine.on_disk().then_some(floor))
        };
        let Times { at_head, in_past, by_lsn, floor, anywhere, anywhere_floor } = &self.times;
        let bar = Bar::AtMost(Quantity::time(Duration::from_micros(25)));
        vec![
            row("point read at head", at_head, floor, 50).bar(bar),
            row("point read at head", at_head, floor, 99),
            row("point read in the past", in_past, floor, 50).bar(bar),
            row("point read in the past", in_past, floor, 99),
            row("finding a state by LSN and point read", by_lsn, floor, 50),
            row("point read of any document", anywhere, anywhere_floor, 50).bar(bar),
            row("point read of any document", anywhere, anywhere_floor, 99),
        ]
    }
}

fn seek(bare: &Bare, id: &Key, lsn: Lsn) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    bare.read(0, id, lsn)?.ok_or("the document is not there")?;
    Ok(stopwatch.elapsed())
}

/// A store with a history of so many commits, each of which writes one document.
pub async fn history(subject: &Subject, name: &str, commits: u64) -> Result<Filled> {
    let (store, branch) = subject.create(name).await?;
    let documents = commits / VERSIONS;
    for revision in 0..VERSIONS {
        let mut versions = Vec::new();
        for number in 0..documents {
            let revision = u32::try_from(revision)?;
            versions.push(checked(scattered(number, documents), revision, DOCUMENT_BYTES)?);
        }
        as_history(&branch, versions.into_iter()).await?;
    }
    Filled::from(subject, name, store, branch).await
}

/// The `number`-th of so many documents in an order that is not that of their keys. 7919 is a prime
/// that divides no power of ten, so each comes once.
fn scattered(number: u64, documents: u64) -> u64 {
    number * 7919 % documents
}

/// Reads a document that is there; gives how long it took.
pub async fn read_in(state: &CollectionView, id: &Key) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    state.get(id).await?.ok_or("the document is not there")?;
    Ok(stopwatch.elapsed())
}
