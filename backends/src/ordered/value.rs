//! Values of any size over an engine with small values. Each has a checksum that every read compares.
//!
//! A stored value is empty (a deletion), or 2, the checksum and the payload, or 3, the number of parts
//! (u16, little endian) that hold the payload under keys of their own, and the checksum. The checksum
//! is CRC32C (u32, little endian) of the key and the payload, so it also detects a value under another
//! key. Format 1 had no checksums: there 0 comes before a payload, and 1 before the number of
//! parts.

use argon_core::model::{Document, Image};
use argon_core::storage::Predicate;
use argon_core::{Error, Result};

use crate::ordered::engine::{Batch, Engine, MAX_VALUE_BYTES, Write};
use crate::ordered::keys;

const WHOLE: u8 = 0;
const SPLIT: u8 = 1;
const CHECKED_WHOLE: u8 = 2;
const CHECKED_SPLIT: u8 = 3;

/// The longest payload that fits into the value itself, after the mark and the checksum.
const MOST_WHOLE_BYTES: usize = MAX_VALUE_BYTES - 5;

/// The bytes of a value that hold its kind, the number of its parts, and its checksum.
pub(super) const PREFIX_BYTES: usize = 7;

/// Adds a write of the concatenated `payload` under `key`.
pub(super) fn put(batch: &mut Batch, key: Vec<u8>, payload: &[&[u8]]) -> Result<()> {
    let length: usize = payload.iter().map(|piece| piece.len()).sum();
    let checksum = checksum(&key, payload).to_le_bytes();
    if length <= MOST_WHOLE_BYTES {
        let mut value = Vec::with_capacity(1 + checksum.len() + length);
        value.push(CHECKED_WHOLE);
        value.extend_from_slice(&checksum);
        for piece in payload {
            value.extend_from_slice(piece);
        }
        batch.push(Write::Put { key, value });
        return Ok(());
    }
    let whole = payload.concat();
    let parts = whole.chunks(MAX_VALUE_BYTES);
    let count = u16::try_from(parts.len()).map_err(|_| {
        Error::invalid(format!("the record has {length} bytes; at most 65,535 parts of {MAX_VALUE_BYTES} bytes can be stored"))
    })?;
    for (number, part) in (0..count).zip(parts) {
        batch.push(Write::Put { key: keys::part(&key, number), value: part.to_vec() });
    }
    let mut value = vec![CHECKED_SPLIT];
    value.extend_from_slice(&count.to_le_bytes());
    value.extend_from_slice(&checksum);
    batch.push(Write::Put { key, value });
    Ok(())
}

/// CRC32C of a key and of the pieces of a payload.
pub(super) fn checksum(key: &[u8], payload: &[&[u8]]) -> u32 {
    payload.iter().fold(crc32c::crc32c(key), |crc, piece| crc32c::crc32c_append(crc, piece))
}

/// A stored image as a walk over rows keeps it. One that is in its row is compared with its checksum
/// and copied once; the parts of another are read after the walk, which must not use the engine.
pub(super) enum StoredImage {
    Whole(Image),
    /// The value of an image that is in parts, or damaged, or of an unknown kind.
    Other(Vec<u8>),
}

impl StoredImage {
    /// The image that the row of `key` and `value` holds.
    pub(super) fn of(key: &[u8], value: &[u8]) -> Result<Self> {
        Self::selected(key, value, None)
    }

    /// The same; but a document that is in its row, and for which the predicate is false, is deleted,
    /// and not copied.
    pub(super) fn selected(
        key: &[u8],
        value: &[u8],
        predicate: Option<&Predicate>,
    ) -> Result<Self> {
        if value.is_empty() {
            return Ok(StoredImage::Whole(Image::Deleted));
        }
        let Some(payload) = whole(key, value) else {
            return Ok(StoredImage::Other(value.to_vec()));
        };
        if let Some(predicate) = predicate
            && !predicate(Document::view_stored(payload)?)?
        {
            return Ok(StoredImage::Whole(Image::Deleted));
        }
        Ok(StoredImage::Whole(Image::Document(Document::from_stored(payload)?)))
    }

