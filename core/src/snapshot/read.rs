//! Reading a snapshot.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::key::Key;
use crate::model::CollectionId;
use crate::snapshot::{ChunkEntry, Manifest, decode_chunk};
use crate::storage::{KeyRange, Snapshots, Version};
use crate::{Error, Result};

/// A snapshot that is being read.
#[derive(Clone)]
pub(crate) struct SnapshotReader {
    snapshots: Arc<dyn Snapshots>,
    manifest: Arc<Manifest>,
}

impl SnapshotReader {
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>, manifest: Manifest) -> Self {
        Self { snapshots, manifest: Arc::new(manifest) }
    }

    /// A document; fetches one chunk at most.
    pub(crate) async fn get(&self, collection: CollectionId, key: &Key) -> Result<Option<Version>> {
        let chunks = self.manifest.chunks_of(collection);
        let at = chunks.partition_point(|chunk| chunk.last < *key);
        let Some(chunk) = chunks.get(at).filter(|chunk| chunk.first <= *key) else {
            return Ok(None);
        };
        let mut entries = fetch(&*self.snapshots, chunk).await?;
        let found = entries.binary_search_by(|(other, _)| other.cmp(key));
        Ok(found.ok().map(|at| entries.swap_remove(at).1))
    }

    /// The documents with keys in `range`, in order; one chunk is in memory at a time.
    pub(crate) fn scan(
        &self,
        collection: CollectionId,
        range: KeyRange,
    ) -> BoxStream<'static, Result<(Key, Version)>> {
        let wanted: Vec<ChunkEntry> = self
            .manifest
            .chunks_of(collection)
            .iter()
            .filter(|chunk| range.from.as_ref().is_none_or(|from| chunk.last >= *from))
            .filter(|chunk| range.to.as_ref().is_none_or(|to| chunk.first < *to))
            .cloned()
            .collect();
        let snapshots = self.snapshots.clone();
        stream::iter(wanted)
            .then(move |chunk| {
                let snapshots = snapshots.clone();
                async move { fetch(&*snapshots, &chunk).await }
            })
            .map_ok(|entries| stream::iter(entries.into_iter().map(Ok)))
            .try_flatten()
            .try_filter(move |(key, _)| {
                let inside = range.contains(key);
                async move { inside }
            })
            .boxed()
    }
}

async fn fetch(snapshots: &dyn Snapshots, chunk: &ChunkEntry) -> Result<Vec<(Key, Version)>> {
    let bytes = snapshots.get_chunk(chunk.digest).await?.ok_or_else(|| {
        Error::corrupt(format!(
            "chunk {} of a snapshot is missing; drop the snapshot and make a new one",
            chunk.digest.short()
        ))
    })?;
    decode_chunk(chunk.digest, &bytes)
}
