//! A map that evicts the least recently used entries when its weight exceeds a limit.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A map of bounded weight. An entry that exceeds the bound by itself is not kept.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    entries: BTreeMap<K, Entry<V>>,
    /// The keys in the order of their last use.
    by_use: BTreeMap<u64, K>,
    uses: u64,
    weight: usize,
    most: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    used: u64,
}

impl<K: Ord + Clone, V: Clone> Lru<K, V> {
    /// Creates an empty map for entries with a total weight of at most `most`.
    pub(crate) fn new(most: usize) -> Self {
        Self { entries: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0, weight: 0, most }
    }

    /// Returns the value of a key, and marks it as used.
    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.get_mut(key)?;
        self.by_use.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.by_use.insert(self.uses, key.clone());
        Some(entry.value.clone())
    }

    /// Sets the value of a key.
    pub(crate) fn insert(&mut self, key: K, value: V, weight: usize) {
        self.remove(&key);
        self.uses += 1;
        self.by_use.insert(self.uses, key.clone());
        self.entries.insert(key, Entry { value, weight, used: self.uses });
        self.weight += weight;
        self.shrink();
    }

    /// Updates the weight of an entry.
    pub(crate) fn weigh(&mut self, key: &K, weight: usize) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.weight = self.weight - entry.weight + weight;
            entry.weight = weight;
            self.shrink();
        }
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.by_use.remove(&entry.used);
        self.weight -= entry.weight;
        Some(entry.value)
    }

    /// The entries with keys in a range; does not mark them as used.
    pub(crate) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        self.entries.range(keys).map(|(key, entry)| (key, &entry.value))
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    fn shrink(&mut self) {
        while self.weight > self.most {
            let Some((_, key)) = self.by_use.pop_first() else { return };
            if let Some(entry) = self.entries.remove(&key) {
                self.weight -= entry.weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let mut lru = Lru::new(10);
        for key in 0..3 {
            lru.insert(key, key * 10, 3);
        }
        assert_eq!(lru.get(&0), Some(0));
        lru.insert(3, 30, 4);
        assert_eq!([0, 1, 2, 3].map(|key| lru.get(&key)), [Some(0), None, Some(20), Some(30)]);
        lru.weigh(&0, 6);
        assert_eq!([0, 2, 3].map(|key| lru.get(&key)), [None, Some(20), Some(30)]);
        lru.insert(4, 40, 11);
        assert_eq!([2, 3, 4].map(|key| lru.get(&key)), [None; 3], "nothing else fits beside it");
        assert_eq!((lru.weight, lru.entries.len(), lru.by_use.len()), (0, 0, 0));
    }

    #[test]
    fn weights_stay_right_when_values_are_replaced_and_removed() {
        let mut lru = Lru::new(10);
        for round in 0..100 {
            lru.insert(round % 3, round, 2);
            assert_eq!(lru.get(&(round % 3)), Some(round));
        }
        assert_eq!((lru.weight, lru.range(0..=9).count()), (6, 3));
        assert_eq!((lru.remove(&1), lru.remove(&1)), (Some(97), None));
        assert_eq!((lru.weight, lru.by_use.len()), (4, 2));
        lru.clear();
        assert_eq!((lru.weight, lru.by_use.len()), (0, 0));
    }
}
