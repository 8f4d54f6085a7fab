//! A cache of chunks: the last used ones are kept, and concurrent readers fetch each chunk once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::document::key::Key;
use crate::engine::lru::Lru;
use crate::log::chunk::decode_chunk;
use crate::model::Digest;
use crate::storage::{ChunkEntry, Snapshots, Version};
use crate::{Error, Result};

/// The documents of a chunk in key order.
pub(crate) type Chunk = Arc<Vec<(Key, Version)>>;

/// The memory of a document besides its key and its bytes: three allocations, their pointers, and
/// reference counts.
pub(crate) const DOCUMENT_OVERHEAD: usize = 160;

/// The weight of a chunk that is being fetched.
const CELL: usize = 256;

type Cells = Lru<Digest, Arc<OnceCell<Chunk>>>;

/// Decoded chunks by name.
pub(crate) struct Chunks {
    snapshots: Arc<dyn Snapshots>,
    cells: Mutex<Cells>,
    most_bytes: usize,
}

impl Chunks {
    /// Creates a cache of at most `most_bytes` of chunks.
    pub(crate) fn new(snapshots: Arc<dyn Snapshots>, most_bytes: usize) -> Self {
        Self { snapshots, cells: Mutex::new(Lru::new(most_bytes)), most_bytes }
    }

    /// The maximum size of the cached chunks.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// Returns a chunk from the cache or the store. Concurrent readers wait for one fetch; if that
    /// is cancelled or fails, the next one retries.
    ///
    /// # Errors
    /// `Corrupt` if the chunk is missing or damaged.
    pub(crate) async fn get(&self, entry: &ChunkEntry) -> Result<Chunk> {
        let digest = entry.digest;
        let cell = self.cell(digest);
        let chunk = cell
            .get_or_try_init(|| async {
                let chunk = self.fetch(entry).await?;
                self.cells().weigh(&digest, weight(&chunk));
                Ok::<_, Error>(chunk)
            })
            .await?;
        Ok(chunk.clone())
    }

    /// Returns a chunk from the cache or the store, without changing the cache.
    pub(crate) async fn pass(&self, entry: &ChunkEntry) -> Result<Chunk> {
        let known = self.cells().get(&entry.digest);
        match known.as_ref().and_then(|cell| cell.get()) {
            Some(chunk) => Ok(chunk.clone()),
            None => self.fetch(entry).await,
        }
    }

    fn cell(&self, digest: Digest) -> Arc<OnceCell<Chunk>> {
        let mut cells = self.cells();
        cells.get(&digest).unwrap_or_else(|| {
            let cell = Arc::new(OnceCell::new());
            cells.insert(digest, cell.clone(), CELL);
            cell
        })
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, entry: &ChunkEntry) -> Result<Chunk> {
        let digest = entry.digest;
        let bytes = self.snapshots.get_chunk(digest).await?.ok_or_else(|| {
            Error::corrupt(format!(
                "chunk {} of a snapshot is missing; drop the snapshot and make a new one",
                digest.short()
            ))
        })?;
        // Takes some milliseconds, too long for an async thread.
        let decoded = tokio::task::spawn_blocking(move || decode_chunk(digest, &bytes)).await;
        let entries = decoded.map_err(|source| {
            Error::internal("the task that decodes a chunk crashed").with_source(source)
        })??;
        Ok(Arc::new(entries))
    }
}

/// The approximate memory of a chunk in bytes.
fn weight(chunk: &Chunk) -> usize {
    let documents = chunk.iter().map(|(key, version)| {
        key.as_bytes().len() + version.document.as_bytes().len() + DOCUMENT_OVERHEAD
    });
    CELL + documents.sum::<usize>()
}
