//! Changes of the documents that match a filter: updates and deletions.
//!
//! A change is computed from a document that was read, and is committed under the precondition that
//! nobody changed the document meanwhile. After a lost race only the document in question is read
//! again.

use std::collections::{BTreeMap, BTreeSet};

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document, MAX_COMMIT_BYTES, Point};
use argon_core::write::{Conflict, ConflictReason, Outcome, Precondition, Receipt, WriteRequest};
use argon_core::{Backoff, Branch, CollectionView, Error, ErrorKind, Result, State};
use bson::raw::{RawBson, RawDocument, RawDocumentBuf};
use futures::TryStreamExt;

use crate::commands::duplicate_id_as;
use crate::find::Selection;
use crate::sort::SortPattern;

/// What becomes of a document that matches.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It stays as it is.
    Keep,
    /// It becomes another one with the same `_id`. It counts as modified even if the two are equal, as
    /// MongoDB counts a replacement without `_id`.
    Replace(RawDocumentBuf),
    /// It is deleted.
    Delete,
}

/// The changes of the documents of a collection.
pub struct Modify<'m> {
    /// The collection, which need not exist.
    pub collection: &'m CollectionName,
    /// The documents.
    pub selection: &'m Selection,
    /// Whether all that match are changed, or only the [first](Selection::first).
    pub many: bool,
    /// The order in which the first document is meant; `None` for that in which they are read.
    pub sort: Option<&'m SortPattern>,
    /// Computes the change of a document.
    pub change: &'m (dyn Fn(&RawDocument) -> Result<Change> + Sync),
    /// Makes the document that is inserted if none matches; `None` if none is.
    pub upsert: Option<&'m (dyn Fn() -> Result<RawDocumentBuf> + Sync)>,
    /// The state that was read: its documents are changed, unless others changed, inserted or deleted one
    /// of them after it. Without it, those of the head are, as often as others are faster.
    pub state: Option<&'m State>,
    /// Makes an empty request, with its signature.
    pub request: &'m (dyn Fn() -> WriteRequest + Sync),
}

/// What was changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Modified {
    /// The number of documents that matched.
    pub matched: u64,
    /// The number of documents that were changed or deleted.
    pub modified: u64,
    /// The `_id` of the document that was inserted.
    pub upserted: Option<RawBson>,
    /// The document before and after the change, if one was changed and not many.
    pub image: Option<(Option<Document>, Option<Document>)>,
    /// The commit; `None` if nothing was changed.
    pub receipt: Option<Receipt>,
    /// What others changed after the state that was read; nothing was changed then.
    pub conflict: Option<Conflict>,
}

/// A document that matched, and what becomes of it.
struct Planned {
    read: Point,
    /// The document, if its image is wanted.
    before: Option<Document>,
    becomes: Becomes,
}

/// A change whose document was checked.
enum Becomes {
    Same,
    /// Another one that is equal to it, so that nothing is written.
    Equal,
    Replaced(Document),
    Deleted,
}

