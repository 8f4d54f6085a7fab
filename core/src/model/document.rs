//! Documents, checked once where they enter.

use std::sync::Arc;

use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};

use crate::key::Key;
use crate::{Error, Result};

/// The largest document, in bytes of BSON: MongoDB's 16 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// The deepest nesting of documents and arrays: MongoDB's 100 levels, the document itself included.
pub const MAX_DEPTH: usize = 100;

/// A BSON document that may be stored: every element decodes, it has an `_id` that MongoDB would
/// take, and it keeps to [`MAX_DOCUMENT_BYTES`] and [`MAX_DEPTH`].
///
/// Its bytes are kept as they came, to the last bit. Cheap to clone: clones share them.
#[derive(Clone, PartialEq)]
pub struct Document {
    raw: Arc<RawDocumentBuf>,
}

impl Document {
    /// Checks a document and gives it back with the key of its `_id`.
    ///
    /// # Errors
    /// `Invalid`, naming the rule that is broken.
    pub fn checked(raw: RawDocumentBuf) -> Result<(Key, Self)> {
        let size = raw.as_bytes().len();
        if size > MAX_DOCUMENT_BYTES {
            return Err(Error::invalid(format!(
                "the document has {size} bytes; at most {MAX_DOCUMENT_BYTES} are allowed, as in MongoDB"
            )));
        }
        check_nesting(&raw, 1)?;
        let id = raw.get("_id").map_err(malformed)?.ok_or_else(|| {
            Error::invalid("the document has no _id field; every stored document needs one")
        })?;
        let key = Key::of_id(id).map_err(|source| {
            Error::invalid(format!("the document's _id can't be used: {source}"))
                .with_source(source)
        })?;
        Ok((key, Self { raw: raw.into() }))
    }

    /// A document that a store gave back; only its framing is checked.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are no BSON document.
    pub fn from_stored(bytes: Vec<u8>) -> Result<Self> {
        RawDocumentBuf::from_bytes(bytes).map(|raw| Self { raw: raw.into() }).map_err(|source| {
            Error::corrupt("a stored document is not BSON; run `argon fsck`").with_source(source)
        })
    }

    /// The document, to read its fields.
    pub fn as_raw(&self) -> &RawDocument {
        &self.raw
    }

    /// The document as BSON bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.raw.as_bytes()
    }

    /// The document, given away; copies it if there are other clones.
    pub fn into_raw(self) -> RawDocumentBuf {
        Arc::unwrap_or_clone(self.raw)
    }

    /// The document as an owned tree.
    ///
    /// # Errors
    /// `Corrupt` when an element does not decode.
    pub fn to_bson(&self) -> Result<bson::Document> {
        bson::Document::try_from(self.as_raw()).map_err(crate::value::malformed)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.to_bson() {
            Ok(document) => write!(f, "{document}"),
            Err(_) => write!(f, "Document({} malformed bytes)", self.as_bytes().len()),
        }
    }
}

fn malformed(source: bson::error::Error) -> Error {
    Error::invalid(format!("the document is not valid BSON: {source}")).with_source(source)
}

/// Decodes every element of a document that is `depth` levels deep.
fn check_nesting(document: &RawDocument, depth: usize) -> Result<()> {
    check_depth(depth)?;
    document.into_iter().try_for_each(|element| check_value(element.map_err(malformed)?.1, depth))
}

fn check_value(value: RawBsonRef<'_>, depth: usize) -> Result<()> {
    match value {
        RawBsonRef::Document(inner) => check_nesting(inner, depth + 1),
        RawBsonRef::JavaScriptCodeWithScope(code) => check_nesting(code.scope, depth + 1),
        RawBsonRef::Array(inner) => {
            check_depth(depth + 1)?;
            inner.into_iter().try_for_each(|item| check_value(item.map_err(malformed)?, depth + 1))
        }
        _ => Ok(()),
    }
}

fn check_depth(depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::invalid(format!(
            "the document is nested deeper than {MAX_DEPTH} levels, which is the most, as in MongoDB"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bson::{RawArrayBuf, rawdoc};

    use super::*;

    fn nested(levels: usize) -> RawDocumentBuf {
        (1..levels).fold(rawdoc! { "_id": 1 }, |inner, _| rawdoc! { "_id": 1, "a": inner })
    }

    #[test]
    fn a_hundred_levels_are_taken_and_one_more_is_refused() {
        assert!(Document::checked(nested(MAX_DEPTH)).is_ok());
        let error = Document::checked(nested(MAX_DEPTH + 1)).unwrap_err();
        assert!(error.to_string().contains("deeper than 100 levels"), "{error}");
    }

    #[test]
    fn sixteen_mebibytes_are_taken_and_one_byte_more_is_refused() {
        let overhead = rawdoc! { "_id": 1, "a": "" }.as_bytes().len();
        let sized = |size: usize| rawdoc! { "_id": 1, "a": "x".repeat(size - overhead) };
        assert!(Document::checked(sized(MAX_DOCUMENT_BYTES)).is_ok());
        let error = Document::checked(sized(MAX_DOCUMENT_BYTES + 1)).unwrap_err();
        assert!(error.to_string().contains("16777217 bytes"), "{error}");
    }

    #[test]
    fn an_id_that_mongodb_refuses_is_refused() {
        let error = Document::checked(rawdoc! { "a": 1 }).unwrap_err();
        assert!(error.to_string().contains("no _id"), "{error}");
        for id in [
            bson::RawBson::Array(RawArrayBuf::new()),
            bson::RawBson::Undefined,
            bson::RawBson::RegularExpression(bson::Regex {
                pattern: bson::cstr!("a").to_owned(),
                options: bson::cstr!("").to_owned(),
            }),
        ] {
            let mut document = RawDocumentBuf::new();
            document.append(bson::cstr!("_id"), id);
            assert!(Document::checked(document).is_err());
        }
    }
}
