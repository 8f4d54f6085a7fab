//! Snapshots: every document of a state in sorted, compressed, content-addressed chunks.
//!
//! A manifest lists the chunks of a snapshot with the first and last key of each, so that a point
//! read fetches one chunk. The content determines where chunks are cut, so that snapshots of
//! similar states share most of their chunks.
//!
//! This module has the snapshots of states; the manifest, the format of chunks and the code that
//! writes both are in the layers below.

use crate::Result;
use crate::engine::snapshot::Maker;
use crate::model::metrics::Metric;
use crate::store::State;

pub use crate::engine::snapshot::{CHUNK_BYTES, write};
pub use crate::log::chunk::{CHUNK_VERSION, decode_chunk, encode_chunk};
#[doc(inline)]
pub use crate::storage::{ChunkEntry, CollectionChunks, Manifest};

/// Creates a snapshot of a state, or returns the existing one.
///
/// It builds on the last snapshot below the state: unchanged chunks are reused without reading
/// them, so the cost is O(changes since then). The state may be read and its branch written
/// concurrently. An interruption leaves chunks behind, which the next snapshot of a similar state
/// reuses.
///
/// A snapshot of a masked state contains the originals, as the log does, because other branches
/// read it too.
///
/// # Errors
/// `Invalid` for the empty state.
#[tracing::instrument(level = "info", skip_all, name = "snapshot", fields(lsn = %state.lsn()))]
pub async fn create(state: &State) -> Result<Manifest> {
    let shared = state.shared();
    let _making = shared.snapshots.read().await;
    let collections = state.catalog().all_ids();
    let maker = Maker {
        backend: &shared.backend,
        materialize: &shared.materialize,
        replay: shared.replay.as_ref(),
    };
    let made = maker.make(state.view(), collections, shared.environment.now());
    shared.environment.timed(Metric::Snapshot, made).await
}

/// Lists the snapshots on the history of a state, the oldest first.
///
/// # Errors
/// `Corrupt` if a manifest can't be read.
pub async fn list(state: &State) -> Result<Vec<Manifest>> {
    let snapshots = &state.shared().backend.snapshots;
    let mut manifests = Vec::new();
    for point in snapshots.list().await? {
        let segment = state.view().segment_of(point.lsn);
        if segment.is_none_or(|segment| segment.timeline != point.timeline) {
            continue;
        }
        let latest = snapshots.latest_manifest(point.timeline, point.lsn).await?;
        // It may have been removed concurrently; an earlier one is listed in its own turn.
        manifests.extend(latest.filter(|manifest| manifest.point == point));
    }
    manifests.sort_unstable_by_key(|manifest| manifest.point.lsn);
    Ok(manifests)
}
