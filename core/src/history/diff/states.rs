//! The differences between two states.
//!
//! Only the commits since the last common one are walked, and only the documents that they touched
//! are read: the cost depends on the changes, not the data. If some of these commits were
//! [collected](crate::gc), both states are read completely instead.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::document::key::Key;
use crate::engine::catalog::{self, Catalog, CollectionInfo};
use crate::log::walk::touched_above;
use crate::model::{CollectionId, CollectionName, Document, Lsn};
use crate::storage::{KeyRange, VersionStream};
use crate::store::State;
use crate::store::mask::refuse_unlike;
use crate::{Error, Result};

use super::touched::{Touch, TouchedKeys, Touches, checked_versions};

/// The number of documents in one step.
const STEP: usize = 128;

/// Touched documents of a collection.
type TouchedIn = (Arc<CollectionInfo>, Vec<(Key, Touches)>);

/// A collection whose metadata differs.
#[derive(Debug, Clone, PartialEq)]
pub enum CollectionDiff {
    /// Only in the second state; its documents are not listed.
    Created(CollectionInfo),
    /// Only in the first state; its documents are not listed.
    Dropped(CollectionInfo),
    /// Its name, options or indexes differ.
    Changed {
        /// The metadata in the first state.
        before: CollectionInfo,
        /// The metadata in the second state.
        after: CollectionInfo,
    },
}

/// A document that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentDiff {
    /// The collection's name in the second state, or in the first if it is only there.
    pub collection: CollectionName,
    /// The document's `_id`.
    pub key: Key,
    /// The document in the first state.
    pub before: Option<Document>,
    /// The document in the second state.
    pub after: Option<Document>,
}

/// The differences from one state to another.
pub struct Diff {
    /// The last common position of the two histories.
    pub common: Lsn,
    /// Collections whose metadata differs, by name.
    pub collections: Vec<CollectionDiff>,
    touched: Vec<TouchedIn>,
    /// The only documents of interest, by [`only`](Diff::only).
    keys: Option<BTreeSet<Key>>,
    before: State,
    after: State,
}

/// A collection with differences in its metadata or documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// The metadata in the first state, if it exists there.
    pub before: Option<Arc<CollectionInfo>>,
    /// The metadata in the second state, if it exists there.
    pub after: Option<Arc<CollectionInfo>>,
}

/// Computes the differences from `before` to `after`, two states of one project.
///
/// O(commits since their last common commit), in time and memory; if some of these were collected,
/// O(documents) in time and O(differences) in memory.
///
/// ```
/// # use bson::rawdoc;
/// # use futures::TryStreamExt;
/// # use argon_core::model::CollectionName;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection(&CollectionName::new("users")?);
/// users.insert(rawdoc! { "_id": 1, "name": "Ada" }).await?;
/// let before = branch.head().await?;
/// users.replace(rawdoc! { "_id": 1, "name": "Grace" }).await?;
///
/// let diff = argon_core::diff::diff(&before, &branch.head().await?).await?;
/// let documents: Vec<_> = diff.documents().try_collect().await?;
/// assert_eq!(documents.len(), 1);
/// assert!(documents[0].before.is_some() && documents[0].after.is_some());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Denied` unless both have the same [mask](crate::mask), or none.
#[tracing::instrument(level = "info", skip_all, fields(before = %before.lsn(), after = %after.lsn()))]
pub async fn diff(before: &State, after: &State) -> Result<Diff> {
    refuse_unlike(before, after)?;
    let common = before.view().common_lsn(after.view());
    // A collection in only one of the states was created or dropped as a whole.
    let in_both = |id: CollectionId| {
        id == CollectionId::CATALOG
            || (before.catalog().by_id(id).is_some() && after.catalog().by_id(id).is_some())
    };
    let mut touched = touched_between(before, after, in_both).await?;
    let catalog_keys = touched.remove(&CollectionId::CATALOG).unwrap_or_default();
    let mut diff = Diff {
        common,
        collections: compare_catalogs([before.catalog(), after.catalog()], catalog_keys.keys()),
        touched: Vec::new(),
        keys: None,
        before: before.clone(),
        after: after.clone(),
    };
    for (id, keys) in touched {
        if let Some(info) = after.catalog().by_id(id) {
            diff.touched.push((info.clone(), keys.into_iter().collect()));
        }
    }
    diff.touched.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(diff)
}

/// Returns the documents that may differ between two states, by collection and key, in the
/// collections that `wanted` selects; those of the catalog stand for collections.
///
/// O(commits since their last common commit), in time and memory; if some of these were collected,
/// O(documents) in time and O(differences) in memory.
pub(crate) async fn touched_between(
    before: &State,
    after: &State,
    wanted: impl Fn(CollectionId) -> bool,
) -> Result<TouchedKeys> {
    let common = before.view().common_lsn(after.view());
    let mut touched = TouchedKeys::new();
    for (is_after, state) in [(false, before), (true, after)] {
        let wal = &state.shared().backend.wal;
        let whole = touched_above(wal, state.view(), common, |lsn, change| {
            if wanted(change.collection) {
                let touch = Some(Touch::of(lsn, &change));
                let keys = touched.entry(change.collection).or_default();
                let touches: &mut Touches = keys.entry(change.key).or_default();
                *(if is_after { &mut touches.after } else { &mut touches.before }) = touch;
            }
        });
        if whole.await?.is_none() {
            return differing(before, after, wanted).await;
        }
    }
    Ok(touched)
}

