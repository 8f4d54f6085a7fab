//! Durable commits of one document by one writer.

use argon_core::write::Precondition;

use crate::Result;
use crate::documents::{DOCUMENT_BYTES, checked};
use crate::report::{Bar, Quantity, Row};
use crate::samples::Samples;
use crate::subject::Subject;
use crate::writing::{BareWriter, Ready, one_by_one};

/// Commits in one round.
const ROUND: u64 = 20;

/// Measures a commit that puts a document, and one that inserts it, which looks first whether it is
/// there.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (_store, branch) = subject.create("commit").await?;
    let mut bare = BareWriter::new(subject.bare("commit-bare")?);
    let [mut puts, mut inserts, mut floor] = [const { Samples::new() }; 3];
    for round in 0..subject.size(100, 25) {
        let documents = |number| documents((3 * round + number) * ROUND);
        puts.append(one_by_one(&branch, documents(0)?, Precondition::Any).await?);
        floor.append(bare.write(&documents(1)?, 1, 1)?);
        inserts.append(one_by_one(&branch, documents(2)?, Precondition::Absent).await?);
    }
    let row = |what: &str, samples: &Samples, percent| {
        let [samples, floor] =
            [samples, &floor].map(|samples| Quantity::time(samples.percentile(percent)));
        Row::new(what, subject.engine, samples).floor(Some(floor))
    };
    Ok(vec![
        row("durable commit, one writer, put, p50", &puts, 50).bar(Bar::AtMostFloorTimes(2.0)),
        row("durable commit, one writer, put, p99", &puts, 99),
        row("durable commit, one writer, insert, p50", &inserts, 50)
            .bar(Bar::AtMostFloorTimes(2.0)),
        row("durable commit, one writer, insert, p99", &inserts, 99),
    ])
}

fn documents(first: u64) -> Result<Vec<Ready>> {
    (first..first + ROUND).map(|number| checked(number, 0, DOCUMENT_BYTES)).collect()
}
