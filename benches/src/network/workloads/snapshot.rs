//! Snapshots in object storage: what they cost, and what reads gain.

use std::time::Duration;

use argon_core::write::Precondition;
use argon_core::{Branch, Store, snapshot};

use crate::Result;
use crate::clock::time_of;
use crate::documents::{DOCUMENT_BYTES, checked, raw};
use crate::network::meter::Meter;
use crate::network::{Remote, ServerName};
use crate::report::{Quantity, Row, rounded};
use crate::samples::{Samples, median};
use crate::subject::collection;
use crate::workloads::large::changed;
use crate::workloads::writers::count;
use crate::writing::{commit, import};

use super::point_read::{Case, opening};
use super::scan::scans;

/// The name of the store.
const NAME: &str = "snapshots";

/// Documents that are changed between two snapshots, spread evenly.
const CHANGED: u64 = 10;

/// Measures a first snapshot, one after a few changes, and then reads by a store that is opened
/// anew; next to one object of as many bytes.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    if remote.server() != ServerName::S3 {
        return Ok(Vec::new());
    }
    let documents = remote.size(50_000, 10_000);
    let (store, main) = remote.create(NAME).await?;
    import(&main, (0..documents).map(|number| raw(number, 0, DOCUMENT_BYTES))).await?;
    let mut rows = creation(remote, &store, &main, documents).await?;
    drop((store, main));

    let (store, main) = remote.open(NAME).await?;
    let state = main.head().await?.collection(&collection()?)?;
    let meter = Meter::start(&store);
    crate::workloads::scan::scan(&state, documents).await?;
    let bytes = meter.each(1).received;
    rows.push(scans(remote, &state, documents, bytes, AFTER).await?);
    let mut case = Case::new(&store, main, documents, AFTER.to_owned()).await?;
    for _ in 0..remote.size(15, 5) {
        case.round(remote).await?;
    }
    rows.extend(case.rows(remote));
    rows.push(opening(remote, NAME, 1, documents, ", after a snapshot").await?);
    Ok(rows)
}

const AFTER: &str = "after a snapshot";

/// The costs of snapshots.
async fn creation(
    remote: &Remote,
    store: &Store,
    main: &Branch,
    documents: u64,
) -> Result<Vec<Row>> {
    let (first, first_bytes) = create(store, main).await?;
    let first_floor = time_of(remote.raw().write(&[], first_bytes)).await?;
    let (mut samples, mut floor, mut bytes) = (Samples::new(), Samples::new(), Vec::new());
    for round in 0..remote.size(7, 3) {
        let revision = u32::try_from(round + 1)?;
        let revised: Vec<_> = changed(documents, CHANGED)
            .map(|number| checked(number + round, revision, DOCUMENT_BYTES))
            .collect::<Result<_>>()?;
        commit(main, &collection()?, revised, Precondition::Any).await?;
        let (time, sent) = create(store, main).await?;
        samples.push(time);
        bytes.push(count(sent));
        floor.push(time_of(remote.raw().write(&[], sent)).await?);
    }
    let of_all = format!("snapshot of {} documents", rounded(documents));
    let of_few = format!("snapshot after {CHANGED} changes in {}", rounded(documents));
    let row = |what: &str, time: Duration, floor: Duration| {
        Row::new(what, remote.server(), Quantity::time(time)).floor(Some(Quantity::time(floor)))
    };
    let sent = |what: &str, bytes| {
        Row::new(format!("bytes sent by a {what}"), remote.server(), Quantity::bytes(bytes))
    };
    Ok(vec![
        row(&of_all, first, first_floor),
        sent(&of_all, count(first_bytes)),
        row(&of_few, samples.median(), floor.median()),
        sent(&of_few, median(bytes)),
    ])
}

/// Makes a snapshot of the head; gives how long it took and how many bytes were sent.
async fn create(store: &Store, main: &Branch) -> Result<(Duration, u64)> {
    let head = main.head().await?;
    let meter = Meter::start(store);
    let time = time_of(async { Ok(snapshot::create(&head).await?) }).await?;
    Ok((time, meter.each(1).sent))
}
