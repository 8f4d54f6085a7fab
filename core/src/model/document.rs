//! Documents, which are checked once when they enter.

use std::sync::Arc;

use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};

use crate::document::key::Key;
use crate::document::value::MAX_DEPTH;
use crate::{Error, Result};

/// The maximum size of a document, in bytes of BSON: MongoDB's 16 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// A BSON document that may be stored: every element decodes, it has an `_id` that MongoDB accepts,
/// and it is within [`MAX_DOCUMENT_BYTES`] and [`MAX_DEPTH`].
///
/// Its bytes are kept unchanged. Cheap to clone: clones share them.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// Framed as a BSON document. One allocation: scans make many of these.
    bytes: Arc<[u8]>,
}

impl Document {
    /// Checks a document and returns it with the key of its `_id`.
    ///
    /// # Errors
    /// `Invalid`, naming the violated rule.
    pub fn checked(raw: RawDocumentBuf) -> Result<(Key, Self)> {
        let size = raw.as_bytes().len();
        if size > MAX_DOCUMENT_BYTES {
            return Err(Error::invalid(format!(
                "the document has {size} bytes; at most {MAX_DOCUMENT_BYTES} are allowed, as in \
                 MongoDB"
            )));
        }
        check_nesting(&raw, 1)?;
        let id = raw
            .get("_id")
            .map_err(malformed)?
            .ok_or_else(|| Error::invalid("missing required field _id in the document"))?;
        let key = Key::of_id(id).map_err(|source| {
            Error::invalid(format!("the document has an invalid _id: {source}")).with_source(source)
        })?;
        if let RawBsonRef::Document(id) = id {
            refuse_dollar_names(id)?;
        }
        Ok((key, Self { bytes: raw.into_bytes().into() }))
    }

    /// Moves the `_id` of a document before its other fields, as MongoDB does; a document without
    /// an `_id` is unchanged.
    ///
    /// # Errors
    /// `Invalid` if it is not BSON.
    pub fn with_id_first(raw: RawDocumentBuf) -> Result<RawDocumentBuf> {
        let place =
            raw.iter().position(|field| field.is_ok_and(|(name, _)| name.as_str() == "_id"));
        let Some(place) = place.filter(|place| *place > 0) else { return Ok(raw) };
        let fields = raw.iter().collect::<Result<Vec<_>, _>>().map_err(malformed)?;
        let others = fields[..place].iter().chain(&fields[place + 1..]);
        let ordered = std::iter::once(&fields[place]).chain(others);
        let mut document = RawDocumentBuf::new();
        ordered.for_each(|(name, value)| document.append(name, *value));
        Ok(document)
    }

    /// Creates a document from stored bytes; checks only its framing.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not a BSON document.
    pub fn from_stored(bytes: impl AsRef<[u8]>) -> Result<Self> {
        let raw = Self::view_stored(bytes.as_ref())?;
        Ok(Self { bytes: raw.as_bytes().into() })
    }

    /// Stored bytes as a document, without a copy; checks only its framing.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not a BSON document.
    pub fn view_stored(bytes: &[u8]) -> Result<&RawDocument> {
        RawDocument::from_bytes(bytes)
            .map_err(|source| Error::corrupt("a stored document is not BSON").with_source(source))
    }

    /// The document, for reading its fields.
    pub fn as_raw(&self) -> &RawDocument {
        #[expect(clippy::expect_used, reason = "a caller could do nothing about it")]
        RawDocument::from_bytes(&self.bytes).expect("each constructor checks the framing")
    }

    /// The document as BSON bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A copy of the document.
    pub fn into_raw(self) -> RawDocumentBuf {
        self.as_raw().to_owned()
    }

