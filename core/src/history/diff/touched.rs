//! The documents that commits touched, with the versions that these commits wrote.
//!
//! An index can't detect a missing row: an older version, or none, would be taken for the document.
//! Where the commits are read, they determine the required version.

use std::collections::BTreeMap;

use crate::document::key::Key;
use crate::model::{CollectionId, Lsn, Touched};
use crate::storage::Version;
use crate::store::State;
use crate::{Error, Result};

/// Touched documents, by collection and key.
pub(crate) type TouchedKeys = BTreeMap<CollectionId, BTreeMap<Key, Touches>>;

/// The last commits that touched a document between a common commit and two states; `None` if it
/// was not touched, or that is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Touches {
    pub(crate) before: Option<Touch>,
    pub(crate) after: Option<Touch>,
}

/// The effect of a commit on a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    lsn: Lsn,
    deleted: bool,
}

impl Touch {
    pub(crate) fn of(lsn: Lsn, change: &Touched) -> Self {
        Self { lsn, deleted: change.deleted }
    }

    /// Fails unless a state has the version of the document that this commit, the last to touch it
    /// there, wrote.
    fn check(self, key: &Key, found: Option<&Version>) -> Result<()> {
        let is_right = match found {
            None => self.deleted,
            Some(version) => !self.deleted && version.lsn == self.lsn,
        };
        if is_right {
            return Ok(());
        }
        let found = found.map_or("nothing".to_owned(), |version| format!("LSN {}", version.lsn));
        Err(Error::corrupt(format!(
            "the version of the document with _id {key} that commit {} wrote is missing (found: \
             {found})",
            self.lsn
        )))
    }
}

impl Touches {
    /// Adds the touches since another common commit.
    pub(crate) fn extend(&mut self, other: Self) {
        let newest = |a: Option<Touch>, b: Option<Touch>| {
            a.into_iter().chain(b).max_by_key(|touch| touch.lsn)
        };
        *self = Self {
            before: newest(self.before, other.before),
            after: newest(self.after, other.after),
        };
    }
}

/// Reads versions of documents in a state, and checks them against the last commits that touched
/// them there.
///
/// # Errors
/// `Corrupt` if one is missing.
pub(crate) async fn checked_versions<'a>(
    state: &State,
    collection: CollectionId,
    documents: impl Iterator<Item = (&'a Key, Option<Touch>)> + Clone,
) -> Result<Vec<Option<Version>>> {
    let keys = documents.clone().map(|(key, _)| key.clone()).collect();
    let found = state.materialize().get_many(state.view(), collection, keys).await?;
    // A mask may hide documents.
    if !state.is_masked() {
        for ((key, touch), found) in documents.zip(&found) {
            touch.map_or(Ok(()), |touch| touch.check(key, found.as_ref()))?;
        }
    }
    Ok(found)
}
