//! The snapshots: making those that take the place of what goes, and removing those of states that
//! are not kept.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::Result;
use crate::api::Shared;
use crate::catalog::Catalog;
use crate::gc::publish::Decision;
use crate::model::{Digest, Lsn, Point, TimelineId};
use crate::snapshot::Maker;
use crate::snapshot::Manifest;
use crate::storage::{Backend, Freed};

/// How many manifests are read at once.
const AT_ONCE: usize = 16;

/// Makes a snapshot of each state below which the log is about to go, for a backend that reads from
/// log and snapshots. Those that are there already cost a lookup.
pub(super) async fn make(shared: &Shared, decision: &Decision) -> Result<()> {
    let Some(replay) = &shared.replay else { return Ok(()) };
    let Shared { backend, materialize, environment, .. } = shared;
    let maker = Maker { backend, materialize, replay: Some(replay) };
    for (timeline, cut) in &decision.cuts {
        let Some(state) = decision.graph.states.get(timeline) else { continue };
        let base = state.timeline.base_lsn();
        let wanted = cut.keep.points.iter().copied().chain(cut.keep.from);
        for lsn in wanted.filter(|lsn| *lsn > base && *lsn > Lsn::ZERO) {
            let view = shared.timelines.view(state.timeline, lsn).await?;
            let catalog = Catalog::load(&**materialize, &view).await?;
            let collections = catalog.all_ids();
            maker.make(&view, collections, environment.now()).await?;
        }
    }
    replay.forget_snapshots();
    Ok(())
}

/// Removes the manifests of states that are not kept, and the chunks that no manifest has; gives how
/// many manifests those were.
///
/// Where several processes may have the store open, one may be making a snapshot that takes over
/// chunks of one that goes, so these stay until the next collection.
pub(super) async fn remove(
    shared: &Shared,
    decision: &Decision,
    dropped: &HashSet<TimelineId>,
    dry_run: bool,
) -> Result<(u64, Freed)> {
    let Backend { snapshots, capabilities, .. } = &shared.backend;
    let goes = |point: &Point| {
        let cut = decision.cuts.get(&point.timeline);
        dropped.contains(&point.timeline) || cut.is_some_and(|cut| !cut.keep.contains(point.lsn))
    };
    let (gone, left): (Vec<Point>, Vec<Point>) =
        snapshots.list().await?.into_iter().partition(goes);
    let mut live = chunks(shared, left).await?;
    if capabilities.shared {
        live.extend(chunks(shared, gone.clone()).await?);
    }
    if !dry_run {
        for point in &gone {
            snapshots.remove_manifest(*point).await?;
        }
        if let Some(replay) = &shared.replay {
            replay.forget_snapshots();
        }
    }
    Ok((gone.len() as u64, snapshots.sweep_chunks(&live, dry_run).await?))
}

/// The chunks of some snapshots.
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