/// Finds the differences by reading both states.
async fn differing(
    before: &State,
    after: &State,
    wanted: impl Fn(CollectionId) -> bool,
) -> Result<TouchedKeys> {
    let mut keys = TouchedKeys::new();
    for info in before.catalog().iter().chain(after.catalog().iter()) {
        let metadata = catalog::key_of_collection(info.id)?;
        keys.entry(CollectionId::CATALOG).or_default().insert(metadata, Touches::default());
        if wanted(info.id) && !keys.contains_key(&info.id) {
            let differing = differing_in(before, after, info.id).await?;
            let unknown = differing.into_iter().map(|key| (key, Touches::default()));
            keys.insert(info.id, unknown.collect());
        }
    }
    keys.retain(|_, keys| !keys.is_empty());
    Ok(keys)
}

async fn differing_in(before: &State, after: &State, id: CollectionId) -> Result<BTreeSet<Key>> {
    // The documents of a missing or dropped collection are not part of a state.
    let scan = |state: &State| match state.catalog().by_id(id) {
        Some(_) => state.materialize().scan(state.view(), id, KeyRange::default()),
        None => stream::empty().boxed(),
    };
    let (mut old, mut new) = (scan(before), scan(after));
    let (mut mine, mut theirs) = (old.try_next().await?, new.try_next().await?);
    let mut keys = BTreeSet::new();
    loop {
        let order = match (&mine, &theirs) {
            (None, None) => return Ok(keys),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((mine, _)), Some((theirs, _))) => mine.cmp(theirs),
        };
        let left = if order.is_le() { mine.take() } else { None };
        let right = if order.is_ge() { theirs.take() } else { None };
        if left.as_ref().map(|(_, version)| &version.document)
            != right.as_ref().map(|(_, version)| &version.document)
        {
            keys.extend(left.or(right).map(|(key, _)| key));
        }
        if order.is_le() {
            mine = old.try_next().await?;
        }
        if order.is_ge() {
            theirs = new.try_next().await?;
        }
    }
}

impl Diff {
    /// Keeps the collections that have one of these names in either state. If there are keys, it keeps
    /// the documents with these `_id`s only, and of the collections themselves only whether they exist.
    pub fn only(mut self, names: &[CollectionName], keys: Vec<Key>) -> Self {
        let keys = (!keys.is_empty()).then(|| keys.into_iter().collect::<BTreeSet<_>>());
        let is_named = |info: &CollectionInfo| names.contains(&info.name);
        self.collections.retain(|diff| match diff {
            CollectionDiff::Created(info) | CollectionDiff::Dropped(info) => is_named(info),
            CollectionDiff::Changed { before, after } => {
                keys.is_none() && (is_named(before) || is_named(after))
            }
        });
        let before = self.before.catalog();
        self.touched.retain_mut(|(info, touched)| {
            if let Some(keys) = &keys {
                touched.retain(|(key, _)| keys.contains(key));
            }
            let was_named = before.by_id(info.id).is_some_and(|info| is_named(info));
            !touched.is_empty() && (is_named(info) || was_named)
        });
        self.keys = keys;
        self
    }

