//! Whether a patch fits a state, and what it comes to there.

use std::collections::BTreeMap;

use bson::raw::{RawBson, RawDocumentBuf};
use futures::TryStreamExt;

use super::collections::{Target, collections};
use super::{DocumentChange, Edited, Misfit, MisfitReason, Patch, PatchSection};
use crate::document::Path;
use crate::document::key::Key;
use crate::history::diff::fields;
use crate::model::{Change, CollectionId, CollectionName, Document, Image};
use crate::storage::KeyRange;
use crate::store::State;
use crate::{Error, Result};

/// How many documents are looked up in one step.
const STEP: usize = 128;

/// What a patch would do to a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// How many documents it would change.
    pub documents: usize,
    /// How many collections it would make, drop or change.
    pub collections: usize,
    /// How many of its changes are there already.
    pub skipped: usize,
    /// Where it does not fit; if this is not empty, it can't be applied.
    pub conflicts: Vec<Conflict>,
    pub(super) changes: Vec<Change>,
    already: Already,
}

/// A change that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The collection.
    pub collection: CollectionName,
    /// The document; `None` if it is about the collection itself.
    pub key: Option<Key>,
    /// Where in the document; of a collection, `options` or `indexes`.
    pub path: Path,
    /// What is wrong.
    pub reason: ConflictReason,
}

/// What becomes of a change that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Already {
    /// It is left out: what the patch wants is so, whoever made it so.
    #[default]
    Skip,
    /// It does not fit: somebody else made it, and only one may. For a counter, or a claim.
    Refuse,
}

/// Why a change does not fit.
#[derive(Debug, Clone, PartialEq)]
pub enum ConflictReason {
    /// It is not there.
    Missing,
    /// It is there already, and another one than the patch adds.
    Exists,
    /// It is another one than the patch says.
    Differs,
    /// The patch drops the collection and does not know this document.
    Unknown,
    /// It is so already, and [`Already::Refuse`] was asked for.
    Already,
    /// A part of the document is not as the patch says.
    Field {
        /// What the patch expects there; `None` for nothing.
        expected: Option<RawBson>,
        /// What is there; `None` for nothing.
        found: Option<RawBson>,
        /// What is wrong with it.
        reason: MisfitReason,
    },
}

/// Finds what a patch would do to a state, without doing it.
///
/// Reads the documents that the patch names, and all of the collections that it drops.
///
/// # Errors
/// `Invalid` when a document would not be one that can be stored, or get another `_id`; `Denied` for
/// a masked state.
pub async fn check(patch: &Patch, state: &State) -> Result<Preview> {
    check_with(patch, state, Already::Skip).await
}

/// As [`check`], with what becomes of changes that are there already.
///
/// # Errors
/// Those of [`check`].
pub async fn check_with(patch: &Patch, state: &State, already: Already) -> Result<Preview> {
    crate::store::mask::refuse_masked(state, "apply a patch to")?;
    let found = collections(patch, state, already)?;
    let mut preview = Preview {
        already,
        documents: 0,
        collections: found.changes.len(),
        skipped: found.skipped,
        conflicts: found.conflicts,
        changes: found.changes,
    };
    for (section, target) in patch.sections().iter().zip(found.targets) {
        match target {
            Target::There(id) => preview.section(state, section, id, Some(id)).await?,
            Target::New(id) => preview.section(state, section, id, None).await?,
            Target::Going(id) => preview.going(state, section, id).await?,
            Target::None => preview.skipped += section.documents.len(),
        }
    }
    Ok(preview)
}

impl Preview {
    /// The documents of a collection, which are read from `stored` if it is there.
    async fn section(
        &mut self,
        state: &State,
        section: &PatchSection,
        id: CollectionId,
        stored: Option<CollectionId>,
    ) -> Result<()> {
        let name = section.change().name();
        let documents: Vec<_> = section.documents().collect();
        for step in documents.chunks(STEP) {
            let found = look_up(state, stored, step).await?;
            for ((key, change), found) in step.iter().zip(found) {
                match fit(key, change, found, self.already)? {
                    Fit::Image(image) => {
                        self.documents += 1;
                        self.changes.push(Change { collection: id, key: (*key).clone(), image });
                    }
                    Fit::Already => self.is_already(name, key),
                    Fit::Conflicts(found) => self.note(name, key, found),
                }
            }
        }
        Ok(())
    }

