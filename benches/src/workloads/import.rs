//! Bulk import.

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked, raw};
use crate::report::{Bar, Quantity, Row};
use crate::samples::median;
use crate::subject::{EngineName, Subject};
use crate::workloads::writers::count;
use crate::writing::{BareWriter, IMPORT_COMMIT, import};

/// Documents in one round.
const ROUND: u64 = 20_000;

/// Measures documents a second, next to durable batches of a thousand documents.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (_store, branch) = subject.create("import").await?;
    let mut bare = BareWriter::new(subject.bare("import-bare")?);
    let (mut rates, mut floor) = (Vec::new(), Vec::new());
    for round in 0..subject.size(200_000, 60_000) / ROUND {
        let numbers = round * ROUND..(round + 1) * ROUND;
        let documents: Vec<_> =
            numbers.clone().map(|number| raw(number, 0, DOCUMENT_BYTES)).collect();
        let stopwatch = Stopwatch::start();
        import(&branch, documents).await?;
        rates.push(count(ROUND) / stopwatch.elapsed().as_secs_f64());

        let documents: Vec<_> =
            numbers.map(|number| checked(number, 0, DOCUMENT_BYTES)).collect::<Result<_>>()?;
        let samples = bare.write(&documents, IMPORT_COMMIT, 1)?;
        floor.push(count(ROUND) / samples.total().as_secs_f64());
    }
    let row = Row::new("import", subject.engine, Quantity::per_second(median(rates)))
        .floor(Some(Quantity::per_second(median(floor))))
        .bar(Bar::AtLeastFloorTimes(0.5))
        .bar_on(EngineName::Fjall, Bar::AtLeast(Quantity::per_second(100_000.0)));
    Ok(vec![row])
}
