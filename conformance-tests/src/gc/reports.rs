//! What a collection says of itself, and what is said of what it left.

use std::time::Duration;

use argon_core::diff::diff;
use argon_core::gc::{Options, collect, storage};
use argon_core::model::Lsn;
use argon_core::storage::{Backend, Reclaimed};
use argon_core::{log, restore, snapshot};
use bson::rawdoc;
use futures::TryStreamExt;

use super::{NOTHING, Stage, version};
use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::Random;
use crate::make::{branch as name, collection, key};

pub(super) fn cases() -> Vec<Case> {
    cases!["gc":
        a_dry_run_changes_nothing_and_says_what_would_go,
        collecting_again_frees_nothing,
        log_and_diff_reach_as_far_as_what_is_kept,
        what_holds_bytes_is_told,
    ]
}

/// All that can be seen of a store from below.
async fn everything(backend: &Backend) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut timelines = backend.wal.timelines().await.unwrap();
    timelines.sort_unstable();
    for timeline in timelines {
        all.push(format!("{:?}", backend.wal.state(timeline).await.unwrap()));
        let commits = backend.wal.read(timeline, Lsn::ZERO..=Lsn::MAX);
        let commits: Vec<_> = commits.try_collect().await.unwrap();
        all.extend(commits.iter().map(|commit| format!("{commit:?}")));
    }
    let refs = backend.refs.list("").await.unwrap();
    all.extend(refs.iter().map(|named| format!("{named:?}")));
    all.extend(backend.snapshots.list().await.unwrap().iter().map(|point| format!("{point:?}")));
    all
}

async fn a_dry_run_changes_nothing_and_says_what_would_go(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    snapshot::create(&stage.main.at(Lsn::new(3)).await.unwrap()).await.unwrap();
    let project = stage.main.project();
    let from = stage.main.at(Lsn::new(6)).await.unwrap();
    let fork = project.create_branch(&name("fork"), &from, None).await.unwrap();
    drop(from);
    stage.write(&fork, 7..=8).await;
    project.delete_branch(&name("fork")).await.unwrap();
    stage.store.flush().await.unwrap();
    stage.store.settle().await;
    let before = everything(&stage.backend).await;
    let dry = collect(&stage.store, &Options { retention: NOTHING, dry_run: true }).await.unwrap();
    assert_eq!(everything(&stage.backend).await, before);
    let done = stage.collect(NOTHING).await;
    assert_eq!(dry, done);
    assert_eq!(dry.freed.versions > 0, stage.drops_at_once());
}

async fn collecting_again_frees_nothing(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let first = stage.collect(Duration::from_secs(4)).await;
    assert!(first.freed.commits == 5 || (!stage.drops_at_once() && first.freed.commits < 5));
    let again = stage.collect(Duration::from_secs(4)).await;
    assert_eq!((again.freed, again.refs.len(), again.snapshots), (Reclaimed::default(), 0, 0));
}

async fn log_and_diff_reach_as_far_as_what_is_kept(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=10).await;
    let old = stage.main.at(Lsn::new(2)).await.unwrap();
    let fork = stage.main.project().create_branch(&name("fork"), &old, None).await.unwrap();
    drop(old);
    stage.write(&fork, 3..=4).await;
    stage.place.clock.set(10_000);
    stage.collect(NOTHING).await;
    stage.write(&stage.main, 11..=12).await;
    let head = stage.main.head().await.unwrap();
    let lsns: Vec<u64> =
        log::headers(&head).map_ok(|commit| commit.meta.lsn.get()).try_collect().await.unwrap();
    let floor = log::floor(&head).await.unwrap().get();
    assert!(floor == 9 || (!stage.drops_at_once() && floor < 9), "{floor}");
    let above: Vec<u64> = (floor + 1..=12).rev().collect();
    assert_eq!(lsns, above);
    let (before, after) = (fork.head().await.unwrap(), head);
    let found = diff(&before, &after).await.unwrap();
    let documents: Vec<_> = found.documents().try_collect().await.unwrap();
    assert_eq!((found.common.get(), documents.len()), (2, 1));
    let view = after.collection(&collection("c")).unwrap();
    let images: Vec<_> =
        view.history(&key(1)).map_ok(|(lsn, _)| lsn.get()).try_collect().await.unwrap();
    assert_eq!(images, above);
    // Going back to what the fork builds on still works.
    restore::reset(&stage.main, &stage.main.at(Lsn::new(2)).await.unwrap()).await.unwrap();
    assert_eq!(version(&stage.main.head().await.unwrap()).await, 2);
    stage.check().await;
}

async fn what_holds_bytes_is_told(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=12).await;
    let head = stage.main.head().await.unwrap();
    let fork = stage.main.project().create_branch(&name("fork"), &head, None).await.unwrap();
    drop(head);
    // Stores may compress: this can't be made much smaller.
    let mut random = Random::new(1);
    let text: String = (0..25_000).map(|_| format!("{:016x}", random.next())).collect();
    let large = rawdoc! { "_id": 2, "text": text };
    fork.collection(&collection("c")).insert(large).await.unwrap();
    stage.store.flush().await.unwrap();
    let found = storage(&stage.store, Options::RETENTION).await.unwrap();
    let of = |name: &str| found.holders.iter().find(|held| held.holder.name == name).unwrap();
    assert!(of("shop/fork").exclusive > 100_000, "{found:?}");
    assert!(of("shop/main").exclusive < 10_000, "{found:?}");
    assert_eq!(found.free, 0);
    stage.place.clock.set(i64::try_from(Options::RETENTION.as_millis()).unwrap() * 2);
    assert!(storage(&stage.store, Options::RETENTION).await.unwrap().free > 0);
}
