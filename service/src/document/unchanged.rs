//! The condition that documents are as they were in an earlier state of the branch.

use argon_core::key::Key;
use argon_core::model::{CollectionName, Lsn};
use argon_core::storage::Version;
use argon_core::write::{Conflict, ConflictReason, Precondition};
use argon_core::{Branch, CollectionView, DetailKey, Error, State};
use argon_formats::extjson::{Layout, Mode, print_document};

use crate::{Failure, Result};

/// The state that somebody has read, and since which the documents that are written must not have changed.
pub(super) struct Unchanged {
    /// That state.
    pub(super) state: State,
}

impl Unchanged {
    /// The state of a branch at this position, if a request names one.
    ///
    /// # Errors
    /// `NotFound` if the branch has no such state, or it was collected.
    pub(super) async fn since(branch: &Branch, lsn: Option<u64>) -> Result<Option<Self>> {
        let Some(lsn) = lsn else { return Ok(None) };
        Ok(Some(Self { state: branch.at(Lsn::new(lsn)).await? }))
    }

    /// The conditions for these `_id`s, which must be in ascending order.
    pub(super) async fn preconditions(
        &self,
        collection: &CollectionName,
        ids: Vec<Key>,
    ) -> Result<Vec<Precondition>> {
        let Ok(view) = self.state.collection(collection) else {
            return Ok(vec![Precondition::Absent; ids.len()]);
        };
        let versions = view.versions(ids).await?.into_iter();
        let of_version = |version| -> Result<Precondition> {
            let Some(Version { lsn, .. }) = version else {
                return Ok(Precondition::Absent);
            };
            Ok(Precondition::ChangedBy(view.point_of(lsn)?))
        };
        versions.map(of_version).collect()
    }

    /// The refusal of a document that others have changed, with what it is now.
    pub(super) async fn refuse(&self, branch: &Branch, conflict: &Conflict) -> Failure {
        match self.describe(branch, conflict).await {
            Ok(error) => error.into(),
            Err(failure) => failure,
        }
    }

    /// The refusal to delete a document that was not in the state that was read.
    pub(super) async fn refuse_absent(
        &self,
        branch: &Branch,
        collection: &CollectionName,
        id: &Key,
    ) -> Failure {
        let found = async {
            let head = branch.head().await?;
            match head.collection(collection) {
                Ok(view) => Ok::<_, Error>(view.version(id).await?.is_some()),
                Err(_) => Ok(false),
            }
        };
        match found.await {
            Ok(true) => {
                let (collection, key) = (collection.clone(), Some(id.clone()));
                let reason = ConflictReason::Exists;
                self.refuse(branch, &Conflict { collection, key, reason }).await
            }
            Ok(false) => Error::not_found(format!(
                "collection '{collection}' has no document with _id {id} at LSN {}",
                self.state.lsn()
            ))
            .into(),
            Err(error) => error.into(),
        }
    }

    async fn describe(&self, branch: &Branch, conflict: &Conflict) -> Result<Error> {
        let Conflict { collection, key, .. } = conflict;
        let since = self.state.lsn();
        let Some(key) = key else {
            return Ok(Error::conflict(format!(
                "collection '{collection}' was changed after LSN {since}"
            ))
            .with_detail(DetailKey::Collection, collection.as_str()));
        };
        let head = branch.head().await?;
        let view: Option<CollectionView> = head.collection(collection).ok();
        let now = match &view {
            Some(view) => view.version(key).await?,
            None => None,
        };
        let what = format!("the document with _id {key} in collection '{collection}'");
        let error = match now {
            Some(now) => {
                let text = print_document(now.document.as_raw(), Mode::Relaxed, Layout::Compact)?;
                let lsn = now.changed_by.lsn;
                let how = match conflict.reason {
                    ConflictReason::Exists => "was inserted",
                    _ => "was changed",
                };
                Error::conflict(format!(
                    "{what} {how} by commit {lsn}, after LSN {since}; now: {text}"
                ))
                .with_detail(DetailKey::Lsn, lsn.get())
                .with_detail(DetailKey::Document, text)
            }
            None => Error::conflict(format!("{what} was deleted after LSN {since}")),
        };
        Ok(error
            .with_detail(DetailKey::Collection, collection.as_str())
            .with_detail(DetailKey::Id, key.to_string()))
    }
}
