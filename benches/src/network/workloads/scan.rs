//! Full reads of a collection.

use argon_core::CollectionView;

use crate::Result;
use crate::clock::time_of;
use crate::network::Remote;
use crate::network::filled::{DEPTH, at_depth};
use crate::network::meter::Meter;
use crate::report::{Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::collection;
use crate::workloads::scan::scan;

/// Measures scans of `main` and of a branch of branches, next to the driver reading all documents by
/// one cursor, or as many bytes as one object.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let filled = remote.filled().await?;
    let mut rows = Vec::new();
    for depth in [1, DEPTH] {
        let branch = at_depth(&filled.main, depth).await?;
        let state = branch.head().await?.collection(&collection()?)?;
        let meter = Meter::start(&filled.store);
        scan(&state, filled.documents).await?;
        let bytes = meter.each(1).received;
        let when = format!("ancestry of {depth}");
        rows.push(scans(remote, &state, filled.documents, bytes, &when).await?);
    }
    Ok(rows)
}

/// Scans a state again and again; it gets so many bytes the first time.
pub(super) async fn scans(
    remote: &Remote,
    state: &CollectionView,
    documents: u64,
    bytes: u64,
    when: &str,
) -> Result<Row> {
    let (mut samples, mut floor) = (Samples::new(), Samples::new());
    remote.raw().read(&[0], bytes).await?;
    for _ in 0..remote.size(7, 3) {
        samples.push(scan(state, documents).await?);
        floor.push(time_of(remote.raw().scan(documents, bytes)).await?);
    }
    let what = format!("scan of {}, {when}", rounded(documents));
    Ok(Row::new(what, remote.server(), Quantity::time(samples.median()))
        .floor(Some(Quantity::time(floor.median()))))
}
