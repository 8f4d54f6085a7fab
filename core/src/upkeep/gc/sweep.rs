//! The snapshots of a collection: makes those that replace collected log, and removes those of
//! states that are not retained.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::engine::catalog::Catalog;
use crate::engine::snapshot::{Maker, Unstored};
use crate::model::{Digest, Lsn, Point, Timeline, TimelineId};
use crate::storage::{Backend, Manifest, Reclaimed};
use crate::store::Shared;
use crate::upkeep::gc::publish::Decision;
use crate::{Error, ErrorKind, Result};

/// The number of manifests that are read concurrently.
const AT_ONCE: usize = 16;

/// Makes a snapshot of each state below which the log is about to be removed, for a backend that
/// reads from log and snapshots. An existing one costs a lookup.
pub(super) async fn make(shared: &Shared, decision: &Decision) -> Result<()> {
    let Some(replay) = &shared.replay else { return Ok(()) };
    make_in(&shared.backend, shared, decision).await?;
    replay.forget_snapshots();
    Ok(())
}

/// Returns the chunks of the snapshots that [`make`] would make. It reads the same data.
async fn would_make(shared: &Shared, decision: &Decision) -> Result<HashSet<Digest>> {
    make_in(&unstored(shared), shared, decision).await
}

/// The backend, with snapshots that are not stored.
fn unstored(shared: &Shared) -> Backend {
    let snapshots = Arc::new(Unstored(shared.backend.snapshots.clone()));
    Backend { snapshots, ..shared.backend.clone() }
}

/// Makes missing snapshots; returns their chunks.
async fn make_in(
    backend: &Backend,
    shared: &Shared,
    decision: &Decision,
) -> Result<HashSet<Digest>> {
    let mut made = HashSet::new();
    let Shared { materialize, environment, .. } = shared;
    let maker = Maker { backend, materialize, replay: shared.replay.as_ref() };
    for (timeline, lsn) in needed(decision) {
        if has_snapshot(backend, timeline, lsn).await? {
            continue;
        }
        let view = shared.timelines.view(timeline, lsn).await?;
        let catalog = Catalog::load(&**materialize, &view).await?;
        let manifest = maker.make(&view, catalog.all_ids(), environment.now()).await?;
        made.extend(manifest.chunks().map(|chunk| chunk.digest));
    }
    Ok(made)
}

async fn has_snapshot(backend: &Backend, timeline: Timeline, lsn: Lsn) -> Result<bool> {
    let found = backend.snapshots.latest_manifest(timeline.id, lsn).await?;
    Ok(found.is_some_and(|manifest| manifest.point.lsn == lsn))
}

/// The states below which the log is about to be removed.
fn needed(decision: &Decision) -> impl Iterator<Item = (Timeline, Lsn)> {
    decision.cuts.iter().flat_map(|(timeline, cut)| {
        let timeline = decision.graph.states.get(timeline).map(|state| state.timeline);
        let lsns = cut.keep.points.iter().copied().chain(cut.keep.from);
        let states = lsns.filter_map(move |lsn| Some((timeline?, lsn)));
        states.filter(|(timeline, lsn)| *lsn > timeline.base_lsn() && *lsn > Lsn::ZERO)
    })
}

/// Checks that the snapshots that replace collected log are complete, and makes incomplete ones
/// again; another process may have removed a chunk just before it was listed in a manifest. Returns
/// the timelines with unrepairable snapshots, which can't be pruned.
pub(super) async fn repair(shared: &Shared, decision: &Decision) -> Result<HashSet<TimelineId>> {
    let Some(replay) = &shared.replay else { return Ok(HashSet::new()) };
    let Shared { backend, materialize, environment, .. } = shared;
    let maker = Maker { backend, materialize, replay: Some(replay) };
    let damaged = damaged(shared, needed(decision)).await?;
    for (timeline, lsn) in &damaged {
        tracing::warn!("the snapshot at LSN {lsn} of timeline {} is damaged", timeline.id);
        let view = shared.timelines.view(*timeline, *lsn).await?;
        let made = maker.make_again(&view, environment.now()).await;
        made.or_else(|error| if error.kind() == ErrorKind::Corrupt { Ok(()) } else { Err(error) })?;
    }
    replay.forget_snapshots();
    let damaged = self::damaged(shared, damaged.into_iter()).await?;
    Ok(damaged.into_iter().map(|(timeline, _)| timeline.id).collect())
}

/// The timelines that [`repair`] would return: those with a damaged snapshot that can't be made
/// again.
pub(super) async fn unrepairable(
    shared: &Shared,
    decision: &Decision,
) -> Result<HashSet<TimelineId>> {
    let Some(replay) = &shared.replay else { return Ok(HashSet::new()) };
    let Shared { materialize, environment, .. } = shared;
    let backend = unstored(shared);
    let maker = Maker { backend: &backend, materialize, replay: Some(replay) };
    let mut broken = HashSet::new();
    for (timeline, lsn) in damaged(shared, needed(decision)).await? {
        if !has_snapshot(&backend, timeline, lsn).await? {
            continue;
        }
        let view = shared.timelines.view(timeline, lsn).await?;
        let made = maker.make_again(&view, environment.now()).await;
        if made.as_ref().is_err_and(|error| error.kind() == ErrorKind::Corrupt) {
            broken.insert(timeline.id);
        } else {
            made?;
        }
    }
    Ok(broken)
}

