//! Reading a snapshot.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio::task::JoinHandle;

use crate::document::key::Key;
use crate::engine::snapshot::CHUNK_BYTES;
use crate::engine::snapshot::chunks::{Chunk, Chunks};
use crate::model::{CollectionId, View};
use crate::storage::{ChunkEntry, KeyRange, Manifest, Snapshots, Version};
use crate::{Error, Result};

/// How many chunks a scan fetches while the one before is taken: one hides the time of a fetch,
/// another its variation.
const AHEAD: usize = 2;

/// How many requests for chunks or manifests are under way at once.
const AT_ONCE: usize = 8;

/// The manifest of the last snapshot at or below a view, on any of its segments. All segments are
/// asked at once, some at a time; the one nearest the leaf that has an answer counts.
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
    /// Reads that keep no chunk in memory.
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>, manifest: Manifest) -> Self {
        Self::cached(Arc::new(Chunks::new(snapshots, 0)), Arc::new(manifest))
    }

    /// Reads through chunks in memory.
    pub(crate) fn cached(chunks: Arc<Chunks>, manifest: Arc<Manifest>) -> Self {
        Self { chunks, manifest }
    }

    /// The documents with these keys, which are in ascending order; one answer a key. Each chunk is
    /// fetched once, and none for keys that lie between chunks.
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

    /// The chunks that may hold some of these keys, each with the places of those keys.
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

    /// The chunks with keys in `range`, in order. [`AHEAD`] chunks are in memory besides the one
    /// that was given last.
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
        // A scan of much more than fits would only push out what point reads have use for.
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

/// Chunks on their way, in order.
struct Fetching {
    chunks: Arc<Chunks>,
    wanted: VecDeque<ChunkEntry>,
    /// Whether they are kept in memory.
    keep: bool,
    coming: VecDeque<Fetch>,
}

/// A chunk that a task of its own fetches, so that it comes while nobody polls; the task ends with
/// it.
struct Fetch(JoinHandle<Result<Chunk>>);

impl Drop for Fetch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fetching {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        self.go_ahead(1);
        let Some(mut first) = self.coming.pop_front() else { return Ok(None) };
        let chunk = (&mut first.0).await.map_err(|source| {
            Error::internal("the task that fetches a chunk ended").with_source(source)
        })??;
        // Only now, so that who wants the first few documents pays for one chunk.
        self.go_ahead(AHEAD);
        Ok(Some(chunk))
    }

    /// Sees that `count` chunks are on their way.
    fn go_ahead(&mut self, count: usize) {
        while self.coming.len() < count
            && let Some(entry) = self.wanted.pop_front()
        {
            let (chunks, keep) = (self.chunks.clone(), self.keep);
            self.coming.push_back(Fetch(tokio::spawn(async move {
                if keep { chunks.get(&entry).await } else { chunks.pass(&entry).await }
            })));
        }
    }
}
