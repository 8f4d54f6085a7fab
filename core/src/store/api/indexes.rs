//! Indexes: their definitions, which are versioned with the collection, and their entries.

use std::collections::HashMap;

use bson::Document as BsonDocument;
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};

use crate::document::Index;
use crate::document::key::Key;
use crate::engine::catalog::{CollectionInfo, id_index};
use crate::engine::index::build::{Build, BuildContext, Duplicate};
use crate::engine::index::definitions::{check_kept, complete, known};
use crate::engine::index::readable::{
    LaterIndex, ReadableIndex, StateIndexes, indexes_of, later_indexes,
};
use crate::engine::index::{compile, determining};
use crate::engine::rules::duplicate;
use crate::engine::write::{CollectionChange, Outcome, Receipt, WriteRequest};
use crate::model::backoff::Backoff;
use crate::model::{CollectionId, CollectionName, Digest, Head, Message, Timeline, TimelineId};
use crate::storage::{Append, BuildId, BuildStatus, Direction, EntryRange, EntryStream, Indexes};
use crate::store::{Branch, CollectionView, State};
use crate::{DetailKey, Error, Result};

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

impl CollectionView {
    /// The indexes that queries of this state can use, and the others with the reason. Reads no
    /// documents. Behind a mask there are none, because entries are those of the originals.
    pub async fn indexes(&self) -> Result<StateIndexes> {
        let (state, info) = (self.state(), self.info());
        if state.is_masked() {
            return Ok(StateIndexes::none(info, "has entries of originals, which the mask hides"));
        }
        indexes_of(state.shared().backend.indexes.as_deref(), state.view(), info).await
    }

    /// The indexes that only later states can be read by: those that were created after this one. None
    /// behind a mask.
    pub async fn later_indexes(&self) -> Result<Vec<LaterIndex>> {
        let (state, info) = (self.state(), self.info());
        match state.shared().backend.indexes.as_deref() {
            Some(indexes) if !state.is_masked() => later_indexes(indexes, state.view(), info).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Reads the entries of an index in a range of keys, in their order or reversed. If the index is
    /// not [exact](ReadableIndex::exact), some may be outdated: compare with the document.
    pub fn entries(
        &self,
        index: &ReadableIndex,
        range: EntryRange,
        direction: Direction,
    ) -> EntryStream {
        let state = self.state();
        match &state.shared().backend.indexes {
            Some(indexes) if !state.is_masked() => {
                let entries = indexes.scan(state.view(), index.build, range, direction);
                state.held().during(entries)
            }
            _ => stream::empty().boxed(),
        }
    }
}

impl Branch {
    /// Creates an index: makes its entries, and commits its definition, which `request` signs.
    /// Other writers go on meanwhile. Without a message, the commit names the index. Creates the collection if required; a definition that it has
    /// already is no error, and makes no commit, but the entries if there are none.
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
        self.refuse_masked()?;
        let definition = complete(definition)?;
        let _one_at_a_time = self.shared().building.lock().await;
        let mut build: Option<Build<'_>> = None;
        let mut backoff = Backoff::new(&self.shared().environment);
        while backoff.attempt().await {
            let attempt = self.try_create(collection, &definition, request, &mut build).await;
            match attempt {
                Ok(None) => {}
                Ok(Some(created)) => return Ok(created),
                Err(error) => {
                    if let Some(build) = build {
                        build.abandon().await?;
                    }
                    return Err(error);
                }
            }
        }
        if let Some(build) = build {
            build.abandon().await?;
        }
        Err(self.contended())
    }

    /// One attempt to create an index; `None` if the branch has moved. Keeps what is built for the
    /// next one.
    async fn try_create<'a>(
        &'a self,
        collection: &CollectionName,
        definition: &BsonDocument,
        request: &WriteRequest,
        build: &mut Option<Build<'a>>,
    ) -> Result<Option<CreatedIndex>> {
        let (record, head) = self.present().await?;
        let state = self.at(head.lsn).await?;
        let info = state.catalog().get(collection).cloned();
        let options = info.as_ref().map_or_else(BsonDocument::new, |info| info.options.clone());
        let mut all = match &info {
            Some(info) => info.listed_indexes().into_owned(),
            None => vec![id_index()],
        };
        let existing = known(&all, definition, &options)?;
        let unbuilt = self.unbuilt(definition, &options);
        if let Some(definition) = existing {
            if let (Some(info), None) = (&info, &unbuilt)
                && self.lacks_entries(&state, record.timeline(), info, &definition).await?
            {
                self.build_index(info, &definition).await?;
                // Another process may have made them too.
                self.close_unneeded(collection).await?;
            }
            return Ok(Some(CreatedIndex { definition, commit: None, unbuilt }));
        }
        check_kept(definition, &options)?;
        if let (Some(info), None) = (&info, &unbuilt) {
            self.build_up_to(build, record.timeline(), head, info, definition).await?;
        }
        let is_unique = Index::compile(definition, &options).is_ok_and(|index| index.is_unique());
        // A view leaves out a timeline without commits, and the entries on it.
        let is_fresh = head.lsn == record.timeline().base_lsn();
        match (&info, build.as_ref()) {
            (Some(info), Some(build)) if is_unique && !is_fresh => {
                if let Some(duplicate) = build.duplicate().await? {
                    return Err(duplicate_in(info, definition, &duplicate));
                }
            }
            (Some(_), _) if is_unique => {
                self.check_by_scan(&state, collection, definition).await?;
            }
            _ => {}
        }
        all.push(definition.clone());
        let name = definition.get_str("name").unwrap_or_default();
        let what = format!("create index {name} on {collection}");
        let outcome = self.set_indexes(collection, all, request, (head.digest, &what)).await?;
        let commit = match outcome {
            Outcome::Moved { .. } => return Ok(None),
            outcome => outcome.committed()?,
        };
        if let Some(build) = build {
            self.complete(build).await?;
        }
        let definition = definition.clone();
        Ok(Some(CreatedIndex { definition, commit: Some(commit), unbuilt }))
    }

