//! Reads of one document, at the head and in the past, in short and in long histories.

use argon_core::CollectionView;
use argon_core::model::Lsn;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked, key};
use crate::filled::Filled;
use crate::random::Random;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{Subject, collection};
use crate::writing::as_history;

/// Reads in one round, of each kind.
const ROUND: usize = 200;

/// States of the past that are read.
const PAST_STATES: u64 = 16;

/// Each document has so many versions.
const VERSIONS: u64 = 10;

/// A history, and what was measured in it.
struct History {
    filled: Filled,
    commits: u64,
    documents: u64,
    head: CollectionView,
    past: Vec<(Lsn, CollectionView)>,
    random: Random,
    at_head: Samples,
    in_past: Samples,
    resolved: Samples,
    floor: Samples,
}

/// Measures reads of random documents at the head, in held states of the past, and in a state that
/// is found by its LSN first; next to one seek of the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let mut short = History::new(subject, "short-history", 1_000).await?;
    let mut long = History::new(subject, "long-history", subject.size(1_000_000, 100_000)).await?;
    for history in [&mut short, &mut long] {
        history.round().await?;
        history.forget();
    }
    for _ in 0..subject.size(25, 10) {
        short.round().await?;
        long.round().await?;
    }
    let mut rows = short.rows(subject);
    rows.extend(long.rows(subject));
    let flat = |what: &str, of: fn(&History) -> &Samples| {
        let grown = of(&long).median().as_secs_f64() / of(&short).median().as_secs_f64();
        let what = format!("{what}, {} to 1 k commits", rounded(long.commits));
        Row::new(what, subject.engine, Quantity::times(grown))
    };
    let bar = Bar::AtMost(Quantity::times(1.25));
    rows.push(flat("point read at head", |history| &history.at_head).bar(bar));
    rows.push(flat("point read in the past", |history| &history.in_past).bar(bar));
    if subject.engine.on_disk() {
        rows.push(flat("the bare engine's seek", |history| &history.floor));
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
        let [at_head, in_past, resolved, floor] = [const { Samples::new() }; 4];
        Ok(Self {
            filled,
            commits,
            documents,
            head,
            past,
            random,
            at_head,
            in_past,
            resolved,
            floor,
        })
    }

    async fn round(&mut self) -> Result<()> {
        for read in 0..ROUND {
            let (lsn, state) = &self.past[read % self.past.len()];
            // Another document each time: the engine has just read the last one.
            let mut id = || key(self.random.below(self.documents));
            self.at_head.push(read_in(&self.head, &id()?).await?);
            self.in_past.push(read_in(state, &id()?).await?);
            let id = id()?;
            let stopwatch = Stopwatch::start();
            let state = self.filled.branch.at(*lsn).await?.collection(&collection()?)?;
            state.get(&id).await?.ok_or("the document is not there")?;
            self.resolved.push(stopwatch.elapsed());
        }
        for read in 0..ROUND {
            let Some(bare) = &self.filled.bare else { break };
            let id = key(self.random.below(self.documents))?;
            let (lsn, _) = &self.past[read % self.past.len()];
            let stopwatch = Stopwatch::start();
            bare.read(0, &id, *lsn)?.ok_or("the document is not there")?;
            self.floor.push(stopwatch.elapsed());
        }
        Ok(())
    }

    /// Forgets what was measured while caches were cold.
    fn forget(&mut self) {
        [self.at_head, self.in_past, self.resolved, self.floor] = [const { Samples::new() }; 4];
    }

    fn rows(&self, subject: &Subject) -> Vec<Row> {
        let row = |what: &str, samples: &Samples, percent| {
            let floor =
                subject.engine.on_disk().then(|| Quantity::time(self.floor.percentile(percent)));
            let what = format!("point read {what}, {} commits, p{percent}", rounded(self.commits));
            Row::new(what, subject.engine, Quantity::time(samples.percentile(percent))).floor(floor)
        };
        let bar = Bar::AtMost(Quantity::time(std::time::Duration::from_micros(25)));
        vec![
            row("at head", &self.at_head, 50).bar(bar),
            row("at head", &self.at_head, 99),
            row("in the past", &self.in_past, 50).bar(bar),
            row("in the past", &self.in_past, 99),
            row("by LSN", &self.resolved, 50),
        ]
    }
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
pub async fn read_in(
    state: &CollectionView,
    id: &argon_core::key::Key,
) -> Result<std::time::Duration> {
    let stopwatch = Stopwatch::start();
    state.get(id).await?.ok_or("the document is not there")?;
    Ok(stopwatch.elapsed())
}
