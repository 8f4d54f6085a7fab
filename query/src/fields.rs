//! The fields of a document that is being made.

use std::collections::HashMap;

use argon_core::Result;
use bson::raw::{RawBson, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::accumulator::size_of;
use crate::expression::field_name;
use crate::value::{malformed, to_owned};

/// Fields by name, in the order in which they came first: a new value takes the place of the old.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    entries: Vec<(String, RawBson)>,
    places: HashMap<String, usize>,
    size: usize,
}

impl Fields {
    /// Sets a field.
    pub(crate) fn set(&mut self, name: &str, value: RawBson) {
        self.size += size_of(value.as_raw_bson_ref());
        if let Some(place) = self.places.get(name) {
            let old = &mut self.entries[*place].1;
            self.size -= size_of(old.as_raw_bson_ref());
            *old = value;
            return;
        }
        self.size += 2 * name.len();
        self.places.insert(name.to_owned(), self.entries.len());
        self.entries.push((name.to_owned(), value));
    }

    /// Sets all fields of a document.
    ///
    /// # Errors
    /// `Corrupt` if it can't be decoded.
    pub(crate) fn set_all(&mut self, document: &RawDocument) -> Result<()> {
        for field in document {
            let (name, value) = field.map_err(malformed)?;
            self.set(name.as_str(), to_owned(value));
        }
        Ok(())
    }

    /// About how many bytes the fields take.
    pub(crate) fn memory(&self) -> usize {
        self.size
    }

    /// The document.
    ///
    /// # Errors
    /// If a name contains a NUL.
    pub(crate) fn to_document(&self) -> Result<RawDocumentBuf> {
        let mut document = RawDocumentBuf::new();
        for (name, value) in &self.entries {
            document.append(field_name(name)?, value.as_raw_bson_ref());
        }
        Ok(document)
    }
}

/// A copy of a document in which a field has another value, or none. A new field comes last.
///
/// # Errors
/// `Corrupt` if the document can't be decoded; an error if the name contains a NUL.
pub(crate) fn with_field(
    document: &RawDocument,
    name: &str,
    value: Option<RawBsonRef<'_>>,
) -> Result<RawDocumentBuf> {
    let mut changed = RawDocumentBuf::new();
    let mut pending = value;
    for field in document {
        let (other, old) = field.map_err(malformed)?;
        if other.as_str() != name {
            changed.append(other, old);
        } else if let Some(value) = pending.take() {
            changed.append(other, value);
        }
    }
    if let Some(value) = pending {
        changed.append(field_name(name)?, value);
    }
    Ok(changed)
}
