//! Creation of a branch.

use argon_core::model::BranchName;

use crate::Result;
use crate::clock::{Stopwatch, time_of};
use crate::documents::raw;
use crate::network::Remote;
use crate::report::{Quantity, Row, rounded};
use crate::samples::Samples;

/// Branches made in one round.
const ROUND: u64 = 5;

/// About the bytes of a branch's record.
const RECORD_BYTES: u16 = 260;

/// Measures how long it takes to branch off from a head that is known, and from one that is looked
/// up; next to the driver writing one record of that size.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let filled = remote.filled().await?;
    let main = &filled.main;
    let [mut known, mut looked_up, mut floor] = [const { Samples::new() }; 3];
    for _ in 0..remote.size(12, 4) {
        let head = main.head().await?;
        for number in remote.fresh(ROUND) {
            let name = BranchName::new(format!("known/{number}"))?;
            let created = main.project().create_branch(&name, &head, Some(main.name()));
            known.push(time_of(async { Ok(created.await?) }).await?);
        }
        for number in remote.fresh(ROUND) {
            let record = raw(number, 0, usize::from(RECORD_BYTES));
            let written = remote.raw().write(std::slice::from_ref(&record), RECORD_BYTES.into());
            floor.push(time_of(written).await?);
        }
        for number in remote.fresh(ROUND) {
            let name = BranchName::new(format!("looked-up/{number}"))?;
            let stopwatch = Stopwatch::start();
            let head = main.head().await?;
            main.project().create_branch(&name, &head, Some(main.name())).await?;
            looked_up.push(stopwatch.elapsed());
        }
    }
    let documents = rounded(filled.documents);
    let row = |what: &str, samples: &Samples| {
        let what = format!("branch creation, {documents} documents, {what}, p50");
        Row::new(what, remote.server(), Quantity::time(samples.median()))
            .floor(Some(Quantity::time(floor.median())))
    };
    Ok(vec![row("head known", &known), row("head looked up", &looked_up)])
}
