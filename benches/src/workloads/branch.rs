//! Creation of a branch, in a small store and in a large one.

use argon_backends::raw::Write;
use argon_core::model::BranchName;

use crate::Result;
use crate::clock::Stopwatch;
use crate::filled::Filled;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::Subject;
use crate::workloads::large::{Many, imported};

/// Branches made in one round.
const ROUND: u64 = 20;

/// About the bytes of a branch's record.
const RECORD_BYTES: usize = 260;

/// Measures how long it takes to branch off from the head, next to one durable write of as many
/// bytes on the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (store, main) = imported(subject, "few-documents", 1_000).await?;
    let few = Filled::from(subject, "few-documents", store, main).await?;
    let many = Many::of(subject).await?;
    let [mut in_few, mut in_many, mut few_floor, mut many_floor] = [const { Samples::new() }; 4];
    for round in 0..subject.size(20, 5) {
        in_few.append(create(&few, round).await?);
        few_floor.append(write_record(&few, round)?);
        in_many.append(create(many.filled()?, round).await?);
        many_floor.append(write_record(many.filled()?, round)?);
    }
    let bar = Bar::AtMost(Quantity::time(std::time::Duration::from_micros(1_160)));
    let row = |documents: u64, samples: &Samples, floor: &Samples| {
        let floor = subject.engine.on_disk().then(|| Quantity::time(floor.median()));
        let what = format!("branch creation, {} documents, p50", rounded(documents));
        Row::new(what, subject.engine, Quantity::time(samples.median()))
            .floor(floor)
            .bar(Bar::AtMostFloorTimes(2.0))
            .bar(bar)
    };
    let grown = in_many.median().as_secs_f64() / in_few.median().as_secs_f64();
    Ok(vec![
        row(1_000, &in_few, &few_floor),
        row(many.documents, &in_many, &many_floor),
        Row::new(
            format!("branch creation, {} to 1 k documents", rounded(many.documents)),
            subject.engine,
            Quantity::times(grown),
        )
        .bar(Bar::AtMost(Quantity::times(1.25))),
    ])
}

async fn create(filled: &Filled, round: u64) -> Result<Samples> {
    let main = &filled.branch;
    let mut samples = Samples::new();
    for number in 0..ROUND {
        let name = BranchName::new(format!("made/{round}-{number}"))?;
        let stopwatch = Stopwatch::start();
        let head = main.head().await?;
        main.project().create_branch(&name, &head, Some(main.name())).await?;
        samples.push(stopwatch.elapsed());
    }
    Ok(samples)
}

fn write_record(filled: &Filled, round: u64) -> Result<Samples> {
    let mut samples = Samples::new();
    let Some(bare) = &filled.bare else { return Ok(samples) };
    for number in 0..ROUND {
        let key = format!("Rbranch/00000000000000000000000000000000/made/{round}-{number}");
        let write = Write::Put { key: key.into_bytes(), value: vec![7; RECORD_BYTES] };
        let stopwatch = Stopwatch::start();
        bare.0.apply(vec![write])?;
        samples.push(stopwatch.elapsed());
    }
    Ok(samples)
}