impl Modify<'_> {
    /// Makes the changes in one commit, all of them or none.
    ///
    /// # Errors
    /// The error of the computation of a change; `Conflict` if other writers are faster each time;
    /// `Invalid` if the changes are too many for a commit.
    pub async fn run(&self, branch: &Branch) -> Result<Modified> {
        let mut backoff = Backoff::new(branch.environment());
        let mut planned = self.read(branch).await?;
        if let Some(conflict) = self.find_newer(branch, &planned).await? {
            return Ok(Modified { conflict: Some(conflict), ..Modified::default() });
        }
        let mut repaired = BTreeSet::new();
        let mut is_new = true;
        while is_new || backoff.attempt().await {
            let (request, mut modified) = self.prepare(branch, &planned)?;
            let Some(request) = request else { return Ok(modified) };
            match branch.commit(request).await? {
                Outcome::Committed(receipt) => {
                    modified.receipt = Some(receipt);
                    return Ok(modified);
                }
                Outcome::Unchanged { .. } => return Ok(modified),
                Outcome::Conflict(conflict) if self.state.is_some() => {
                    return Ok(Modified { conflict: Some(conflict), ..Modified::default() });
                }
                Outcome::Conflict(conflict) => {
                    let was_empty = planned.is_empty();
                    self.read_again(branch, &mut planned, &conflict).await?;
                    if was_empty && planned.is_empty() && conflict.reason == ConflictReason::Exists
                    {
                        return Err(self.duplicate_key(&conflict));
                    }
                    // A document that others changed once is no contention.
                    is_new = repaired.insert(conflict.key);
                }
                Outcome::Moved { head } => {
                    return Err(Error::conflict(format!("the branch moved to LSN {head}")));
                }
            }
        }
        Err(Error::conflict(format!(
            "documents of collection '{}' were changed by others on every attempt; try again later",
            self.collection
        )))
    }

    async fn read(&self, branch: &Branch) -> Result<BTreeMap<Key, Planned>> {
        let (mut planned, mut bytes) = (BTreeMap::new(), 0);
        let Some(collection) = self.view(branch).await? else { return Ok(planned) };
        if !self.many {
            if let Some((key, version)) = self.selection.first(&collection, self.sort).await? {
                let read = collection.point_of(version.lsn)?;
                planned.insert(key, self.plan(read, version.document)?);
            }
            return Ok(planned);
        }
        let mut matching = self.selection.read(&collection);
        while let Some((key, version)) = matching.try_next().await? {
            let read = collection.point_of(version.lsn)?;
            let found = self.plan(read, version.document)?;
            if let Becomes::Replaced(after) = &found.becomes {
                bytes += after.as_bytes().len();
                if bytes > MAX_COMMIT_BYTES {
                    return Err(Error::invalid(format!(
                        "the update makes more than {MAX_COMMIT_BYTES} bytes of documents, which \
                         is the most of a commit; update fewer documents at a time"
                    )));
                }
            }
            planned.insert(key, found);
        }
        Ok(planned)
    }

    /// Computes the change of a document.
    fn plan(&self, read: Point, document: Document) -> Result<Planned> {
        let becomes = match (self.change)(document.as_raw())? {
            Change::Replace(after) if after.as_bytes() != document.as_bytes() => {
                Becomes::Replaced(Document::checked(after)?.1)
            }
            Change::Replace(_) => Becomes::Equal,
            Change::Keep => Becomes::Same,
            Change::Delete => Becomes::Deleted,
        };
        let before = (!self.many).then_some(document);
        Ok(Planned { read, before, becomes })
    }

    /// The error for an insertion whose `_id` is in use by a document that does not match.
    fn duplicate_key(&self, conflict: &Conflict) -> Error {
        match &conflict.key {
            Some(key) => duplicate_id_as(ErrorKind::Invalid, self.collection, key),
            None => conflict.clone().into(),
        }
    }

    async fn view(&self, branch: &Branch) -> Result<Option<CollectionView>> {
        let state = match self.state {
            Some(state) => state.clone(),
            None => branch.head().await?,
        };
        Ok(state.find_collection(self.collection))
    }

    /// A document that matches at the head, but did not so in the state that was read.
    async fn find_newer(
        &self,
        branch: &Branch,
        planned: &BTreeMap<Key, Planned>,
    ) -> Result<Option<Conflict>> {
        if self.state.is_none() || (!self.many && !planned.is_empty()) {
            return Ok(None);
        }
        let head = branch.head().await?;
        let Some(head) = head.find_collection(self.collection) else { return Ok(None) };
        let mut matching = self.selection.read(&head);
        while let Some((key, version)) = matching.try_next().await? {
            let read = head.point_of(version.lsn)?;
            if planned.get(&key).is_none_or(|planned| planned.read != read) {
                let reason = ConflictReason::ChangedBy(Some(version.lsn));
                let collection = self.collection.clone();
                return Ok(Some(Conflict { collection, key: Some(key), reason }));
            }
        }
        Ok(None)
    }

    /// The request with all changes; `None` if there is none.
    fn prepare(
        &self,
        branch: &Branch,
        planned: &BTreeMap<Key, Planned>,
    ) -> Result<(Option<WriteRequest>, Modified)> {
        let mut request = (self.request)();
        let mut modified = Modified { matched: planned.len() as u64, ..Modified::default() };
        for (key, Planned { read, before, becomes }) in planned {
            let condition = Precondition::ChangedBy(*read);
            let after = match becomes {
                Becomes::Replaced(after) => {
                    let collection = self.collection.clone();
                    request.put(collection, key.clone(), after.clone(), condition)?;
                    Some(after.clone())
                }
                Becomes::Deleted => {
                    request.delete(self.collection.clone(), key.clone(), condition);
                    None
                }
                Becomes::Same | Becomes::Equal => {
                    modified.modified += u64::from(matches!(becomes, Becomes::Equal));
                    modified.image = before.clone().map(|image| (Some(image.clone()), Some(image)));
                    continue;
                }
            };
            modified.modified += 1;
            modified.image = before.clone().map(|before| (Some(before), after));
        }
        if let Some(upsert) = self.upsert.filter(|_| planned.is_empty()) {
            let (key, document) = branch.collection(self.collection).with_id(upsert()?)?;
            let id = document.as_raw().get("_id").map_err(crate::value::malformed)?;
            modified.upserted = id.map(crate::value::to_owned);
            modified.image = Some((None, Some(document.clone())));
            request.put(self.collection.clone(), key, document, Precondition::Absent)?;
        }
        Ok(((!request.is_empty()).then_some(request), modified))
    }

    /// Reads the document of a conflict again. If none is left, all are.
    async fn read_again(
        &self,
        branch: &Branch,
        planned: &mut BTreeMap<Key, Planned>,
        conflict: &Conflict,
    ) -> Result<()> {
        let Some(key) = conflict.key.as_ref().filter(|key| planned.contains_key(*key)) else {
            // The document of an upsert, or the collection.
            if conflict.reason == ConflictReason::Exists || conflict.key.is_none() {
                *planned = self.read(branch).await?;
                return Ok(());
            }
            return Err(conflict.clone().into());
        };
        planned.remove(key);
        if let Some(collection) = self.view(branch).await?
            && let Some(found) = collection.version(key).await?
            && self.selection.matches(found.document.as_raw())?
        {
            planned.insert(key.clone(), self.plan(found.changed_by, found.document)?);
        }
        if planned.is_empty() {
            *planned = self.read(branch).await?;
        }
        Ok(())
    }
}
