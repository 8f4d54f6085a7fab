//! Transactions: several commands in one commit, which read what they write.
//!
//! A [`Transaction`] reads the state in which it began, below what it has written so far. Its commit
//! requires that nobody else has changed the documents that it writes: the first committer wins.
//!
//! | file | content |
//! | --- | --- |
//! | `overlay.rs` | collections of a state below the writes of a transaction |
//! | `staged.rs` | a document that a transaction has written |

mod overlay;
mod staged;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{CollectionName, Document};
use argon_core::write::{Outcome, Receipt, WriteRequest};
use argon_core::{Backoff, Branch, CollectionView, Error, Result, State};
use bson::raw::{RawDocument, RawDocumentBuf};
use futures::TryStreamExt;
use futures::future::BoxFuture;

use crate::commands::{DeleteCommand, UpdateCommand, duplicate_id};
use crate::expression::Context;
use crate::find::Selection;
use crate::modify::{Change, Modified};
use crate::pipeline::{Execution, Limits, StateCollections};
use overlay::OverlayCollections;
use staged::{Staged, Writes};

/// Writes that become one commit, and are seen by the reads of the transaction.
///
/// Its time stays the same from its begin to its end. Memory: the documents that it writes, before
/// and after.
#[derive(Clone)]
pub struct Transaction {
    branch: Branch,
    state: State,
    context: Arc<Context>,
    writes: BTreeMap<CollectionName, Arc<Writes>>,
}

/// Computes what becomes of a document.
type Compute<'c> = dyn Fn(&RawDocument) -> Result<Change> + Sync + 'c;
/// Makes the document that is inserted if none matches.
type Insert<'i> = dyn Fn() -> Result<RawDocumentBuf> + Sync + 'i;

impl Transaction {
    /// Begins a transaction on the head of a branch.
    ///
    /// # Errors
    /// `NotFound` if the branch does not exist any more.
    pub async fn begin(branch: &Branch) -> Result<Self> {
        Ok(Self {
            branch: branch.clone(),
            state: branch.head().await?,
            context: Arc::new(Context::of(branch.environment())),
            writes: BTreeMap::new(),
        })
    }

    /// Runs `work` in a transaction and commits it; again from the beginning as often as others change
    /// the same documents meanwhile. `request` makes an empty request with its signature. Returns
    /// `None` for the commit if `work` changed nothing.
    ///
    /// # Errors
    /// Those of `work`, after which nothing is changed; `Conflict` if other writers are faster each time.
    pub async fn run<T>(
        branch: &Branch,
        request: &(dyn Fn() -> WriteRequest + Sync),
        work: &(dyn for<'t> Fn(&'t mut Self) -> BoxFuture<'t, Result<T>> + Sync),
    ) -> Result<(T, Option<Receipt>)> {
        let mut backoff = Backoff::new(branch.environment());
        while backoff.attempt().await {
            let mut transaction = Self::begin(branch).await?;
            let result = work(&mut transaction).await?;
            match transaction.submit(request()).await? {
                Outcome::Conflict(_) | Outcome::Moved { .. } => {}
                outcome => return Ok((result, outcome.receipt()?)),
            }
        }
        Err(Error::conflict(format!(
            "documents of branch '{}' were changed by others on every attempt; try again later",
            branch.name()
        )))
    }

    /// The state in which the transaction began.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether nothing is written yet.
    pub fn is_empty(&self) -> bool {
        self.writes.values().all(|writes| writes.is_empty())
    }

    /// What a query in the transaction runs with: it sees what was written so far, and other states of
    /// the project by revision.
    pub fn execution(&self) -> Execution {
        let (project, branch) = (self.branch.project().clone(), self.branch.name().clone());
        let base = StateCollections::new(self.state.clone()).with_project(project, branch);
        let collections = OverlayCollections { base, writes: self.writes.clone() };
        Execution::new(Arc::new(collections), self.context.clone(), Limits::default())
    }

    /// Inserts a document; one without an `_id` gets an `ObjectId`. Returns the key of its `_id`.
    ///
    /// # Errors
    /// `AlreadyExists` with MongoDB's code 11000 if the `_id` is in use; `Invalid` if the document can't
    /// be stored.
    pub async fn insert(
        &mut self,
        collection: &CollectionName,
        document: RawDocumentBuf,
    ) -> Result<Key> {
        let (key, document) = self.branch.collection(collection).with_id(document)?;
        if self.find(collection, &key).await?.after.is_some() {
            return Err(duplicate_id(collection, &key));
        }
        self.write(collection, key.clone(), Some(document)).await?;
        Ok(key)
    }