/// Returns the states that have no snapshot, or an incomplete one.
async fn damaged(
    shared: &Shared,
    states: impl Iterator<Item = (Timeline, Lsn)>,
) -> Result<Vec<(Timeline, Lsn)>> {
    let snapshots = &shared.backend.snapshots;
    let states: Vec<(Timeline, Lsn)> = states.collect();
    let manifests: Vec<Option<HashSet<Digest>>> = stream::iter(states.clone())
        .map(|(timeline, lsn)| async move {
            let manifest = snapshots.latest_manifest(timeline.id, lsn).await?;
            let manifest = manifest.filter(|manifest| manifest.point.lsn == lsn);
            let chunks = |manifest: Manifest| manifest.chunks().map(|chunk| chunk.digest).collect();
            Ok::<_, Error>(manifest.map(chunks))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let all = manifests.iter().flatten().flatten().copied().collect();
    let missing = snapshots.missing_chunks(&all).await?;
    let is_whole = |chunks: &Option<HashSet<Digest>>| {
        chunks.as_ref().is_some_and(|chunks| chunks.is_disjoint(&missing))
    };
    let found = states.into_iter().zip(&manifests).filter(|(_, chunks)| !is_whole(chunks));
    Ok(found.map(|(state, _)| state).collect())
}

/// Removes the manifests of states that are not retained, and the chunks without a manifest;
/// returns the number of manifests.
///
/// If several processes may have the store open, one may be making a snapshot that reuses chunks of
/// a removed one, so these stay until the next collection.
pub(super) async fn remove(
    shared: &Shared,
    decision: &Decision,
    dropped: &HashSet<TimelineId>,
) -> Result<(u64, Reclaimed)> {
    let (gone, live) = divide(shared, decision, dropped).await?;
    let snapshots = &shared.backend.snapshots;
    for point in &gone {
        snapshots.remove_manifest(*point).await?;
    }
    if let Some(replay) = &shared.replay {
        replay.forget_snapshots();
    }
    Ok((gone.len() as u64, snapshots.sweep_chunks(&live, false).await?))
}

/// The counts of [`make`] and then [`remove`].
pub(super) async fn would_remove(
    shared: &Shared,
    decision: &Decision,
    dropped: &HashSet<TimelineId>,
) -> Result<(u64, Reclaimed)> {
    let snapshots = &shared.backend.snapshots;
    let (gone, mut live) = divide(shared, decision, dropped).await?;
    let mut freed = snapshots.sweep_chunks(&live, true).await?;
    if freed.chunks > 0 && shared.replay.is_some() {
        live.extend(would_make(shared, decision).await?);
        freed = snapshots.sweep_chunks(&live, true).await?;
    }
    Ok((gone.len() as u64, freed))
}

/// The chunks to remove now; the snapshots that [`make`] would make may reuse some of them.
pub(super) async fn unused_chunks(
    shared: &Shared,
    decision: &Decision,
    dropped: &HashSet<TimelineId>,
) -> Result<Reclaimed> {
    let (_, live) = divide(shared, decision, dropped).await?;
    shared.backend.snapshots.sweep_chunks(&live, true).await
}

/// Returns the snapshots to remove, and the chunks to keep.
async fn divide(
    shared: &Shared,
    decision: &Decision,
    dropped: &HashSet<TimelineId>,
) -> Result<(Vec<Point>, HashSet<Digest>)> {
    let Backend { snapshots, capabilities, .. } = &shared.backend;
    let listed = snapshots.list().await?;
    let strays = strays(shared, decision, &listed).await?;
    let goes = |point: &Point| {
        let cut = decision.cuts.get(&point.timeline);
        dropped.contains(&point.timeline)
            || strays.contains(&point.timeline)
            || cut.is_some_and(|cut| !cut.keep.contains(point.lsn))
    };
    let (gone, left): (Vec<Point>, Vec<Point>) = listed.into_iter().partition(goes);
    let mut live = chunks(shared, left).await?;
    if capabilities.shared {
        live.extend(chunks(shared, gone.clone()).await?);
    }
    Ok((gone, live))
}

/// The timelines of snapshots that don't exist: they were dropped before the snapshot was stored.
async fn strays(
    shared: &Shared,
    decision: &Decision,
    points: &[Point],
) -> Result<HashSet<TimelineId>> {
    let timelines: HashSet<TimelineId> = points.iter().map(|point| point.timeline).collect();
    let unknown = timelines.into_iter().filter(|id| !decision.graph.states.contains_key(id));
    let mut strays = HashSet::new();
    for timeline in unknown {
        // It may be more recent than the list.
        if shared.backend.wal.state(timeline).await?.is_none() {
            strays.insert(timeline);
        }
    }
    Ok(strays)
}

/// Returns the chunks of some snapshots.
async fn chunks(shared: &Shared, points: Vec<Point>) -> Result<HashSet<Digest>> {
    let snapshots: &Arc<_> = &shared.backend.snapshots;
    stream::iter(points)
        .map(|point| snapshots.latest_manifest(point.timeline, point.lsn))
        .buffer_unordered(AT_ONCE)
        .try_fold(HashSet::new(), |mut all, manifest| async move {
            all.extend(manifest.iter().flat_map(Manifest::chunks).map(|c| c.digest));
            Ok(all)
        })
        .await
}
