//! Creates and reads the deprecated `DBPointer`, whose fields the `bson` crate keeps private. Both
//! go through a document `{"": pointer}`, whose bytes are public.

use bson::Bson;
use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf, cstr};

const TYPE_TAG: u8 = 0x0c;
/// The document's length, the type tag, the empty name's NUL.
const HEAD: usize = 4 + 1 + 1;
const ID: usize = 12;

/// Creates the pointer; none if the namespace exceeds BSON's maximum length.
pub(super) fn build(namespace: &str, id: ObjectId) -> Option<Bson> {
    let string_length = namespace.len() + 1;
    let total = HEAD + 4 + string_length + ID + 1;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend(i32::try_from(total).ok()?.to_le_bytes());
    bytes.extend([TYPE_TAG, 0]);
    bytes.extend(i32::try_from(string_length).ok()?.to_le_bytes());
    bytes.extend(namespace.as_bytes());
    bytes.push(0);
    bytes.extend(id.bytes());
    bytes.push(0);
    let document = RawDocument::from_bytes(&bytes).ok()?;
    Bson::try_from(document.get("").ok()??).ok()
}

/// Returns the pointer's namespace and id; none for another value.
pub(super) fn parts(pointer: RawBsonRef<'_>) -> Option<(String, ObjectId)> {
    let RawBsonRef::DbPointer(pointer) = pointer else { return None };
    let mut document = RawDocumentBuf::new();
    document.append(cstr!(""), RawBsonRef::DbPointer(pointer));
    let value = document.as_bytes().get(HEAD..)?.strip_suffix(&[0])?;
    let (string, id) = value.split_at_checked(value.len().checked_sub(ID)?)?;
    let namespace = string.get(4..)?.strip_suffix(&[0])?;
    let namespace = std::str::from_utf8(namespace).ok()?.to_owned();
    Some((namespace, ObjectId::from_bytes(id.try_into().ok()?)))
}