    /// The image, given the key of its row.
    pub(super) fn image(self, engine: &dyn Engine, key: impl FnOnce() -> Vec<u8>) -> Result<Image> {
        match self {
            StoredImage::Whole(image) => Ok(image),
            StoredImage::Other(value) => {
                Document::from_stored(payload(engine, &key(), &value)?).map(Image::Document)
            }
        }
    }
}

/// The payload of an undamaged value that is not in parts.
pub(super) fn whole<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    match value.split_first()? {
        (&WHOLE, payload) => Some(payload),
        (&CHECKED_WHOLE, rest) => {
            let (found, payload) = rest.split_first_chunk()?;
            (checksum(key, &[payload]) == u32::from_le_bytes(*found)).then_some(payload)
        }
        _ => None,
    }
}

/// The payload of a stored value that is not a deletion, given its key.
pub(super) fn payload(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    match value {
        [WHOLE | CHECKED_WHOLE, ..] => match whole(key, value) {
            Some(payload) => Ok(payload.to_vec()),
            None => Err(mismatch(key)),
        },
        [SPLIT, ..] => joined(engine, key, value),
        [CHECKED_SPLIT, _, _, found @ ..] => {
            let payload = joined(engine, key, value)?;
            let right = checksum(key, &[&payload]).to_le_bytes();
            if *found == right { Ok(payload) } else { Err(mismatch(key)) }
        }
        _ => Err(corrupt(key, "begins with an unknown mark")),
    }
}

/// Whether a row is damaged, as far as it shows without its parts.
pub(super) fn is_damaged(key: &[u8], value: &[u8]) -> bool {
    matches!(value, [WHOLE | CHECKED_WHOLE, ..]) && whole(key, value).is_none()
}

/// The error about a value that does not match its checksum.
pub(super) fn mismatch(key: &[u8]) -> Error {
    corrupt(key, "does not match its checksum")
}

/// The number of parts of a stored value.
pub(super) fn parts(value: &[u8]) -> u16 {
    match value {
        [SPLIT, count @ ..] => count.try_into().map_or(0, u16::from_le_bytes),
        [CHECKED_SPLIT, low, high, ..] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    }
}

/// About how many bytes the payload of a stored value has.
pub(super) fn size(value: &[u8]) -> usize {
    value.len() + usize::from(parts(value)) * MAX_VALUE_BYTES
}

fn joined(engine: &dyn Engine, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    let count = parts(value);
    let mut payload = Vec::new();
    for number in 0..count {
        let part = engine.get(&keys::part(key, number))?;
        payload.extend_from_slice(&part.ok_or_else(|| corrupt(key, "lacks a part"))?);
    }
    Ok(payload)
}

fn corrupt(key: &[u8], problem: &str) -> Error {
    Error::corrupt(format!("{} {problem}", keys::describe(key)))
}

/// The payload under `key`, or `None`.
pub(super) fn get(engine: &dyn Engine, key: &[u8]) -> Result<Option<Vec<u8>>> {
    engine.get(key)?.map(|value| payload(engine, key, &value)).transpose()
}

