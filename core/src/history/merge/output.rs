//! Writes the merged document.

use bson::spec::ElementType;

use crate::document::value::Value;

/// The bytes of an unfinished document; containers stay open until they are closed.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
}

/// An open container; its length is written when it is closed.
#[must_use]
pub(super) struct OpenContainer(usize);

impl Output {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(super) fn put(&mut self, name: &str, value: Value<'_>) {
        self.header(name, value.kind);
        self.bytes.extend_from_slice(value.bytes);
    }

    /// Begins a document or an array.
    pub(super) fn open(&mut self, name: &str, kind: ElementType) -> OpenContainer {
        self.header(name, kind);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        OpenContainer(start)
    }

    /// Closes the innermost open container.
    pub(super) fn close(&mut self, OpenContainer(start): OpenContainer) {
        self.bytes.push(0);
        // A length that does not fit exceeds the limit of a document, which the check of the merged
        // document reports.
        let length = i32::try_from(self.bytes.len() - start).unwrap_or(i32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Discards everything written after the output had this length.
    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    /// Returns the value of the only element, which has an empty name; `None` if there is none.
    pub(super) fn into_value(mut self) -> Option<(u8, Vec<u8>)> {
        let kind = *self.bytes.first()?;
        self.bytes.drain(..2);
        Some((kind, self.bytes))
    }

    fn header(&mut self, name: &str, kind: ElementType) {
        self.bytes.push(kind as u8);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
    }
}
