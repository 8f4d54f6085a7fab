//! Bulk import.

use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::clock::time_of;
use crate::network::distance::Distance;
use crate::network::meter::Meter;
use crate::network::raw::connect;
use crate::network::remote::open_at;
use crate::network::{Remote, ServerName};
use crate::report::{Bar, Quantity, Row};
use crate::samples::median;
use crate::workloads::writers::count;
use crate::writing::{IMPORT_COMMIT, import};

/// Commits in one round.
const COMMITS: u64 = 5;

/// How late the far server answers.
const LATE: Duration = Duration::from_millis(10);

/// Commits in an import into the far server, and the driver's requests that are under way at once.
const FAR_COMMITS: u64 = 400;
const SIDE_BY_SIDE: usize = 4;

/// Measures documents a second in commits of a thousand, next to the driver writing a thousand by
/// one request.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let mut rows = near(remote).await?;
    rows.extend(far(remote).await?);
    Ok(rows)
}

/// The same on a server that answers late, next to the driver writing the same bytes by requests of a
/// thousand documents, several at once.
async fn far(remote: &Remote) -> Result<Option<Row>> {
    let Some(server) = remote.place().address() else { return Ok(None) };
    let distance = Distance::start(server, LATE).await?;
    let place = remote.place().by(distance.address());
    let raw = connect(&place).await?;
    remote.create("import-far").await?;
    let (store, branch) = open_at(&place, "import-far").await?;
    let documents = FAR_COMMITS * IMPORT_COMMIT as u64;
    let (mut rates, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..remote.size(5, 3) {
        let (fresh, meter) = (remote.fresh_raw(documents), Meter::start(&store));
        let time = time_of(import(&branch, fresh)).await?;
        rates.push(count(documents) / time.as_secs_f64());

        let (fresh, bytes) = (remote.fresh_raw(documents), meter.each(FAR_COMMITS).sent);
        let writes: Vec<_> =
            fresh.chunks(IMPORT_COMMIT).map(|documents| raw.write(documents, bytes)).collect();
        let time = time_of(stream::iter(writes).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>());
        floor.push(count(documents) / time.await?.as_secs_f64());
    }
    let what = format!("import, answers {} ms late", LATE.as_millis());
    let row = Row::new(what, remote.server(), Quantity::per_second(median(rates)))
        .floor(Some(Quantity::per_second(median(floor))))
        .bar_on(ServerName::S3, Bar::AtLeastFloorTimes(0.8));
    Ok(Some(row))
}

/// Where a store keeps documents in rows of its own, there is a second row: next to the driver writing
/// such rows, which is the least that a store with versions takes.
async fn near(remote: &Remote) -> Result<Vec<Row>> {
    let (store, branch) = remote.create("import").await?;
    let documents = COMMITS * IMPORT_COMMIT as u64;
    let meter = Meter::start(&store);
    import(&branch, remote.fresh_raw(documents)).await?;
    let bytes = meter.each(COMMITS).sent;

    let (mut rates, mut floor, mut floor_of_rows) = (Vec::new(), Vec::new(), Vec::new());
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

        let fresh = remote.fresh_raw(documents);
        let mut has_rows = true;
        let time = time_of(async {
            for documents in fresh.chunks(IMPORT_COMMIT) {
                has_rows = remote.raw().write_rows(documents).await?;
            }
            Ok(())
        })
        .await?;
        if has_rows {
            floor_of_rows.push(count(documents) / time.as_secs_f64());
        }
    }
    let measured = Quantity::per_second(median(rates));
    let mut rows = vec![
        Row::new("import", remote.server(), measured)
            .floor(Some(Quantity::per_second(median(floor))))
            .bar(Bar::AtLeastFloorTimes(0.5)),
    ];
    if !floor_of_rows.is_empty() {
        let floor = Some(Quantity::per_second(median(floor_of_rows)));
        rows.push(Row::new("import, next to its own rows", remote.server(), measured).floor(floor));
    }
    Ok(rows)
}
