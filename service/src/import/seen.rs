//! Which `_id`s a file has had, in bounded memory.

use std::collections::HashSet;

use argon_core::key::Key;

/// How many are remembered: some 130 MiB at most. Few in tests, which have small files.
const MOST: usize = if cfg!(test) { 64 } else { 4 << 20 };

/// The `_id`s seen, as hashes of 128 bits; of those that fall into one of several parts, if all are
/// too many.
#[derive(Debug)]
pub(super) struct Seen {
    hashes: HashSet<u128>,
    part: u64,
    parts: u64,
    /// How many `_id`s there were in this part.
    count: u64,
    most: usize,
}

impl Seen {
    /// For all `_id`s.
    pub(super) fn new() -> Self {
        Self::of_part(0, 1)
    }

    /// For those of the part `part`, from 0, of `parts`.
    pub(super) fn of_part(part: u64, parts: u64) -> Self {
        Self { hashes: HashSet::new(), part, parts, count: 0, most: MOST }
    }

    /// Whether the `_id` falls into the part that is looked at.
    pub(super) fn concerns(&self, key: &Key) -> bool {
        self.is_mine(hash(key))
    }

    /// Takes note of an `_id`; whether it was there before. One that comes after as many as are
    /// remembered is taken for new.
    pub(super) fn is_repeated(&mut self, key: &Key) -> bool {
        let hash = hash(key);
        if !self.is_mine(hash) {
            return false;
        }
        self.count += 1;
        if self.hashes.len() >= self.most {
            return self.hashes.contains(&hash);
        }
        !self.hashes.insert(hash)
    }

    /// Whether the `_id` was there.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.hashes.contains(&hash(key))
    }

    /// In how many parts the `_id`s have to be looked at so that each can be remembered.
    pub(super) fn parts_needed(&self) -> u64 {
        // Parts by a hash differ in size; half as much again leaves room for that.
        if self.count <= self.most as u64 { 1 } else { self.count * 3 / 2 / self.most as u64 + 1 }
    }

    fn is_mine(&self, hash: u128) -> bool {
        self.parts == 1 || (hash % u128::from(self.parts)) == u128::from(self.part)
    }
}

fn hash(key: &Key) -> u128 {
    let digest = blake3::hash(key.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: i32) -> Key {
        Key::of(&number.into()).unwrap()
    }

    #[test]
    fn an_id_is_repeated_the_second_time() {
        let mut seen = Seen::new();
        assert!(!seen.is_repeated(&key(1)) && !seen.is_repeated(&key(2)));
        assert!(seen.is_repeated(&key(1)) && seen.has(&key(2)) && !seen.has(&key(3)));
        assert_eq!(seen.parts_needed(), 1);
    }

    #[test]
    fn every_id_falls_into_one_part_that_holds_it() {
        let mut all = Seen { most: 100, ..Seen::new() };
        for number in 0..1000 {
            assert!(!all.is_repeated(&key(number)));
        }
        let parts = all.parts_needed();
        assert!(parts > 10);
        let mut held = 0;
        for part in 0..parts {
            let mut seen = Seen { most: 100, ..Seen::of_part(part, parts) };
            (0..1000).for_each(|number| assert!(!seen.is_repeated(&key(number))));
            assert_eq!(seen.parts_needed(), 1);
            held += (0..1000).filter(|number| seen.has(&key(*number))).count();
        }
        assert_eq!(held, 1000);
    }
}
