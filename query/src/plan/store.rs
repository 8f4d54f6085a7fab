//! The indexes that a store keeps.

use std::sync::Arc;

use argon_core::storage::{Direction, EntryRange};
use argon_core::{CollectionView, Result, StateIndexes};
use async_trait::async_trait;
use futures::StreamExt;

use super::{EntryStream, IndexProvider, IndexSource, ReadableIndex};

/// The indexes of collections, as the store of a view keeps their entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreIndexes;

/// The indexes of a collection at a state.
struct ViewIndexes {
    view: CollectionView,
    stored: Vec<argon_core::ReadableIndex>,
    readable: Vec<ReadableIndex>,
    unreadable: Vec<(String, String)>,
}

#[async_trait]
impl IndexProvider for StoreIndexes {
    async fn indexes_of(&self, view: &CollectionView) -> Result<Option<Arc<dyn IndexSource>>> {
        if view.info().indexes.is_empty() {
            return Ok(None);
        }
        let StateIndexes { readable: stored, unreadable } = view.indexes().await?;
        let readable = stored
            .iter()
            .map(|index| ReadableIndex { index: index.index.clone(), multikey: index.multikey });
        Ok(Some(Arc::new(ViewIndexes {
            view: view.clone(),
            readable: readable.collect(),
            stored,
            unreadable: unreadable.into_iter().map(|index| (index.name, index.reason)).collect(),
        })))
    }
}

impl IndexSource for ViewIndexes {
    fn readable(&self) -> &[ReadableIndex] {
        &self.readable
    }

    fn unreadable(&self) -> &[(String, String)] {
        &self.unreadable
    }

    fn exact(&self) -> bool {
        self.stored.iter().all(|index| index.exact)
    }

    fn entries(
        &self,
        index: usize,
        from: Vec<u8>,
        to: Vec<u8>,
        direction: Direction,
    ) -> EntryStream {
        let Some(index) = self.stored.get(index) else {
            return futures::stream::empty().boxed();
        };
        let range = EntryRange { from, to: Some(to) };
        let entries = self.view.entries(index, range, direction);
        entries.map(|entry| entry.map(|entry| (entry.key, entry.id))).boxed()
    }
}
