//! Reads of one document.

use std::time::Duration;

use argon_core::{Branch, CollectionView, Store};

use crate::Result;
use crate::clock::time_of;
use crate::documents::{DOCUMENT_BYTES, key};
use crate::network::Remote;
use crate::network::filled::{DEPTH, NAME, at_depth};
use crate::network::meter::Meter;
use crate::network::remote::open_at;
use crate::random::Random;
use crate::report::{Quantity, Row};
use crate::samples::Samples;
use crate::subject::collection;
use crate::workloads::point_read::read_in;

/// Reads in one round, of each kind.
const ROUND: u64 = 20;

/// A branch, and what was measured of it.
pub(super) struct Case {
    what: String,
    branch: Branch,
    head: CollectionView,
    /// What one read gets from the server.
    bytes: u64,
    random: Random,
    documents: u64,
    known: Samples,
    looked_up: Samples,
    floor: Samples,
}

/// Measures reads of random documents: from a head that is held, from one that is looked up, and
/// from a store that is opened for it; on `main` and on a branch of branches.
pub(super) async fn run(remote: &Remote) -> Result<Vec<Row>> {
    let filled = remote.filled().await?;
    let mut cases = Vec::new();
    for depth in [1, DEPTH] {
        let branch = at_depth(&filled.main, depth).await?;
        let what = format!("ancestry of {depth}");
        cases.push(Case::new(&filled.store, branch, filled.documents, what).await?);
    }
    for _ in 0..remote.size(15, 5) {
        for case in &mut cases {
            case.round(remote).await?;
        }
    }
    let mut rows: Vec<Row> = cases.iter().flat_map(|case| case.rows(remote)).collect();
    for depth in [1, DEPTH] {
        rows.push(opening(remote, NAME, depth, filled.documents, "").await?);
    }
    Ok(rows)
}

impl Case {
    pub(super) async fn new(
        store: &Store,
        branch: Branch,
        documents: u64,
        what: String,
    ) -> Result<Self> {
        let head = branch.head().await?.collection(&collection()?)?;
        let [known, looked_up, floor] = [const { Samples::new() }; 3];
        let (bytes, random) = (0, Random::new(documents));
        let mut case =
            Self { what, branch, head, bytes, random, documents, known, looked_up, floor };
        // The first reads find nothing in the caches; those that count come after.
        for _ in 0..2 {
            let meter = Meter::start(store);
            for _ in 0..ROUND {
                read_in(&case.head, &key(case.random.below(documents))?).await?;
            }
            case.bytes = meter.each(ROUND).received.max(DOCUMENT_BYTES as u64);
        }
        Ok(case)
    }

    pub(super) async fn round(&mut self, remote: &Remote) -> Result<()> {
        let collection = self.branch.collection(&collection()?);
        remote.raw().read(&[0], self.bytes).await?;
        for _ in 0..ROUND {
            let [known, looked_up] = [(); 2].map(|()| self.random.below(self.documents));
            self.known.push(read_in(&self.head, &key(known)?).await?);
            self.floor.push(time_of(remote.raw().read(&[known], self.bytes)).await?);
            let id = key(looked_up)?;
            let read = async { Ok(collection.get(&id).await?.ok_or("it is not there")?) };
            self.looked_up.push(time_of(read).await?);
        }
        Ok(())
    }

    pub(super) fn rows(&self, remote: &Remote) -> [Row; 2] {
        let row = |what: &str, samples: &Samples| {
            let what = format!("point read, {what}, {}, p50", self.what);
            Row::new(what, remote.server(), Quantity::time(samples.median()))
                .floor(Some(Quantity::time(self.floor.median())))
        };
        [row("head known", &self.known), row("head looked up", &self.looked_up)]
    }
}

/// Opens a store anew and reads one document, next to a new client of the driver that reads as much.
pub(super) async fn opening(
    remote: &Remote,
    store: &str,
    depth: u64,
    documents: u64,
    when: &str,
) -> Result<Row> {
    let (_, mut bytes) = open_and_read(remote, store, depth, documents / 2).await?;
    bytes = bytes.max(DOCUMENT_BYTES as u64);
    remote.raw().read_anew(0, bytes).await?;
    let (mut samples, mut floor) = (Samples::new(), Samples::new());
    for round in 1..=remote.size(9, 3) {
        let number = round * (documents / 16);
        samples.push(open_and_read(remote, store, depth, number).await?.0);
        floor.push(time_of(remote.raw().read_anew(number, bytes)).await?);
    }
    let what = format!("opening, to the first read, ancestry of {depth}{when}, p50");
    Ok(Row::new(what, remote.server(), Quantity::time(samples.median()))
        .floor(Some(Quantity::time(floor.median()))))
}

/// How long it took, and how many bytes came.
async fn open_and_read(
    remote: &Remote,
    store: &str,
    depth: u64,
    number: u64,
) -> Result<(Duration, u64)> {
    let id = key(number)?;
    let mut opened = None;
    let time = time_of(async {
        let (store, main) = open_at(remote.place(), store).await?;
        let branch = if depth == 1 { main } else { at_depth(&main, depth).await? };
        branch.collection(&collection()?).get(&id).await?.ok_or("the document is not there")?;
        opened = Some(store);
        Ok(())
    });
    let time = time.await?;
    let received = opened.and_then(|store| store.traffic()).map_or(0, |traffic| traffic.received);
    Ok((time, received))
}
