//! Restores a part of a state, a collection or some documents of it, by a new commit.
//!
//! The rest of the branch stays as it is, and so does its history. A collection is found by its name;
//! one that was renamed since is restored under the name that was asked for.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use futures::TryStreamExt;

use crate::document::key::Key;
use crate::engine::catalog::{self, CollectionInfo};
use crate::engine::write::{Outcome, Receipt, WriteRequest};
use crate::history::checks::{self, Checked, Checks, Proposed};
use crate::history::diff::{CollectionDiff, DocumentDiff, compare_catalogs, touched_between};
use crate::model::{Change, CollectionId, CollectionName, Document, Image, Lsn, MAX_COMMIT_BYTES};
use crate::storage::{KeyRange, Version};
use crate::store::mask::refuse_masked;
use crate::store::{Branch, State};
use crate::{DetailKey, Error, Result};

/// The number of documents that are read at once.
const STEP: usize = 512;

/// A part of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The collection.
    pub collection: CollectionName,
    /// The documents; empty for all, with the options and indexes of the collection.
    pub ids: Vec<Key>,
}

/// The commit that restores a part of a state, before it is made.
pub struct PartialRestore {
    branch: Branch,
    /// The head of the branch.
    pub head: State,
    /// The collection if it is created, dropped, or gets other options or indexes.
    pub collections: Vec<CollectionDiff>,
    /// The documents that change, by `_id`; without those of a collection that is created or dropped.
    pub documents: Vec<DocumentDiff>,
    /// The number of documents with which the collection is created.
    pub created: u64,
    changes: Vec<Change>,
    proposed: Proposed,
}

/// Computes the commit that makes a part of a branch what it was in `target`. A collection or document
/// that `target` lacks is removed.
///
/// O(documents of the part that commits touched since the last common one); O(documents) for a
/// collection that exists in one of the states only, or was dropped and created again.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::model::{CollectionName, Lsn};
/// # use argon_core::restore::{Part, part};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let [users, orders] = [CollectionName::new("users")?, CollectionName::new("orders")?];
/// branch.collection(&users).insert(rawdoc! { "_id": 1 }).await?;
/// branch.collection(&orders).insert(rawdoc! { "_id": 1 }).await?;
/// branch.collection(&users).insert(rawdoc! { "_id": 2 }).await?;
///
/// let users = Part { collection: users, ids: Vec::new() };
/// let restore = part(&branch, &branch.at(Lsn::new(1)).await?, &users).await?;
/// assert_eq!(restore.documents.len(), 1);
/// restore.commit(branch.request()).await?;
/// let head = branch.head().await?;
/// assert_eq!(head.collection(&users.collection)?.count().await?, 1);
/// assert_eq!(head.collection(&orders)?.count().await?, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `NotFound` if neither state has the collection, or a document; `Invalid` if the changes are too
/// large for one commit; `Denied` for masked states.
pub async fn part(branch: &Branch, target: &State, part: &Part) -> Result<PartialRestore> {
    let head = branch.head().await?;
    refuse_masked(&head, "restore a part of")?;
    refuse_masked(target, "restore a part from")?;
    let present = head.catalog().get(&part.collection).map(|info| (**info).clone());
    let stored = target.catalog().get(&part.collection);
    let renamed = || present.as_ref().and_then(|info| target.catalog().by_id(info.id));
    let stored = stored.or_else(renamed).map(|info| (**info).clone());
    if present.is_none() && stored.is_none() {
        target.collection(&part.collection)?;
    }
    let mut work = Work {
        name: &part.collection,
        head: &head,
        target,
        catalog: Vec::new(),
        written: Vec::new(),
        documents: Vec::new(),
        created: 0,
        bytes: 0,
    };
    if part.ids.is_empty() {
        work.collection(present, stored).await?;
    } else {
        work.selected(present, stored, &part.ids).await?;
    }
    let Work { catalog, written, documents, created, .. } = work;
    let changes: Vec<Change> = catalog.into_iter().chain(written).collect();
    let proposed = Proposed::of(head.clone(), changes.iter().cloned())?;
    let keys: Vec<Key> =
        proposed.changed(CollectionId::CATALOG).map(|(key, _)| key.clone()).collect();
    let collections = compare_catalogs([head.catalog(), proposed.catalog()], &keys);
    let branch = branch.clone();
    Ok(PartialRestore { branch, head, collections, documents, created, changes, proposed })
}

