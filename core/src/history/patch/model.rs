//! Patches: changes by collection and document.

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

/// The differences between two states, with the values of both sides.
///
/// A patch is held in memory, and has at most [`MAX_COMMIT_BYTES`] on each side, because it becomes
/// one commit: its documents and values, plus [`DOCUMENT_OVERHEAD_BYTES`] for each document, and
/// [`FIELD_OVERHEAD_BYTES`] for each changed field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    sections: Vec<PatchSection>,
    /// The bytes of values before, and after.
    bytes: [usize; 2],
    /// The overhead in bytes.
    overhead: usize,
}

/// The overhead of each changed field of a document: its path, its position, and the allocations.
pub const FIELD_OVERHEAD_BYTES: usize = 256;

/// The changes of one collection.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchSection {
    pub(super) change: SectionChange,
    pub(super) documents: BTreeMap<Key, DocumentChange>,
}

/// The change of a collection itself.
#[derive(Debug, Clone, PartialEq)]
pub enum SectionChange {
    /// None; only documents change.
    Same(CollectionName),
    /// It is created; all documents are added.
    Created(CollectionMetadata),
    /// It is dropped; all documents are removed.
    Dropped(CollectionMetadata),
    /// Its name, options or indexes are changed.
    Changed {
        /// The metadata before.
        before: CollectionMetadata,
        /// The metadata after.
        after: CollectionMetadata,
    },
}

/// The metadata of a collection. Equal if the bytes are.
#[derive(Debug, Clone)]
pub struct CollectionMetadata {
    /// The name.
    pub name: CollectionName,
    /// The options.
    pub options: BsonDocument,
    /// The index definitions.
    pub indexes: Vec<BsonDocument>,
}

/// The change of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum DocumentChange {
    /// It is added.
    Added(Document),
    /// It is removed, with its content before.
    Removed(Document),
    /// Its fields are changed.
    Changed(Edit),
}

impl Patch {
    /// An empty patch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a patch of all differences between two states.
    ///
    /// # Errors
    /// `Invalid` if the patch exceeds its limit; the errors of reading the documents.
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

    /// Begins the section of another collection.
    ///
    /// # Errors
    /// `Invalid` if the patch already has a section for it.
    pub fn begin(&mut self, change: SectionChange) -> Result<()> {
        let same = |section: &PatchSection| {
            section.change.before() == change.before() && change.before().is_some()
                || section.change.after() == change.after() && change.after().is_some()
        };
        if self.sections.iter().any(same) {
            let name = change.name();
            return Err(Error::invalid(format!("the patch changes collection '{name}' twice")));
        }
        self.sections.push(PatchSection { change, documents: BTreeMap::new() });
        Ok(())
    }

    /// Adds a change of a document in the current section.
    ///
    /// # Errors
    /// `Invalid` if there is no section, the document is already changed, the change is not allowed
    /// in a created or dropped collection, or the patch exceeds its limit.
    pub fn push(&mut self, key: Key, change: DocumentChange) -> Result<()> {
        let Some(section) = self.sections.last_mut() else {
            return Err(Error::invalid("the first document has no collection before it"));
        };
        let fits = match &section.change {
            SectionChange::Created(_) => matches!(change, DocumentChange::Added(_)),
            SectionChange::Dropped(_) => matches!(change, DocumentChange::Removed(_)),
            SectionChange::Same(_) | SectionChange::Changed { .. } => true,
        };
        if !fits {
            return Err(Error::invalid(
                "a created collection may only have added documents, a dropped one only removed \
                 documents",
            ));
        }
        self.overhead += change.overhead();
        for (total, more) in self.bytes.iter_mut().zip(change.bytes()) {
            *total += more;
            if *total + self.overhead > MAX_COMMIT_BYTES {
                return Err(Error::invalid(format!(
                    "a patch becomes one commit, which may have {MAX_COMMIT_BYTES} bytes of \
                     documents, plus {DOCUMENT_OVERHEAD_BYTES} for each document, and \
                     {FIELD_OVERHEAD_BYTES} for each changed field; make several patches, of \
                     states in between"
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
                Err(Error::invalid(format!("the patch changes the document with _id {key} twice")))
            }
        }
    }

    /// The changes by collection.
    pub fn sections(&self) -> &[PatchSection] {
        &self.sections
    }

    /// Whether the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The inverse patch.
    #[must_use]
    pub fn reversed(self) -> Self {
        let [before, after] = self.bytes;
        let sections = self.sections.into_iter().map(PatchSection::reversed).collect();
        Self { sections, bytes: [after, before], overhead: self.overhead }
    }
}

impl PatchSection {
    /// The change of the collection itself.
    pub fn change(&self) -> &SectionChange {
        &self.change
    }

    /// The changes of its documents, by `_id`.
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
    /// The change of a collection from one state to another; `None` if it is in neither.
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

    /// The collection's name, after the change if it exists then.
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
    /// The change of a document; `None` if it is on neither side.
    ///
    /// # Errors
    /// `Corrupt` if a document can't be decoded.
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

    /// The overhead in bytes, besides its values.
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
