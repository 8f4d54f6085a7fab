//! Values as the bytes that they are in a document.

use bson::raw::{RawBson, RawDocument, RawDocumentBuf, cstr};
use bson::spec::ElementType;

use crate::{Error, Result};

/// A value inside a document: its type and its bytes. Equal if both are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) kind: ElementType,
    pub(super) bytes: &'a [u8],
}

/// A value that is in none of the documents.
#[derive(Clone, Debug)]
pub(super) struct NewValue {
    pub(super) kind: ElementType,
    pub(super) bytes: Vec<u8>,
}

/// A value under the name by which it is found on the other sides.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a, N> {
    pub(super) name: N,
    pub(super) value: Value<'a>,
}

impl<'a> Value<'a> {
    pub(super) fn of(document: &'a RawDocument) -> Self {
        Self { kind: ElementType::EmbeddedDocument, bytes: document.as_bytes() }
    }

    pub(super) fn is_document(&self) -> bool {
        self.kind == ElementType::EmbeddedDocument
    }

    pub(super) fn is_array(&self) -> bool {
        self.kind == ElementType::Array
    }

    /// The bytes of a document or an array, as such.
    pub(super) fn as_document(&self) -> Result<&'a RawDocument> {
        RawDocument::from_bytes(self.bytes).map_err(malformed)
    }

    /// The fields of a document, or the elements of an array under their indexes.
    pub(super) fn entries(&self) -> Result<Vec<Entry<'a, &'a str>>> {
        const LENGTH: usize = 4;
        let mut entries = Vec::new();
        let mut start = LENGTH;
        for element in self.as_document()?.iter_elements() {
            let element = element.map_err(malformed)?;
            let name = element.key().as_str();
            // The type's byte, the name and the byte that ends it come before the value.
            let from = start + name.len() + 2;
            start = from + element.size();
            let bytes = self.bytes.get(from..start).ok_or_else(overrun)?;
            entries.push(Entry { name, value: Value { kind: element.element_type(), bytes } });
        }
        Ok(entries)
    }

    /// The elements of an array.
    pub(super) fn elements(&self) -> Result<Vec<Value<'a>>> {
        Ok(self.entries()?.into_iter().map(|entry| entry.value).collect())
    }

    /// The value by itself.
    pub(super) fn to_raw_bson(self) -> Result<RawBson> {
        let mut document = RawDocumentBuf::new().into_bytes();
        document.pop();
        document.extend_from_slice(&[self.kind as u8, 0]);
        document.extend_from_slice(self.bytes);
        document.push(0);
        let length = i32::try_from(document.len()).map_err(|_| overrun())?;
        document[..4].copy_from_slice(&length.to_le_bytes());
        let document = RawDocument::from_bytes(&document).map_err(malformed)?;
        let value = document.get("").map_err(malformed)?.ok_or_else(overrun)?;
        Ok(value.into())
    }
}

impl NewValue {
    pub(super) fn of(value: &RawBson) -> Self {
        let kind = value.element_type();
        let mut document = RawDocumentBuf::new();
        document.append(cstr!(""), value.as_raw_bson_ref());
        let mut bytes = document.into_bytes();
        bytes.pop();
        // The length, the type's byte, and the byte that ends the empty name.
        bytes.drain(..6);
        Self { kind, bytes }
    }

    pub(super) fn as_value(&self) -> Value<'_> {
        Value { kind: self.kind, bytes: &self.bytes }
    }
}

pub(super) fn malformed(source: bson::error::Error) -> Error {
    Error::corrupt("a stored document does not decode; run `argon fsck`").with_source(source)
}

fn overrun() -> Error {
    Error::corrupt("a value in a stored document is longer than the document; run `argon fsck`")
}
