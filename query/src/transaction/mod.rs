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
use argon_core::write::{Conflict, ConflictReason, Outcome, Receipt, WriteRequest};
use argon_core::{Backoff, Branch, Error, Result, State};
use bson::raw::{RawDocument, RawDocumentBuf};
use futures::TryStreamExt;
use futures::future::BoxFuture;

use crate::commands::{
    DeleteCommand, FindAndModifyCommand, FoundAndModified, UpdateCommand, duplicate_id,
};
use crate::expression::Context;
use crate::find::{Access, Find, FindCommand, Selection};
use crate::modify::{Change, Modified};
use crate::pipeline::{Execution, Limits, StateCollections};
use crate::value::{malformed, to_owned};
use overlay::OverlayCollections;
use staged::{Staged, Writes};

/// Writes that become one commit, and are seen by the reads of the transaction.
///
/// Each command is applied as a whole, or not at all if it fails. The time stays the same from the begin
/// to the end. Memory: the documents that are written, before and after.
#[derive(Clone)]
pub struct Transaction {
    branch: Branch,
    state: State,
    context: Arc<Context>,
    writes: BTreeMap<CollectionName, Arc<Writes>>,
}

/// Names the type that the work of [`Transaction::run`] has for every lifetime, where a closure alone would have
/// that of one.
pub fn work<T>(
    work: impl for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T>> + Sync,
) -> impl for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T>> + Sync {
    work
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
        Ok(Self::begin_at(branch, branch.head().await?))
    }

    /// Begins a transaction on a state of the branch's history. What others have changed since is in
    /// the way of its commit, as far as it writes the same documents.
    pub fn begin_at(branch: &Branch, state: State) -> Self {
        let (branch, context) = (branch.clone(), Arc::new(Context::of(branch.environment())));
        Self { branch, state, context, writes: BTreeMap::new() }
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
        self.writes.is_empty()
    }

    /// What a query in the transaction runs with: it sees what was written so far, and other states of
    /// the project by revision.
    pub fn execution(&self) -> Execution {
        let (project, branch) = (self.branch.project().clone(), self.branch.name().clone());
        let base = StateCollections::new(self.state.clone()).with_project(project, branch);
        let collections = OverlayCollections { base, writes: self.writes.clone() };
        Execution::new(Arc::new(collections), self.context.clone(), Limits::default())
    }

    /// Inserts documents, all of them or none; one without an `_id` gets an `ObjectId`. Returns the keys of
    /// their `_id`s in order.
    ///
    /// # Errors
    /// `AlreadyExists` with MongoDB's code 11000 if an `_id` is in use or occurs twice; `Invalid` if a
    /// document can't be stored.
    pub async fn insert(
        &mut self,
        collection: &CollectionName,
        documents: impl IntoIterator<Item = RawDocumentBuf>,
    ) -> Result<Vec<Key>> {
        let (mut keys, mut inserted) = (Vec::new(), Writes::new());
        for document in documents {
            let (key, document) = self.branch.collection(collection).with_id(document)?;
            let found = self.find(collection, &key).await?;
            let is_present = found.after.is_some();
            let staged = Staged { after: Some(document), ..found };
            if is_present || inserted.insert(key.clone(), staged).is_some() {
                return Err(duplicate_id(collection, &key));
            }
            keys.push(key);
        }
        self.write(collection, inserted);
        Ok(keys)
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
        let matching = match command.sort()? {
            Some(_) => self.first(collection, &command.find()).await?,
            None => self.matching(collection, &selection, command.many).await?,
        };
        self.modify(collection, matching, command.many, &change, insert).await
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
        let matching = self.matching(collection, &selection, command.many).await?;
        self.modify(collection, matching, command.many, &|_| Ok(Change::Delete), None).await
    }

    /// Changes one document, and gives it.
    ///
    /// # Errors
    /// MongoDB's error of the filter, the sort, the projection or the update, with its code.
    pub async fn find_and_modify(
        &mut self,
        collection: &CollectionName,
        command: &FindAndModifyCommand,
    ) -> Result<FoundAndModified> {
        let compiled = command.compile(self.branch.environment())?;
        let change = |document: &RawDocument| compiled.change(document);
        let inserted = || compiled.inserted();
        let insert = compiled.may_insert.then_some(&inserted as &Insert<'_>);
        let matching = self.first(collection, &command.find()).await?;
        compiled.found(self.modify(collection, matching, false, &change, insert).await?)
    }

    /// Commits what was written; `request` is empty, with its signature. Returns `None` if nothing was
    /// changed.
    ///
    /// # Errors
    /// `Conflict` if others changed one of the documents since the transaction began; `AlreadyExists`
    /// with MongoDB's code 11000 if they inserted one, or have a value of a unique index; `Invalid` for
    /// more than a commit may hold. Nothing is changed then.
    pub async fn commit(self, request: WriteRequest) -> Result<Option<Receipt>> {
        match self.submit(request).await? {
            Outcome::Conflict(Conflict {
                collection,
                key: Some(key),
                reason: ConflictReason::Exists,
            }) => Err(duplicate_id(&collection, &key)),
            outcome => outcome.receipt(),
        }
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

    /// Changes documents, as they are after the writes so far; inserts one if there are none.
    async fn modify(
        &mut self,
        collection: &CollectionName,
        matching: Writes,
        many: bool,
        change: &Compute<'_>,
        insert: Option<&Insert<'_>>,
    ) -> Result<Modified> {
        let mut modified = Modified { matched: matching.len() as u64, ..Modified::default() };
        let mut changed = Writes::new();
        for (key, staged) in matching {
            let Some(before) = &staged.after else { continue };
            let change = change(before.as_raw())?;
            modified.modified += u64::from(change != Change::Keep);
            let after = match change {
                Change::Keep => Some(before.clone()),
                Change::Replace(after) => Some(Document::checked(after)?.1),
                Change::Delete => None,
            };
            modified.image = (!many).then(|| (Some(before.clone()), after.clone()));
            if after.as_ref().map(Document::as_bytes) != Some(before.as_bytes()) {
                changed.insert(key, Staged { after, ..staged });
            }
        }
        self.write(collection, changed);
        if let Some(insert) = insert.filter(|_| modified.matched == 0) {
            for key in self.insert(collection, [insert()?]).await? {
                let document = self.find(collection, &key).await?.after;
                let raw = document.as_ref().map(Document::as_raw);
                let id = raw.map(|raw| raw.get("_id")).transpose().map_err(malformed)?;
                modified.upserted = id.flatten().map(to_owned);
                modified.image = Some((None, document));
            }
        }
        Ok(modified)
    }

    /// The document that a query finds first, as it is after the writes so far.
    async fn first(&self, collection: &CollectionName, query: &FindCommand) -> Result<Writes> {
        let mut matching = Writes::new();
        let mut rows = Find::compile(query)?.run(collection.as_str(), &self.execution());
        if let Some(row) = rows.try_next().await?.and_then(|mut batch| batch.pop())
            && let Some(id) = row.as_raw().get("_id").map_err(malformed)?
        {
            let key = Key::of_id(id)?;
            let staged = self.find(collection, &key).await?;
            matching.insert(key, staged);
        }
        Ok(matching)
    }

    /// The documents that match, as they are after the writes so far; the first by `_id` only, unless
    /// `many`.
    async fn matching(
        &self,
        collection: &CollectionName,
        selection: &Selection,
        many: bool,
    ) -> Result<Writes> {
        let (mut matching, none) = (Writes::new(), Writes::new());
        let written = self.writes.get(collection).map_or(&none, |writes| &**writes);
        let candidates: Vec<_> = match Access::of(selection.query(), selection.collation()) {
            Access::Points(keys) => {
                keys.iter().filter_map(|key| written.get_key_value(key)).collect()
            }
            Access::Range { .. } => written.iter().collect(),
        };
        for (key, staged) in candidates {
            if let Some(document) = &staged.after
                && selection.matches(document.as_raw())?
            {
                matching.insert(key.clone(), staged.clone());
            }
        }
        if let Some(view) = self.state.find_collection(collection) {
            let mut stored = selection.read(&view);
            while let Some((key, version)) = stored.try_next().await? {
                if written.contains_key(&key) {
                    continue;
                }
                let read = view.point_of(version.lsn)?;
                matching.insert(key, Staged::of_stored(read, version.document));
                if !many {
                    break;
                }
            }
        }
        if !many {
            return Ok(matching.pop_first().into_iter().collect());
        }
        Ok(matching)
    }

    /// A document as it is in the state and after the writes so far.
    async fn find(&self, collection: &CollectionName, key: &Key) -> Result<Staged> {
        if let Some(staged) = self.writes.get(collection).and_then(|writes| writes.get(key)) {
            return Ok(staged.clone());
        }
        let Some(view) = self.state.find_collection(collection) else {
            return Ok(Staged::default());
        };
        let found = view.version(key).await?;
        Ok(found.map_or_else(Staged::default, |found| {
            Staged::of_stored(found.changed_by, found.document)
        }))
    }

    fn write(&mut self, collection: &CollectionName, changed: Writes) {
        if !changed.is_empty() {
            let writes = self.writes.entry(collection.clone()).or_default();
            Arc::make_mut(writes).extend(changed);
        }
    }
}