    /// The document as an owned tree.
    ///
    /// # Errors
    /// `Corrupt` if an element can't be decoded.
    pub fn to_bson(&self) -> Result<bson::Document> {
        bson::Document::try_from(self.as_raw()).map_err(crate::document::value::malformed)
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

/// Like MongoDB, refuses names that begin with `$` at any level of an `_id`, except those of a
/// reference: `{$ref: <string>, $id: …}`, optionally with `$db`, before other fields.
fn refuse_dollar_names(id: &RawDocument) -> Result<()> {
    let mut reference = 0;
    for (place, field) in id.iter().enumerate() {
        let (name, value) = field.map_err(malformed)?;
        let is_text = matches!(value, RawBsonRef::String(_));
        match (place, name.as_str()) {
            (0, "$ref") if is_text => reference = 1,
            (1, "$id") if reference == 1 => reference = 2,
            (2, "$db") if reference == 2 && is_text => {}
            (_, name) if name.starts_with('$') => {
                return Err(Error::invalid(format!(
                    "the document has an invalid _id: it has the field '{name}', but MongoDB \
                     allows no name that begins with $ in an _id"
                )));
            }
            _ => {}
        }
        refuse_dollar_names_in(value)?;
    }
    if reference == 1 {
        return Err(Error::invalid(
            "the document has an invalid _id: it has the field '$ref' without '$id' after it",
        ));
    }
    Ok(())
}

fn refuse_dollar_names_in(value: RawBsonRef<'_>) -> Result<()> {
    match value {
        RawBsonRef::Document(inner) => refuse_dollar_names(inner),
        RawBsonRef::Array(items) => {
            items.into_iter().try_for_each(|item| refuse_dollar_names_in(item.map_err(malformed)?))
        }
        _ => Ok(()),
    }
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
            "the document is nested deeper than {MAX_DEPTH} levels; at most that many are allowed, \
             as in MongoDB"
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
    fn an_id_with_a_name_that_begins_with_a_dollar_is_refused_unless_it_is_a_reference() {
        for id in [
            rawdoc! { "$a": 1 },
            rawdoc! { "a": 1, "$b": 2 },
            rawdoc! { "a": { "b": [1, { "$c": 2 }] } },
            rawdoc! { "$ref": "users" },
            rawdoc! { "$ref": 1, "$id": 2 },
            rawdoc! { "$id": 1, "$ref": "users" },
            rawdoc! { "$ref": "users", "$id": 1, "$x": 1 },
        ] {
            let error = Document::checked(rawdoc! { "_id": id.clone() }).expect_err("refused");
            assert!(error.to_string().contains("invalid _id: it has the field '$"), "{error}");
        }
        for id in [
            rawdoc! { "$ref": "users", "$id": 1 },
            rawdoc! { "a": { "$ref": "users", "$id": 1, "$db": "shop", "more": 1 } },
            rawdoc! { "a$": 1 },
        ] {
            assert!(Document::checked(rawdoc! { "_id": id.clone() }).is_ok(), "{id:?}");
        }
        assert!(Document::checked(rawdoc! { "_id": 1, "a": { "$b": 1 } }).is_ok());
    }

    #[test]
    fn an_id_is_moved_before_the_other_fields_which_keep_their_order() {
        let moved =
            Document::with_id_first(rawdoc! { "b": 1, "a": { "_id": 2 }, "_id": 3, "c": 4 });
        let expected = rawdoc! { "_id": 3, "b": 1, "a": { "_id": 2 }, "c": 4 };
        assert_eq!(moved.unwrap().as_bytes(), expected.as_bytes());
        for kept in [rawdoc! { "_id": 1, "a": 2 }, rawdoc! { "a": 1 }, rawdoc! {}] {
            assert_eq!(Document::with_id_first(kept.clone()).unwrap().as_bytes(), kept.as_bytes());
        }
    }

    #[test]
    fn an_id_that_mongodb_refuses_is_refused() {
        let error = Document::checked(rawdoc! { "a": 1 }).unwrap_err();
        assert!(error.to_string().contains("missing required field _id"), "{error}");
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
