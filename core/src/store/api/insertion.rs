//! The documents of a collection in the order of insertion.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::capped::{InsertionOrder, InsertionPosition, Source};
use crate::model::Document;
use crate::storage::{Direction, Version, VersionStream};
use crate::store::CollectionView;
use crate::{Error, Result};

/// How many documents are read at a time: few at first, in case that no more are wanted.
const CHUNKS: std::ops::RangeInclusive<usize> = 16..=512;

/// A document, and when it was created.
#[derive(Debug, Clone, PartialEq)]
pub struct InsertedDocument {
    /// Its place in the order of insertion, which it keeps until it is deleted.
    pub position: InsertionPosition,
    /// Its `_id`.
    pub key: Key,
    /// The document.
    pub document: Document,
}

impl CollectionView {
    /// All documents in the order of insertion or its reverse, each with the commit that last changed it:
    /// by the commit that created it, then by the place of the change in that commit. A document that was
    /// deleted and put again is a new one.
    ///
    /// At the head of a branch the order is known while the process uses it. The first read of it, and each
    /// read of a past state, also reads the headers of the commits since the creation of the oldest document.
    pub fn in_insertion_order(&self, direction: Direction) -> VersionStream {
        let collection = self.clone();
        let rows = async move {
            let order = collection.insertion_order().await?;
            let chunks = stream::try_unfold((None, *CHUNKS.start()), move |(last, size)| {
                let (collection, order) = (collection.clone(), order.clone());
                async move {
                    let chunk = chunk(&order, direction, last, size);
                    let Some((last, _)) = chunk.last() else { return Ok(None) };
                    let next = (Some(*last), (size * 2).min(*CHUNKS.end()));
                    let keys = chunk.into_iter().map(|(_, key)| key).collect();
                    Ok::<_, Error>(Some((collection.in_order(keys).await?, next)))
                }
            });
            Ok::<_, Error>(chunks.map_ok(|chunk| stream::iter(chunk).map(Ok)).try_flatten())
        };
        self.state().held().during(stream::once(rows).try_flatten().boxed())
    }

    /// The documents that were inserted after another one, the oldest first, at most `most`; without one,
    /// from the oldest on. `None` if that document is not there any more.
    pub async fn inserted_after(
        &self,
        last: Option<(InsertionPosition, &Key)>,
        most: usize,
    ) -> Result<Option<Vec<InsertedDocument>>> {
        let mut after = last.map(|(position, _)| position);
        let mut keys = {
            let order = self.insertion_order().await?;
            if last.is_some_and(|(position, key)| order.at(position) != Some(key)) {
                return Ok(None);
            }
            chunk(&order, Direction::Ascending, after, most)
        };
        while let Some((last, _)) = keys.last() {
            after = Some(*last);
            let ids = keys.iter().map(|(_, key)| key.clone()).collect();
            let mut documents = self.in_order(ids).await?.into_iter().peekable();
            // Some may be hidden by a mask.
            let found = keys.into_iter().filter_map(|(position, key)| {
                let (_, Version { document, .. }) = documents.next_if(|(next, _)| *next == key)?;
                Some(InsertedDocument { position, key, document })
            });
            let found: Vec<_> = found.collect();
            if !found.is_empty() {
                return Ok(Some(found));
            }
            keys = chunk(&*self.insertion_order().await?, Direction::Ascending, after, most);
        }
        Ok(Some(Vec::new()))
    }

    async fn insertion_order(&self) -> Result<Arc<InsertionOrder>> {
        let (state, shared) = (self.state(), self.state().shared());
        let source = Source { wal: &shared.backend.wal, materialize: &*shared.materialize };
        shared.orders.of(&source, state.view(), self.info().id).await
    }

    /// The documents with these `_id`s, in this order.
    async fn in_order(&self, keys: Vec<Key>) -> Result<Vec<(Key, Version)>> {
        let mut sorted: Vec<(usize, Key)> = keys.into_iter().enumerate().collect();
        sorted.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        let found = self.versions(sorted.iter().map(|(_, key)| key.clone()).collect()).await?;
        let found = sorted.into_iter().zip(found);
        let mut found: Vec<_> = found.filter_map(|(key, version)| Some((key, version?))).collect();
        found.sort_unstable_by_key(|((place, _), _)| *place);
        Ok(found.into_iter().map(|((_, key), version)| (key, version)).collect())
    }
}

/// The next documents after the last one that was read.
fn chunk(
    order: &InsertionOrder,
    direction: Direction,
    last: Option<InsertionPosition>,
    most: usize,
) -> Vec<(InsertionPosition, Key)> {
    let owned = |(position, key): (InsertionPosition, &Key)| (position, key.clone());
    match direction {
        Direction::Ascending => order.after(last).take(most).map(owned).collect(),
        Direction::Descending => order.before(last).take(most).map(owned).collect(),
    }
}
