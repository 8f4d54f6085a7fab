//! The fields of an index's key.

use bson::Bson;
use bson::raw::{RawBsonRef, RawDocument};

use super::index_hash;
use crate::document::key::{decode_first, encode};
use crate::document::path::Path;
use crate::document::{Undecided, walk};

/// A field of an index's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexField {
    dotted: String,
    path: Path,
    kind: FieldKind,
}

/// How an index orders the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// By value.
    Ascending,
    /// By value, the greatest first.
    Descending,
    /// By the hash of the value, for equality only.
    Hashed,
    /// By the paths of all fields, and the value at each.
    Wildcard,
}

impl FieldKind {
    /// Whether the entries are in an order of values.
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::Ascending | Self::Descending)
    }
}

impl IndexField {
    pub(super) fn new(dotted: &str, kind: FieldKind) -> Self {
        Self { dotted: dotted.to_owned(), path: Path::dotted(dotted), kind }
    }

    /// The path in MongoDB's notation; that of a wildcard index is `$**`, or ends with `.$**`.
    pub fn path(&self) -> &str {
        &self.dotted
    }

    /// The direction, or the kind.
    pub fn kind(&self) -> FieldKind {
        self.kind
    }

    pub(super) fn as_path(&self) -> &Path {
        &self.path
    }

    /// Whether a name in the path is a number, which may be a field or the position of an element.
    pub(super) fn has_number(&self) -> bool {
        let is_number = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        self.path.names().any(is_number)
    }

    /// Appends the value of this field to a key; a missing one is null.
    pub(super) fn put(&self, value: RawBsonRef<'_>, key: &mut Vec<u8>) -> Result<(), Undecided> {
        match self.kind {
            FieldKind::Hashed => put(RawBsonRef::Int64(index_hash(value)?), false, key),
            kind => put(value, kind == FieldKind::Descending, key),
        }
    }

    /// The value at the start of the rest of a key, and its length there; `None` if it can't be decoded.
    pub(super) fn take(&self, key: &[u8]) -> Option<(Bson, usize)> {
        match self.kind {
            FieldKind::Descending => {
                let inverted: Vec<u8> = key.iter().map(|byte| !byte).collect();
                decode_first(&inverted).ok()
            }
            _ => decode_first(key).ok(),
        }
    }

    /// Returns whether a value of the field is text, to which a collation applies.
    pub(super) fn has_text(&self, document: &RawDocument) -> Result<bool, Undecided> {
        let ask = &mut |value: Option<RawBsonRef<'_>>| Ok(value.is_some_and(is_text));
        walk::any(document, self.path.as_slice(), true, ask)
    }
}

/// Appends a value to a key.
pub(super) fn put(
    value: RawBsonRef<'_>,
    descending: bool,
    key: &mut Vec<u8>,
) -> Result<(), Undecided> {
    let start = key.len();
    encode(value, key).map_err(|_| Undecided::Malformed)?;
    if descending {
        key[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(())
}

fn is_text(value: RawBsonRef<'_>) -> bool {
    match value {
        RawBsonRef::String(_) | RawBsonRef::Symbol(_) => true,
        RawBsonRef::Document(document) => {
            document.iter().flatten().any(|(_, value)| is_text(value))
        }
        RawBsonRef::Array(array) => array.into_iter().flatten().any(is_text),
        _ => false,
    }
}
