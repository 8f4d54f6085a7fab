//! Values of any size over an engine that takes small ones.
//!
//! A stored value is empty (a deletion), or 0 and the payload, or 1 and the number of parts (u16,
//! little endian) that hold the payload under keys of their own.

use argon_core::{Error, Result};

use crate::ordered::engine::{Batch, Engine, MAX_VALUE_BYTES, Write};
use crate::ordered::keys;

const WHOLE: u8 = 0;
const SPLIT: u8 = 1;

/// Adds the writing of `payload` under `key`; it is made by `parts` pieces laid end to end.
pub(super) fn put(batch: &mut Batch, key: Vec<u8>, payload: &[&[u8]]) -> Result<()> {
    let length: usize = payload.iter().map(|piece| piece.len()).sum();
    if length < MAX_VALUE_BYTES {
        let mut value = Vec::with_capacity(1 + length);
        value.push(WHOLE);
        for piece in payload {
            value.extend_from_slice(piece);
        }
        batch.push(Write::Put { key, value });
        return Ok(());
    }
    let whole = payload.concat();
    let parts = whole.chunks(MAX_VALUE_BYTES);
    let count = u16::try_from(parts.len()).map_err(|_| {
        Error::invalid(format!("a record of {length} bytes is larger than the store can hold"))
    })?;
    for (number, part) in (0..count).zip(parts) {
        batch.push(Write::Put { key: keys::part(&key, number), value: part.to_vec() });
    }
    let mut value = vec![SPLIT];
    value.extend_from_slice(&count.to_le_bytes());
    batch.push(Write::Put { key, value });
    Ok(())
}

/// A stored value as a walk over rows keeps it: what is in the row is copied once, the rest is read
/// when the walk is over.
pub(super) enum Stored {
    /// An empty value.
    Deleted,
    /// The payload.
    Whole(Vec<u8>),
    /// The value of a payload that is in parts, or of an unknown kind.
    Other(Vec<u8>),
}

impl Stored {
    pub(super) fn of(value: &[u8]) -> Self {
        match value {
            [] => Stored::Deleted,
            [WHOLE, payload @ ..] => Stored::Whole(payload.to_vec()),
            other => Stored::Other(other.to_vec()),
        }
    }

    /// The payload, given the key where it stood; `None` for a deletion.
    pub(super) fn payload(self, engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self {
            Stored::Deleted => Ok(None),
            Stored::Whole(payload) => Ok(Some(payload)),
            Stored::Other(value) => payload(engine, key, &value).map(Some),
        }
    }
}

/// The payload of a stored value that is not a deletion, given the key where it stood.
pub(super) fn payload(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    match value {
        [WHOLE, payload @ ..] => Ok(payload.to_vec()),
        [SPLIT, ..] => joined(engine, key, value),
        _ => Err(corrupt("begins with an unknown mark")),
    }
}

/// The number of parts of a stored value.
pub(super) fn parts(value: &[u8]) -> u16 {
    match value {
        [SPLIT, count @ ..] => count.try_into().map_or(0, u16::from_le_bytes),
        _ => 0,
    }
}

/// About how many bytes the payload of a stored value has.
pub(super) fn size(value: &[u8]) -> usize {
    value.len() + usize::from(parts(value)) * MAX_VALUE_BYTES
}

fn joined(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let count = parts(value);
    let mut payload = Vec::with_capacity(usize::from(count) * MAX_VALUE_BYTES);
    for number in 0..count {
        let part = engine.get(&keys::part(key, number))?;
        payload.extend_from_slice(&part.ok_or_else(|| corrupt("lacks a part"))?);
    }
    Ok(payload)
}

fn corrupt(problem: &str) -> Error {
    Error::corrupt(format!("a stored value {problem}; run `argon fsck`"))
}

/// The payload under `key`, or `None` if nothing is there.
pub(super) fn get(engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
    engine.get(key)?.map(|value| payload(engine, key, &value)).transpose()
}

/// [`put`] where a value may stand already: removes the parts of that one which are not written over.
pub(super) fn replace(
    engine: &dyn Engine,
    batch: &mut Batch,
    key: Vec<u8>,
    payload: &[&[u8]],
) -> Result<()> {
    let length: usize = payload.iter().map(|piece| piece.len()).sum();
    let kept = if length < MAX_VALUE_BYTES { 0 } else { length.div_ceil(MAX_VALUE_BYTES) };
    remove_parts(engine, batch, &key, kept)?;
    put(batch, key, payload)
}

/// Adds the removal of `key` and of the parts of its value.
pub(super) fn remove(engine: &dyn Engine, batch: &mut Batch, key: Vec<u8>) -> Result<()> {
    remove_parts(engine, batch, &key, 0)?;
    batch.push(Write::Remove { key });
    Ok(())
}

/// Adds the removal of all parts but the first `kept`.
fn remove_parts(engine: &dyn Engine, batch: &mut Batch, key: &[u8], kept: usize) -> Result<()> {
    let count = engine.get(key)?.map_or(0, |value| parts(&value));
    for number in (0..count).filter(|number| usize::from(*number) >= kept) {
        batch.push(Write::Remove { key: keys::part(key, number) });
    }
    Ok(())
}
