//! Sandboxes: made, discarded, and many branches listed by a process that has just begun.

use std::time::Duration;

use argon_core::{Branch, sandbox};

use crate::Result;
use crate::clock::Stopwatch;
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{Subject, collection};

/// How long the sandboxes live.
const TTL: Duration = Duration::from_hours(1);

/// One in so many sandboxes of the listing has a commit of its own.
const WRITTEN: u64 = 10;

/// Measures how long it takes to make a sandbox and to discard it, with a commit and without, and to
/// list the branches of a project with many.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let (store, main) = subject.create("sandboxes").await?;
    put_one(&main, 0).await?;
    let [mut made, mut discarded] = [const { Samples::new() }; 2];
    for round in 0..subject.size(400, 100) {
        let stopwatch = Stopwatch::start();
        let sandbox = create(&main).await?;
        made.push(stopwatch.elapsed());
        if round % 2 == 0 {
            put_one(&sandbox, 1).await?;
        }
        let stopwatch = Stopwatch::start();
        sandbox::discard(main.project(), sandbox.name()).await?;
        discarded.push(stopwatch.elapsed());
    }
    let bar = Bar::AtMost(Quantity::time(Duration::from_millis(2)));
    let row = |what: &str, samples: &Samples| {
        Row::new(what, subject.engine, Quantity::time(samples.median())).bar(bar)
    };
    let mut rows =
        vec![row("sandbox creation, p50", &made), row("sandbox discarded, p50", &discarded)];
    let branches = subject.size(10_000, 1_000);
    for number in 0..branches {
        let sandbox = create(&main).await?;
        if number % WRITTEN == 0 {
            put_one(&sandbox, 1).await?;
        }
    }
    let main = if subject.engine.on_disk() {
        drop((store, main));
        subject.open("sandboxes").await?.1
    } else {
        main
    };
    let stopwatch = Stopwatch::start();
    let listed = sandbox::list(main.project()).await?.len();
    let elapsed = stopwatch.elapsed();
    let what = format!("{} sandboxes listed after opening", rounded(listed as u64));
    rows.push(
        Row::new(what, subject.engine, Quantity::time(elapsed))
            .bar(Bar::AtMost(Quantity::time(Duration::from_millis(100)))),
    );
    Ok(rows)
}

async fn put_one(branch: &Branch, id: i64) -> Result<()> {
    branch.collection(&collection()?).put(bson::rawdoc! { "_id": id }).await?;
    Ok(())
}

async fn create(main: &Branch) -> Result<Branch> {
    let head = main.head().await?;
    Ok(sandbox::create(main.project(), &head, main.name(), None, TTL).await?.0)
}
