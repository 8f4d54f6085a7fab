//! Merges the metadata of collections: existence, names, options, indexes.

use std::collections::{BTreeSet, HashSet};

use bson::RawBson;

use crate::document::Path;
use crate::engine::catalog::{self, CollectionInfo, collection_of_key};
use crate::history::diff::touched_between;
use crate::history::merge::{
    Cause, Choice, FieldConflict, Merged, Strategy, Versions, merge_definition,
};
use crate::history::plan::base::documents;
use crate::history::plan::step::{MergeStep, Scope};
use crate::history::plan::undone::RemainingContent;
use crate::history::plan::work::Worker;
use crate::model::{CollectionId, Document, Image};
use crate::{Error, Result};

/// The metadata of one collection on the three sides; `None` where it does not exist.
struct MetadataSides {
    base: Option<CollectionInfo>,
    ours: Option<CollectionInfo>,
    theirs: Option<CollectionInfo>,
}

/// The result for a collection.
enum CollectionOutcome {
    /// Unchanged in ours.
    Keep,
    /// Created or changed to this metadata.
    Set(CollectionInfo),
    /// Dropped.
    Drop(CollectionInfo),
}

/// The collections whose documents ours changed since the base; computed on first use.
struct OursTouched(Option<HashSet<CollectionId>>);

impl Worker<'_> {
    /// Merges the metadata of the collections that a step touches; returns those that ours had
    /// dropped and that are restored, whose documents must all come from theirs.
    pub(super) async fn collections(&mut self, step: &MergeStep) -> Result<HashSet<CollectionId>> {
        let mut touched = OursTouched(None);
        let mut outcomes = Vec::new();
        for id in concerned(step) {
            let sides = self.sides(step, id).await?;
            match self.outcome(step, id, &sides, &mut touched).await? {
                CollectionOutcome::Keep => {}
                outcome => outcomes.push((id, outcome)),
            }
        }
        let mut whole = HashSet::new();
        // All names are released first, because two collections may swap names.
        for (_, outcome) in &outcomes {
            let (CollectionOutcome::Set(info) | CollectionOutcome::Drop(info)) = outcome else {
                continue;
            };
            self.catalog.insert(info.clone(), true);
        }
        for (id, outcome) in outcomes {
            match outcome {
                CollectionOutcome::Keep => {}
                CollectionOutcome::Drop(info) => self.drop(step, info).await?,
                CollectionOutcome::Set(info) => {
                    if self.ours.catalog().is_dropped(id) {
                        whole.insert(id);
                    }
                    self.place(info)?;
                }
            }
        }
        whole.retain(|id| self.catalog.by_id(*id).is_some());
        Ok(whole)
    }

    async fn sides(&self, step: &MergeStep, id: CollectionId) -> Result<MetadataSides> {
        let keys = [catalog::key_of_collection(id)?];
        let mut theirs = documents(&step.theirs, CollectionId::CATALOG, &keys).await?;
        Ok(MetadataSides {
            base: metadata_of(step, id).await?,
            ours: self.catalog.by_id(id).map(|info| (**info).clone()),
            theirs: live(theirs.pop().flatten())?,
        })
    }

    async fn outcome(
        &mut self,
        step: &MergeStep,
        id: CollectionId,
        sides: &MetadataSides,
        touched: &mut OursTouched,
    ) -> Result<CollectionOutcome> {
        let MetadataSides { base, ours, theirs } = sides;
        let documents_changed = step.keys.contains_key(&id);
        if step.scope == Scope::UndoOfDocuments && (ours.is_some() || base.is_none()) {
            return Ok(CollectionOutcome::Keep);
        }
        Ok(match (base, ours, theirs) {
            (Some(base), None, Some(theirs)) if base != theirs || documents_changed => {
                self.contradiction(sides, theirs, Cause::DeletedAndChanged)?
            }
            _ if base == theirs || ours == theirs => CollectionOutcome::Keep,
            (None, None, Some(theirs)) => CollectionOutcome::Set(theirs.clone()),
            (Some(base), Some(ours), None) if step.scope == Scope::Undo => {
                match self.left(step, id).await? {
                    RemainingContent::ByOthers => CollectionOutcome::Keep,
                    _ if base != ours => {
                        self.contradiction(sides, ours, Cause::ChangedAndDeleted)?
                    }
                    RemainingContent::Changed => CollectionOutcome::Keep,
                    RemainingContent::AsItWas => CollectionOutcome::Drop(ours.clone()),
                }
            }
            (Some(base), Some(ours), None) => {
                if base == ours && !touched.contains(self, step, id).await? {
                    CollectionOutcome::Drop(ours.clone())
                } else {
                    self.contradiction(sides, ours, Cause::ChangedAndDeleted)?
                }
            }
            (_, Some(ours), Some(theirs)) if base.as_ref() == Some(ours) => {
                CollectionOutcome::Set(theirs.clone())
            }
            (_, Some(ours), Some(theirs)) => self.both_changed(base.as_ref(), ours, theirs)?,
            _ => CollectionOutcome::Keep,
        })
    }

    /// The conflict of a collection that one side changed and the other dropped.
    fn contradiction(
        &mut self,
        sides: &MetadataSides,
        there: &CollectionInfo,
        cause: Cause,
    ) -> Result<CollectionOutcome> {
        let decision = self.decisions.of(&there.name, None).get(&Path::DOCUMENT);
        let theirs = match (decision, &self.policy.default) {
            (Some(Choice::Ours), _) | (None, Some(Strategy::Ours)) => false,
            (Some(Choice::Theirs), _) | (None, Some(Strategy::Theirs)) => true,
            (Some(_), _) => {
                return Err(Error::invalid(format!(
                    "collection '{}' was changed on one side and dropped on the other; decide for \
                     ours or theirs",
                    there.name
                )));
            }
            (None, _) => {
                let raw = |info: &Option<CollectionInfo>| info.as_ref().map(raw_facts).transpose();
                let conflict = FieldConflict {
                    path: Path::DOCUMENT,
                    cause,
                    base: raw(&sides.base)?,
                    ours: raw(&sides.ours)?,
                    theirs: raw(&sides.theirs)?,
                    note: None,
                };
                let conflicts = vec![conflict];
                let merged = Merged { document: None, conflicts, decided: 0 };
                self.settled(there.name.clone(), None, &merged);
                return Ok(CollectionOutcome::Keep);
            }
        };
        self.decided += 1;
        Ok(match (theirs, cause) {
            (false, _) => CollectionOutcome::Keep,
            (true, Cause::ChangedAndDeleted) => CollectionOutcome::Drop(there.clone()),
            (true, _) => CollectionOutcome::Set(there.clone()),
        })
    }

    /// Merges a collection whose metadata both sides changed, or that both created.
    fn both_changed(
        &mut self,
        base: Option<&CollectionInfo>,
        ours: &CollectionInfo,
        theirs: &CollectionInfo,
    ) -> Result<CollectionOutcome> {
        // If both created the collection, the base has empty metadata.
        let blank =
            CollectionInfo { options: bson::Document::new(), indexes: Vec::new(), ..ours.clone() };
        let [start, first, second] = [base.unwrap_or(&blank), ours, theirs].map(metadata);
        let (start, first, second) = (start?, first?, second?);
        let versions = Versions {
            base: Some(start.as_raw()),
            ours: Some(first.as_raw()),
            theirs: Some(second.as_raw()),
            times: None,
        };
        let resolutions = self.decisions.of(&ours.name, None);
        let merged = merge_definition(&versions, self.policy.default.as_ref(), resolutions)?;
        self.settled(ours.name.clone(), None, &merged);
        let Some(document) = &merged.document else { return Ok(CollectionOutcome::Keep) };
        let (info, _) = catalog::decode(document)?;
        Ok(if info == *ours { CollectionOutcome::Keep } else { CollectionOutcome::Set(info) })
    }
}

