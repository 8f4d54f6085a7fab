//! Merges the changes of the log into the documents of a snapshot.

use std::sync::Arc;
use std::vec;

use futures::stream::{self, BoxStream, Peekable, StreamExt, TryStreamExt};

use crate::Result;
use crate::document::key::Key;
use crate::engine::replay::cached_log::Changed;
use crate::engine::snapshot::Chunk;
use crate::model::Image;
use crate::storage::{KeyRange, Version, VersionStream};

struct Merge {
    /// In order, and within the range.
    changed: std::pin::Pin<Box<Peekable<BoxStream<'static, Result<Changed>>>>>,
    chunks: BoxStream<'static, Result<Chunk>>,
    /// The remainder of the last chunk.
    stored: vec::IntoIter<(Key, Version)>,
    /// Whether it was the last chunk.
    last: bool,
    range: KeyRange,
}

/// The documents of one collection in a range, in key order; if both the log and the chunks have a
/// document, the log applies.
pub(super) fn merge(
    changed: BoxStream<'static, Result<Changed>>,
    chunks: BoxStream<'static, Result<Chunk>>,
    range: KeyRange,
) -> VersionStream {
    let merge = Merge {
        changed: Box::pin(changed.peekable()),
        chunks,
        stored: Vec::new().into_iter(),
        last: false,
        range,
    };
    stream::try_unfold(merge, |mut merge| async move {
        Ok(merge.next().await?.map(|entry| (entry, merge)))
    })
    .boxed()
}

impl Merge {
    async fn next(&mut self) -> Result<Option<(Key, Version)>> {
        loop {
            self.fill().await?;
            let stored = self.stored.as_slice().first().map(|(key, _)| key);
            let changed = match self.changed.as_mut().peek().await {
                Some(Ok(((_, key), _))) => key.as_ref(),
                Some(Err(_)) => return self.changed.try_next().await.map(|_| None),
                None => None,
            };
            match (changed, stored) {
                (Some(changed), Some(stored)) if changed == stored => {
                    self.stored.next();
                }
                (Some(changed), Some(stored)) if changed < stored => {}
                (Some(_), None) => {}
                _ => return Ok(self.stored.next()),
            }
            if let Some(((_, Some(key)), (lsn, Image::Document(document)))) =
                self.changed.try_next().await?
            {
                return Ok(Some((key, Version { lsn, document })));
            }
        }
    }

    /// Loads stored documents until there is one, or the end is reached.
    async fn fill(&mut self) -> Result<()> {
        while self.stored.as_slice().is_empty() && !self.last {
            match self.chunks.try_next().await? {
                Some(chunk) => self.stored = inside(chunk, &self.range).into_iter(),
                None => self.last = true,
            }
        }
        Ok(())
    }
}

/// Returns the documents of a chunk that are in a range; copies them only if the chunk is cached
/// too.
fn inside(chunk: Chunk, range: &KeyRange) -> Vec<(Key, Version)> {
    let (from, to) = (range.from.as_ref(), range.to.as_ref());
    let start = from.map_or(0, |from| chunk.partition_point(|(key, _)| key < from));
    let end = to.map_or(chunk.len(), |to| chunk.partition_point(|(key, _)| key < to));
    match Arc::try_unwrap(chunk) {
        Ok(mut entries) => {
            entries.truncate(end);
            entries.drain(..start.min(end));
            entries
        }
        Err(shared) => shared[start.min(end)..end].to_vec(),
    }
}
