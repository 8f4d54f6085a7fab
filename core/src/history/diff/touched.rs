//! Which documents commits touched, and what these commits say of them.
//!
//! A backend that reads by an index can't miss a row that is not there: an older version, or none, would
//! be taken for the document. Where the commits are at hand, they say which version it must be.

use std::collections::BTreeMap;

use crate::document::key::Key;
use crate::model::{CollectionId, Lsn, Touched};
use crate::storage::Version;
use crate::store::State;
use crate::{Error, Result};

/// Documents that were touched, by collection and key.
pub(crate) type TouchedKeys = BTreeMap<CollectionId, BTreeMap<Key, Touches>>;

/// The commits that touched a document last on the ways from a common commit to two states; none where
/// it was not touched, or that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Touches {
    pub(crate) before: Option<Touch>,
    pub(crate) after: Option<Touch>,
}

/// What a commit did to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    lsn: Lsn,
    deleted: bool,
}

impl Touch {
    pub(crate) fn of(lsn: Lsn, change: &Touched) -> Self {
        Self { lsn, deleted: change.deleted }
    }

    /// Fails unless a state has the document as this commit, the last that touched it there, left it.
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
            "the version of the document with _id {key} that commit {} wrote is missing (what is found \
             is {found})",
            self.lsn
        )))
    }
}

impl Touches {
    /// Adds what is known by another common commit.
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

/// The versions of some documents in a state, held to the commits that touched them last there.
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
    // A mask may hide what is there.
    if !state.is_masked() {
        for ((key, touch), found) in documents.zip(&found) {
            touch.map_or(Ok(()), |touch| touch.check(key, found.as_ref()))?;
        }
    }
    Ok(found)
}