    /// The documents of a collection that goes: all must be as the patch says.
    async fn going(
        &mut self,
        state: &State,
        section: &PatchSection,
        id: CollectionId,
    ) -> Result<()> {
        let name = section.change().name();
        let mut versions = state.materialize().scan(state.view(), id, KeyRange::default());
        let mut left: BTreeMap<&Key, &DocumentChange> = section.documents().collect();
        while let Some((key, version)) = versions.try_next().await? {
            let Some(change) = left.remove(&key) else {
                self.note(name, &key, vec![(Path::DOCUMENT, ConflictReason::Unknown)]);
                continue;
            };
            match fit(&key, change, Some(version.document), self.already)? {
                Fit::Conflicts(found) => self.note(name, &key, found),
                Fit::Image(_) => self.documents += 1,
                Fit::Already => {}
            }
        }
        for key in left.into_keys() {
            self.is_already(name, key);
        }
        Ok(())
    }

    /// Takes note of a document that is as the patch makes it.
    fn is_already(&mut self, name: &CollectionName, key: &Key) {
        match self.already {
            Already::Skip => self.skipped += 1,
            Already::Refuse => {
                self.note(name, key, vec![(Path::DOCUMENT, ConflictReason::Already)]);
            }
        }
    }

    fn note(&mut self, name: &CollectionName, key: &Key, found: Vec<(Path, ConflictReason)>) {
        self.conflicts.extend(found.into_iter().map(|(path, reason)| Conflict {
            collection: name.clone(),
            key: Some(key.clone()),
            path,
            reason,
        }));
    }
}

async fn look_up(
    state: &State,
    collection: Option<CollectionId>,
    step: &[(&Key, &DocumentChange)],
) -> Result<Vec<Option<Document>>> {
    let Some(id) = collection else { return Ok(vec![None; step.len()]) };
    let keys = step.iter().map(|(key, _)| (*key).clone()).collect();
    let found = state.materialize().get_many(state.view(), id, keys).await?;
    Ok(found.into_iter().map(|version| version.map(|version| version.document)).collect())
}

enum Fit {
    Image(Image),
    Already,
    Conflicts(Vec<(Path, ConflictReason)>),
}

/// What a change comes to, for the document that was found.
fn fit(
    key: &Key,
    change: &DocumentChange,
    found: Option<Document>,
    already: Already,
) -> Result<Fit> {
    let whole = |reason| Fit::Conflicts(vec![(Path::DOCUMENT, reason)]);
    Ok(match (change, found) {
        (DocumentChange::Added(document), None) => Fit::Image(Image::Document(document.clone())),
        (DocumentChange::Added(document), Some(found)) if *document == found => Fit::Already,
        (DocumentChange::Added(_), Some(_)) => whole(ConflictReason::Exists),
        (DocumentChange::Removed(_), None) => Fit::Already,
        (DocumentChange::Removed(document), Some(found)) if *document == found => {
            Fit::Image(Image::Deleted)
        }
        (DocumentChange::Removed(document), Some(found)) => {
            let changed = fields(document.as_raw(), found.as_raw())?.into_iter();
            Fit::Conflicts(
                changed
                    .map(|change| {
                        let (expected, found) = (change.before, change.after);
                        let order = expected.is_none() && found.is_none();
                        let reason = if order { MisfitReason::Order } else { MisfitReason::Value };
                        (change.path, ConflictReason::Field { expected, found, reason })
                    })
                    .collect(),
            )
        }
        (DocumentChange::Changed(_), None) => whole(ConflictReason::Missing),
        (DocumentChange::Changed(edit), Some(found)) => match edit.fit(found.as_raw(), already)? {
            Ok(Edited::Already) => Fit::Already,
            Ok(Edited::Changed(bytes)) => Fit::Image(Image::Document(checked(key, bytes)?)),
            Err(misfits) => Fit::Conflicts(misfits.into_iter().map(reason_of).collect()),
        },
    })
}

fn reason_of(misfit: Misfit) -> (Path, ConflictReason) {
    let Misfit { path, expected, found, reason } = misfit;
    if reason == MisfitReason::Already {
        return (path, ConflictReason::Already);
    }
    (path, ConflictReason::Field { expected, found, reason })
}

/// A document that an edit made, if it may be stored in place of the one that it was.
fn checked(key: &Key, bytes: Vec<u8>) -> Result<Document> {
    let raw = RawDocumentBuf::from_bytes(bytes).map_err(|source| {
        Error::invalid(format!("the patch makes the document with _id {key} too large"))
            .with_source(source)
    })?;
    let (after, document) = Document::checked(raw).map_err(|source| {
        Error::new(
            source.kind(),
            format!(
                "what the patch makes of the document with _id {key} can't be stored: {source}"
            ),
        )
        .with_source(source)
    })?;
    if after != *key {
        return Err(Error::invalid(format!(
            "the patch changes the _id {key} to {after}; it must remove the one document and add \
             the other"
        )));
    }
    Ok(document)
}
