//! Sets of values.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use argon_core::{Result, key};
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use crate::Code;
use crate::value::to_owned;

/// Values, of those that are equal the first, in the order in which they were added. The server's
/// order is unspecified.
#[derive(Debug, Default, Clone)]
pub(crate) struct ValueSet {
    values: Vec<RawBson>,
    /// The place of a value by its encoded key, which is the same for equal numbers of all types.
    places: HashMap<Vec<u8>, usize>,
    size: usize,
}

impl ValueSet {
    /// Adds a value; false if an equal one is there.
    ///
    /// # Errors
    /// If the value nests too deep or can't be decoded.
    pub(crate) fn insert(&mut self, value: RawBsonRef<'_>) -> Result<bool> {
        match self.places.entry(set_key(value)?) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(entry) => {
                self.size += entry.key().len() + crate::accumulator::size_of(value);
                entry.insert(self.values.len());
                self.values.push(to_owned(value));
                Ok(true)
            }
        }
    }

    /// Whether an equal value is there.
    ///
    /// # Errors
    /// See [`insert`](Self::insert).
    pub(crate) fn contains(&self, value: RawBsonRef<'_>) -> Result<bool> {
        Ok(self.places.contains_key(&set_key(value)?))
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// About how many bytes the set takes.
    pub(crate) fn memory(&self) -> usize {
        self.size
    }

    /// The values in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = RawBsonRef<'_>> {
        self.values.iter().map(RawBson::as_raw_bson_ref)
    }

    /// The values in the order in which they were added, as an array.
    pub(crate) fn to_array(&self) -> RawArrayBuf {
        self.values.iter().map(RawBson::as_raw_bson_ref).collect()
    }
}

/// Bytes that are the same for equal values, and only for them.
///
/// # Errors
/// If the value nests too deep or can't be decoded.
pub(crate) fn set_key(value: RawBsonRef<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    key::encode(value, &mut bytes).map_err(|source| {
        Code::BAD_VALUE.error(format!("a value can't be compared: {source}")).with_source(source)
    })?;
    Ok(bytes)
}
