//! Indexes: their definitions, which are versioned with the collection, and their entries.

use bson::Document as BsonDocument;
use futures::stream::{self, StreamExt};

use crate::document::Index;
use crate::engine::catalog::CollectionInfo;
use crate::engine::index::build::{Build, BuildContext};
use crate::engine::index::readable::{
    LaterIndex, ReadableIndex, StateIndexes, indexes_of, later_indexes,
};
use crate::engine::index::{compile, determining};
use crate::engine::write::{CollectionChange, Outcome, Receipt, WriteRequest};
use crate::model::backoff::Backoff;
use crate::model::{CollectionId, CollectionName, Digest, Head, Message, Timeline, TimelineId};
use crate::storage::{Append, BuildId, BuildStatus, Direction, EntryRange, EntryStream, Indexes};
use crate::store::{Branch, CollectionView};
use crate::{DetailKey, Error, Result};

use super::create_indexes::CreatedIndex;
use super::held_branch::HeldBranch;

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
        self.remove_interrupted(record.timeline()).await?;
        self.build_up_to(&mut build, record.timeline(), head, info, definition).await?;
        let Some(mut build) = build else { return Ok(()) };
        let committer = self.committer_of(&record);
        let _held = committer.hold().await;
        self.complete(&mut build).await
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
            let held = self.hold().await?;
            let head = self.head().await?;
            let info = head.collection(collection)?.info().clone();
            let is_known = |name: &&&str| info.indexes.iter().any(|known| is_of(name, known));
            if let Some(name) = names.iter().find(|name| !is_known(name)) {
                return Err(unknown(&info, name));
            }
            let mut left = info.indexes.clone();
            left.retain(|definition| !names.iter().any(|name| is_of(name, definition)));
            let at = head.last_digest().await?;
            match self.set_indexes(&held, collection, left, request, (at, &what)).await? {
                None | Some(Outcome::Moved { .. }) => {}
                Some(outcome) => {
                    let receipt = outcome.committed()?;
                    drop(held);
                    self.close_unneeded(collection).await?;
                    return Ok(receipt);
                }
            }
        }
        Err(self.contended())
    }

    /// Entries are those of originals, and making them would tell about these.
    pub(super) fn refuse_masked(&self) -> Result<()> {
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
    pub(super) async fn build_up_to<'a>(
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

    /// Removes builds that were interrupted, where no other process may be making them.
    pub(super) async fn remove_interrupted(&self, timeline: Timeline) -> Result<()> {
        let backend = &self.shared().backend;
        let Some(indexes) = backend.indexes.as_deref().filter(|_| !backend.capabilities.shared)
        else {
            return Ok(());
        };
        for build in indexes.builds(timeline.id).await?.iter() {
            if build.status == BuildStatus::Building {
                indexes.close(timeline.id, build.id).await?;
            }
        }
        Ok(())
    }

    /// Makes a build one that every append keeps. Follows the writers of other processes until none is faster; those
    /// of this one wait meanwhile.
    pub(super) async fn complete(&self, build: &mut Build<'_>) -> Result<()> {
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
    pub(super) async fn set_indexes(
        &self,
        held: &HeldBranch<'_>,
        collection: &CollectionName,
        indexes: Vec<BsonDocument>,
        request: &WriteRequest,
        (after, what): (Digest, &str),
    ) -> Result<Option<Outcome>> {
        let mut request = request.clone();
        request.set_after(after);
        if request.message.as_str().is_empty()
            && let Ok(message) = Message::new(what)
        {
            request.set_message(message);
        }
        let name = collection.clone();
        request.change_collection(CollectionChange::SetIndexes { name, indexes });
        held.commit(request).await
    }

    pub(super) fn contended(&self) -> Error {
        Error::conflict(format!(
            "branch '{}' was written to faster than its index could follow; try again",
            self.name()
        ))
    }
}

/// The builds of a collection that a timeline keeps, with the identities of their indexes.
pub(super) async fn maintained_identities(
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
