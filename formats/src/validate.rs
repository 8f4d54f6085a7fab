//! The validation of every document that is read or written.

use bson::error::Error as BsonError;
use bson::raw::{RawBsonRef, RawDocument, RawIter};

/// The maximum size of a document, in bytes: MongoDB's limit.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The maximum nesting: the document itself is level 1, each document or array in it one more.
///
/// Code with scope counts as two levels, as it does in Extended JSON, so that every valid document
/// can also be printed and parsed again.
pub const MAX_DEPTH: usize = 100;

/// The reason why a document is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDocument {
    /// Exceeds [`MAX_DOCUMENT_BYTES`].
    #[error("the document has {bytes} bytes; at most {MAX_DOCUMENT_BYTES} are allowed")]
    TooLarge {
        /// The size.
        bytes: usize,
    },
    /// Exceeds [`MAX_DEPTH`].
    #[error("the document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Not valid BSON: an invalid length, an invalid string, an unknown type.
    #[error("not valid BSON: {0}")]
    Malformed(#[from] BsonError),
}

/// Validates a document: its size, its depth, and that every element at every level decodes.
///
/// [`RawDocument`] itself only checks the outermost length. Linear in the size of the document.
pub fn validate(document: &RawDocument) -> Result<(), InvalidDocument> {
    let bytes = document.as_bytes().len();
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(InvalidDocument::TooLarge { bytes });
    }
    validate_elements(document.iter_elements(), 1)
}

fn validate_elements(elements: RawIter<'_>, depth: usize) -> Result<(), InvalidDocument> {
    if depth > MAX_DEPTH {
        return Err(InvalidDocument::TooDeep);
    }
    for element in elements {
        match element?.value()? {
            RawBsonRef::Document(inner) => validate_elements(inner.iter_elements(), depth + 1)?,
            RawBsonRef::Array(inner) => validate_elements(inner.iter_elements(), depth + 1)?,
            RawBsonRef::JavaScriptCodeWithScope(code) => {
                validate_elements(code.scope.iter_elements(), depth + 2)?;
            }
            _ => {}
        }
    }
    Ok(())
}
