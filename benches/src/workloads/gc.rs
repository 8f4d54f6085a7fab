//! Garbage collection of a long history.

use std::time::Duration;

use argon_core::gc::{Options, collect};
use argon_core::write::Precondition;

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked};
use crate::memory::PeakMemory;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::subject::{EngineName, Subject, collection};
use crate::workloads::large::imported;
use crate::workloads::writers::count;
use crate::writing::{IMPORT_COMMIT, commit};

/// The store that is collected.
const NAME: &str = "history";

/// How often each document was written.
const REVISIONS: u32 = 4;

/// Measures the collection of a million versions of which a quarter is kept, and by how much the
/// process grows at most meanwhile.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let versions = subject.size(1_000_000, 100_000);
    let documents = versions / u64::from(REVISIONS);
    let (store, main) = imported(subject, NAME, documents).await?;
    for revision in 1..REVISIONS {
        for start in (0..documents).step_by(IMPORT_COMMIT) {
            let end = documents.min(start + IMPORT_COMMIT as u64);
            let ready = (start..end).map(|number| checked(number, revision, DOCUMENT_BYTES));
            let ready: Vec<_> = ready.collect::<Result<_>>()?;
            commit(&main, &collection()?, ready, Precondition::Any).await?;
        }
    }
    let (store, main) = subject.open_again(NAME, (store, main)).await?;
    let memory = PeakMemory::start();
    let stopwatch = Stopwatch::start();
    let options = Options { retention: Duration::ZERO, dry_run: false };
    let freed = collect(&store, &options).await?.freed;
    let time = stopwatch.elapsed();
    let grown = memory.and_then(PeakMemory::growth);
    drop(main);
    if freed.versions < versions - documents {
        return Err(format!("only {} versions were removed", freed.versions).into());
    }
    let what = format!("gc of {} versions, a quarter of them kept", rounded(versions));
    let most = Bar::AtMost(Quantity::time(Duration::from_secs(10)));
    let row = Row::new(what, subject.engine, Quantity::time(time));
    let mut rows = vec![row.bar_on(EngineName::Fjall, most)];
    rows.extend(grown.filter(|_| subject.engine.on_disk()).map(|grown| {
        let row = Row::new("gc, memory on top", subject.engine, Quantity::bytes(count(grown)));
        row.bar(Bar::AtMost(Quantity::bytes(200e6)))
    }));
    Ok(rows)
}
