//! Write requests.

use bson::Document as BsonDocument;

use crate::document::key::Key;
use crate::engine::write::series::Series;
use crate::model::{
    Actor, Change, CollectionId, CollectionName, Digest, Document, Image, MAX_COMMIT_BYTES,
    Message, Origin, Point, Trailers,
};
use crate::{Error, Result};

/// A precondition of a change of a document. It is checked when the commit gets its position in the
/// log, and again if another writer takes that position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// None; costs no lookup.
    Any,
    /// The document must not exist; otherwise the commit fails.
    Absent,
    /// The document must exist; otherwise the commit fails.
    Present,
    /// This commit must be the last that changed the document; otherwise the commit fails. The
    /// commit includes its timeline, because after a reset another one has the same LSN.
    ChangedBy(Point),
    /// If the document exists, this change is skipped.
    SkipUnlessAbsent,
    /// If the document does not exist, this change is skipped.
    SkipUnlessPresent,
}

/// The rules of a collection that a write must meet. They are checked when the commit gets its
/// position in the log, and again if another writer takes that position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforced {
    /// Unique indexes, and the validator.
    All,
    /// Unique indexes.
    Unique,
    /// None.
    Nothing,
}

/// A change of a collection's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum CollectionChange {
    /// Create an empty collection; a conflict if the name is in use.
    Create {
        /// The name.
        name: CollectionName,
    },
    /// Drop a collection and its documents; a conflict if it does not exist.
    Drop {
        /// The name.
        name: CollectionName,
    },
    /// Rename a collection; a conflict if the new name is in use.
    Rename {
        /// The present name.
        from: CollectionName,
        /// The new name.
        to: CollectionName,
    },
    /// Set the options (in the format of MongoDB's `create`), creating the collection if required.
    SetOptions {
        /// The name.
        name: CollectionName,
        /// All options.
        options: BsonDocument,
    },
    /// Set the validator, one of the options; `None` removes it. Argon stores it, and does not yet
    /// enforce it.
    SetValidator {
        /// The name.
        name: CollectionName,
        /// A query or `{$jsonSchema: …}`.
        validator: Option<BsonDocument>,
    },
    /// Set the index definitions (in the format of MongoDB's `listIndexes`), creating the
    /// collection if required.
    SetIndexes {
        /// The name.
        name: CollectionName,
        /// All indexes.
        indexes: Vec<BsonDocument>,
    },
}

/// An operation of a request.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Document {
        collection: CollectionName,
        key: Key,
        image: Image,
        condition: Precondition,
    },
    Collection(CollectionChange),
    /// An unconditional change by the collection's number, which may be the catalog's.
    Exact(Change),
}

/// The overhead of each document of a request: its key, its entries in the request and in the
/// commit, and the allocations.
pub const DOCUMENT_OVERHEAD_BYTES: usize = 512;

/// Changes that become one commit, or none of them.
///
/// The request is in memory until it is durable. The documents of [`put`](Self::put) are limited to
/// [`MAX_COMMIT_BYTES`], including [`DOCUMENT_OVERHEAD_BYTES`] for each; writing takes about three
/// times as much memory.
///
/// Operations apply in order: a later one sees the effect of earlier ones. Several changes of one
/// document become one, the last.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    pub(crate) operations: Vec<Operation>,
    pub(crate) actor: Actor,
    pub(crate) message: Message,
    pub(crate) origin: Origin,
    pub(crate) trailers: Trailers,
    /// The required digest of the last commit; otherwise the commit fails.
    pub(crate) after: Option<Digest>,
    /// The rules of their collections that the documents must meet.
    pub(crate) enforced: Enforced,
    pub(super) series: Option<Series>,
    bytes: usize,
}

impl WriteRequest {
    /// Creates an empty request of this actor.
    pub fn new(actor: Actor) -> Self {
        Self {
            operations: Vec::new(),
            actor,
            message: Message::default(),
            origin: Origin::default(),
            trailers: Trailers::default(),
            after: None,
            enforced: Enforced::All,
            series: None,
            bytes: 0,
        }
    }

    /// Sets the message.
    pub fn set_message(&mut self, message: Message) {
        self.message = message;
    }

    /// Sets the origin.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Sets the trailers.
    pub fn set_trailers(&mut self, trailers: Trailers) {
        self.trailers = trailers;
    }

    /// Makes the commit fail unless it directly follows the commit with this digest, which covers
    /// all before it; [`Digest::ZERO`] stands for no commit. Operations that were computed on a
    /// state require that: merge, undo, cherry-pick.
    pub fn set_after(&mut self, digest: Digest) {
        self.after = Some(digest);
    }

    /// Sets which rules of their collections the documents must meet: all by default. A document
    /// that an index can't take is refused in any case.
    pub fn set_enforced(&mut self, enforced: Enforced) {
        self.enforced = enforced;
    }

    /// Whether later requests must see this one's effect on the rules of collections.
    pub(super) fn changes_rules(&self) -> bool {
        self.operations.iter().any(|operation| match operation {
            Operation::Collection(_) => true,
            Operation::Exact(change) => change.collection == CollectionId::CATALOG,
            Operation::Document { .. } => false,
        })
    }

    /// Adds an unconditional change.
    ///
    /// # Errors
    /// The errors of [`put`](Self::put).
    pub(crate) fn push_exact(&mut self, change: Change) -> Result<()> {
        if let Image::Document(document) = &change.image {
            self.bytes = self.bytes_with(document)?;
        }
        self.operations.push(Operation::Exact(change));
        Ok(())
    }

    /// Adds a write of a document; creates the collection if it does not exist.
    ///
    /// # Errors
    /// `Invalid` if the commit would exceed [`MAX_COMMIT_BYTES`] of documents, including
    /// [`DOCUMENT_OVERHEAD_BYTES`] for each.
    pub fn put(
        &mut self,
        collection: CollectionName,
        key: Key,
        document: Document,
        condition: Precondition,
    ) -> Result<()> {
        self.bytes = self.bytes_with(&document)?;
        if self.bytes + (self.operations.len() + 1) * DOCUMENT_OVERHEAD_BYTES > MAX_COMMIT_BYTES {
            return Err(Error::invalid(format!(
                "a commit may have {MAX_COMMIT_BYTES} bytes, including {DOCUMENT_OVERHEAD_BYTES} \
                 for each document; write the rest in another commit"
            )));
        }
        let image = Image::Document(document);
        self.operations.push(Operation::Document { collection, key, image, condition });
        Ok(())
    }

    /// Adds a deletion of a document.
    pub fn delete(&mut self, collection: CollectionName, key: Key, condition: Precondition) {
        let image = Image::Deleted;
        self.operations.push(Operation::Document { collection, key, image, condition });
    }

    /// Adds a change of a collection's metadata.
    pub fn change_collection(&mut self, change: CollectionChange) {
        self.operations.push(Operation::Collection(change));
    }

    fn bytes_with(&self, document: &Document) -> Result<usize> {
        let bytes = self.bytes + document.as_bytes().len();
        if bytes > MAX_COMMIT_BYTES {
            return Err(Error::invalid(format!(
                "a commit may have {MAX_COMMIT_BYTES} bytes of documents; write the rest in \
                 another commit"
            )));
        }
        Ok(bytes)
    }

    /// Ends the series of which the request is a part.
    pub(super) fn end_series(&self) {
        if let Some(series) = &self.series {
            series.end();
        }
    }

    /// Whether the request is empty.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The bytes of the documents.
    pub fn document_bytes(&self) -> usize {
        self.bytes
    }
}