impl PartialRestore {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Checks the result by the validators and indexes of the collections; returns at most `most`
    /// violations, and the rules that can't be checked.
    ///
    /// # Errors
    /// The errors of [`checks::run`].
    pub async fn check(&self, most: usize) -> Result<Checked> {
        checks::run(&Checks::default(), &self.proposed, most).await
    }

    /// Makes the commit. `request` is empty; its actor and message sign the commit.
    ///
    /// # Errors
    /// `Conflict` if the branch has moved; the errors of [`Branch::commit`].
    #[tracing::instrument(level = "info", skip_all, name = "restore_part", fields(branch = %self.branch.name()))]
    pub async fn commit(&self, mut request: WriteRequest) -> Result<Receipt> {
        request.set_after(self.head.last().await?.digest);
        for change in &self.changes {
            request.push_exact(change.clone())?;
        }
        match self.branch.commit(request).await? {
            Outcome::Moved { head } => Err(Error::conflict(format!(
                "branch '{}' has moved to LSN {head} since LSN {}, for which the restore was computed",
                self.branch.name(),
                self.head.lsn()
            ))),
            outcome => outcome.committed(),
        }
    }
}

struct Work<'a> {
    name: &'a CollectionName,
    head: &'a State,
    target: &'a State,
    /// Changes of the catalog.
    catalog: Vec<Change>,
    /// Changes of documents.
    written: Vec<Change>,
    documents: Vec<DocumentDiff>,
    created: u64,
    /// The bytes of the documents that are written.
    bytes: usize,
}

