//! The findings of a check.

use std::fmt;

use crate::document::key::Key;
use crate::model::CollectionName;

/// The kind of check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Check {
    /// A document does not match a schema.
    Schema,
    /// Several documents have the same unique value.
    Unique,
    /// A document refers to a missing document.
    Reference,
    /// Indexes conflict with each other, or a document can't be indexed.
    Index,
}

impl Check {
    /// The name in JSON output.
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

/// A violation of a rule by a proposed state.
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
    /// The problem and what was expected, naming the field; without a full stop.
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
