//! Document keys as strings that the server sorts in key order.
//!
//! MongoDB compares binary values by length first, so they can't be scanned in key order. It compares
//! strings byte by byte as UTF-8, which is the order of their code points. So a key is stored as the
//! string whose code points are the key's bytes.

use argon_core::Result;
use argon_core::key::Key;

use super::failure::corrupt;

/// The string for a key: one character a byte, so up to twice as many bytes.
pub(super) fn encode(key: &Key) -> String {
    text(key.as_bytes())
}

/// The string for bytes.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Decodes the result of [`encode`].
pub(super) fn decode(text: &str) -> Result<Key> {
    let bytes = bytes(text, "version")?;
    Key::from_bytes(&bytes).map_err(|source| corrupt("version", "has a malformed key", source))
}

/// Decodes the result of [`text`]; `what` names the document for an error.
pub(super) fn bytes(text: &str, what: &str) -> Result<Vec<u8>> {
    let bytes: std::result::Result<Vec<u8>, _> =
        text.chars().map(|character| u8::try_from(u32::from(character))).collect();
    bytes.map_err(|source| corrupt(what, "has a malformed key", source))
}

#[cfg(test)]
mod tests {
    use bson::Bson;

    use super::*;

    #[test]
    fn strings_are_ordered_as_their_keys_and_come_back() {
        let ids: Vec<Bson> = vec![
            Bson::Int64(i64::MIN),
            Bson::Int32(-1),
            Bson::Int32(0),
            Bson::Double(0.5),
            Bson::Int32(127),
            Bson::Int64(1 << 40),
            "".into(),
            "\0".into(),
            "a\u{ff}".into(),
            "ä".into(),
            Bson::Boolean(true),
        ];
        let mut keys: Vec<Key> = ids.iter().map(|id| Key::of(id).unwrap()).collect();
        keys.sort();
        let texts: Vec<String> = keys.iter().map(encode).collect();
        assert!(texts.is_sorted_by(|a, b| a.as_bytes() < b.as_bytes()));
        for (key, text) in keys.iter().zip(&texts) {
            assert_eq!(decode(text).unwrap(), *key);
        }
        assert!(decode("\u{100}").is_err(), "no byte has this number");
    }
}
