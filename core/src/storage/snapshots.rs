//! The storage of snapshots.

use std::collections::HashSet;

use async_trait::async_trait;

use crate::Result;
use crate::model::{Digest, Lsn, Point, TimelineId};
use crate::storage::{Manifest, Reclaimed};

/// Content-addressed chunks, and the manifests that list them.
///
/// A snapshot is derived: losing one costs time, never data.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Stores a chunk under its digest. Storing it again is no error and changes nothing.
    async fn put_chunk(&self, digest: Digest, bytes: Vec<u8>) -> Result<()>;

    /// Returns a chunk, or `None`. The caller checks the digest.
    async fn get_chunk(&self, digest: Digest) -> Result<Option<Vec<u8>>>;

    /// Returns the chunks of `wanted` that are not stored. It costs a lookup of each, or a list of
    /// all.
    async fn missing_chunks(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        let mut missing = HashSet::new();
        for digest in wanted {
            if self.get_chunk(*digest).await?.is_none() {
                missing.insert(*digest);
            }
        }
        Ok(missing)
    }

    /// Stores the manifest of a point, after all of its chunks; replaces an earlier one of the same
    /// point. Durable and visible to every later call when it returns.
    async fn put_manifest(&self, manifest: &Manifest) -> Result<()>;

    /// Returns the manifest of the last snapshot of a timeline at or below `at_most`, or `None`.
    async fn latest_manifest(&self, timeline: TimelineId, at_most: Lsn)
    -> Result<Option<Manifest>>;

    /// Lists the points that have a snapshot, by timeline and then LSN.
    async fn list(&self) -> Result<Vec<Point>>;

    /// Removes the manifest of a point, if it exists. Its chunks may remain.
    async fn remove_manifest(&self, point: Point) -> Result<()>;

    /// Removes the chunks that are not in `live`, which are those of all manifests.
    ///
    /// A chunk that another process stored, or stored again, in the last hour stays, because that
    /// process may be writing its manifest. A backend that only one process has open needs no such
    /// time, because core makes no snapshot meanwhile. With `dry_run`, chunks are counted and not
    /// removed.
    async fn sweep_chunks(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed>;
}
