//! The fields of a DB pointer, to which `bson` has no access: both directions go through the bytes
//! of a document with the single element `{"": pointer}`.

use bson::{Bson, RawBson, RawBsonRef, RawDocumentBuf, raw::cstr, spec::ElementType};

use super::KeyError;

const ID_BYTES: usize = 12;
/// Document length, element type, empty name, length of the namespace.
const HEAD_BYTES: usize = 4 + 1 + 1 + 4;
/// NUL of the namespace, id, end of the document.
const TAIL_BYTES: usize = 1 + ID_BYTES + 1;

/// Returns the namespace and the id of a DB pointer.
///
/// Any other type gives [`KeyError::Malformed`].
pub(super) fn fields(pointer: RawBsonRef<'_>) -> Result<(String, [u8; ID_BYTES]), KeyError> {
    let not_a_pointer = KeyError::Malformed { offset: 0, expected: "a DB pointer" };
    if !matches!(pointer, RawBsonRef::DbPointer(_)) {
        return Err(not_a_pointer);
    }
    let mut document = RawDocumentBuf::new();
    document.append(cstr!(""), RawBson::from(pointer));
    let bytes = document.as_bytes();
    let namespace = bytes.get(HEAD_BYTES..bytes.len() - TAIL_BYTES);
    let id = bytes[..bytes.len() - 1].last_chunk();
    match (namespace.map(String::from_utf8_lossy), id) {
        (Some(namespace), Some(id)) => Ok((namespace.into_owned(), *id)),
        _ => Err(not_a_pointer),
    }
}

/// Creates a DB pointer with this namespace and id.
pub(super) fn build(namespace: &str, id: [u8; ID_BYTES]) -> Result<Bson, KeyError> {
    let too_long = |_| KeyError::TooLong { found: namespace.len(), limit: i32::MAX as usize };
    let total = HEAD_BYTES + namespace.len() + TAIL_BYTES;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(&i32::try_from(total).map_err(too_long)?.to_le_bytes());
    bytes.extend_from_slice(&[ElementType::DbPointer as u8, 0]);
    let with_nul = i32::try_from(namespace.len() + 1).map_err(too_long)?;
    bytes.extend_from_slice(&with_nul.to_le_bytes());
    bytes.extend_from_slice(namespace.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&id);
    bytes.push(0);
    let document = RawDocumentBuf::from_bytes(bytes)?;
    let pointer = document.get("")?.unwrap_or(RawBsonRef::Null);
    Ok(Bson::try_from(pointer)?)
}
