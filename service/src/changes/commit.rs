//! The changes of one commit.

use std::collections::HashMap;

use argon_core::diff::{CollectionDiff, DocumentDiff};
use argon_core::model::{Change as CommitChange, CollectionId, CollectionName, Commit};
use argon_core::{CollectionInfo, Error, Revision, State};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use schemars::JsonSchema;
use serde::Deserialize;

use super::lister::{Change, list};
use super::{ChangeFilter, Listing, Shown, ShownCommit};
use crate::{Failure, Result, Workspace, json};

/// Show one commit and its changes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ShowCommit {
    /// The state after the commit; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// Which changes are listed.
    #[serde(flatten)]
    pub filter: ChangeFilter,
    /// How the changes are listed.
    #[serde(flatten)]
    pub listing: Listing,
}

/// A commit, and the states before and after it.
pub struct CommitChanges {
    /// The commit.
    pub commit: Commit,
    /// The name of its history, mostly a branch.
    pub branch: String,
    before: State,
    after: State,
    filter: ChangeFilter,
}

/// Reads the commit that a revision names.
///
/// # Errors
/// `NotFound` if the state does not exist, or no commit precedes it; `Invalid` for a filter that can't be.
pub async fn commit(workspace: &Workspace, request: &ShowCommit) -> Result<CommitChanges> {
    request.filter.check()?;
    let (state, branch) = workspace.named_state(request.revision.as_ref()).await?;
    let commit = CommitChanges::last_of(&state, branch.as_str()).await?;
    Ok(CommitChanges { filter: request.filter.clone(), ..commit })
}

impl CommitChanges {
    /// The last commit of a state of the history that `branch` names.
    ///
    /// # Errors
    /// `NotFound` if no commit precedes the state.
    pub async fn last_of(after: &State, branch: &str) -> Result<Self> {
        let Some(commit) = argon_core::log::last_commit(after).await? else {
            let error = format!("the state of '{branch}' is empty: it has no commit");
            return Err(Error::not_found(error).into());
        };
        let before = after.at(commit.meta.lsn.back(1).unwrap_or_default()).await?;
        let (branch, after) = (branch.to_owned(), after.clone());
        Ok(Self { commit, branch, before, after, filter: ChangeFilter::default() })
    }

    /// The commit, then its changes: those of collections, then those of documents in the order of the commit.
    pub fn items(&self, listing: Listing) -> BoxStream<'_, Result<Shown, Failure>> {
        let (old, new) = (by_id(&self.before), by_id(&self.after));
        // The documents of a collection that was created follow one by one.
        let collections = collections(&old, &new).into_iter().filter(|diff| self.takes(diff));
        let collections = stream::iter(collections.collect::<Vec<_>>())
            .then(|diff| Change::of_collection(diff, &self.before));
        let changes = self.commit.changes.iter().filter_map(|change| {
            let earlier = old.get(&change.collection);
            let info = new.get(&change.collection).or(earlier)?;
            let names = [Some(info), earlier].into_iter().flatten();
            let is_taken = self.filter.takes_key(&change.key)
                && names.into_iter().any(|info| self.filter.takes_collection(info.name.as_str()));
            is_taken.then_some((change, earlier.map(|info| &info.name), &info.name))
        });
        let documents = stream::iter(changes.collect::<Vec<_>>())
            .then(|(change, earlier, name)| self.document(change, earlier, name));
        let shown = Shown::Commit(ShownCommit::of(&self.commit, &self.branch));
        list(Some(shown), collections.chain(documents), None, listing)
    }

    /// Whether a change of a collection itself is listed.
    fn takes(&self, diff: &CollectionDiff) -> bool {
        let names = match diff {
            CollectionDiff::Created(info) | CollectionDiff::Dropped(info) => [info, info],
            CollectionDiff::Changed { before, after } => [before, after],
        };
        self.filter.ids.is_empty()
            && names.iter().any(|info| self.filter.takes_collection(info.name.as_str()))
    }

    /// A change of a document; `earlier` is the name that the collection had before the commit.
    async fn document(
        &self,
        change: &CommitChange,
        earlier: Option<&CollectionName>,
        name: &CollectionName,
    ) -> Result<Change> {
        let before = match earlier {
            Some(earlier) => self.before.collection(earlier)?.get(&change.key).await?,
            None => None,
        };
        let (collection, key) = (name.clone(), change.key.clone());
        let after = change.image.clone().into_document();
        Ok(Change::Document(DocumentDiff { collection, key, before, after }))
    }
}

/// The collections of a state. The catalog is none of them.
fn by_id(state: &State) -> HashMap<CollectionId, &CollectionInfo> {
    state.collections().map(|info| (info.id, info)).collect()
}

/// The collections whose metadata differs, by name.
fn collections(
    old: &HashMap<CollectionId, &CollectionInfo>,
    new: &HashMap<CollectionId, &CollectionInfo>,
) -> Vec<CollectionDiff> {
    let mut differing: Vec<(&CollectionInfo, CollectionDiff)> = Vec::new();
    for (id, &before) in old {
        match new.get(id) {
            None => differing.push((before, CollectionDiff::Dropped(before.clone()))),
            Some(&after) if after != before => {
                let (before, now) = (before.clone(), after.clone());
                differing.push((after, CollectionDiff::Changed { before, after: now }));
            }
            Some(_) => {}
        }
    }
    let created = new.iter().filter(|(id, _)| !old.contains_key(id));
    differing.extend(created.map(|(_, &after)| (after, CollectionDiff::Created(after.clone()))));
    differing.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    differing.into_iter().map(|(_, diff)| diff).collect()
}
