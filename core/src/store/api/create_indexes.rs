//! Creating indexes: makes their entries, and commits their definitions.
//!
//! The entries are made while others write. For the last step, the writers of this process wait, so that a busy one
//! does not outrun it again and again; one in another process may.

use std::collections::HashMap;
use std::sync::Arc;

use bson::Document as BsonDocument;
use futures::TryStreamExt;

use crate::document::Index;
use crate::document::key::Key;
use crate::engine::catalog::{CollectionInfo, id_index};
use crate::engine::index::build::{Build, Duplicate};
use crate::engine::index::compile;
use crate::engine::index::definitions::{check_kept, complete, known};
use crate::engine::index::readable::StateIndexes;
use crate::engine::rules::duplicate;
use crate::engine::write::{Outcome, Receipt, WriteRequest};
use crate::model::backoff::Backoff;
use crate::model::{CollectionName, Digest, Head, Timeline};
use crate::store::{Branch, State};
use crate::{Error, Result};

use super::indexes::maintained_identities;

/// An index that was created or built.
#[derive(Debug, Clone, PartialEq)]
pub struct CreatedIndex {
    /// The definition.
    pub definition: BsonDocument,
    /// The commit that added the definition; `None` if the collection had it already.
    pub commit: Option<Receipt>,
    /// Why no entries are kept, so that queries scan, as the rest of a sentence; `None` if they are.
    pub unbuilt: Option<String>,
}

/// Indexes that are being created.
struct Creation<'b> {
    branch: &'b Branch,
    collection: &'b CollectionName,
    indexes: Vec<NewIndex<'b>>,
}

struct NewIndex<'b> {
    definition: BsonDocument,
    /// Its entries so far, if they are kept and were not there before.
    build: Option<Build<'b>>,
    /// The state in which a scan has found no two documents with one value.
    scanned: Option<Head>,
}

/// The indexes of a collection at a head, with their entries.
struct Prepared {
    timeline: Timeline,
    head: Head,
    /// The definitions of the collection, with the new ones.
    all: Vec<BsonDocument>,
    /// What was asked for, each with whether it is new.
    created: Vec<(CreatedIndex, bool)>,
}

impl Branch {
    /// Creates an index: makes its entries, and commits its definition, which `request` signs.
    /// Other writers go on meanwhile, except for the last step. Without a message, the commit names the index. Creates
    /// the collection if required; a definition that it has already is no error, and makes no commit, but the entries
    /// if there are none.
    ///
    /// `definition` is in the format of MongoDB's `createIndexes`; without a name it gets
    /// MongoDB's default one.
    ///
    /// # Errors
    /// `AlreadyExists` if the index is unique and two documents have one value; `Invalid` for a
    /// malformed definition, for one that contradicts another index, and if a document can't be
    /// indexed; `Denied` for a masked branch. Then nothing is changed.
    pub async fn create_index(
        &self,
        collection: &CollectionName,
        definition: BsonDocument,
        request: &WriteRequest,
    ) -> Result<CreatedIndex> {
        let created = self.create_indexes(collection, vec![definition], request).await?.pop();
        created.ok_or_else(|| Error::internal("an index was not created"))
    }

    /// Creates indexes in one commit, as [`create_index`](Self::create_index) does: all of them, or none. Returns
    /// them in the order of their definitions.
    ///
    /// # Errors
    /// See [`create_index`](Self::create_index).
    pub async fn create_indexes(
        &self,
        collection: &CollectionName,
        definitions: Vec<BsonDocument>,
        request: &WriteRequest,
    ) -> Result<Vec<CreatedIndex>> {
        self.refuse_masked()?;
        let new = |definition| NewIndex { definition, build: None, scanned: None };
        let indexes = definitions.into_iter().map(|given| complete(given).map(new));
        let indexes = indexes.collect::<Result<Vec<_>>>()?;
        let _one_at_a_time = self.shared().building.lock().await;
        let mut creation = Creation { branch: self, collection, indexes };
        let mut backoff = Backoff::new(&self.shared().environment);
        while backoff.attempt().await {
            match creation.attempt(request).await {
                Ok(None) => {}
                Ok(Some(created)) => return Ok(created),
                Err(error) => {
                    creation.abandon().await?;
                    return Err(error);
                }
            }
        }
        creation.abandon().await?;
        Err(self.contended())
    }
}

