//! Limits the length of keys, for the engines that limit theirs.
//!
//! Cut keys are in order up to the cut, and two that are equal belong to equal values. No key begins
//! another, cut or not: a key that is not cut is shorter than the prefix that cut ones keep, and
//! begins no longer key.

/// The length of a cut key; no key is longer.
pub const MOST_KEY_BYTES: usize = 400;

/// The length of the prefix that a cut key keeps. Longer keys are cut.
pub const CUT_PREFIX_BYTES: usize = 384;

/// Returns a key whole if it has at most 384 bytes; otherwise those, and the first 16 bytes of the
/// BLAKE3 digest of the whole key. Must be called once only: a cut key would be cut again.
pub fn cut(mut key: Vec<u8>) -> Vec<u8> {
    if key.len() > CUT_PREFIX_BYTES {
        let digest = blake3::hash(&key);
        key.truncate(CUT_PREFIX_BYTES);
        key.extend_from_slice(&digest.as_bytes()[..MOST_KEY_BYTES - CUT_PREFIX_BYTES]);
    }
    key
}

/// Returns whether a stored key was cut: its values are unknown, and its order among the keys with
/// the same prefix is not that of the values.
pub fn is_cut(key: &[u8]) -> bool {
    key.len() == MOST_KEY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_keeps_its_prefix_and_differs_from_others_of_that_prefix() {
        let key = |length: usize, last: u8| {
            let mut key = vec![7; length];
            key.push(last);
            key
        };
        for length in [0, 1, CUT_PREFIX_BYTES - 1] {
            assert_eq!(cut(key(length, 1)), key(length, 1));
            assert!(!is_cut(&cut(key(length, 1))));
        }
        for length in [CUT_PREFIX_BYTES, MOST_KEY_BYTES - 1, MOST_KEY_BYTES, 100_000] {
            let short = cut(key(length, 1));
            assert!(is_cut(&short));
            assert_eq!(short[..CUT_PREFIX_BYTES], key(length, 1)[..CUT_PREFIX_BYTES]);
            assert_ne!(short, cut(key(length, 2)));
        }
    }
}
