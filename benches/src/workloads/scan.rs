//! Full reads of a collection.

use std::time::Duration;

use argon_core::CollectionView;
use argon_core::model::Lsn;
use argon_core::write::Precondition;
use futures::TryStreamExt;

use crate::Result;
use crate::clock::{Stopwatch, timed};
use crate::documents::{DOCUMENT_BYTES, checked};
use crate::filled::Filled;
use crate::report::{Bar, Quantity, Row};
use crate::samples::Samples;
use crate::subject::{EngineName, Subject, collection};
use crate::workloads::large::imported;
use crate::writing::commit;

/// The documents of the collection.
const DOCUMENTS: u64 = 50_000;

/// Every so many-th document was changed once after it was imported.
const CHANGED: usize = 10;

/// Measures a scan at the head and in the past, next to a walk of the bare engine over as many
/// entries.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let filled = changed(subject, "scan", DOCUMENTS).await?;
    let head = filled.branch.head().await?;
    let past = filled.branch.at(Lsn::new(DOCUMENTS / 1000)).await?;
    let [head, past] =
        [head, past].map(|state| state.collection(&collection()?).map_err(Into::into));
    let (head, past): (Result<_>, Result<_>) = (head, past);
    let (head, past) = (head?, past?);
    let [mut at_head, mut in_past, mut floor] = [const { Samples::new() }; 3];
    scan(&head, DOCUMENTS).await?;
    for _ in 0..subject.size(15, 7) {
        at_head.push(scan(&head, DOCUMENTS).await?);
        in_past.push(scan(&past, DOCUMENTS).await?);
        if let Some(bare) = &filled.bare {
            let (time, found) = timed(|| bare.scan(usize::try_from(DOCUMENTS)?));
            found?;
            floor.push(time);
        }
    }
    let bar = |millis| Bar::AtMost(Quantity::time(Duration::from_millis(millis)));
    let row = |what: &str, of: fn(&Samples) -> Duration, samples: &Samples| {
        let floor = filled.bare.is_some().then(|| Quantity::time(of(&floor)));
        Row::new(format!("scan of 50,000 {what}"), subject.engine, Quantity::time(of(samples)))
            .floor(floor)
            .bar_on(EngineName::Fjall, bar(28))
            .bar_on(EngineName::Sled, bar(50))
    };
    Ok(vec![
        row("at head, median", Samples::median, &at_head),
        row("at head, best", Samples::best, &at_head),
        row("in the past, median", Samples::median, &in_past),
        row("in the past, best", Samples::best, &in_past),
    ])
}

/// A store with so many documents, of which some were changed later.
pub async fn changed(subject: &Subject, name: &str, documents: u64) -> Result<Filled> {
    let (store, branch) = imported(subject, name, documents).await?;
    let mut revised = Vec::new();
    for number in (0..documents).step_by(CHANGED) {
        revised.push(checked(number, 1, DOCUMENT_BYTES)?);
    }
    for group in revised.chunks(1000) {
        commit(&branch, &collection()?, group.iter().cloned(), Precondition::Present).await?;
    }
    Filled::from(subject, name, store, branch).await
}

/// Reads all documents, of which there must be so many; gives how long it took.
pub async fn scan(state: &CollectionView, documents: u64) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let (count, bytes) = state
        .scan()
        .try_fold((0, 0), |(count, bytes), document| async move {
            Ok((count + 1, bytes + document.as_bytes().len()))
        })
        .await?;
    let time = stopwatch.elapsed();
    std::hint::black_box(bytes);
    if count == documents { Ok(time) } else { Err(format!("{count} documents were read").into()) }
}
