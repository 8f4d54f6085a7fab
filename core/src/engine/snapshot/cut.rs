//! Cuts sorted documents into chunks.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::Result;
use crate::document::key::Key;
use crate::engine::snapshot::task::ChunkTask;
use crate::log::chunk::{encode_chunk, put_entry};
use crate::model::Digest;
use crate::storage::{ChunkEntry, Snapshots, Version};

/// The approximate size of a chunk before compression, in bytes.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// A chunk is never cut below this size, and always above [`MOST`].
const LEAST: usize = CHUNK_BYTES / 2;
const MOST: usize = CHUNK_BYTES * 2;

/// The most chunks that are compressed and stored at once.
const AT_ONCE: usize = 4;

/// Takes the documents of a collection in key order, and stores them in chunks, some of them at once.
///
/// A chunk is cut after an entry if it has more than [`CHUNK_BYTES`] / 2 bytes and a hash of the
/// entry's key selects it; the probability is proportional to the entry's size. So a cut depends
/// only on nearby documents, and a change moves only adjacent cuts. (Content-defined chunking, as
/// in "A Low-bandwidth Network File System", Muthitacharoen and others, SOSP 2001.)
pub(super) struct ChunkWriter {
    snapshots: Arc<dyn Snapshots>,
    /// Chunks that are already stored.
    stored: Arc<HashSet<Digest>>,
    level: i32,
    chunks: Vec<ChunkEntry>,
    /// The chunks after those, in order. They must progress while the next documents are read, which
    /// may need a connection that one of them has.
    pending: VecDeque<ChunkTask<ChunkEntry>>,
    open: Option<OpenChunk>,
}

struct OpenChunk {
    content: Vec<u8>,
    first: Key,
    last: Key,
    documents: u64,
}

impl ChunkWriter {
    /// Creates a writer that compresses with this zstd level and skips the chunks in `stored`.
    pub(super) fn new(
        snapshots: Arc<dyn Snapshots>,
        stored: Arc<HashSet<Digest>>,
        level: i32,
    ) -> Self {
        let (chunks, pending) = (Vec::new(), VecDeque::new());
        Self { snapshots, stored, level, chunks, pending, open: None }
    }

    /// Whether the last chunk is complete, so that earlier entries do not affect the next cut.
    pub(super) fn is_at_cut(&self) -> bool {
        self.open.is_none()
    }

    /// Adds an existing chunk after a cut.
    pub(super) async fn reuse(&mut self, chunk: ChunkEntry) -> Result<()> {
        debug_assert!(self.is_at_cut());
        self.join_all_but(0).await?;
        self.chunks.push(chunk);
        Ok(())
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

    /// Returns the chunks of all entries.
    pub(super) async fn finish(mut self) -> Result<Vec<ChunkEntry>> {
        self.close().await?;
        self.join_all_but(0).await?;
        Ok(self.chunks)
    }

    /// Waits until at most `running` chunks are being stored.
    async fn join_all_but(&mut self, running: usize) -> Result<()> {
        while self.pending.len() > running
            && let Some(first) = self.pending.pop_front()
        {
            self.chunks.push(first.join("stores").await?);
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let Some(OpenChunk { content, first, last, documents }) = self.open.take() else {
            return Ok(());
        };
        self.join_all_but(AT_ONCE - 1).await?;
        let (snapshots, stored) = (self.snapshots.clone(), self.stored.clone());
        let level = self.level;
        self.pending.push_back(ChunkTask::spawn(async move {
            // Takes some ten milliseconds, too long for an async thread.
            let encoded = tokio::task::spawn_blocking(move || encode_chunk(&content, level)).await;
            let (digest, chunk) = encoded.map_err(|source| {
                crate::Error::internal("the task that compresses a chunk crashed")
                    .with_source(source)
            })??;
            let bytes = chunk.len() as u64;
            if !stored.contains(&digest) {
                snapshots.put_chunk(digest, chunk).await?;
            }
            Ok(ChunkEntry { digest, first, last, documents, bytes })
        }));
        Ok(())
    }
}

/// Returns whether a chunk ends after this entry: with the probability `entry bytes / (CHUNK_BYTES
/// / 2)`.
fn is_cut(key: &Key, entry: usize) -> bool {
    let digest = Digest::of(key.as_bytes());
    let [a, b, c, d, ..] = *digest.as_bytes();
    let drawn = u64::from(u32::from_le_bytes([a, b, c, d]));
    let entry = u64::try_from(entry).unwrap_or(u64::MAX).min(LEAST as u64);
    drawn * (LEAST as u64) < entry << 32
}