    /// The differing documents, by collection and `_id`, in collections of both states.
    pub fn documents(&self) -> BoxStream<'static, Result<DocumentDiff>> {
        self.compared(self.touched.iter())
    }

    /// The collections that may differ, by name; a dropped one comes before a new one of the same
    /// name. If its metadata is equal in both states, documents were touched.
    pub fn sections(&self) -> Vec<Section> {
        let catalog = |state: &State, id| state.catalog().by_id(id).cloned();
        let section = |id| match (catalog(&self.before, id), catalog(&self.after, id)) {
            // Single documents say nothing of the definition.
            (Some(_), Some(after)) if self.keys.is_some() => {
                Section { before: Some(after.clone()), after: Some(after) }
            }
            (before, after) => Section { before, after },
        };
        let differing = self.collections.iter().map(|diff| match diff {
            CollectionDiff::Created(info) | CollectionDiff::Dropped(info) => info.id,
            CollectionDiff::Changed { after, .. } => after.id,
        });
        let touched = self.touched.iter().map(|(info, _)| info.id);
        let ids: BTreeSet<CollectionId> = differing.chain(touched).collect();
        let mut sections: Vec<Section> = ids.into_iter().map(section).collect();
        sections.sort_by_key(|section| (section.name().cloned(), section.after.is_some()));
        sections
    }

    /// The differing documents of a section, by `_id`; all documents of a collection that is in
    /// only one of the states. In bounded memory.
    pub fn documents_of(&self, section: &Section) -> BoxStream<'static, Result<DocumentDiff>> {
        match (&section.before, &section.after) {
            (Some(_), Some(info)) => {
                let touched = self.touched.iter().filter(|(touched, _)| touched.id == info.id);
                self.compared(touched)
            }
            (Some(info), None) => self.whole(&self.before, info, |document| (Some(document), None)),
            (None, Some(info)) => self.whole(&self.after, info, |document| (None, Some(document))),
            (None, None) => stream::empty().boxed(),
        }
    }

    /// All documents of a collection of one state, or those of interest.
    fn whole(
        &self,
        state: &State,
        info: &CollectionInfo,
        sides: impl Fn(Document) -> (Option<Document>, Option<Document>) + Send + 'static,
    ) -> BoxStream<'static, Result<DocumentDiff>> {
        let collection = info.name.clone();
        let versions = match &self.keys {
            None => state.materialize().scan(state.view(), info.id, KeyRange::default()),
            Some(keys) => chosen(state, info.id, keys.iter().cloned().collect()),
        };
        versions
            .map_ok(move |(key, version)| {
                let (before, after) = sides(version.document);
                DocumentDiff { collection: collection.clone(), key, before, after }
            })
            .boxed()
    }

    fn compared<'a>(
        &self,
        touched: impl Iterator<Item = &'a TouchedIn>,
    ) -> BoxStream<'static, Result<DocumentDiff>> {
        let (before, after) = (self.before.clone(), self.after.clone());
        let steps: Vec<TouchedIn> = touched
            .flat_map(|(info, keys)| keys.chunks(STEP).map(|keys| (info.clone(), keys.to_vec())))
            .collect();
        stream::iter(steps)
            .then(move |(info, keys)| {
                let (before, after) = (before.clone(), after.clone());
                async move { compare(&before, &after, &info, keys).await }
            })
            .map_ok(|documents| stream::iter(documents.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }
}

impl Section {
    /// The collection's name in the second state, or in the first if it is only there.
    pub fn name(&self) -> Option<&CollectionName> {
        self.after.as_ref().or(self.before.as_ref()).map(|info| &info.name)
    }

    /// The difference of the metadata; `None` if only documents differ.
    pub fn metadata(&self) -> Option<CollectionDiff> {
        match (&self.before, &self.after) {
            (Some(before), None) => Some(CollectionDiff::Dropped((**before).clone())),
            (None, Some(after)) => Some(CollectionDiff::Created((**after).clone())),
            (Some(before), Some(after)) if before != after => Some(CollectionDiff::Changed {
                before: (**before).clone(),
                after: (**after).clone(),
            }),
            _ => None,
        }
    }
}

/// Those of these documents that a collection of a state has.
fn chosen(state: &State, id: CollectionId, keys: Vec<Key>) -> VersionStream {
    let state = state.clone();
    let found = async move {
        let found = state.materialize().get_many(state.view(), id, keys.clone()).await?;
        let found = keys.into_iter().zip(found).filter_map(|(key, found)| Some(Ok((key, found?))));
        Ok::<_, Error>(stream::iter(found.collect::<Vec<_>>()))
    };
    stream::once(found).try_flatten().boxed()
}

/// Compares the collections with these keys in two catalogs, by name.
pub(crate) fn compare_catalogs<'a>(
    [before, after]: [&Catalog; 2],
    keys: impl IntoIterator<Item = &'a Key>,
) -> Vec<CollectionDiff> {
    // A dropped collection comes before a new one of the same name.
    let place = |diff: &CollectionDiff| match diff {
        CollectionDiff::Dropped(info) => (info.name.clone(), 0),
        CollectionDiff::Changed { after, .. } => (after.name.clone(), 1),
        CollectionDiff::Created(info) => (info.name.clone(), 2),
    };
    let mut collections: Vec<CollectionDiff> = keys
        .into_iter()
        .filter_map(|key| {
            let id = catalog::collection_of_key(key)?;
            match (before.by_id(id), after.by_id(id)) {
                (None, Some(after)) => Some(CollectionDiff::Created((**after).clone())),
                (Some(before), None) => Some(CollectionDiff::Dropped((**before).clone())),
                (Some(before), Some(after)) if before != after => Some(CollectionDiff::Changed {
                    before: (**before).clone(),
                    after: (**after).clone(),
                }),
                _ => None,
            }
        })
        .collect();
    collections.sort_by_key(place);
    collections
}

async fn compare(
    before: &State,
    after: &State,
    info: &CollectionInfo,
    keys: Vec<(Key, Touches)>,
) -> Result<Vec<DocumentDiff>> {
    let old = keys.iter().map(|(key, touches)| (key, touches.before));
    let old = checked_versions(before, info.id, old).await?;
    let new = keys.iter().map(|(key, touches)| (key, touches.after));
    let new = checked_versions(after, info.id, new).await?;
    Ok(keys
        .into_iter()
        .zip(old.into_iter().zip(new))
        .map(|((key, _), (old, new))| DocumentDiff {
            collection: info.name.clone(),
            key,
            before: old.map(|version| version.document),
            after: new.map(|version| version.document),
        })
        .filter(|diff| diff.before != diff.after)
        .collect())
}
