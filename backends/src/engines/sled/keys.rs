//! How keys are stored in sled: with a byte put after every three bytes `0xff`.
//!
//! When sled 0.34.7 walks a range downwards and comes to the start of a tree node, it looks for
//! the node before it by decrementing the last byte of the node's lowest key and appending four
//! bytes `0xff` (`possible_predecessor` in its src/iter.rs). If there is a node between that
//! guess and the start, it loops a million times and panics. Inverted LSNs are full of `0xff`, so
//! such nodes are common here. Without four such bytes in a row, there can't be one.
//!
//! What is put in depends only on the bytes before it, so the order of keys stays.

/// So many bytes `0xff` in a row are followed by [`BREAK`].
const RUN: usize = 3;

/// Any byte but `0xff` would do.
const BREAK: u8 = 0;

/// The longest stored form of a key of so many bytes.
pub(super) const fn stored_len(key_len: usize) -> usize {
    key_len + key_len / RUN
}

/// The form in which `key` is stored.
pub(super) fn to_stored(key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(stored_len(key.len()));
    let mut run = 0;
    for &byte in key {
        stored.push(byte);
        run = if byte == 0xff { run + 1 } else { 0 };
        if run == RUN {
            stored.push(BREAK);
            run = 0;
        }
    }
    stored
}

/// Replaces what is in `key` by the key that is stored as `stored`.
pub(super) fn from_stored(stored: &[u8], key: &mut Vec<u8>) {
    key.clear();
    let mut run = 0;
    for &byte in stored {
        if run == RUN {
            // This is the byte that was put in.
            run = 0;
            continue;
        }
        key.push(byte);
        run = if byte == 0xff { run + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::{from_stored, stored_len, to_stored};

    /// All strings of up to six of the bytes that matter, in order.
    fn strings() -> Vec<Vec<u8>> {
        let mut all = vec![vec![]];
        let mut longest = all.clone();
        for _ in 0..6 {
            longest = longest
                .iter()
                .flat_map(|s| [0, 1, 0xfe, 0xff].map(|byte| [&s[..], &[byte]].concat()))
                .collect();
            all.extend(longest.iter().cloned());
        }
        all.sort();
        all
    }

    #[test]
    fn stored_keys_sort_like_keys_and_come_back() {
        let mut key = Vec::new();
        let stored: Vec<_> = strings().iter().map(|s| to_stored(s)).collect();
        assert!(stored.is_sorted_by(|a, b| a < b));
        for (stored, string) in stored.iter().zip(strings()) {
            from_stored(stored, &mut key);
            assert_eq!(key, string);
        }
    }

    #[test]
    fn stored_keys_have_no_four_bytes_ff_in_a_row_and_keep_their_bound() {
        let worst = to_stored(&[0xff; 1_000]);
        assert_eq!(worst.len(), stored_len(1_000));
        assert!(!worst.windows(4).any(|window| window == [0xff; 4]));
    }
}
