//! Keys: the encoding of a document's `_id`, whose byte order is MongoDB's order of values.
//!
//! A [`Key`] is a type tag, then a self-delimiting body: no key is a proper prefix of another, so
//! other bytes may follow one in a store. Values that are equal in MongoDB (1, 1.0 and
//! `NumberLong(1)`; a symbol and a string) have the same bytes. Every change to the bytes changes
//! the storage format; the golden tests check them.
//!
//! | file | content |
//! | --- | --- |
//! | `tag.rs` | the type tags, in MongoDB's order of types |
//! | `encode.rs`, `decode.rs` | encode and decode values |
//! | `number.rs` | the canonical encoding of the four numeric types |
//! | `decimal.rs`, `db_pointer.rs` | the parts of these two types that `bson` does not expose |
//! | `order.rs`, `exact.rs` | MongoDB's order on the values themselves, without keys |

mod db_pointer;
pub(crate) mod decimal;
mod decode;
mod encode;
mod error;
mod exact;
mod number;
mod order;
mod tag;
#[cfg(test)]
pub(super) mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use bson::{Bson, JavaScriptCodeWithScope, RawBson, RawBsonRef};

use tag::Tag;

pub(crate) use decode::decode_first;
pub use encode::encode;
pub use error::KeyError;
pub use order::{TextOrder, compare, compare_by};
pub(crate) use order::{canonical_type, is_nan, same_type};

/// The maximum nesting of documents, arrays and scopes in an `_id`.
const MAX_NESTING: usize = 100;

/// The identity of a document in its collection, and its position in the order of a scan.
///
/// Two ids that are equal in MongoDB are one `Key`, and `Ord` is MongoDB's order of values. The
/// original type of an id is not kept: see [`Key::to_bson`].
#[derive(Clone)]
pub struct Key(KeyBytes);

/// The bytes of a key. Those of an `ObjectId`, a number or a short text need no allocation: scans read
/// many.
#[derive(Clone)]
enum KeyBytes {
    Short { length: u8, bytes: [u8; SHORT_BYTES] },
    Long(Box<[u8]>),
}

/// The most that makes [`KeyBytes`] no larger than three words.
const SHORT_BYTES: usize = 22;

impl From<&[u8]> for KeyBytes {
    fn from(bytes: &[u8]) -> Self {
        let mut short = [0; SHORT_BYTES];
        match (short.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(start), Ok(length)) => {
                start.copy_from_slice(bytes);
                KeyBytes::Short { length, bytes: short }
            }
            _ => KeyBytes::Long(bytes.into()),
        }
    }
}

impl Key {
    /// The maximum length of a key, which fits into the keys of every backend with a margin.
    pub const MAX_BYTES: usize = 1024;

    /// Creates the key of a document's `_id`.
    ///
    /// Like MongoDB, refuses an array, a regular expression and undefined at the top level (inside
    /// a document they are allowed). Also refuses a value that takes more than [`Key::MAX_BYTES`],
    /// nests more than 100 levels, or has a document with two fields of one name.
    pub fn of_id(id: RawBsonRef<'_>) -> Result<Self, KeyError> {
        check_type(Tag::of(id))?;
        let mut bytes = Vec::with_capacity(encode::expected_length(id));
        encode::encode(id, &mut bytes)?;
        check_length(&bytes)?;
        if matches!(id, RawBsonRef::Document(_) | RawBsonRef::JavaScriptCodeWithScope(_)) {
            // Decoding finds repeated names; its cost is bounded by the length.
            decode::decode(&bytes)?;
        }
        Ok(Self(bytes.as_slice().into()))
    }

    /// [`Key::of_id`] for an owned value. Also refuses a field name with a NUL character.
    pub fn of(id: &Bson) -> Result<Self, KeyError> {
        check_nesting(id, MAX_NESTING)?;
        let raw = RawBson::try_from(id.clone())?;
        Self::of_id(raw.as_raw_bson_ref())
    }

    /// Decodes a stored key. Accepts exactly the bytes that [`Key::as_bytes`] can return.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        check_length(bytes)?;
        let tag = bytes.first().copied().and_then(Tag::from_byte);
        tag.map_or(Ok(()), check_type)?;
        // Any 12 bytes are an ObjectId; this is the most common key, and scans decode many.
        if !(tag == Some(Tag::ObjectId) && bytes.len() == 13) {
            decode::decode(bytes)?;
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes to store, which compare as unsigned bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            KeyBytes::Short { length, bytes } => &bytes[..usize::from(*length)],
            KeyBytes::Long(bytes) => bytes,
        }
    }

    /// Returns a value that has this key; not always the one from which the key was created.
    ///
    /// A number is returned as the first of int32, int64, double and decimal128 that represents it
    /// exactly, a symbol as a string. The law is `Key::of(&key.to_bson()) == key`; the original
    /// `_id` is in the document's own bytes.
    pub fn to_bson(&self) -> Bson {
        #[expect(clippy::expect_used, reason = "a caller could do nothing about it")]
        decode::decode(self.as_bytes()).expect("each constructor makes or checks bytes that decode")
    }
}

impl From<Key> for Bson {
    fn from(key: Key) -> Self {
        key.to_bson()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Key {}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

fn check_type(tag: Tag) -> Result<(), KeyError> {
    match tag.refused_as_id() {
        Some(found) => Err(KeyError::UnsupportedType { found }),
        None => Ok(()),
    }
}

fn check_length(key: &[u8]) -> Result<(), KeyError> {
    if key.len() > Key::MAX_BYTES {
        return Err(KeyError::TooLong { found: key.len(), limit: Key::MAX_BYTES });
    }
    Ok(())
}

/// Refuses deep values, because `bson`'s conversion to raw bytes recurses without a bound.
fn check_nesting(value: &Bson, levels_left: usize) -> Result<(), KeyError> {
    match value {
        Bson::Document(fields)
        | Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { scope: fields, .. }) => {
            let inner = encode::one_level_deeper(levels_left)?;
            fields.values().try_for_each(|value| check_nesting(value, inner))
        }
        Bson::Array(elements) => {
            let inner = encode::one_level_deeper(levels_left)?;
            elements.iter().try_for_each(|value| check_nesting(value, inner))
        }
        _ => Ok(()),
    }
}

/// The value in the notation of MongoDB's shell: `ObjectId("…")`, `"text"`, `42`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_bson() {
            Bson::String(text) => write!(f, "{text:?}"),
            other => write!(f, "{other}"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
