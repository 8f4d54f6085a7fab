//! What a check finds.

use std::fmt;

use crate::document::key::Key;
use crate::model::CollectionName;

/// The check that found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// A document does not suit a schema.
    Schema,
    /// Documents share what must be unique.
    Unique,
    /// A document names another that is not there.
    Reference,
    /// Indexes can't stand beside each other, or a document can't be in one.
    Index,
}

impl Check {
    /// Its name, as JSON output has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Unique => "unique",
            Self::Reference => "reference",
            Self::Index => "index",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule that a proposed state breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The check that found it.
    pub check: Check,
    /// The collection of the document.
    pub collection: CollectionName,
    /// The document's `_id`.
    pub key: Option<Key>,
    /// The field, dotted; `None` for the document itself, or several fields.
    pub path: Option<String>,
    /// What is wrong and what was expected, in words that name the field; without a full stop.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{} {key}: {}", self.collection, self.problem),
            None => write!(f, "{}: {}", self.collection, self.problem),
        }
    }
}
