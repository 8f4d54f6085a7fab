//! The difference between a branch and the one it came from.

use futures::future::try_join;

use crate::Result;
use crate::clock::time_of;
use crate::network::Remote;
use crate::network::filled::CHANGES;
use crate::network::meter::Meter;
use crate::report::{Quantity, Row, rounded};
use crate::samples::Samples;
use crate::workloads::diff::diff_of;
use crate::workloads::large::{branch_with, changed};

/// Measures the diff of a hundred changes, next to the driver reading the documents of both sides,
/// both at once.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let filled = remote.filled().await?;
    let branch = filled.main.project().branch(&branch_with(CHANGES)?).await?;
    let (before, after) = (filled.main.head().await?, branch.head().await?);
    let meter = Meter::start(&filled.store);
    diff_of(&before, &after, CHANGES).await?;
    let bytes = (meter.each(2).received).max(1);
    let numbers: Vec<u64> = changed(filled.documents, CHANGES).collect();

    let (mut samples, mut floor) = (Samples::new(), Samples::new());
    remote.raw().read(&numbers, bytes).await?;
    for _ in 0..remote.size(15, 5) {
        samples.push(diff_of(&before, &after, CHANGES).await?);
        let side = || remote.raw().read(&numbers, bytes);
        floor.push(time_of(try_join(side(), side())).await?);
    }
    let what = format!("diff of {CHANGES} changes in {} documents", rounded(filled.documents));
    let row = Row::new(what, remote.server(), Quantity::time(samples.median()));
    Ok(vec![row.floor(Some(Quantity::time(floor.median())))])
}
