//! Snapshots on which reads rest, and those that are left over.

use std::collections::HashSet;

use argon_core::gc::collect;
use argon_core::model::Lsn;
use argon_core::snapshot;
use argon_core::storage::Backend;

use super::{NOTHING, Stage, kept_for, readable};
use crate::Subject;
use crate::case::{Case, cases};
use crate::counted::Counts;
use crate::make::branch as name;

pub(super) fn cases() -> Vec<Case> {
    cases!["gc":
        a_snapshot_that_comes_after_its_timeline_was_dropped_goes,
        a_snapshot_that_lost_its_chunks_is_made_again_before_the_log_below_it_goes,
        the_log_stays_where_the_chunks_of_its_snapshots_can_not_be_found,
    ]
}

async fn a_snapshot_that_comes_after_its_timeline_was_dropped_goes(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=3).await;
    let project = stage.main.project();
    let head = stage.main.head().await.unwrap();
    let fork = project.create_branch(&name("fork"), &head, None).await.unwrap();
    stage.write(&fork, 4..=5).await;
    drop(head);
    let manifest = snapshot::create(&fork.head().await.unwrap()).await.unwrap();
    project.delete_branch(&name("fork")).await.unwrap();
    stage.collect(NOTHING).await;
    stage.backend.snapshots.put_manifest(&manifest).await.unwrap();
    stage.collect(NOTHING).await;
    let left = stage.backend.snapshots.list().await.unwrap();
    assert!(!left.contains(&manifest.point), "{left:?}");
    stage.check().await;
}

async fn a_snapshot_that_lost_its_chunks_is_made_again_before_the_log_below_it_goes(
    subject: Subject,
) {
    let (place, backend) = subject.backend().await;
    let stage = Stage::over(place, Backend { materialize: None, ..backend }).await;
    stage.write(&stage.main, 1..=6).await;
    snapshot::create(&stage.main.head().await.unwrap()).await.unwrap();
    // A store that others may have open keeps them for an hour.
    stage.backend.snapshots.sweep_chunks(&HashSet::new(), false).await.unwrap();
    stage.collect(NOTHING).await;
    let elsewhere = stage.place.project_again(stage.backend.clone()).await;
    assert_eq!(readable(&elsewhere.branch(stage.main.name()).await.unwrap()).await, [6]);
    stage.check().await;
}

async fn the_log_stays_where_the_chunks_of_its_snapshots_can_not_be_found(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let counts = Counts::new();
    let stage = Stage::over(place, counts.decorate(backend)).await;
    stage.write(&stage.main, 1..=6).await;
    let timeline = stage.main.head().await.unwrap().view().point().unwrap().timeline;
    counts.lose_chunks(true);
    // A preview makes no snapshots, so it can't know that they will be lost.
    let report = collect(&stage.store, &kept_for(NOTHING)).await.unwrap();
    counts.lose_chunks(false);
    assert_eq!(report.freed.commits, 0, "{report:?}");
    let state = stage.backend.wal.state(timeline).await.unwrap().unwrap();
    assert_eq!(state.floor, Lsn::ZERO);
    stage.collect(NOTHING).await;
    let elsewhere = stage.place.project_again(stage.backend.clone()).await;
    assert_eq!(readable(&elsewhere.branch(stage.main.name()).await.unwrap()).await, [6]);
    stage.check().await;
}
