//! The legacy system on this machine's disk: what its queue and its deltas cost over the sled that the
//! queue is kept in, which is the floor.

use std::sync::Arc;

use argon_core::storage::{OpenOptions, StoreUrl};
use argon_core::write::Precondition;
use argon_core::{Branch, Store};
use argon_legacy::LegacyFactory;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked, key, raw};
use crate::report::{Quantity, Row};
use crate::samples::Samples;
use crate::subject::{EngineName, Subject, collection, create_in};
use crate::workloads::writers::count;
use crate::writing::{import, one_by_one};

/// One read for so many documents.
const READ_EVERY: u64 = 50;

/// Measures bulk import, with and without the time until all of it is in deltas, single commits, and
/// point reads of what is in deltas. The workers are those that every process has.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    if subject.engine != EngineName::Sled {
        return Ok(Vec::new());
    }
    let documents = subject.size(100_000, 20_000);
    let url = StoreUrl::new("legacy+file", subject.path("legacy").to_string_lossy());
    let factory = Arc::new(LegacyFactory::new(argon_backends::registry()));
    let registry = argon_backends::registry().with("legacy+file", factory);
    let (store, branch) = create_in(&registry, &url, &OpenOptions::default()).await?;
    let legacy = measured(&store, &branch, documents).await?;
    let (store, branch) = subject.create("legacy-floor").await?;
    let floor = measured(&store, &branch, documents).await?;
    let row = |what, of: fn(&Measured) -> Quantity| {
        Row::new(what, subject.engine, of(&legacy)).floor(Some(of(&floor)))
    };
    Ok(vec![
        row("legacy: import", |measured| Quantity::per_second(measured.import)),
        row("legacy: import until all is in deltas", |measured| {
            Quantity::per_second(measured.import_to_deltas)
        }),
        row("legacy: durable commit, p50", |measured| Quantity::time(measured.commits.median())),
        row("legacy: point read from deltas, p50", |measured| {
            Quantity::time(measured.reads.median())
        }),
    ])
}

struct Measured {
    /// Documents a second.
    import: f64,
    /// The same with the time until the store owes nothing any more.
    import_to_deltas: f64,
    commits: Samples,
    reads: Samples,
}

async fn measured(store: &Store, branch: &Branch, documents: u64) -> Result<Measured> {
    let all: Vec<_> = (0..documents).map(|number| raw(number, 0, DOCUMENT_BYTES)).collect();
    let stopwatch = Stopwatch::start();
    import(branch, all).await?;
    let imported = stopwatch.elapsed();
    store.flush().await?;
    let flushed = stopwatch.elapsed();
    let more = documents..documents + documents / 100;
    let more = more.map(|number| checked(number, 0, DOCUMENT_BYTES)).collect::<Result<_>>()?;
    let commits = one_by_one(branch, more, Precondition::Any).await?;
    store.flush().await?;
    let head = branch.head().await?;
    let found = head.collection(&collection()?)?;
    let mut reads = Samples::new();
    for number in (0..documents).step_by(usize::try_from(READ_EVERY)?) {
        let key = key(number)?;
        let stopwatch = Stopwatch::start();
        found.get(&key).await?.ok_or("a document that was written is not there")?;
        reads.push(stopwatch.elapsed());
    }
    Ok(Measured {
        import: count(documents) / imported.as_secs_f64(),
        import_to_deltas: count(documents) / flushed.as_secs_f64(),
        commits,
        reads,
    })
}
