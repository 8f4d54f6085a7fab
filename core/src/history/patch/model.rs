//! A patch, by collection and document.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bson::Document as BsonDocument;
use bson::raw::RawBson;
use futures::TryStreamExt;

use super::Edit;
use crate::document::definition::{identical, identical_lists};
use crate::document::key::Key;
use crate::document::value::NewValue;
use crate::engine::catalog::CollectionInfo;
use crate::engine::write::DOCUMENT_OVERHEAD_BYTES;
use crate::history::diff::{CollectionDiff, Diff, DocumentDiff, Section};
use crate::model::{CollectionName, Document, MAX_COMMIT_BYTES};
use crate::{Error, Result};

/// What differs between two states, complete, with the values of both sides.
///
/// It is held in memory, and has at most [`MAX_COMMIT_BYTES`] on each side, as it becomes one commit:
/// its documents and values, with [`DOCUMENT_OVERHEAD_BYTES`] more for each document, and
/// [`FIELD_OVERHEAD_BYTES`] for each field that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    sections: Vec<PatchSection>,
    /// The bytes of values before, and after.
    bytes: [usize; 2],
    /// The bytes that hold them.
    overhead: usize,
}

/// What each field that changes in a document counts for beside its values: its path, its place, and
/// what the allocator adds.
pub const FIELD_OVERHEAD_BYTES: usize = 256;

/// What a patch changes of one collection.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchSection {
    pub(super) change: SectionChange,
    pub(super) documents: BTreeMap<Key, DocumentChange>,
}

/// What happens to a collection itself.
#[derive(Debug, Clone, PartialEq)]
pub enum SectionChange {
    /// Nothing; only documents of it change.
    Same(CollectionName),
    /// It is made; all documents are added.
    Created(CollectionMetadata),
    /// It goes; all documents are removed.
    Dropped(CollectionMetadata),
    /// Its name, options or indexes change.
    Changed {
        /// As it is before.
        before: CollectionMetadata,
        /// As it is after.
        after: CollectionMetadata,
    },
}

/// What a collection is besides its documents. Equal if it is the same bytes.
#[derive(Debug, Clone)]
pub struct CollectionMetadata {
    /// Its name.
    pub name: CollectionName,
    /// Its options.
    pub options: BsonDocument,
    /// Its index definitions.
    pub indexes: Vec<BsonDocument>,
}

/// What happens to a document.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentChange {
    /// It is added.
    Added(Document),
    /// It is removed; this is what it was.
    Removed(Document),
    /// Fields of it change.
    Changed(Edit),
}

impl Patch {
    /// A patch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// All that differs between two states.
    ///
    /// # Errors
    /// `Invalid` when it is more than a patch may hold; those of reading the documents.
    pub async fn of(diff: &Diff) -> Result<Self> {
        let mut patch = Self::new();
        for section in diff.sections() {
            let Some(change) = SectionChange::of(&section) else { continue };
            let metadata_differs = !matches!(change, SectionChange::Same(_));
            let mut documents = diff.documents_of(&section);
            let mut begun = false;
            loop {
                let document = documents.try_next().await?;
                if !begun && (document.is_some() || metadata_differs) {
                    patch.begin(change.clone())?;
                    begun = true;
                }
                let Some(document) = document else { break };
                if let Some(change) = DocumentChange::of(&document)? {
                    patch.push(document.key, change)?;
                }
            }
        }
        Ok(patch)
    }

    /// Goes on with another collection.
    ///
    /// # Errors
    /// `Invalid` when the patch has a part on it already.
    pub fn begin(&mut self, change: SectionChange) -> Result<()> {
        let same = |section: &PatchSection| {
            section.change.before() == change.before() && change.before().is_some()
                || section.change.after() == change.after() && change.after().is_some()
        };
        if self.sections.iter().any(same) {
            let name = change.name();
            return Err(Error::invalid(format!("collection '{name}' is changed a second time")));
        }
        self.sections.push(PatchSection { change, documents: BTreeMap::new() });
        Ok(())
    }

    /// Adds the change of a document of the collection that was begun last.
    ///
    /// # Errors
    /// `Invalid` when no collection was begun, the document is changed already, it can't be
    /// changed so in a collection that is made or goes, or the patch gets too large.
    pub fn push(&mut self, key: Key, change: DocumentChange) -> Result<()> {
        let Some(section) = self.sections.last_mut() else {
            return Err(Error::invalid("there is no collection before the first document"));
        };
        let fits = match &section.change {
            SectionChange::Created(_) => matches!(change, DocumentChange::Added(_)),
            SectionChange::Dropped(_) => matches!(change, DocumentChange::Removed(_)),
            SectionChange::Same(_) | SectionChange::Changed { .. } => true,
        };
        if !fits {
            return Err(Error::invalid(
                "a collection that is made has only documents that are added, one that goes only \
                 documents that are removed",
            ));
        }
        self.overhead += change.overhead();
        for (total, more) in self.bytes.iter_mut().zip(change.bytes()) {
            *total += more;
            if *total + self.overhead > MAX_COMMIT_BYTES {
                return Err(Error::invalid(format!(
                    "a patch becomes one commit, which may hold {MAX_COMMIT_BYTES} bytes of documents, \
                     where each counts {DOCUMENT_OVERHEAD_BYTES} more than it has, and each field that \
                     changes {FIELD_OVERHEAD_BYTES}; make several patches, of states between"
                )));
            }
        }
        match section.documents.entry(key) {
            Entry::Vacant(place) => {
                place.insert(change);
                Ok(())
            }
            Entry::Occupied(place) => {
                let key = place.key();
                Err(Error::invalid(format!("the document with _id {key} is changed a second time")))
            }
        }
    }

