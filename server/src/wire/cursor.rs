//! Reading fields from the bytes of a message.

use bson::raw::RawDocument;

use super::WireError;
use super::depth::is_shallow;

/// The bytes of a message that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'b>(pub(super) &'b [u8]);

impl<'b> Cursor<'b> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (array, rest) =
            self.0.split_first_chunk().ok_or(WireError::malformed("it ends within a number"))?;
        self.0 = rest;
        Ok(*array)
    }

    /// The next bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'b [u8], WireError> {
        let (bytes, rest) =
            self.0.split_at_checked(length).ok_or(WireError::malformed("a part is cut off"))?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A text that ends with a zero byte.
    pub(super) fn text(&mut self) -> Result<&'b str, WireError> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let end = end.ok_or(WireError::malformed("a name without an end"))?;
        let text = std::str::from_utf8(&self.0[..end])
            .map_err(|_| WireError::malformed("a name that is not UTF-8"))?;
        self.0 = &self.0[end + 1..];
        Ok(text)
    }

    /// A document. Its length, its end and its depth are checked, and nothing else.
    pub(super) fn document(&mut self) -> Result<&'b RawDocument, WireError> {
        let length = self.0.first_chunk().map(|length| i32::from_le_bytes(*length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(WireError::malformed("the length of a document"))?;
        let bytes = self.bytes(length)?;
        let document = RawDocument::from_bytes(bytes);
        let document = document.map_err(|_| WireError::malformed("a document"))?;
        if !is_shallow(document) {
            return Err(WireError::malformed("a document of more than 200 levels"));
        }
        Ok(document)
    }
}
