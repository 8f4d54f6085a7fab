//! Checks whether a patch fits a state, and computes its changes.

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

/// The number of documents in one step.
const STEP: usize = 128;

/// The effect of a patch on a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The number of changed documents.
    pub documents: usize,
    /// The number of created, dropped or changed collections.
    pub collections: usize,
    /// The number of changes that are already present.
    pub skipped: usize,
    /// The conflicts; if not empty, the patch can't be applied.
    pub conflicts: Vec<Conflict>,
    pub(super) changes: Vec<Change>,
    already: Already,
}

/// A change that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The collection.
    pub collection: CollectionName,
    /// The document; `None` for the collection itself.
    pub key: Option<Key>,
    /// The path in the document; for a collection, `options` or `indexes`.
    pub path: Path,
    /// The reason.
    pub reason: ConflictReason,
}

/// The treatment of a change that is already present.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Already {
    /// It is skipped: the result is the same.
    #[default]
    Skip,
    /// It is a conflict: another process made it, and only one may. For a counter, or a claim.
    Refuse,
}

/// The reason why a change does not fit.
#[derive(Debug, Clone, PartialEq)]
pub enum ConflictReason {
    /// It does not exist.
    Missing,
    /// It already exists, with different content.
    Exists,
    /// It differs from the content in the patch.
    Differs,
    /// The patch drops the collection, but does not have this document.
    Unknown,
    /// The change is already present, and [`Already::Refuse`] was requested.
    Already,
    /// A part of the document differs from the patch.
    Field {
        /// The expected value; `None` for none.
        expected: Option<RawBson>,
        /// The found value; `None` for none.
        found: Option<RawBson>,
        /// The reason.
        reason: MisfitReason,
    },
}

/// Computes the effect of a patch on a state, without applying it.
///
/// Reads the documents that the patch names, and all documents of collections that it drops.
///
/// # Errors
/// `Invalid` if a document could not be stored, or would get another `_id`; `Denied` for a masked
/// state.
pub async fn check(patch: &Patch, state: &State) -> Result<Preview> {
    check_with(patch, state, Already::Skip).await
}

/// Like [`check`], with the treatment of changes that are already present.
///
/// # Errors
/// The errors of [`check`].
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
    /// Checks the documents of a collection, read from `stored` if it exists.
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

    /// Checks the documents of a dropped collection: all must match the patch.
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

    /// Records a document that already has the change.
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

/// Applies a change to the found document.
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

/// Checks that the edited document may be stored in place of the previous one.
fn checked(key: &Key, bytes: Vec<u8>) -> Result<Document> {
    let raw = RawDocumentBuf::from_bytes(bytes).map_err(|source| {
        Error::invalid(format!("the patched document with _id {key} is too large"))
            .with_source(source)
    })?;
    let (after, document) = Document::checked(raw).map_err(|source| {
        Error::new(
            source.kind(),
            format!("the patched document with _id {key} can't be stored: {source}"),
        )
        .with_source(source)
    })?;
    if after != *key {
        return Err(Error::invalid(format!(
            "the patch changes the _id {key} to {after}; expected a removal of one document and an \
             addition of the other"
        )));
    }
    Ok(document)
}
