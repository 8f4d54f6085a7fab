//! Values as bytes of a document.

use bson::raw::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::ElementType;

use crate::{Error, Result};

/// The maximum nesting of documents and arrays: MongoDB's 100 levels, including the document
/// itself.
pub const MAX_DEPTH: usize = 100;

/// A value inside a document: its type and its bytes. Equal if both are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub(crate) kind: ElementType,
    pub(crate) bytes: &'a [u8],
}

/// A value that is in none of the documents.
#[derive(Clone, Debug)]
pub(crate) struct NewValue {
    pub(crate) kind: ElementType,
    pub(crate) bytes: Vec<u8>,
}

/// A value with the name that identifies it on the other sides.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a, N> {
    pub(crate) name: N,
    pub(crate) value: Value<'a>,
}

impl<'a> Value<'a> {
    pub(crate) fn of(document: &'a RawDocument) -> Self {
        Self { kind: ElementType::EmbeddedDocument, bytes: document.as_bytes() }
    }

    pub(crate) fn is_document(&self) -> bool {
        self.kind == ElementType::EmbeddedDocument
    }

    pub(crate) fn is_array(&self) -> bool {
        self.kind == ElementType::Array
    }

    /// Returns whether the value contains values with a path.
    pub(crate) fn is_container(&self) -> bool {
        self.is_array() || self.is_document()
    }

    /// The value as a document or an array.
    pub(crate) fn as_document(&self) -> Result<&'a RawDocument> {
        RawDocument::from_bytes(self.bytes).map_err(malformed)
    }

    /// The fields of a document, or the elements of an array with their indexes.
    pub(crate) fn entries(&self) -> Result<Vec<Entry<'a, &'a str>>> {
        const LENGTH: usize = 4;
        let mut entries = Vec::new();
        let mut start = LENGTH;
        for element in self.as_document()?.iter_elements() {
            let element = element.map_err(malformed)?;
            let name = element.key().as_str();
            // The type, the name and its terminator precede the value.
            let from = start + name.len() + 2;
            start = from + element.size();
            let bytes = self.bytes.get(from..start).ok_or_else(overrun)?;
            entries.push(Entry { name, value: Value { kind: element.element_type(), bytes } });
        }
        Ok(entries)
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Result<Vec<Value<'a>>> {
        Ok(self.entries()?.into_iter().map(|entry| entry.value).collect())
    }

    /// The value as an owned one.
    pub(crate) fn to_raw_bson(self) -> Result<RawBson> {
        let mut writer = Writer::new();
        writer.put("", self);
        let document = writer.finish();
        let document = RawDocument::from_bytes(&document).map_err(malformed)?;
        let value = document.get("").map_err(malformed)?.ok_or_else(overrun)?;
        Ok(match value {
            // The conversion of `bson` sorts the options, and gives a different value.
            RawBsonRef::RegularExpression(regex) => RawBson::RegularExpression(bson::Regex {
                pattern: regex.pattern.to_owned(),
                options: regex.options.to_owned(),
            }),
            other => other.into(),
        })
    }
}

impl NewValue {
    pub(crate) fn of(value: &RawBson) -> Self {
        let kind = value.element_type();
        let mut document = RawDocumentBuf::new();
        document.append(cstr!(""), value.as_raw_bson_ref());
        let mut bytes = document.into_bytes();
        bytes.pop();
        // The length, the type, and the terminator of the empty name.
        bytes.drain(..6);
        Self { kind, bytes }
    }

    pub(crate) fn as_value(&self) -> Value<'_> {
        Value { kind: self.kind, bytes: &self.bytes }
    }
}

/// Writes the bytes of a document or an array.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(vec![0; 4])
    }

    /// Appends a field; its name must not contain a NUL.
    pub(crate) fn put(&mut self, name: &str, value: Value<'_>) {
        self.0.push(value.kind as u8);
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(0);
        self.0.extend_from_slice(value.bytes);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(0);
        // A length that does not fit exceeds the limit of a document, which the check of the whole
        // document reports.
        let length = i32::try_from(self.0.len()).unwrap_or(i32::MAX);
        self.0[..4].copy_from_slice(&length.to_le_bytes());
        self.0
    }
}

/// The error for a stored document that is not valid BSON.
pub(crate) fn malformed(source: bson::error::Error) -> Error {
    Error::corrupt("failed to decode a stored document").with_source(source)
}

fn overrun() -> Error {
    Error::corrupt("a value in a stored document is longer than the document")
}
