//! Cutting sorted documents into chunks.

use std::collections::HashSet;

use crate::Result;
use crate::document::key::Key;
use crate::log::chunk::{encode_chunk, put_entry};
use crate::model::Digest;
use crate::storage::{ChunkEntry, Snapshots, Version};

/// About how many bytes a chunk holds before compression.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// Below this size a chunk is not cut, above [`MOST`] always.
const LEAST: usize = CHUNK_BYTES / 2;
const MOST: usize = CHUNK_BYTES * 2;

/// Takes the documents of a collection in key order, and stores them in chunks.
///
/// A chunk is cut after an entry when it has more than [`CHUNK_BYTES`] / 2 bytes and the entry's
/// key, hashed, says so; the chance is proportional to the entry's size. So the cuts depend on the
/// documents near them only, and a change moves no cut but those next to it. (Content-defined
/// chunking, as in "A Low-bandwidth Network File System", Muthitacharoen and others, SOSP 2001.)
pub(super) struct ChunkWriter<'a> {
    snapshots: &'a dyn Snapshots,
    /// Chunks that are stored already.
    stored: &'a HashSet<Digest>,
    level: i32,
    chunks: Vec<ChunkEntry>,
    open: Option<OpenChunk>,
}

struct OpenChunk {
    content: Vec<u8>,
    first: Key,
    last: Key,
    documents: u64,
}

impl<'a> ChunkWriter<'a> {
    /// A writer that compresses with this level of zstd and does not store again what is `stored`.
    pub(super) fn new(
        snapshots: &'a dyn Snapshots,
        stored: &'a HashSet<Digest>,
        level: i32,
    ) -> Self {
        Self { snapshots, stored, level, chunks: Vec::new(), open: None }
    }

    /// Whether the last chunk has ended, so that nothing before has a part in the next cut.
    pub(super) fn is_at_cut(&self) -> bool {
        self.open.is_none()
    }

    /// Takes a chunk as it is, after a cut.
    pub(super) fn reuse(&mut self, chunk: ChunkEntry) {
        debug_assert!(self.is_at_cut());
        self.chunks.push(chunk);
    }

    pub(super) async fn add(&mut self, key: Key, version: &Version) -> Result<()> {
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

    /// The chunks of all that was added.
    pub(super) async fn finish(mut self) -> Result<Vec<ChunkEntry>> {
        self.close().await?;
        Ok(self.chunks)
    }

    async fn close(&mut self) -> Result<()> {
        let Some(OpenChunk { content, first, last, documents }) = self.open.take() else {
            return Ok(());
        };
        let level = self.level;
        // Some ten milliseconds of work, too much for a thread that others wait for.
        let encoded = tokio::task::spawn_blocking(move || encode_chunk(&content, level)).await;
        let (digest, chunk) = encoded.map_err(|source| {
            crate::Error::internal("the task that compresses a chunk ended").with_source(source)
        })??;
        let bytes = chunk.len() as u64;
        if !self.stored.contains(&digest) {
            self.snapshots.put_chunk(digest, chunk).await?;
        }
        self.chunks.push(ChunkEntry { digest, first, last, documents, bytes });
        Ok(())
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