    /// What it changes, by collection.
    pub fn sections(&self) -> &[PatchSection] {
        &self.sections
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The patch that takes this one back.
    #[must_use]
    pub fn reversed(self) -> Self {
        let [before, after] = self.bytes;
        let sections = self.sections.into_iter().map(PatchSection::reversed).collect();
        Self { sections, bytes: [after, before], overhead: self.overhead }
    }
}

impl PatchSection {
    /// What happens to the collection itself.
    pub fn change(&self) -> &SectionChange {
        &self.change
    }

    /// What happens to its documents, by `_id`.
    pub fn documents(&self) -> impl Iterator<Item = (&Key, &DocumentChange)> {
        self.documents.iter()
    }

    fn reversed(self) -> Self {
        let change = match self.change {
            SectionChange::Same(name) => SectionChange::Same(name),
            SectionChange::Created(metadata) => SectionChange::Dropped(metadata),
            SectionChange::Dropped(metadata) => SectionChange::Created(metadata),
            SectionChange::Changed { before, after } => {
                SectionChange::Changed { before: after, after: before }
            }
        };
        let reversed = |change| match change {
            DocumentChange::Added(document) => DocumentChange::Removed(document),
            DocumentChange::Removed(document) => DocumentChange::Added(document),
            DocumentChange::Changed(edit) => DocumentChange::Changed(edit.reversed()),
        };
        let documents = self.documents.into_iter();
        let documents = documents.map(|(key, change)| (key, reversed(change))).collect();
        Self { change, documents }
    }
}

impl SectionChange {
    /// What happens to a collection from one state to another; `None` if it is in neither.
    pub fn of(section: &Section) -> Option<Self> {
        let metadata = |info: &CollectionInfo| CollectionMetadata::from(info);
        Some(match section.metadata() {
            Some(CollectionDiff::Created(info)) => Self::Created(metadata(&info)),
            Some(CollectionDiff::Dropped(info)) => Self::Dropped(metadata(&info)),
            Some(CollectionDiff::Changed { before, after }) => {
                Self::Changed { before: metadata(&before), after: metadata(&after) }
            }
            None => Self::Same(section.name()?.clone()),
        })
    }

    /// The collection's name, after the change if it is there then.
    pub fn name(&self) -> &CollectionName {
        match self {
            Self::Same(name) => name,
            Self::Created(metadata)
            | Self::Dropped(metadata)
            | Self::Changed { after: metadata, .. } => &metadata.name,
        }
    }

    fn before(&self) -> Option<&CollectionName> {
        match self {
            Self::Same(name) => Some(name),
            Self::Created(_) => None,
            Self::Dropped(metadata) | Self::Changed { before: metadata, .. } => {
                Some(&metadata.name)
            }
        }
    }

    fn after(&self) -> Option<&CollectionName> {
        match self {
            Self::Dropped(_) => None,
            other => Some(other.name()),
        }
    }
}

impl PartialEq for CollectionMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && identical(&self.options, &other.options)
            && identical_lists(&self.indexes, &other.indexes)
    }
}

impl From<&CollectionInfo> for CollectionMetadata {
    fn from(info: &CollectionInfo) -> Self {
        let CollectionInfo { name, options, indexes, .. } = info.clone();
        Self { name, options, indexes }
    }
}

impl DocumentChange {
    /// The change of a document that differs; `None` if it is on neither side.
    ///
    /// # Errors
    /// `Corrupt` when a document does not decode.
    pub fn of(diff: &DocumentDiff) -> Result<Option<Self>> {
        Ok(Some(match (&diff.before, &diff.after) {
            (None, Some(after)) => Self::Added(after.clone()),
            (Some(before), None) => Self::Removed(before.clone()),
            (Some(before), Some(after)) => {
                Self::Changed(Edit::between(before.as_raw(), after.as_raw())?)
            }
            (None, None) => return Ok(None),
        }))
    }

    /// The bytes that hold it, besides those of its values.
    fn overhead(&self) -> usize {
        let Self::Changed(edit) = self else { return DOCUMENT_OVERHEAD_BYTES };
        let names = edit.orders().iter().flat_map(|order| order.before.iter().chain(&order.after));
        let names: usize = names.map(|name| name.len() + size_of::<String>()).sum();
        let fields = edit.fields().len() + edit.orders().len();
        DOCUMENT_OVERHEAD_BYTES + fields * FIELD_OVERHEAD_BYTES + names
    }

    /// The bytes of its values before and after.
    fn bytes(&self) -> [usize; 2] {
        let size = |value: &Option<RawBson>| {
            value.as_ref().map_or(0, |value| NewValue::of(value).as_value().bytes.len())
        };
        match self {
            Self::Added(document) => [0, document.as_bytes().len()],
            Self::Removed(document) => [document.as_bytes().len(), 0],
            Self::Changed(edit) => edit.fields().iter().fold([0, 0], |[before, after], field| {
                [before + size(&field.before), after + size(&field.after)]
            }),
        }
    }
}
