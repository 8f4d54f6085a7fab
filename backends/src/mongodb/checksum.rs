//! The checksums of stored documents, which every read verifies.
//!
//! The field `crc` of a document is the CRC32C of its fields, as a 32-bit integer. It covers the key
//! fields too, so a document in the wrong place is detected. Documents of format 1 have no checksum
//! and are accepted unverified.

use argon_core::model::TimelineId;
use argon_core::{Error, Result};
use bson::RawDocument;

use super::record::{int, missing, optional};

/// The field with the checksum.
pub(super) const FIELD: &str = "crc";

/// A checksum under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum(u32);

impl Sum {
    /// Starts the checksum of a document of this collection.
    pub(super) fn of(collection: &str) -> Self {
        Self(0).text(collection)
    }

    /// Adds bytes with their length.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        self.number(i64::try_from(bytes.len()).unwrap_or(i64::MAX)).end(bytes)
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn number(self, number: i64) -> Self {
        self.end(&number.to_le_bytes())
    }

    pub(super) fn id(self, timeline: TimelineId) -> Self {
        self.end(timeline.as_bytes())
    }

    /// Adds bytes that come last or have a fixed length.
    pub(super) fn end(self, bytes: &[u8]) -> Self {
        Self(crc32c::crc32c_append(self.0, bytes))
    }

    /// The stored form.
    pub(super) fn value(self) -> i32 {
        self.0.cast_signed()
    }
}

/// The stored checksum of a document; `None` in format 1.
pub(super) fn stored(row: &RawDocument, what: &str) -> Result<Option<i64>> {
    let Some(found) = optional(row, what, FIELD)? else { return Ok(None) };
    int(found).map(Some).ok_or_else(|| missing(what, FIELD))
}

/// Compares a checksum with the stored one, if any; `what` names the document in the error.
pub(super) fn check(stored: Option<i64>, sum: Sum, what: impl FnOnce() -> String) -> Result<()> {
    if stored.is_none_or(|stored| stored == i64::from(sum.value())) {
        return Ok(());
    }
    let what = what();
    Err(Error::corrupt(format!("{what} does not match its checksum")))
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn a_checksum_tells_fields_apart_and_its_value_does_not_change_between_versions() {
        let sum = Sum::of("refs").text("ab").text("c").end(b"value");
        assert_eq!(sum.value(), -1_420_684_307, "golden");
        assert_ne!(sum, Sum::of("refs").text("a").text("bc").end(b"value"));
        let row = rawdoc! { "crc": sum.value() };
        let found = stored(&row, "ref").unwrap();
        assert!(check(found, sum, || "x".to_owned()).is_ok());
        let error = check(found, sum.end(b"more"), || "the ref 'x'".to_owned()).unwrap_err();
        assert!(error.to_string().starts_with("the ref 'x' does not match its checksum"));
        assert!(check(Some(i64::MAX), sum, || "x".to_owned()).is_err());
        assert_eq!(stored(&rawdoc! {}, "ref").unwrap(), None);
        assert!(stored(&rawdoc! { "crc": "x" }, "ref").is_err());
    }
}
