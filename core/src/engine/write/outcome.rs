//! The outcome of a request.

use std::fmt;

use bson::DateTime;

use crate::document::key::Key;
use crate::model::{CollectionName, Digest, Lsn};
use crate::{DetailKey, Error, Result};

/// Proof of a durable commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The position.
    pub lsn: Lsn,
    /// The time.
    pub time: DateTime,
    /// The digest.
    pub digest: Digest,
    /// The number of written or deleted documents, without those of the catalog.
    pub changed: usize,
    /// The number of changes that were skipped by their
    /// [`Precondition`](crate::write::Precondition).
    pub skipped: usize,
}

/// The outcome of a write. A lost race is a value, not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is committed and durable.
    Committed(Receipt),
    /// There was nothing to change, so there is no commit.
    Unchanged {
        /// The number of changes that were skipped by their preconditions.
        skipped: usize,
    },
    /// A precondition failed, and nothing was changed.
    Conflict(Conflict),
    /// The branch has another head than the request
    /// [requires](crate::write::WriteRequest::set_after), and nothing was changed.
    Moved {
        /// The position of that head.
        head: Lsn,
    },
}

/// A failed precondition.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The collection.
    pub collection: CollectionName,
    /// The document; `None` for the collection itself.
    pub key: Option<Key>,
    /// The reason.
    pub reason: ConflictReason,
}

/// The reason why a precondition failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictReason {
    /// It already exists.
    Exists,
    /// It does not exist.
    Missing,
    /// Another commit changed it: this one, or `None` if it was deleted.
    ChangedBy(Option<Lsn>),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collection = &self.collection;
        match (&self.key, self.reason) {
            (Some(key), ConflictReason::Exists) => {
                write!(f, "collection '{collection}' already has a document with _id {key}")
            }
            (Some(key), ConflictReason::Missing) => {
                write!(f, "collection '{collection}' has no document with _id {key}")
            }
            (Some(key), ConflictReason::ChangedBy(Some(lsn))) => write!(
                f,
                "the document with _id {key} in collection '{collection}' was concurrently changed \
                 by commit {lsn}"
            ),
            (Some(key), ConflictReason::ChangedBy(None)) => write!(
                f,
                "the document with _id {key} in collection '{collection}' was concurrently deleted"
            ),
            (None, ConflictReason::Exists) => {
                write!(f, "collection '{collection}' already exists")
            }
            (None, _) => write!(f, "unknown collection '{collection}'"),
        }
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        let message = conflict.to_string();
        let error = match conflict.reason {
            ConflictReason::Exists => Error::already_exists(message),
            ConflictReason::Missing => Error::not_found(message),
            ConflictReason::ChangedBy(_) => Error::conflict(message),
        }
        .with_detail(DetailKey::Collection, conflict.collection.as_str());
        let error = match &conflict.key {
            Some(key) => error.with_detail(DetailKey::Id, key.to_string()),
            None => error,
        };
        match conflict.reason {
            ConflictReason::ChangedBy(Some(lsn)) => error.with_detail(DetailKey::Lsn, lsn.get()),
            _ => error,
        }
    }
}

impl Outcome {
    /// Whether the request was met: it is committed, or there was nothing to change.
    pub(crate) fn is_met(&self) -> bool {
        matches!(self, Self::Committed(_) | Self::Unchanged { .. })
    }

    /// Returns the receipt, for a caller that treats any other outcome as an error.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` or `Conflict` for a conflict; `NotFound` if nothing was changed.
    pub fn committed(self) -> Result<Receipt> {
        match self {
            Outcome::Committed(receipt) => Ok(receipt),
            Outcome::Unchanged { .. } => Err(Error::not_found("there was nothing to change")),
            Outcome::Conflict(conflict) => Err(conflict.into()),
            Outcome::Moved { head } => Err(moved(head)),
        }
    }

    /// Returns the receipt, or `None` if there was nothing to change.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` or `Conflict` for a conflict.
    pub fn receipt(self) -> Result<Option<Receipt>> {
        match self {
            Outcome::Committed(receipt) => Ok(Some(receipt)),
            Outcome::Unchanged { .. } => Ok(None),
            Outcome::Conflict(conflict) => Err(conflict.into()),
            Outcome::Moved { head } => Err(moved(head)),
        }
    }
}

fn moved(head: Lsn) -> Error {
    Error::conflict(format!("the branch has concurrently moved to LSN {head}; try again"))
}
