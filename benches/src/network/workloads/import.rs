//! Bulk import.

use crate::Result;
use crate::clock::time_of;
use crate::network::Remote;
use crate::network::meter::Meter;
use crate::report::{Bar, Quantity, Row};
use crate::samples::median;
use crate::workloads::writers::count;
use crate::writing::{IMPORT_COMMIT, import};

/// Commits in one round.
const COMMITS: u64 = 5;

/// Measures documents a second in commits of a thousand, next to the driver writing a thousand by
/// one request.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let (store, branch) = remote.create("import").await?;
    let documents = COMMITS * IMPORT_COMMIT as u64;
    let meter = Meter::start(&store);
    import(&branch, remote.fresh_raw(documents)).await?;
    let bytes = meter.each(COMMITS).sent;

    let (mut rates, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..remote.size(9, 3) {
        let time = time_of(import(&branch, remote.fresh_raw(documents))).await?;
        rates.push(count(documents) / time.as_secs_f64());

        let fresh = remote.fresh_raw(documents);
        let time = time_of(async {
            for documents in fresh.chunks(IMPORT_COMMIT) {
                remote.raw().write(documents, bytes).await?;
            }
            Ok(())
        });
        floor.push(count(documents) / time.await?.as_secs_f64());
    }
    let row = Row::new("import", remote.server(), Quantity::per_second(median(rates)))
        .floor(Some(Quantity::per_second(median(floor))))
        .bar(Bar::AtLeastFloorTimes(0.5));
    Ok(vec![row])
}
