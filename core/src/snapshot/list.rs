//! Which snapshots there are.

use crate::snapshot::Manifest;
use crate::{Result, State};

/// The snapshots on the history of a state, the oldest first.
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
        // One that was removed meanwhile is not there any more; an earlier one has its own turn.
        manifests.extend(latest.filter(|manifest| manifest.point == point));
    }
    manifests.sort_unstable_by_key(|manifest| manifest.point.lsn);
    Ok(manifests)
}