    /// Whether a definition has no entries at the head of a timeline, such as one whose creation was
    /// interrupted.
    async fn lacks_entries(
        &self,
        head: &State,
        timeline: Timeline,
        info: &CollectionInfo,
        definition: &BsonDocument,
    ) -> Result<bool> {
        let StateIndexes { unreadable, .. } = head.collection(&info.name)?.indexes().await?;
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
        collection: &CollectionName,
        definition: &BsonDocument,
    ) -> Result<()> {
        let view = state.collection(collection)?;
        let index = match Index::compile(definition, &view.info().options) {
            Ok(index) if index.is_unique() => index,
            _ => return Ok(()),
        };
        let mut owners: HashMap<Digest, Key> = HashMap::new();
        let mut rows = state.unmasked_scan(view.info().id);
        while let Some((id, version)) = rows.try_next().await? {
            for key in index.entries_of(version.document.as_raw())?.keys {
                if let Some(other) = owners.insert(Digest::of(&key), id.clone()) {
                    return Err(duplicate(view.info(), &index, &key, &id, &other));
                }
            }
        }
        Ok(())
    }

    /// Makes the entries of the indexes of a collection that have none at the head, and ends those
    /// that no definition needs any more. Returns the indexes without entries before.
    ///
    /// # Errors
    /// `NotFound` if the collection does not exist; `Invalid` if a document can't be indexed.
    pub async fn build_indexes(&self, collection: &CollectionName) -> Result<Vec<CreatedIndex>> {
        self.refuse_masked()?;
        let _one_at_a_time = self.shared().building.lock().await;
        let head = self.head().await?;
        let view = head.collection(collection)?;
        let info = view.info();
        let mut built = Vec::new();
        for missing in view.indexes().await?.unreadable {
            let named = |definition: &&BsonDocument| {
                definition.get_str("name").is_ok_and(|name| name == missing.name)
            };
            let Some(definition) = info.indexes.iter().find(named).cloned() else { continue };
            let unbuilt = self.unbuilt(&definition, &info.options);
            if unbuilt.is_none() {
                self.build_index(info, &definition).await?;
            }
            built.push(CreatedIndex { definition, commit: None, unbuilt });
        }
        self.close_unneeded(collection).await?;
        Ok(built)
    }

