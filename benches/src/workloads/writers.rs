//! Commits of one document by 64 writers at once.

use argon_core::write::Precondition;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked};
use crate::report::{Bar, Quantity, Row};
use crate::samples::median;
use crate::subject::Subject;
use crate::writing::{BareWriter, Ready, by_writers};

const WRITERS: usize = 64;

/// Measures commits a second, puts and inserts, next to durable batches of 64 documents.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (_store, branch) = subject.create("writers").await?;
    let mut bare = BareWriter::new(subject.bare("writers-bare")?);
    let round_size = subject.size(12_800, 6_400);
    let [mut puts, mut inserts, mut floor] = [const { Vec::new() }; 3];
    for round in 0..subject.size(7, 3) {
        let documents = |part| documents((3 * round + part) * round_size, round_size);
        let rate = |seconds: f64| count(round_size) / seconds;
        for (rates, part, condition) in
            [(&mut puts, 0, Precondition::Any), (&mut inserts, 1, Precondition::Absent)]
        {
            let documents = documents(part)?;
            let stopwatch = Stopwatch::start();
            by_writers(&branch, documents, WRITERS, condition).await?;
            rates.push(rate(stopwatch.elapsed().as_secs_f64()));
        }
        let samples = bare.write(&documents(2)?, 1, WRITERS)?;
        floor.push(rate(samples.total().as_secs_f64()));
    }
    let floor = Quantity::per_second(median(floor));
    let row = |what: &str, rates| {
        Row::new(what, subject.engine, Quantity::per_second(median(rates)))
            .floor(Some(floor))
            .bar(Bar::AtLeastFloorTimes(0.6))
            .bar(Bar::AtLeast(Quantity::per_second(37_905.0)))
    };
    Ok(vec![row("64 writers, puts", puts), row("64 writers, inserts", inserts)])
}

fn documents(first: u64, count: u64) -> Result<Vec<Ready>> {
    (first..first + count).map(|number| checked(number, 0, DOCUMENT_BYTES)).collect()
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of documents are far below 2^52")]
pub(crate) fn count(count: u64) -> f64 {
    count as f64
}
