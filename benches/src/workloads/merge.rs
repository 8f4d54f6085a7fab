//! Merges: of few changes in a large store and in a small one, and of many conflicts.

use std::time::Duration;

use argon_core::merge::Strategy;
use argon_core::model::BranchName;
use argon_core::plan::{Plan, Rules};
use argon_core::{Branch, State};

use crate::Result;
use crate::clock::Stopwatch;
use crate::documents::{DOCUMENT_BYTES, checked};
use crate::report::{Bar, Quantity, Row, rounded};
use crate::samples::Samples;
use crate::subject::{EngineName, Subject};
use crate::workloads::large::imported;
use crate::writing::as_history;

/// How many documents both sides of a merge change, half of them each.
const CHANGES: u64 = 1_000;

/// Documents of the small store.
const FEW: u64 = 10_000;

/// Measures the merge of 1,000 changes, half of them on each side, in a large store and in a small
/// one, and of 10,000 documents that both sides changed, by a strategy. A merge is worked out and
/// committed.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let documents = subject.size(1_000_000, 100_000);
    let (_many, large) = imported(subject, "merge-many", documents).await?;
    let (_few, small) = imported(subject, "merge-few", FEW).await?;
    let [mut in_large, mut in_small] = [const { Samples::new() }; 2];
    for round in 0..subject.size(9, 5) {
        in_large.push(changes(&large, documents, round).await?);
        in_small.push(changes(&small, FEW, round).await?);
    }
    let bar = Bar::AtMost(Quantity::time(Duration::from_millis(50)));
    let row = |documents: u64, samples: &Samples| {
        let what =
            format!("merge of {} changes in {} documents", rounded(CHANGES), rounded(documents));
        Row::new(what, subject.engine, Quantity::time(samples.median()))
            .bar_on(EngineName::Fjall, bar)
    };
    let grown = in_large.median().as_secs_f64() / in_small.median().as_secs_f64();
    let what = format!(
        "merge of {} changes, {} to {} documents",
        rounded(CHANGES),
        rounded(documents),
        rounded(FEW)
    );
    let mut rows = vec![
        row(documents, &in_large),
        row(FEW, &in_small),
        Row::new(what, subject.engine, Quantity::times(grown)),
    ];
    let conflicts = subject.size(10_000, 1_000);
    let time = conflicting(&small, conflicts).await?;
    let what = format!("merge of {} conflicts by a strategy", rounded(conflicts));
    let most = Bar::AtMost(Quantity::time(Duration::from_secs(1)));
    rows.push(Row::new(what, subject.engine, Quantity::time(time)).bar_on(EngineName::Fjall, most));
    Ok(rows)
}

/// Merges a branch of which half of the changes are, the other half being on `main` since. They are
/// other documents on each side, and others in each round.
async fn changes(main: &Branch, documents: u64, round: u64) -> Result<Duration> {
    let side = side(main, &format!("side-{round}")).await?;
    let apart = documents / CHANGES;
    let numbers = |first: u64| (first..CHANGES).step_by(2).map(move |change| change * apart);
    write(&side, numbers(0), round, 1).await?;
    write(main, numbers(1), round, 2).await?;
    merge(main, &side.head().await?, Rules::default(), CHANGES / 2).await
}

/// Merges a branch that has changed the same documents as `main` has.
async fn conflicting(main: &Branch, conflicts: u64) -> Result<Duration> {
    let side = side(main, "conflicts").await?;
    write(&side, 0..conflicts, 100, 1).await?;
    write(main, 0..conflicts, 100, 2).await?;
    let rules = Rules { default: Some(Strategy::Theirs), ..Rules::default() };
    merge(main, &side.head().await?, rules, conflicts).await
}

/// Works a merge out and commits it; gives how long both took.
async fn merge(main: &Branch, theirs: &State, rules: Rules, expected: u64) -> Result<Duration> {
    let stopwatch = Stopwatch::start();
    let plan = Plan::merge(main, "side", theirs, rules).await?;
    let result = plan.compute().await?;
    let found = (result.counts.changed, result.counts.conflicts);
    plan.commit(&result, None, &argon_core::model::Message::default()).await?;
    let time = stopwatch.elapsed();
    if found == (expected, 0) { Ok(time) } else { Err(format!("it changed {found:?}").into()) }
}

async fn side(main: &Branch, name: &str) -> Result<Branch> {
    let (name, head) = (BranchName::new(name)?, main.head().await?);
    Ok(main.project().create_branch(&name, &head, Some(main.name())).await?)
}

async fn write(
    branch: &Branch,
    numbers: impl Iterator<Item = u64>,
    round: u64,
    side: u32,
) -> Result<()> {
    // A revision of its own, so that each write changes the document.
    let revision = u32::try_from(round * 2)? + side;
    let ready = numbers.map(|number| checked(number, revision, DOCUMENT_BYTES));
    let ready: Vec<_> = ready.collect::<Result<_>>()?;
    as_history(branch, ready.into_iter()).await
}
