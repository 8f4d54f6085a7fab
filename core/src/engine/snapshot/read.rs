//! Reads a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::snapshot::CHUNK_BYTES;
use crate::engine::snapshot::chunks::{Chunk, Chunks};
use crate::engine::snapshot::task::ChunkTask;
use crate::model::{CollectionId, View};
use crate::storage::{ChunkEntry, KeyRange, Manifest, Snapshots, Version};
use crate::{Error, Result};

/// The number of chunks that a scan fetches ahead: one hides the latency of a fetch, another its
/// variation.
const AHEAD: usize = 2;

/// The maximum number of concurrent requests for chunks or manifests.
const AT_ONCE: usize = 8;

/// Returns the manifest of the last snapshot at or below a view, on any of its segments. Segments
/// are queried concurrently; the result is the one nearest to the leaf.
pub(crate) async fn latest(snapshots: &dyn Snapshots, view: &View) -> Result<Option<Manifest>> {
    let segments = view.segments().to_vec();
    let answers = stream::iter(segments)
        .map(async |segment| {
            let found = snapshots.latest_manifest(segment.timeline, segment.upto).await?;
            Ok::<_, Error>(found.filter(|manifest| manifest.point.lsn > segment.above))
        })
        .buffered(AT_ONCE);
    let mut found = std::pin::pin!(answers.try_filter_map(async |found| Ok(found)));
    found.try_next().await
}

/// A snapshot that is being read.
#[derive(Clone)]
pub(crate) struct SnapshotReader {
    chunks: Arc<Chunks>,
    manifest: Arc<Manifest>,
}

impl SnapshotReader {
    /// Creates a reader without a cache of chunks.
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>, manifest: Manifest) -> Self {
        Self::cached(Arc::new(Chunks::new(snapshots, 0)), Arc::new(manifest))
    }

    /// Creates a reader with a cache of chunks.
    pub(crate) fn cached(chunks: Arc<Chunks>, manifest: Arc<Manifest>) -> Self {
        Self { chunks, manifest }
    }

    /// Returns the documents with these keys, which are in ascending order; one result per key.
    /// Each chunk is fetched once, and none for keys between chunks.
    pub(crate) async fn get_many(
        &self,
        collection: CollectionId,
        keys: &[&Key],
    ) -> Result<Vec<Option<Version>>> {
        let mut found = vec![None; keys.len()];
        let fetches = self.places(collection, keys).into_iter().map(|(entry, places)| {
            let (chunks, entry) = (self.chunks.clone(), entry.clone());
            async move { Ok::<_, Error>((chunks.get(&entry).await?, places)) }
        });
        let mut answers = stream::iter(fetches.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
        while let Some((chunk, places)) = answers.try_next().await? {
            for place in places {
                let at = chunk.binary_search_by(|(key, _)| key.cmp(keys[place]));
                found[place] = at.ok().map(|at| chunk[at].1.clone());
            }
        }
        Ok(found)
    }

    /// The chunks that may contain some of these keys, each with the indexes of those keys.
    fn places(&self, collection: CollectionId, keys: &[&Key]) -> Vec<(&ChunkEntry, Vec<usize>)> {
        let chunks = self.manifest.chunks_of(collection);
        let mut places: Vec<(&ChunkEntry, Vec<usize>)> = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let at = chunks.partition_point(|chunk| chunk.last < **key);
            let Some(chunk) = chunks.get(at).filter(|chunk| chunk.first <= **key) else { continue };
            match places.last_mut() {
                Some((last, places)) if last.first == chunk.first => places.push(place),
                _ => places.push((chunk, vec![place])),
            }
        }
        places
    }

    /// The chunks with keys in `range`, in order. [`AHEAD`] chunks are in memory besides the
    /// current one.
    pub(crate) fn chunks_in(
        &self,
        collection: CollectionId,
        range: &KeyRange,
    ) -> BoxStream<'static, Result<Chunk>> {
        let wanted: VecDeque<ChunkEntry> = self
            .manifest
            .chunks_of(collection)
            .iter()
            .filter(|chunk| range.from.as_ref().is_none_or(|from| chunk.last >= *from))
            .filter(|chunk| range.to.as_ref().is_none_or(|to| chunk.first < *to))
            .cloned()
            .collect();
        // A scan that far exceeds the cache would evict the chunks that point reads use.
        let keep = wanted.len().saturating_mul(2 * CHUNK_BYTES) <= self.chunks.most_bytes() / 2;
        let scan = Fetching { chunks: self.chunks.clone(), wanted, keep, coming: VecDeque::new() };
        stream::try_unfold(scan, |mut scan| async move {
            Ok(scan.next().await?.map(|chunk| (chunk, scan)))
        })
        .boxed()
    }

    /// The documents with keys in `range`, in order.
    pub(crate) fn scan(
        &self,
        collection: CollectionId,
        range: KeyRange,
    ) -> BoxStream<'static, Result<(Key, Version)>> {
        self.chunks_in(collection, &range)
            .map_ok(|chunk| stream::iter(Arc::unwrap_or_clone(chunk).into_iter().map(Ok)))
            .try_flatten()
            .try_filter(move |(key, _)| std::future::ready(range.contains(key)))
            .boxed()
    }
}

/// Chunks that are being fetched, in order.
struct Fetching {
    chunks: Arc<Chunks>,
    wanted: VecDeque<ChunkEntry>,
    /// Whether the chunks are cached.
    keep: bool,
    coming: VecDeque<ChunkTask<Chunk>>,
}

impl Fetching {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        self.go_ahead(1);
        let Some(first) = self.coming.pop_front() else { return Ok(None) };
        let chunk = first.join("fetches").await?;
        // Only now, so that a reader of the first few documents pays for one chunk.
        self.go_ahead(AHEAD);
        Ok(Some(chunk))
    }

    /// Starts fetches until `count` are running.
    fn go_ahead(&mut self, count: usize) {
        while self.coming.len() < count
            && let Some(entry) = self.wanted.pop_front()
        {
            let (chunks, keep) = (self.chunks.clone(), self.keep);
            self.coming.push_back(ChunkTask::spawn(async move {
                if keep { chunks.get(&entry).await } else { chunks.pass(&entry).await }
            }));
        }
    }
}
