//! `$toHashedIndexKey`: the hash that hashed indexes have.

use argon_core::Result;
use argon_core::document::index_hash;
use bson::raw::RawBsonRef;

use crate::value::{Value, malformed};

/// Returns the hash; missing has that of null.
///
/// # Errors
/// `Corrupt` if a value can't be decoded.
pub(super) fn hash(value: &Value<'_>) -> Result<i64> {
    index_hash(value.get().unwrap_or(RawBsonRef::Null)).map_err(malformed)
}
