//! A document that a transaction has written.

use std::collections::BTreeMap;

use argon_core::Result;
use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, Point};
use argon_core::write::{Precondition, WriteRequest};

/// The documents of a collection that a transaction has written.
pub(super) type Writes = BTreeMap<Key, Staged>;

/// A document in the state that was read, and after the writes of the transaction.
#[derive(Debug, Clone, Default)]
pub(super) struct Staged {
    /// The commit that last changed it in the state; `None` if it does not exist there.
    pub(super) read: Option<Point>,
    /// It in the state.
    pub(super) before: Option<Document>,
    /// It after the writes; `None` if it is deleted.
    pub(super) after: Option<Document>,
    /// The number of the insertion that has made it; 0 if it was there before.
    pub(super) insertion: u64,
}

/// The documents in the order in which they are written: those that were there, then those that were inserted.
pub(super) fn in_order<K>(writes: impl IntoIterator<Item = (K, Staged)>) -> Vec<(K, Staged)> {
    let mut writes: Vec<_> = writes.into_iter().collect();
    writes.sort_by_key(|(_, staged)| staged.insertion);
    writes
}

impl Staged {
    /// A document as it is in the state.
    pub(super) fn of_stored(read: Point, document: Document) -> Self {
        Self {
            read: Some(read),
            before: Some(document.clone()),
            after: Some(document),
            insertion: 0,
        }
    }

    /// Adds the change to a request, unless there is none.
    pub(super) fn add_to(
        self,
        request: &mut WriteRequest,
        collection: &CollectionName,
        key: Key,
    ) -> Result<()> {
        let condition = self.read.map_or(Precondition::Absent, Precondition::ChangedBy);
        let [before, after] = [&self.before, &self.after];
        if before.as_ref().map(Document::as_bytes) == after.as_ref().map(Document::as_bytes) {
            return Ok(());
        }
        match self.after {
            Some(after) => request.put(collection.clone(), key, after, condition),
            None => {
                request.delete(collection.clone(), key, condition);
                Ok(())
            }
        }
    }
}
