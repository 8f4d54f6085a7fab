//! Makes a snapshot from the previous one and the log since.

use std::collections::HashSet;
use std::sync::Arc;

use futures::stream::{BoxStream, Peekable};
use futures::{StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::replay::{Changed, LogMaterializer};
use crate::engine::snapshot::chunks::Chunks;
use crate::engine::snapshot::cut::ChunkWriter;
use crate::engine::snapshot::write::in_order;
use crate::model::{CollectionId, Digest, Image, Lsn, View};
use crate::storage::{ChunkEntry, CollectionChunks, Manifest, Snapshots, Version};

/// Completes `made`, a manifest for a view with the collections `collections`, from `before`, a
/// snapshot of an earlier position of the same view (`None` for the empty state), and stores it.
///
/// Unchanged chunks are reused, neither read nor stored again. From a changed chunk on, documents
/// are cut anew until a cut coincides with an old one. Since a cut depends only on documents after
/// the previous cut, the result is byte for byte the one of [`write`](crate::snapshot::write) for
/// the whole view (at the same level). O(chunks of the manifest + changes and the chunks that they
/// touch), in the memory of two chunks and a page of changes.
pub(super) async fn update(
    snapshots: &Arc<dyn Snapshots>,
    replay: &LogMaterializer,
    before: Option<&Manifest>,
    view: &View,
    mut made: Manifest,
    collections: &[CollectionId],
    level: i32,
) -> Result<Manifest> {
    let before_chunks = before.into_iter().flat_map(Manifest::chunks);
    let stored: HashSet<Digest> = before_chunks.map(|chunk| chunk.digest).collect();
    let stored = Arc::new(stored);
    // Rewritten chunks are read once, so they are not cached.
    let chunks = Chunks::new(snapshots.clone(), 0);
    let above = before.map_or(Lsn::ZERO, |before| before.point.lsn);
    let changes = replay.changed(view, above).await?;
    let mut changes = Changes(Box::pin(changes.peekable()));
    for collection in in_order(collections.to_vec()) {
        let mut rewrite = Rewrite {
            collection,
            chunks: &chunks,
            changes: &mut changes,
            writer: ChunkWriter::new(snapshots.clone(), stored.clone(), level),
        };
        rewrite.all(before.map_or(&[], |before| before.chunks_of(collection))).await?;
        let chunks = rewrite.writer.finish().await?;
        if !chunks.is_empty() {
            made.collections.push(CollectionChunks { collection, chunks });
        }
    }
    snapshots.put_manifest(&made).await?;
    Ok(made)
}

/// Changes by collection and key.
struct Changes(std::pin::Pin<Box<Peekable<BoxStream<'static, Result<Changed>>>>>);

impl Changes {
    /// Returns the key of the next change in a collection; skips changes of earlier collections,
    /// which are not in the snapshot.
    async fn next_key(&mut self, collection: CollectionId) -> Result<Option<&Key>> {
        loop {
            match self.0.as_mut().peek().await {
                Some(Ok(((other, _), _))) if *other < collection => {}
                Some(Err(_)) => {}
                _ => break,
            }
            self.0.try_next().await?;
        }
        Ok(match self.0.as_mut().peek().await {
            Some(Ok(((other, key), _))) if *other == collection => key.as_ref(),
            _ => None,
        })
    }

    /// Takes the next change.
    async fn take(&mut self) -> Result<Option<(Key, (Lsn, Image))>> {
        let next = self.0.try_next().await?;
        Ok(next.and_then(|((_, key), change)| Some((key?, change))))
    }
}

/// Rewrites the chunks of one collection from one snapshot to the next.
struct Rewrite<'a> {
    collection: CollectionId,
    chunks: &'a Chunks,
    changes: &'a mut Changes,
    writer: ChunkWriter,
}

impl Rewrite<'_> {
    async fn all(&mut self, old: &[ChunkEntry]) -> Result<()> {
        for (at, chunk) in old.iter().enumerate() {
            // Later keys belong to the last chunk, which only the end of the collection cut.
            let end = (at + 1 < old.len()).then_some(&chunk.last);
            if self.writer.is_at_cut() && !self.is_next_upto(end).await? {
                self.writer.reuse(chunk.clone()).await?;
                continue;
            }
            for (key, version) in self.chunks.get(chunk).await?.iter() {
                self.changes_upto(Some(key), Some((key, version))).await?;
            }
            self.changes_upto(end, None).await?;
        }
        self.changes_upto(None, None).await
    }

    /// Returns whether the next change is of a document up to `end`; with `None`, whether there is
    /// one.
    async fn is_next_upto(&mut self, end: Option<&Key>) -> Result<bool> {
        let next = self.changes.next_key(self.collection).await?;
        Ok(next.is_some_and(|next| end.is_none_or(|end| next <= end)))
    }

    /// Writes the changes up to `end`, or all, and then `stored`, which is the document at `end`,
    /// unless a change replaces it.
    async fn changes_upto(
        &mut self,
        end: Option<&Key>,
        mut stored: Option<(&Key, &Version)>,
    ) -> Result<()> {
        while self.is_next_upto(end).await? {
            let Some((key, (lsn, image))) = self.changes.take().await? else { break };
            stored = stored.filter(|(stored, _)| **stored != key);
            if let Image::Document(document) = image {
                self.writer.add(key, &Version { lsn, document }).await?;
            }
        }
        if let Some((key, version)) = stored {
            self.writer.add(key.clone(), version).await?;
        }
        Ok(())
    }
}
