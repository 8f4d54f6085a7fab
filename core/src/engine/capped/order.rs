//! The documents of a collection in the order of insertion.

use std::ops::Bound;

use rpds::{HashTrieMapSync, RedBlackTreeMapSync};

use crate::document::key::Key;
use crate::model::Lsn;

/// When a document was created: documents in this order are in the order of insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InsertionPosition {
    /// The commit that created it.
    pub lsn: Lsn,
    /// The place of the change among those of the commit.
    pub place: u32,
}

/// The approximate memory of a document in an order, besides twice the bytes of its key.
const OVERHEAD: usize = 264;

/// The documents of a collection in the order of insertion, without their content. A copy shares its memory
/// with the original, but for what is changed afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct InsertionOrder {
    documents: RedBlackTreeMapSync<InsertionPosition, Entry>,
    positions: HashTrieMapSync<Key, InsertionPosition>,
    /// Of the documents.
    bytes: u64,
    /// Of this order in memory.
    weight: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    key: Key,
    bytes: u32,
}

impl InsertionOrder {
    /// Sets the size of a document. One that was not there is added at `position`; another one keeps its own.
    pub(super) fn put(&mut self, position: InsertionPosition, key: &Key, bytes: u32) {
        let known = self.positions.get(key).copied();
        let position = known.unwrap_or(position);
        match self.documents.get(&position) {
            Some(before) => self.bytes -= u64::from(before.bytes),
            None => self.weight += weight(key),
        }
        if known.is_none() {
            self.positions.insert_mut(key.clone(), position);
        }
        self.documents.insert_mut(position, Entry { key: key.clone(), bytes });
        self.bytes += u64::from(bytes);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let Some(position) = self.positions.get(key).copied() else { return };
        self.positions.remove_mut(key);
        if let Some(entry) = self.documents.get(&position) {
            self.bytes -= u64::from(entry.bytes);
            self.weight -= weight(key);
            self.documents.remove_mut(&position);
        }
    }

    /// The size of a document; `None` if it is not there.
    pub(super) fn bytes_of(&self, key: &Key) -> Option<u32> {
        let position = self.positions.get(key)?;
        self.documents.get(position).map(|entry| entry.bytes)
    }

    /// The size of all documents.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of documents.
    pub(super) fn len(&self) -> usize {
        self.documents.size()
    }

    /// The memory that the order takes, about.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// The document at a position.
    pub(crate) fn at(&self, position: InsertionPosition) -> Option<&Key> {
        self.documents.get(&position).map(|entry| &entry.key)
    }

    /// The documents after a position, the oldest first.
    pub(crate) fn after(
        &self,
        position: Option<InsertionPosition>,
    ) -> impl Iterator<Item = (InsertionPosition, &Key)> {
        let after = position.map_or(Bound::Unbounded, Bound::Excluded);
        let documents = self.documents.range((after, Bound::Unbounded));
        documents.map(|(position, entry)| (*position, &entry.key))
    }

    /// The documents before a position, the newest first.
    pub(crate) fn before(
        &self,
        position: Option<InsertionPosition>,
    ) -> impl Iterator<Item = (InsertionPosition, &Key)> {
        let before = position.map_or(Bound::Unbounded, Bound::Excluded);
        let documents = self.documents.range((Bound::Unbounded, before)).rev();
        documents.map(|(position, entry)| (*position, &entry.key))
    }
}

fn weight(key: &Key) -> usize {
    2 * key.as_bytes().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use bson::Bson;

    use super::*;

    fn position(lsn: u64, place: u32) -> InsertionPosition {
        InsertionPosition { lsn: Lsn::new(lsn), place }
    }

    fn key(id: i32) -> Key {
        Key::of(&Bson::Int32(id)).unwrap()
    }

    fn ids<'k>(keys: impl Iterator<Item = (InsertionPosition, &'k Key)>) -> Vec<Bson> {
        keys.map(|(_, key)| key.to_bson()).collect()
    }

    #[test]
    fn a_document_keeps_its_place_until_it_is_removed() {
        let mut order = InsertionOrder::default();
        order.put(position(1, 1), &key(5), 10);
        order.put(position(1, 0), &key(9), 10);
        order.put(position(2, 0), &key(1), 10);
        order.put(position(3, 0), &key(9), 30);
        assert_eq!(ids(order.after(None)), [9, 5, 1].map(Bson::Int32));
        assert_eq!(ids(order.after(Some(position(1, 0)))), [5, 1].map(Bson::Int32));
        assert_eq!(ids(order.before(Some(position(2, 0)))), [5, 9].map(Bson::Int32));
        assert_eq!((order.len(), order.bytes(), order.bytes_of(&key(9))), (3, 50, Some(30)));
        order.remove(&key(9));
        order.remove(&key(9));
        order.put(position(4, 0), &key(9), 20);
        assert_eq!(ids(order.after(None)), [5, 1, 9].map(Bson::Int32));
        assert_eq!((order.at(position(4, 0)), order.at(position(1, 0))), (Some(&key(9)), None));
        for id in [5, 1, 9] {
            order.remove(&key(id));
        }
        assert_eq!((order.len(), order.bytes(), order.weight()), (0, 0, 0));
    }

    #[test]
    fn an_order_is_read_from_every_place_and_a_copy_stays_as_it_was() {
        let mut order = InsertionOrder::default();
        for id in 0..600 {
            order.put(position(1, id), &key(id.cast_signed()), 10);
        }
        let copy = order.clone();
        for id in 0..100 {
            order.put(position(2, id), &key(1_000 + id.cast_signed()), 10);
            order.remove(&key(id.cast_signed()));
        }
        for last in 0..600 {
            let after = ids(copy.after(Some(position(1, last))));
            let expected: Vec<Bson> = (last.cast_signed() + 1..600).map(Bson::Int32).collect();
            assert_eq!(after, expected, "after {last}");
            let before = ids(copy.before(Some(position(1, last))));
            let expected: Vec<Bson> = (0..last.cast_signed()).rev().map(Bson::Int32).collect();
            assert_eq!(before, expected, "before {last}");
        }
        let now: Vec<Bson> = (100..600).chain(1_000..1_100).map(Bson::Int32).collect();
        assert_eq!(ids(order.after(None)), now);
    }
}