impl OursTouched {
    async fn contains(
        &mut self,
        worker: &Worker<'_>,
        step: &MergeStep,
        id: CollectionId,
    ) -> Result<bool> {
        if self.0.is_none() {
            let mut touched = HashSet::new();
            for state in step.base.states() {
                let between = touched_between(&state, worker.ours, |_| true).await?;
                touched.extend(between.into_keys());
            }
            self.0 = Some(touched);
        }
        Ok(self.0.as_ref().is_some_and(|touched| touched.contains(&id)))
    }
}

/// Returns the metadata of a collection in the base of a step; `None` if it does not exist there.
pub(super) async fn metadata_of(
    step: &MergeStep,
    id: CollectionId,
) -> Result<Option<CollectionInfo>> {
    let keys = [catalog::key_of_collection(id)?];
    live(step.base.alone(CollectionId::CATALOG, &keys).await?.pop().flatten())
}

/// The collections that a step touches, in their metadata or documents.
pub(super) fn concerned(step: &MergeStep) -> BTreeSet<CollectionId> {
    let metadata = step.keys.get(&CollectionId::CATALOG).into_iter().flatten();
    let metadata = metadata.filter_map(|(key, _)| collection_of_key(key));
    metadata.chain(step.keys.keys().copied().filter(|id| *id != CollectionId::CATALOG)).collect()
}

/// Decodes a document of the catalog; `None` if the collection was dropped.
fn live(document: Option<Document>) -> Result<Option<CollectionInfo>> {
    let Some(document) = document else { return Ok(None) };
    let (info, dropped) = catalog::decode(&document)?;
    Ok((!dropped).then_some(info))
}

fn metadata(info: &CollectionInfo) -> Result<Document> {
    match catalog::change(info, false)?.image {
        Image::Document(document) => Ok(document),
        Image::Deleted => Err(Error::internal("a collection's metadata is not a document")),
    }
}

pub(super) fn raw_facts(info: &CollectionInfo) -> Result<RawBson> {
    Ok(RawBson::Document(metadata(info)?.into_raw()))
}
