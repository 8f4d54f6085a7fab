//! Making a snapshot.

use futures::TryStreamExt;

use crate::key::Key;
use crate::model::{CollectionId, Digest, Point, View};
use crate::snapshot::chunk::{encode_chunk, put_entry};
use crate::snapshot::{ChunkEntry, CollectionChunks, Manifest};
use crate::storage::{KeyRange, Materialize, Snapshots, Version};
use crate::{Error, Result, State};

/// About how many bytes a chunk holds before compression.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// Below this size a chunk is not cut, above [`MOST`] always.
const LEAST: usize = CHUNK_BYTES / 2;
const MOST: usize = CHUNK_BYTES * 2;

/// Makes a snapshot of a state, or gives the one that is there.
///
/// The state may be read and its branch written meanwhile. If it is cut off, chunks are left over,
/// which the next snapshot of a like state takes up.
///
/// # Errors
/// `Invalid` for the empty state.
pub async fn create(state: &State) -> Result<Manifest> {
    let shared = state.shared();
    let snapshots = &*shared.backend.snapshots;
    let Some(point) = state.view().point() else {
        return Err(Error::invalid("the empty state needs no snapshot"));
    };
    match snapshots.latest_manifest(point.timeline, point.lsn).await? {
        Some(manifest) if manifest.point == point => Ok(manifest),
        _ => {
            let collections = state.collections().map(|info| info.id).collect();
            let now = shared.environment.now();
            write(snapshots, &*shared.materialize, state.view(), point, collections, now).await
        }
    }
}

/// Writes the chunks and the manifest of a view, whose collections are `collections`. The memory
/// it takes is that of one chunk.
///
/// A chunk is cut after an entry when it has more than [`CHUNK_BYTES`] / 2 bytes and the entry's
/// key, hashed, says so; the chance is proportional to the entry's size. So the cuts depend on the
/// documents near them only, and a change moves no cut but those next to it. (Content-defined
/// chunking, as in "A Low-bandwidth Network File System", Muthitacharoen and others, SOSP 2001.)
pub async fn write(
    snapshots: &dyn Snapshots,
    materialize: &dyn Materialize,
    view: &View,
    point: Point,
    mut collections: Vec<CollectionId>,
    created: bson::DateTime,
) -> Result<Manifest> {
    collections.push(CollectionId::CATALOG);
    collections.sort_unstable();
    let mut manifest = Manifest { point, created, collections: Vec::new() };
    for collection in collections {
        let mut writer = ChunkWriter { snapshots, chunks: Vec::new(), open: None };
        let mut versions = materialize.scan(view, collection, KeyRange::default());
        while let Some((key, version)) = versions.try_next().await? {
            writer.add(key, &version).await?;
        }
        let chunks = writer.finish().await?;
        if !chunks.is_empty() {
            manifest.collections.push(CollectionChunks { collection, chunks });
        }
    }
    snapshots.put_manifest(&manifest).await?;
    Ok(manifest)
}

struct ChunkWriter<'a> {
    snapshots: &'a dyn Snapshots,
    chunks: Vec<ChunkEntry>,
    open: Option<OpenChunk>,
}

struct OpenChunk {
    content: Vec<u8>,
    first: Key,
    last: Key,
    documents: u64,
}

impl ChunkWriter<'_> {
    async fn add(&mut self, key: Key, version: &Version) -> Result<()> {
        let open = self.open.get_or_insert_with(|| OpenChunk {
            content: Vec::with_capacity(CHUNK_BYTES),
            first: key.clone(),
            last: key.clone(),
            documents: 0,
        });
        let before = open.content.len();
        put_entry(&mut open.content, &key, version.lsn, &version.document);
        let (size, entry) = (open.content.len(), open.content.len() - before);
        let cut = size >= MOST || (size >= LEAST && is_cut(&key, entry));
        open.last = key;
        open.documents += 1;
        if cut { self.close().await } else { Ok(()) }
    }

    async fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let (digest, bytes) = encode_chunk(&open.content)?;
        let stored = bytes.len() as u64;
        self.snapshots.put_chunk(digest, bytes).await?;
        self.chunks.push(ChunkEntry {
            digest,
            first: open.first,
            last: open.last,
            documents: open.documents,
            bytes: stored,
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<ChunkEntry>> {
        self.close().await?;
        Ok(self.chunks)
    }
}

/// Whether a chunk ends after this entry: with the chance `entry bytes / (CHUNK_BYTES / 2)`.
fn is_cut(key: &Key, entry: usize) -> bool {
    let digest = Digest::of(key.as_bytes());
    let [a, b, c, d, ..] = *digest.as_bytes();
    let drawn = u64::from(u32::from_le_bytes([a, b, c, d]));
    let entry = u64::try_from(entry).unwrap_or(u64::MAX).min(LEAST as u64);
    drawn * (LEAST as u64) < entry << 32
}
