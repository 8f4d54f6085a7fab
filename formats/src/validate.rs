//! The check that every document passes before it is given out or written.

use bson::error::Error as BsonError;
use bson::raw::{RawBsonRef, RawDocument, RawIter};

/// The largest document, in bytes: MongoDB's limit.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The deepest nesting: the document itself is level 1, each document or array in it one more.
///
/// Code with scope counts as two levels, as many as it has in Extended JSON, so that whatever is
/// valid can also be printed and parsed again.
pub const MAX_DEPTH: usize = 100;

/// Why a document is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDocument {
    /// Over [`MAX_DOCUMENT_BYTES`].
    #[error("the document has {bytes} bytes, more than the {MAX_DOCUMENT_BYTES} allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Over [`MAX_DEPTH`].
    #[error("the document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Bytes that aren't BSON: a wrong length, a bad string, an unknown type.
    #[error("not valid BSON: {0}")]
    Malformed(#[from] BsonError),
}

/// Checks a document whole: its size, its depth, and that every element at every level decodes.
///
/// [`RawDocument`] itself checks only the outermost length. Linear in the size of the document.
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