/// [`put`] over an existing value: also removes the parts of that value which are not overwritten.
pub(super) fn replace(
    engine: &dyn Engine,
    batch: &mut Batch,
    key: Vec<u8>,
    payload: &[&[u8]],
) -> Result<()> {
    let length: usize = payload.iter().map(|piece| piece.len()).sum();
    let kept = if length <= MOST_WHOLE_BYTES { 0 } else { length.div_ceil(MAX_VALUE_BYTES) };
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

#[cfg(test)]
mod tests {
    use argon_core::ErrorKind;

    use super::*;
    use crate::engines::MemoryEngine;

    const KEY: &[u8] = b"Rname";

    /// An engine with what `put` wrote, and that.
    fn written(payload: &[u8]) -> (MemoryEngine, Batch) {
        let (engine, mut batch) = (MemoryEngine::new(), Batch::new());
        put(&mut batch, KEY.to_vec(), &[payload]).unwrap();
        engine.apply(batch.clone()).unwrap();
        (engine, batch)
    }

    fn overwrite(engine: &MemoryEngine, key: &[u8], value: &[u8]) {
        let (key, value) = (key.to_vec(), value.to_vec());
        engine.apply(vec![Write::Put { key, value }]).unwrap();
    }

    #[test]
    fn every_changed_byte_of_a_value_is_refused_and_the_record_named() {
        for payload in [&b"{}"[..], &[7; MOST_WHOLE_BYTES], &vec![7; MAX_VALUE_BYTES + 5]] {
            let (engine, rows) = written(payload);
            assert_eq!(get(&engine, KEY).unwrap().unwrap(), payload);
            for row in &rows {
                let Write::Put { key, value } = row else { unreachable!() };
                assert!(value.len() <= MAX_VALUE_BYTES);
                for at in (0..value.len()).step_by(1 + value.len() / 300) {
                    // To 0 and 1 it becomes a value of format 1, which has no checksum; nothing that is
                    // kept under a key reads with four bytes too many or one part too few.
                    let mut changed = value.clone();
                    changed[at] ^= 0x44;
                    overwrite(&engine, key, &changed);
                    let error = get(&engine, KEY).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}");
                    assert!(error.to_string().contains("the ref 'name'"), "{error}");
                }
                for length in (1..value.len()).step_by(1 + value.len() / 50) {
                    overwrite(&engine, key, &value[..length]);
                    assert!(get(&engine, KEY).is_err(), "cut to {length}");
                }
                overwrite(&engine, key, value);
            }
            assert_eq!(get(&engine, KEY).unwrap().unwrap(), payload);
        }
    }

    #[test]
    fn a_value_under_another_key_is_refused_in_a_walk_and_alone() {
        let empty = [5, 0, 0, 0, 0];
        let (engine, rows) = written(&empty);
        let Write::Put { value, .. } = &rows[0] else { unreachable!() };
        overwrite(&engine, b"Rother", value);
        assert!(get(&engine, b"Rother").is_err());
        assert!(matches!(
            StoredImage::of(KEY, value).unwrap(),
            StoredImage::Whole(Image::Document(document)) if document.as_bytes() == empty
        ));
        let other = StoredImage::of(b"Rother", value).unwrap();
        assert!(other.image(&engine, || b"Rother".to_vec()).is_err());
        assert!(is_damaged(b"Rother", value) && !is_damaged(KEY, value));
    }

    #[test]
    fn values_of_format_1_are_read_as_they_are() {
        let engine = MemoryEngine::new();
        overwrite(&engine, KEY, &[&[WHOLE][..], b"{}"].concat());
        assert_eq!(get(&engine, KEY).unwrap().unwrap(), b"{}");
        overwrite(&engine, KEY, &[SPLIT, 2, 0]);
        overwrite(&engine, &keys::part(KEY, 0), b"{");
        assert!(get(&engine, KEY).is_err(), "it lacks a part");
        overwrite(&engine, &keys::part(KEY, 1), b"}");
        assert_eq!(get(&engine, KEY).unwrap().unwrap(), b"{}");
        let mut batch = Batch::new();
        replace(&engine, &mut batch, KEY.to_vec(), &[b"x"]).unwrap();
        engine.apply(batch).unwrap();
        assert_eq!(engine.get(&keys::part(KEY, 1)).unwrap(), None, "its parts went");
        assert_eq!(get(&engine, KEY).unwrap().unwrap(), b"x");
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused() {
        let engine = MemoryEngine::new();
        for mark in 0..=4 {
            for length in 0..9 {
                overwrite(&engine, KEY, &[&[mark][..], &vec![0xff; length]].concat());
                let _ =
                    get(&engine, KEY).map_err(|error| assert_eq!(error.kind(), ErrorKind::Corrupt));
            }
        }
    }
}
