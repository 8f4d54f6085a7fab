//! Opening a large store.

use std::time::Duration;

use argon_core::model::Lsn;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::key;
use crate::filled::{Bare, Filled};
use crate::report::{Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{Subject, collection};
use crate::workloads::large::{MANY, Many};

/// Measures the time from nothing to the first document that was read, next to the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    if !subject.engine.on_disk() {
        return Ok(Vec::new());
    }
    let mut many = Many::of(subject).await?;
    many.filled()?;
    many.close();
    let (mut samples, mut floor) = (Samples::new(), Samples::new());
    for round in 0..subject.size(5, 3) {
        let number = (round + 1) * (many.documents / 8);
        samples.push(open_store(subject, number).await?);
        floor.push(open_bare(subject, number)?);
    }
    let (store, branch) = subject.open(MANY).await?;
    many.keep(Filled::from(subject, MANY, store, branch).await?);
    let row = Row::new(
        format!("reopening with {} documents, to the first read", rounded(many.documents)),
        subject.engine,
        Quantity::time(samples.median()),
    );
    Ok(vec![row.floor(Some(Quantity::time(floor.median())))])
}

async fn open_store(subject: &Subject, number: u64) -> Result<Duration> {
    let id = key(number)?;
    let stopwatch = Stopwatch::start();
    let (_store, branch) = subject.open(MANY).await?;
    let document = branch.collection(&collection()?).get(&id).await?;
    let time = stopwatch.elapsed();
    document.map(|_| time).ok_or_else(|| "the document is not there".into())
}

fn open_bare(subject: &Subject, number: u64) -> Result<Duration> {
    let (id, path) = (key(number)?, subject.path(&format!("{MANY}-bare")));
    let stopwatch = Stopwatch::start();
    let bare = Bare(subject.engine.open_bare(&path)?);
    let document = bare.read(0, &id, Lsn::MAX)?;
    let time = stopwatch.elapsed();
    document.map(|_| time).ok_or_else(|| "the document is not there".into())
}