impl Creation<'_> {
    /// One attempt; `None` if another process was faster. Keeps what is built for the next one.
    async fn attempt(&mut self, request: &WriteRequest) -> Result<Option<Vec<CreatedIndex>>> {
        let branch = self.branch;
        let prepared = self.prepare().await?;
        let is_new = |prepared: &Prepared| prepared.created.iter().any(|(_, is_new)| *is_new);
        if !is_new(&prepared) && self.indexes.iter().all(|index| index.build.is_none()) {
            return Ok(Some(prepared.finished(None)));
        }
        let held = branch.hold().await?;
        let mut prepared = self.prepare().await?;
        if !held.is_on(prepared.timeline.id) {
            return Ok(None);
        }
        let mut commit = None;
        if is_new(&prepared) {
            let (all, at) = (std::mem::take(&mut prepared.all), prepared.head.digest);
            let what = prepared.message(self.collection);
            let outcome =
                branch.set_indexes(&held, self.collection, all, request, (at, &what)).await?;
            match outcome {
                None | Some(Outcome::Moved { .. }) => return Ok(None),
                Some(outcome) => commit = Some(outcome.committed()?),
            }
        }
        for index in &mut self.indexes {
            if let Some(mut build) = index.build.take() {
                branch.complete(&mut build).await?;
            }
        }
        drop(held);
        // Another process may have made them too.
        branch.close_unneeded(self.collection).await?;
        Ok(Some(prepared.finished(commit)))
    }

    /// Makes the entries of the head, or adds those of the commits since, and checks the values of unique indexes.
    async fn prepare(&mut self) -> Result<Prepared> {
        let branch = self.branch;
        let (record, head) = branch.present().await?;
        let (state, timeline) = (branch.at(head.lsn).await?, record.timeline());
        let info = state.catalog().get(self.collection).cloned();
        let options = info.as_ref().map_or_else(BsonDocument::new, |info| info.options.clone());
        let mut all = match &info {
            Some(info) => info.listed_indexes().into_owned(),
            None => vec![id_index()],
        };
        if self.indexes.iter().all(|index| index.build.is_none()) {
            branch.remove_interrupted(timeline).await?;
        }
        let mut created = Vec::new();
        for index in &mut self.indexes {
            let existing = known(&all, &index.definition, &options)?;
            let is_new = existing.is_none();
            let definition = existing.unwrap_or_else(|| index.definition.clone());
            let unbuilt = branch.unbuilt(&definition, &options);
            if is_new {
                check_kept(&definition, &options)?;
                all.push(definition.clone());
            }
            if let (Some(info), None) = (&info, &unbuilt)
                && (is_new
                    || index.build.is_some()
                    || branch.lacks_entries(&state, timeline, info, &definition).await?)
            {
                branch.build_up_to(&mut index.build, timeline, head, info, &definition).await?;
            }
            if let (Some(info), true) = (&info, is_new) {
                // A view leaves out a timeline without commits, and the entries on it.
                let is_fresh = head.lsn == timeline.base_lsn();
                index.check_unique(branch, &state, info, (head, is_fresh)).await?;
            }
            created.push((CreatedIndex { definition, commit: None, unbuilt }, is_new));
        }
        Ok(Prepared { timeline, head, all, created })
    }

    /// Removes the entries of indexes that are not created.
    async fn abandon(&mut self) -> Result<()> {
        for index in &mut self.indexes {
            if let Some(build) = index.build.take() {
                build.abandon().await?;
            }
        }
        Ok(())
    }
}

impl NewIndex<'_> {
    /// Looks for two documents with one value, if the index is unique.
    async fn check_unique(
        &mut self,
        branch: &Branch,
        state: &State,
        info: &Arc<CollectionInfo>,
        (head, is_fresh): (Head, bool),
    ) -> Result<()> {
        let index = match Index::compile(&self.definition, &info.options) {
            Ok(index) if index.is_unique() => index,
            _ => return Ok(()),
        };
        match &mut self.build {
            Some(build) if !is_fresh => match build.duplicate().await? {
                Some(Duplicate { key, id, other }) => {
                    Err(duplicate(info, &index, &key, &id, &other))
                }
                None => Ok(()),
            },
            _ if self.scanned == Some(head) => Ok(()),
            _ => {
                branch.check_by_scan(state, info, &index).await?;
                self.scanned = Some(head);
                Ok(())
            }
        }
    }
}

impl Prepared {
    /// What the commit says without another message.
    fn message(&self, collection: &CollectionName) -> String {
        let new = self.created.iter().filter(|(_, is_new)| *is_new);
        let names: Vec<_> =
            new.filter_map(|(index, _)| index.definition.get_str("name").ok()).collect();
        let noun = if names.len() == 1 { "index" } else { "indexes" };
        format!("create {noun} {} on {collection}", names.join(", "))
    }

    /// The indexes, of which the new ones are in a commit.
    fn finished(self, commit: Option<Receipt>) -> Vec<CreatedIndex> {
        let of = |(index, is_new): (CreatedIndex, bool)| CreatedIndex {
            commit: commit.filter(|_| is_new),
            ..index
        };
        self.created.into_iter().map(of).collect()
    }
}

impl Branch {
    /// Whether a definition has no entries at the head of a timeline, such as one whose creation was
    /// interrupted.
    async fn lacks_entries(
        &self,
        head: &State,
        timeline: Timeline,
        info: &CollectionInfo,
        definition: &BsonDocument,
    ) -> Result<bool> {
        let Some(view) = head.find_collection(&info.name) else { return Ok(false) };
        let StateIndexes { unreadable, .. } = view.indexes().await?;
        let name = definition.get_str("name").unwrap_or_default();
        if !unreadable.iter().any(|index| index.name == name) {
            return Ok(false);
        }
        // A view leaves out a timeline without commits, and the entries on it.
        let Some(indexes) = self.shared().backend.indexes.as_deref() else { return Ok(false) };
        let identity = compile(definition)?.identity();
        let maintained = maintained_identities(indexes, timeline.id, info.id).await?;
        Ok(!maintained.iter().any(|(_, maintained)| *maintained == identity))
    }

    /// Looks for two documents with one value of a unique index whose entries are not kept. O(documents),
    /// with a digest of each value in memory.
    async fn check_by_scan(
        &self,
        state: &State,
        info: &CollectionInfo,
        index: &Index,
    ) -> Result<()> {
        let mut owners: HashMap<Digest, Key> = HashMap::new();
        let mut rows = state.unmasked_scan(info.id);
        while let Some((id, version)) = rows.try_next().await? {
            for key in index.entries_of(version.document.as_raw())?.keys {
                if let Some(other) = owners.insert(Digest::of(&key), id.clone()) {
                    return Err(duplicate(info, index, &key, &id, &other));
                }
            }
        }
        Ok(())
    }
}
