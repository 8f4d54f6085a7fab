//! The difference between a branch and the one it came from.

use std::time::Duration;

use argon_core::State;
use argon_core::diff::{diff, fields};
use argon_core::model::Lsn;
use futures::TryStreamExt;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::key;
use crate::filled::{Bare, Filled};
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::Subject;
use crate::workloads::large::{CHANGES, Many, before_and_after, changed, with_changes};
use crate::workloads::writers::count;

/// One comparison, and what was measured of it.
struct Case<'a> {
    filled: &'a Filled,
    documents: u64,
    changes: u64,
    timeline: u8,
    before: State,
    after: State,
    samples: Samples,
    floor: Samples,
}

/// Measures the diff of 100, 1,000 and 10,000 changes, in a large store and in a small one; next to
/// reading those commits and, twice for each, the documents from the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let few = with_changes(subject, "ten-thousand-documents", 10_000).await?;
    let many = Many::of(subject).await?;
    let mut cases = Vec::new();
    for (filled, documents) in [(many.filled()?, many.documents), (&few, 10_000)] {
        for (timeline, changes) in (1..).zip(CHANGES) {
            cases.push(Case::new(filled, documents, changes, timeline).await?);
        }
    }
    for _ in 0..subject.size(9, 5) {
        for case in &mut cases {
            case.samples.push(diff_of(&case.before, &case.after, case.changes).await?);
            case.read_bare()?;
        }
    }
    let mut by_field = Samples::new();
    for _ in 0..subject.size(9, 5) {
        by_field.push(fields_of(&cases[1].before, &cases[1].after).await?);
    }
    let mut rows: Vec<Row> = cases.iter().map(|case| case.row(subject)).collect();
    let what = format!("diff of 1 k changes in {} documents, by field", rounded(many.documents));
    let row = Row::new(what, subject.engine, Quantity::time(by_field.median()));
    rows.push(row.bar(Bar::AtMost(Quantity::time(Duration::from_millis(50)))));
    let each = |case: &Case| case.samples.median().as_secs_f64() / count(case.changes);
    let times = |what: &str, more: &Case, less: &Case| {
        Row::new(what, subject.engine, Quantity::times(each(more) / each(less)))
    };
    let linear = times("diff, each of 10 k to each of 1 k changes", &cases[2], &cases[1]);
    rows.push(linear.bar(Bar::AtMost(Quantity::times(1.25))));
    let grown = format!("diff of 1 k changes, {} to 10 k documents", rounded(many.documents));
    rows.push(times(&grown, &cases[1], &cases[4]));
    Ok(rows)
}

impl<'a> Case<'a> {
    async fn new(filled: &'a Filled, documents: u64, changes: u64, timeline: u8) -> Result<Self> {
        let (before, after) = before_and_after(filled, changes).await?;
        let (samples, floor) = (Samples::new(), Samples::new());
        Ok(Self { filled, documents, changes, timeline, before, after, samples, floor })
    }

    fn read_bare(&mut self) -> Result<()> {
        let Some(bare) = &self.filled.bare else { return Ok(()) };
        let stopwatch = Stopwatch::start();
        let commits = bare.commits(self.timeline)?;
        self.read_documents(bare)?;
        self.floor.push(stopwatch.elapsed());
        if commits as u64 == self.changes { Ok(()) } else { Err("commits are missing".into()) }
    }

    fn read_documents(&self, bare: &Bare) -> Result<()> {
        for number in changed(self.documents, self.changes) {
            let id = key(number)?;
            for timeline in [0, self.timeline] {
                bare.read(timeline, &id, Lsn::MAX)?.ok_or("the document is not there")?;
            }
        }
        Ok(())
    }

    fn row(&self, subject: &Subject) -> Row {
        let (changes, documents) = (rounded(self.changes), rounded(self.documents));
        let what = format!("diff of {changes} changes in {documents} documents");
        let floor = self.filled.bare.is_some().then(|| Quantity::time(self.floor.median()));
        let row =
            Row::new(what, subject.engine, Quantity::time(self.samples.median())).floor(floor);
        if self.changes == 1_000 {
            row.bar(Bar::AtMost(Quantity::time(Duration::from_millis(50))))
        } else {
            row
        }
    }
}

/// Compares two states, between which there must be so many changes; gives how long it took.
pub async fn diff_of(before: &State, after: &State, changes: u64) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let found = diff(before, after).await?;
    let documents: Vec<_> = found.documents().try_collect().await?;
    let time = stopwatch.elapsed();
    if documents.len() as u64 != changes {
        return Err(format!("{} differences were found", documents.len()).into());
    }
    Ok(time)
}

/// Compares two states field by field; gives how long it took.
async fn fields_of(before: &State, after: &State) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let mut documents = diff(before, after).await?.documents();
    let mut found = 0;
    while let Some(document) = documents.try_next().await? {
        if let (Some(before), Some(after)) = (&document.before, &document.after) {
            found += fields(before.as_raw(), after.as_raw())?.len();
        }
    }
    let time = stopwatch.elapsed();
    if found == 0 { Err("no field differs".into()) } else { Ok(time) }
}
