//! Reads of branches of branches.

use argon_core::model::{BranchName, Lsn};
use argon_core::write::Precondition;
use argon_core::{Branch, CollectionView};

use crate::Result;
use crate::clock::{Stopwatch, timed};
use crate::documents::{DOCUMENT_BYTES, checked, key};
use crate::filled::Filled;
use crate::random::Random;
use crate::report::{Quantity, Row};
use crate::samples::Samples;
use crate::subject::{Subject, collection};
use crate::workloads::large::imported;
use crate::workloads::point_read::read_in;
use crate::workloads::scan::scan;
use crate::writing::commit;

/// The documents of the root.
const DOCUMENTS: u64 = 10_000;

/// How many documents each branch changes, in one commit.
const CHANGED: u64 = 100;

/// How many timelines are read, the root among them.
const DEPTHS: [u64; 3] = [1, 8, 64];

/// Point reads in one round.
const ROUND: u64 = 200;

/// Measures point reads and scans at each depth, next to one seek and one walk of the bare engine.
pub async fn run(subject: &Subject) -> Result<Vec<Row>> {
    let filled = chain(subject, "ancestry").await?;
    let mut cases = Vec::new();
    for depth in DEPTHS {
        let branch = filled.branch.project().branch(&name(depth)?).await?;
        let state = branch.head().await?.collection(&collection()?)?;
        cases.push((depth, state, Samples::new(), Samples::new()));
    }
    let (mut seeks, mut walks) = (Samples::new(), Samples::new());
    for round in 0..subject.size(15, 5) {
        for (_, state, reads, scans) in &mut cases {
            read_some(state, round, reads).await?;
            scans.push(scan(state, DOCUMENTS).await?);
        }
        bare_round(&filled, round, &mut seeks, &mut walks)?;
    }
    let on_disk = subject.engine.on_disk();
    let row = |what: &str, depth: u64, samples: &Samples, floor: &Samples| {
        let floor = on_disk.then(|| Quantity::time(floor.median()));
        let what = format!("{what}, ancestry of {depth}");
        Row::new(what, subject.engine, Quantity::time(samples.median())).floor(floor)
    };
    let reads =
        cases.iter().map(|(depth, _, reads, _)| row("point read, p50", *depth, reads, &seeks));
    let scans =
        cases.iter().map(|(depth, _, _, scans)| row("scan of 10,000", *depth, scans, &walks));
    Ok(reads.chain(scans).collect())
}

async fn read_some(state: &CollectionView, round: u64, reads: &mut Samples) -> Result<()> {
    let mut random = Random::new(round);
    for _ in 0..ROUND {
        reads.push(read_in(state, &key(random.below(DOCUMENTS))?).await?);
    }
    Ok(())
}

fn bare_round(filled: &Filled, round: u64, seeks: &mut Samples, walks: &mut Samples) -> Result<()> {
    let Some(bare) = &filled.bare else { return Ok(()) };
    let mut random = Random::new(round);
    for _ in 0..ROUND {
        let id = key(random.below(DOCUMENTS))?;
        let stopwatch = Stopwatch::start();
        bare.read(0, &id, Lsn::MAX)?.ok_or("the document is not there")?;
        seeks.push(stopwatch.elapsed());
    }
    let (time, found) = timed(|| bare.scan(usize::try_from(DOCUMENTS)?));
    found?;
    walks.push(time);
    Ok(())
}

/// A store whose branches are each made from the one before, after which each changes some
/// documents.
async fn chain(subject: &Subject, name_of_store: &str) -> Result<Filled> {
    let (store, main) = imported(subject, name_of_store, DOCUMENTS).await?;
    let mut tip: Branch = main.clone();
    for depth in 2..=DEPTHS[DEPTHS.len() - 1] {
        let head = tip.head().await?;
        tip = tip.project().create_branch(&name(depth)?, &head, Some(tip.name())).await?;
        let mut revised = Vec::new();
        for change in 0..CHANGED {
            let number = (change * (DOCUMENTS / CHANGED) + depth) % DOCUMENTS;
            revised.push(checked(number, u32::try_from(depth)?, DOCUMENT_BYTES)?);
        }
        commit(&tip, &collection()?, revised, Precondition::Any).await?;
    }
    drop(tip);
    Filled::from(subject, name_of_store, store, main).await
}

/// The branch that so many timelines make up.
fn name(depth: u64) -> Result<BranchName> {
    Ok(match depth {
        1 => BranchName::new("main")?,
        depth => BranchName::new(format!("depth-{depth}"))?,
    })
}
