//! What plans read: the indexes of a collection at one state.

use std::sync::Arc;

use argon_core::document::Index;
use argon_core::key::Key;
use argon_core::storage::Direction;
use argon_core::{CollectionView, Result};
use async_trait::async_trait;
use futures::stream::BoxStream;

/// An index whose entries are complete at a state.
#[derive(Debug, Clone)]
pub struct ReadableIndex {
    /// The index.
    pub index: Arc<Index>,
    /// Whether a document may have several entries, or an entry that stands for an array. May be
    /// true without need.
    pub multikey: bool,
}

/// Entries of an index: the key and the `_id` of each.
pub type EntryStream = BoxStream<'static, Result<(Vec<u8>, Key)>>;

/// The indexes of one collection at one state.
pub trait IndexSource: Send + Sync {
    /// Those whose entries are complete at this state. Always the same, and without the index of
    /// `_id`.
    fn readable(&self) -> &[ReadableIndex];

    /// The names of the others, each with the reason, such as `is not built at this state`.
    fn unreadable(&self) -> &[(String, String)];

    /// Whether every entry is one that its document has. False if entries are candidates, each of
    /// which is compared with the document.
    fn exact(&self) -> bool {
        false
    }

    /// Returns the candidates of a readable index, named by its position, with `from <= key < to`, in
    /// order of key and `_id`, or the reverse. Every entry that a document has is among them, once.
    fn entries(
        &self,
        index: usize,
        from: Vec<u8>,
        to: Vec<u8>,
        direction: Direction,
    ) -> EntryStream;
}

/// Finds the indexes of collections.
#[async_trait]
pub trait IndexProvider: Send + Sync {
    /// Returns the indexes of a collection at the state of the view; `None` if it has none but that
    /// of `_id`. Their entries are those of the documents that the view returns, so a view through a
    /// mask has none of the originals.
    ///
    /// # Errors
    /// Those of the store.
    async fn indexes_of(&self, view: &CollectionView) -> Result<Option<Arc<dyn IndexSource>>>;
}