impl Work<'_> {
    /// All of a collection.
    async fn collection(
        &mut self,
        present: Option<CollectionInfo>,
        stored: Option<CollectionInfo>,
    ) -> Result<()> {
        match (present, stored) {
            (Some(present), Some(stored)) if present.id == stored.id => {
                let then = CollectionInfo { name: present.name.clone(), ..stored };
                if then != present {
                    self.catalog.push(catalog::change(&then, false)?);
                }
                self.touched(then.id).await
            }
            (present, stored) => {
                if let Some(present) = present {
                    self.catalog.push(catalog::change(&present, true)?);
                }
                match stored {
                    Some(stored) => self.create(stored).await,
                    None => Ok(()),
                }
            }
        }
    }

    /// The documents that commits touched in a collection of both states.
    async fn touched(&mut self, id: CollectionId) -> Result<()> {
        let touched = touched_between(self.head, self.target, |wanted| wanted == id).await?;
        let keys: Vec<Key> = touched
            .into_iter()
            .filter(|(of, _)| *of == id)
            .flat_map(|(_, keys)| keys.into_keys())
            .collect();
        for keys in keys.chunks(STEP) {
            self.compare([Some(id), Some(id)], id, keys).await?;
        }
        Ok(())
    }

    /// Creates the collection with its documents in the target. It continues the one that was dropped,
    /// so that it is the same collection in both states, unless that one has another name now.
    async fn create(&mut self, stored: CollectionInfo) -> Result<()> {
        let new = self.head.catalog().new_collection(self.name.clone());
        let is_elsewhere = self.head.catalog().by_id(stored.id).is_some();
        let id = if is_elsewhere { new.id } else { stored.id };
        let from = stored.id;
        let info = CollectionInfo { id, name: self.name.clone(), ..stored };
        self.catalog.push(catalog::change(&info, false)?);
        // A drop keeps the documents, so most of them may be stored already.
        let scan =
            |state: &State, id| state.materialize().scan(state.view(), id, KeyRange::default());
        let (mut old, mut new) = (scan(self.head, id), scan(self.target, from));
        let (mut left, mut right) = (old.try_next().await?, new.try_next().await?);
        loop {
            let order = match (&left, &right) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((left, _)), Some((right, _))) => left.cmp(right),
            };
            let before = if order.is_le() { left.take() } else { None };
            let after = if order.is_ge() { right.take() } else { None };
            self.created += u64::from(after.is_some());
            self.replace(id, before, after)?;
            if order.is_le() {
                left = old.try_next().await?;
            }
            if order.is_ge() {
                right = new.try_next().await?;
            }
        }
    }

    fn replace(
        &mut self,
        id: CollectionId,
        before: Option<(Key, Version)>,
        after: Option<(Key, Version)>,
    ) -> Result<()> {
        let document = |found: &Option<(Key, Version)>| {
            found.as_ref().map(|(_, version)| version.document.clone())
        };
        let (old, new) = (document(&before), document(&after));
        match after.or(before) {
            Some((key, _)) if old != new => self.write(id, key, new),
            _ => Ok(()),
        }
    }

    /// Some documents of a collection.
    async fn selected(
        &mut self,
        present: Option<CollectionInfo>,
        stored: Option<CollectionInfo>,
        ids: &[Key],
    ) -> Result<()> {
        let sides = [present.as_ref().map(|info| info.id), stored.as_ref().map(|info| info.id)];
        let into = present.unwrap_or_else(|| {
            let new = self.head.catalog().new_collection(self.name.clone());
            let (options, indexes) =
                stored.map_or_else(Default::default, |info| (info.options, info.indexes));
            CollectionInfo { options, indexes, ..new }
        });
        let keys: Vec<Key> = ids.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        for keys in keys.chunks(STEP) {
            let missing = self.compare(sides, into.id, keys).await?;
            if let Some(key) = missing {
                return Err(self.unknown(&key));
            }
        }
        if sides[0].is_none() && !self.written.is_empty() {
            self.catalog.push(catalog::change(&into, false)?);
        }
        Ok(())
    }

    /// Compares documents of the collection of the head with those of the target, and returns the first
    /// that is in neither.
    async fn compare(
        &mut self,
        [present, stored]: [Option<CollectionId>; 2],
        into: CollectionId,
        keys: &[Key],
    ) -> Result<Option<Key>> {
        let before = documents(self.head, present, keys).await?;
        let after = documents(self.target, stored, keys).await?;
        let mut missing = None;
        for (key, (before, after)) in keys.iter().zip(before.into_iter().zip(after)) {
            if before.is_none() && after.is_none() && missing.is_none() {
                missing = Some(key.clone());
            }
            if before == after {
                continue;
            }
            self.write(into, key.clone(), after.clone())?;
            let (collection, key) = (self.name.clone(), key.clone());
            self.documents.push(DocumentDiff { collection, key, before, after });
        }
        Ok(missing)
    }

    fn write(
        &mut self,
        collection: CollectionId,
        key: Key,
        document: Option<Document>,
    ) -> Result<()> {
        self.bytes += document.as_ref().map_or(0, |document| document.as_bytes().len());
        if self.bytes > MAX_COMMIT_BYTES {
            return Err(Error::invalid(format!(
                "the changes of collection '{}' are too large for one commit, which is limited to \
                 {MAX_COMMIT_BYTES} bytes of documents; restore documents by their _id, or reset the \
                 branch",
                self.name
            )));
        }
        let image = document.map_or(Image::Deleted, Image::Document);
        self.written.push(Change { collection, key, image });
        Ok(())
    }

    fn unknown(&self, key: &Key) -> Error {
        let at = |lsn: Lsn| format!("LSN {lsn}");
        Error::not_found(format!(
            "collection '{}' has no document with _id {key}, neither at {} nor at {}",
            self.name,
            at(self.target.lsn()),
            at(self.head.lsn())
        ))
        .with_detail(DetailKey::Collection, self.name.as_str())
    }
}

/// The documents of a collection of a state, which may not have the collection.
async fn documents(
    state: &State,
    collection: Option<CollectionId>,
    keys: &[Key],
) -> Result<Vec<Option<Document>>> {
    let Some(id) = collection else { return Ok(vec![None; keys.len()]) };
    let found = state.materialize().get_many(state.view(), id, keys.to_vec()).await?;
    Ok(found.into_iter().map(|version| version.map(|version| version.document)).collect())
}