    pub(super) async fn build_index(
        &self,
        info: &CollectionInfo,
        definition: &BsonDocument,
    ) -> Result<()> {
        let (record, head) = self.present().await?;
        let mut build = None;
        self.build_up_to(&mut build, record.timeline(), head, info, definition).await?;
        match build {
            Some(mut build) => self.complete(&mut build).await,
            None => Ok(()),
        }
    }

    /// Drops an index by its name; `request` signs the commit, which names the index without a message.
    /// Past states keep it.
    ///
    /// # Errors
    /// `NotFound` if the collection has no such index; `Invalid` for the one of `_id`.
    pub async fn drop_index(
        &self,
        collection: &CollectionName,
        name: &str,
        request: &WriteRequest,
    ) -> Result<Receipt> {
        self.drop_indexes(collection, &[name], request).await
    }

    /// Drops indexes in one commit, as [`drop_index`](Self::drop_index) does: all of them, or none.
    ///
    /// # Errors
    /// See [`drop_index`](Self::drop_index); `Invalid` for an empty list.
    pub async fn drop_indexes(
        &self,
        collection: &CollectionName,
        names: &[&str],
        request: &WriteRequest,
    ) -> Result<Receipt> {
        if names.is_empty() {
            return Err(Error::invalid("no index to drop is named"));
        }
        if names.contains(&"_id_") {
            return Err(
                Error::invalid("the index of _id can't be dropped").with_code(72, "InvalidOptions")
            );
        }
        let noun = if names.len() == 1 { "index" } else { "indexes" };
        let what = format!("drop {noun} {} of {collection}", names.join(", "));
        let is_of = |name: &str, definition: &BsonDocument| {
            definition.get_str("name").is_ok_and(|known| known == name)
        };
        let mut backoff = Backoff::new(&self.shared().environment);
        while backoff.attempt().await {
            let head = self.head().await?;
            let info = head.collection(collection)?.info().clone();
            let is_known = |name: &&&str| info.indexes.iter().any(|known| is_of(name, known));
            if let Some(name) = names.iter().find(|name| !is_known(name)) {
                return Err(unknown(&info, name));
            }
            let mut left = info.indexes.clone();
            left.retain(|definition| !names.iter().any(|name| is_of(name, definition)));
            let at = head.last_digest().await?;
            match self.set_indexes(collection, left, request, (at, &what)).await? {
                Outcome::Moved { .. } => {}
                outcome => {
                    let receipt = outcome.committed()?;
                    self.close_unneeded(collection).await?;
                    return Ok(receipt);
                }
            }
        }
        Err(self.contended())
    }

    /// Entries are those of originals, and making them would tell about these.
    fn refuse_masked(&self) -> Result<()> {
        if self.is_masked() {
            return Err(Error::denied(format!(
                "branch '{}' is masked, so no index can be made on it; make it on the branch that it \
                 was created from",
                self.name()
            )));
        }
        Ok(())
    }

    /// Why no entries are kept of an index; `None` if they are.
    pub(super) fn unbuilt(
        &self,
        definition: &BsonDocument,
        options: &BsonDocument,
    ) -> Option<String> {
        match Index::compile(definition, options) {
            Err(problem) => Some(format!("has no entries: it has {problem}")),
            Ok(_) if self.shared().backend.indexes.is_none() => {
                Some("has no entries: the store keeps none".to_owned())
            }
            Ok(_) => None,
        }
    }

