//! What comes of a request.

use std::fmt;

use bson::DateTime;

use crate::document::key::Key;
use crate::model::{CollectionName, Digest, Lsn};
use crate::{DetailKey, Error, Result};

/// Proof of a durable commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its position.
    pub lsn: Lsn,
    /// Its time.
    pub time: DateTime,
    /// Its digest.
    pub digest: Digest,
    /// How many documents were written or deleted; the catalog's are not counted.
    pub changed: usize,
    /// How many changes were left out because of their [`Precondition`](crate::write::Precondition).
    pub skipped: usize,
}

/// What came of a write. A lost race is a value, not an error.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is committed and durable.
    Committed(Receipt),
    /// There was nothing to change, so there is no commit; so many changes were left out.
    Unchanged {
        /// How many changes were left out because of their conditions.
        skipped: usize,
    },
    /// A precondition did not hold, and nothing was changed.
    Conflict(Conflict),
    /// The branch has another head than the request [asked for](crate::write::WriteRequest::set_after),
    /// and nothing was changed.
    Moved {
        /// The position of that head.
        head: Lsn,
    },
}

/// Which precondition did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The collection.
    pub collection: CollectionName,
    /// The document; `None` when it is about the collection itself.
    pub key: Option<Key>,
    /// Why.
    pub reason: ConflictReason,
}

/// Why a precondition did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictReason {
    /// It is there already.
    Exists,
    /// It is not there.
    Missing,
    /// Another commit changed it: this one, or one that deleted it.
    ChangedBy(Option<Lsn>),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let collection = &self.collection;
        match (&self.key, self.reason) {
            (Some(key), ConflictReason::Exists) => {
                write!(f, "collection '{collection}' has a document with _id {key} already")
            }
            (Some(key), ConflictReason::Missing) => {
                write!(f, "collection '{collection}' has no document with _id {key}")
            }
            (Some(key), ConflictReason::ChangedBy(Some(lsn))) => write!(
                f,
                "the document with _id {key} in collection '{collection}' was changed by commit {lsn} meanwhile"
            ),
            (Some(key), ConflictReason::ChangedBy(None)) => write!(
                f,
                "the document with _id {key} in collection '{collection}' was deleted meanwhile"
            ),
            (None, ConflictReason::Exists) => {
                write!(f, "there is a collection '{collection}' already")
            }
            (None, _) => write!(f, "there is no collection '{collection}'"),
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
    /// The receipt, for a caller to whom anything else is an error.
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

    /// The receipt, or `None` if there was nothing to change.
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
    Error::conflict(format!("the branch has moved on to LSN {head} meanwhile; try again"))
}
