//! Copies in memory of objects that never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes that the copies take together.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// The largest object that is kept.
const MOST_OF_ONE: usize = 1024 * 1024;

/// Copies of recently used objects, in two generations: when the young one has half of the allowed
/// bytes, it replaces the old one.
#[derive(Default)]
pub(super) struct Memory {
    generations: Mutex<Generations>,
}

type Copies = HashMap<String, Arc<Vec<u8>>>;

#[derive(Default)]
struct Generations {
    young: Copies,
    old: Copies,
    young_bytes: usize,
}

impl Memory {
    /// The object with this key, which names its content.
    pub(super) fn get(&self, key: &str) -> Option<Arc<Vec<u8>>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = generations.young.get(key) {
            return Some(found.clone());
        }
        let (key, found) = generations.old.remove_entry(key)?;
        generations.put(key, found.clone());
        Some(found)
    }

    /// Keeps a copy.
    pub(super) fn put(&self, key: String, bytes: &Arc<Vec<u8>>) {
        if bytes.len() <= MOST_OF_ONE {
            let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.put(key, bytes.clone());
        }
    }
}

impl Generations {
    fn put(&mut self, key: String, bytes: Arc<Vec<u8>>) {
        let size = bytes.len() + key.len();
        if self.young_bytes + size > MOST_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, bytes).is_none() {
            self.young_bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_makes_room() {
        let memory = Memory::default();
        let bytes = Arc::new(vec![0; MOST_OF_ONE]);
        for number in 0..100 {
            memory.put(number.to_string(), &bytes);
            assert!(memory.get("0").is_some(), "after {number}");
            let generations = memory.generations.lock().unwrap();
            assert!(generations.young.len() + generations.old.len() <= 32);
        }
        assert!(memory.get("50").is_none() && memory.get("99").is_some());
        memory.put("large".into(), &Arc::new(vec![0; MOST_OF_ONE + 1]));
        assert!(memory.get("large").is_none());
    }
}