    /// Begins a build, or continues it up to a later head.
    async fn build_up_to<'a>(
        &'a self,
        build: &mut Option<Build<'a>>,
        timeline: Timeline,
        head: Head,
        info: &CollectionInfo,
        definition: &BsonDocument,
    ) -> Result<()> {
        let shared = self.shared();
        let Some(indexes) = shared.backend.indexes.as_deref() else { return Ok(()) };
        match build {
            Some(known) if known.timeline() == timeline => return known.catch_up(head).await,
            // The branch was moved to another timeline.
            Some(left) => left.abandon().await?,
            None => {}
        }
        *build = None;
        if !shared.backend.capabilities.shared {
            // No other process has the store open, so these builds were interrupted.
            self.remove_interrupted(indexes, timeline).await?;
        }
        let context = BuildContext {
            indexes,
            wal: &*shared.backend.wal,
            materialize: &*shared.materialize,
            timelines: &shared.timelines,
        };
        let definition = determining(definition, &info.options);
        *build = Some(Build::begin(context, timeline, head, info.id, &definition).await?);
        Ok(())
    }

    async fn remove_interrupted(&self, indexes: &dyn Indexes, timeline: Timeline) -> Result<()> {
        for build in indexes.builds(timeline.id).await?.iter() {
            if build.status == BuildStatus::Building {
                indexes.close(timeline.id, build.id).await?;
            }
        }
        Ok(())
    }

    /// Makes a build one that every append keeps. Follows the writers of the branch until none is
    /// faster.
    async fn complete(&self, build: &mut Build<'_>) -> Result<()> {
        let mut backoff = Backoff::new(&self.shared().environment);
        while backoff.attempt().await {
            match build.complete().await? {
                Append::Done => return Ok(()),
                Append::HeadMoved(head) => build.catch_up(head).await?,
                // The branch has moved to another timeline, so nobody reads by this build.
                Append::Sealed(_) => return build.abandon().await,
            }
        }
        build.abandon().await?;
        Err(self.contended())
    }

    /// Ends the builds of a collection on the timeline of the branch that no definition needs.
    pub(super) async fn close_unneeded(&self, collection: &CollectionName) -> Result<()> {
        let Some(indexes) = self.shared().backend.indexes.as_deref() else { return Ok(()) };
        let (record, head) = self.present().await?;
        let state = self.at(head.lsn).await?;
        let info = state.collection(collection)?.info().clone();
        let compiled = info.indexes.iter();
        let compiled =
            compiled.filter_map(|definition| Index::compile(definition, &info.options).ok());
        let needed: Vec<_> = compiled.map(|index| index.identity()).collect();
        let timeline = record.timeline().id;
        let mut kept = Vec::new();
        for (build, identity) in maintained_identities(indexes, timeline, info.id).await? {
            if needed.contains(&identity) && !kept.contains(&identity) {
                kept.push(identity);
            } else {
                indexes.close(timeline, build).await?;
            }
        }
        Ok(())
    }

    /// Commits the definitions of a collection after a state; `what` is the message unless the request
    /// has one.
    async fn set_indexes(
        &self,
        collection: &CollectionName,
        indexes: Vec<BsonDocument>,
        request: &WriteRequest,
        (after, what): (Digest, &str),
    ) -> Result<Outcome> {
        let mut request = request.clone();
        request.set_after(after);
        if request.message.as_str().is_empty()
            && let Ok(message) = Message::new(what)
        {
            request.set_message(message);
        }
        let name = collection.clone();
        request.change_collection(CollectionChange::SetIndexes { name, indexes });
        self.commit(request).await
    }

    fn contended(&self) -> Error {
        Error::conflict(format!(
            "branch '{}' was written to faster than its index could follow; try again",
            self.name()
        ))
    }
}

fn duplicate_in(info: &CollectionInfo, definition: &BsonDocument, found: &Duplicate) -> Error {
    match Index::compile(definition, &info.options) {
        Ok(index) => duplicate(info, &index, &found.key, &found.id, &found.other),
        Err(problem) => Error::invalid(problem.to_string()),
    }
}

/// The builds of a collection that a timeline keeps, with the identities of their indexes.
async fn maintained_identities(
    indexes: &dyn Indexes,
    timeline: TimelineId,
    collection: CollectionId,
) -> Result<Vec<(BuildId, Digest)>> {
    let builds = indexes.builds(timeline).await?;
    let maintained = builds
        .iter()
        .filter(|build| build.collection == collection && build.status.is_maintained());
    maintained.map(|build| Ok((build.id, compile(&build.definition)?.identity()))).collect()
}

fn unknown(info: &CollectionInfo, name: &str) -> Error {
    let known: Vec<&str> =
        info.indexes.iter().filter_map(|definition| definition.get_str("name").ok()).collect();
    let known = if known.is_empty() { "none but _id_".to_owned() } else { known.join(", ") };
    Error::not_found(format!(
        "unknown index '{name}' of collection '{}'; known indexes: {known}",
        info.name
    ))
    .with_detail(DetailKey::Collection, info.name.as_str())
    .with_detail(DetailKey::Index, name)
    .with_code(27, "IndexNotFound")
}