    /// Updates the documents that match.
    ///
    /// # Errors
    /// MongoDB's error of the filter or the update, with its code.
    pub async fn update(
        &mut self,
        collection: &CollectionName,
        command: &UpdateCommand,
    ) -> Result<Modified> {
        let environment = self.branch.environment().clone();
        let (selection, update) = command.compile(&environment)?;
        let change = |document: &RawDocument| update.change(document, &selection);
        let inserted = || update.inserted(&environment);
        let insert = command.upsert.then_some(&inserted as &Insert<'_>);
        self.modify(collection, &selection, command.many, &change, insert).await
    }

    /// Deletes the documents that match.
    ///
    /// # Errors
    /// MongoDB's error of the filter, with its code.
    pub async fn delete(
        &mut self,
        collection: &CollectionName,
        command: &DeleteCommand,
    ) -> Result<Modified> {
        let selection = command.compile(self.branch.environment())?;
        self.modify(collection, &selection, command.many, &|_| Ok(Change::Delete), None).await
    }

    /// Commits what was written; `request` is empty, with its signature. Returns `None` if nothing was
    /// changed.
    ///
    /// # Errors
    /// `Conflict` or `AlreadyExists` if others changed or inserted one of the documents since the
    /// transaction began; `Invalid` for more than a commit may hold. Nothing is changed then.
    pub async fn commit(self, request: WriteRequest) -> Result<Option<Receipt>> {
        self.submit(request).await?.receipt()
    }

    async fn submit(self, mut request: WriteRequest) -> Result<Outcome> {
        for (collection, writes) in self.writes {
            for (key, staged) in Arc::unwrap_or_clone(writes) {
                staged.add_to(&mut request, &collection, key)?;
            }
        }
        if request.is_empty() {
            return Ok(Outcome::Unchanged { skipped: 0 });
        }
        self.branch.commit(request).await
    }

    async fn modify(
        &mut self,
        collection: &CollectionName,
        selection: &Selection,
        many: bool,
        change: &Compute<'_>,
        insert: Option<&Insert<'_>>,
    ) -> Result<Modified> {
        let matching = self.matching(collection, selection, many).await?;
        let mut modified = Modified { matched: matching.len() as u64, ..Modified::default() };
        for (key, before) in matching {
            let after = match change(before.as_raw())? {
                Change::Keep => Some(before.clone()),
                Change::Replace(after) => Some(Document::checked(after)?.1),
                Change::Delete => None,
            };
            if after.as_ref().map(Document::as_bytes) != Some(before.as_bytes()) {
                modified.modified += 1;
                self.write(collection, key, after.clone()).await?;
            }
            modified.image = (!many).then_some((Some(before), after));
        }
        if let Some(insert) = insert.filter(|_| modified.matched == 0) {
            let key = self.insert(collection, insert()?).await?;
            let document = self.find(collection, &key).await?.after;
            let id =
                document.as_ref().and_then(|document| document.as_raw().get("_id").transpose());
            let id = id.transpose().map_err(crate::value::malformed)?;
            modified.upserted = id.map(crate::value::to_owned);
            modified.image = Some((None, document));
        }
        Ok(modified)
    }

    /// The documents that match, as they are after the writes so far; the first by `_id` only, unless
    /// `many`.
    async fn matching(
        &self,
        collection: &CollectionName,
        selection: &Selection,
        many: bool,
    ) -> Result<BTreeMap<Key, Document>> {
        let mut matching = BTreeMap::new();
        for (key, staged) in
            self.writes.get(collection).into_iter().flat_map(|writes| writes.iter())
        {
            if let Some(document) = &staged.after
                && selection.matches(document.as_raw())?
            {
                matching.insert(key.clone(), document.clone());
            }
        }
        if let Some(view) = self.view(collection)? {
            let mut stored = selection.read(&view);
            while let Some((key, version)) = stored.try_next().await? {
                if !self.writes.get(collection).is_some_and(|writes| writes.contains_key(&key)) {
                    matching.insert(key, version.document);
                    if !many {
                        break;
                    }
                }
            }
        }
        if !many && let Some((first, document)) = matching.pop_first() {
            return Ok(BTreeMap::from([(first, document)]));
        }
        Ok(matching)
    }

    /// A document as it is in the state and after the writes so far.
    async fn find(&self, collection: &CollectionName, key: &Key) -> Result<Staged> {
        if let Some(staged) = self.writes.get(collection).and_then(|writes| writes.get(key)) {
            return Ok(staged.clone());
        }
        let Some(view) = self.view(collection)? else { return Ok(Staged::default()) };
        let found = view.version(key).await?;
        Ok(found.map_or_else(Staged::default, |found| Staged {
            read: Some(found.changed_by),
            before: Some(found.document.clone()),
            after: Some(found.document),
        }))
    }

    async fn write(
        &mut self,
        collection: &CollectionName,
        key: Key,
        after: Option<Document>,
    ) -> Result<()> {
        let staged = Staged { after, ..self.find(collection, &key).await? };
        let writes = self.writes.entry(collection.clone()).or_default();
        Arc::make_mut(writes).insert(key, staged);
        Ok(())
    }

    fn view(&self, collection: &CollectionName) -> Result<Option<CollectionView>> {
        let exists = self.state.collections().any(|info| info.name == *collection);
        exists.then(|| self.state.collection(collection)).transpose()
    }
}
