//! What a writer asks for.

use bson::Document as BsonDocument;

use crate::document::key::Key;
use crate::model::{
    Actor, Change, CollectionName, Digest, Document, Image, MAX_COMMIT_BYTES, Message, Origin,
    Point, Trailers,
};
use crate::{Error, Result};

/// What must hold of a document for its change to be made. It is checked when the commit gets its
/// place in the log, and again if that place is lost to another writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing; costs no lookup.
    Any,
    /// There is no such document; otherwise the commit fails.
    Absent,
    /// There is such a document; otherwise the commit fails.
    Present,
    /// The document was last changed by this commit; otherwise the commit fails. A commit is named
    /// with its timeline, since after a reset another one has the same LSN.
    ChangedBy(Point),
    /// There is no such document; otherwise this change is left out.
    SkipUnlessAbsent,
    /// There is such a document; otherwise this change is left out.
    SkipUnlessPresent,
}

/// A change of a collection's metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum CollectionChange {
    /// Make an empty collection; it is a conflict if there is one of that name.
    Create {
        /// Its name.
        name: CollectionName,
    },
    /// Remove a collection and its documents from the present; it is a conflict if there is none.
    Drop {
        /// Its name.
        name: CollectionName,
    },
    /// Give a collection another name, which must be free.
    Rename {
        /// What it is called.
        from: CollectionName,
        /// What it shall be called.
        to: CollectionName,
    },
    /// Set the options (as MongoDB's `create` takes them), making the collection if need be.
    SetOptions {
        /// Its name.
        name: CollectionName,
        /// All of its options.
        options: BsonDocument,
    },
    /// Set the validator, one of the options; `None` removes it. Argon keeps it, and does not yet
    /// enforce it.
    SetValidator {
        /// Its name.
        name: CollectionName,
        /// A query or `{$jsonSchema: …}`.
        validator: Option<BsonDocument>,
    },
    /// Set the index definitions (as MongoDB's `listIndexes` gives them), making the collection if
    /// need be.
    SetIndexes {
        /// Its name.
        name: CollectionName,
        /// All of its indexes.
        indexes: Vec<BsonDocument>,
    },
}

/// One step of a request.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Document {
        collection: CollectionName,
        key: Key,
        image: Image,
        condition: Precondition,
    },
    Collection(CollectionChange),
    /// A change by the collection's number, which may be the catalog's, whatever is there.
    Exact(Change),
}

/// What each document of a request counts for beside its bytes: its key, its place in the request and
/// in the commit, and what the allocator adds.
pub const DOCUMENT_OVERHEAD_BYTES: usize = 512;

/// Changes that become one commit, or none of them.
///
/// All of it is in memory until it is durable. What [`put`](Self::put) adds is bounded by
/// [`MAX_COMMIT_BYTES`], for which each document counts [`DOCUMENT_OVERHEAD_BYTES`] more than it has;
/// writing takes about three times as much memory.
///
/// Steps are taken in order: a later one sees what an earlier one did. Several changes of one
/// document become one, the last.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    pub(crate) operations: Vec<Operation>,
    pub(crate) actor: Actor,
    pub(crate) message: Message,
    pub(crate) origin: Origin,
    pub(crate) trailers: Trailers,
    /// The digest of the commit that must be the last one; otherwise the commit fails.
    pub(crate) after: Option<Digest>,
    bytes: usize,
}

impl WriteRequest {
    /// An empty request of this actor.
    pub fn new(actor: Actor) -> Self {
        Self {
            operations: Vec::new(),
            actor,
            message: Message::default(),
            origin: Origin::default(),
            trailers: Trailers::default(),
            after: None,
            bytes: 0,
        }
    }

    /// Says why.
    pub fn set_message(&mut self, message: Message) {
        self.message = message;
    }

    /// Says what brought the commit about.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Sets what is noted about the commit.
    pub fn set_trailers(&mut self, trailers: Trailers) {
        self.trailers = trailers;
    }

    /// Makes the commit fail unless it comes right after the commit with this digest, which covers
    /// all before it; [`Digest::ZERO`] stands for no commit. This is what an operation asks for that
    /// was worked out on a state: merge, undo, cherry-pick.
    pub fn set_after(&mut self, digest: Digest) {
        self.after = Some(digest);
    }

    /// Adds a change as it is, whatever the collection holds.
    ///
    /// # Errors
    /// Those of [`put`](Self::put).
    pub(crate) fn push_exact(&mut self, change: Change) -> Result<()> {
        if let Image::Document(document) = &change.image {
            self.bytes = self.bytes_with(document)?;
        }
        self.operations.push(Operation::Exact(change));
        Ok(())
    }

    /// Adds the writing of a document; the collection is made if it is not there.
    ///
    /// # Errors
    /// `Invalid` when the commit would have more than [`MAX_COMMIT_BYTES`] of documents, each counted
    /// with [`DOCUMENT_OVERHEAD_BYTES`].
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
                "a commit may hold {MAX_COMMIT_BYTES} bytes, where each document counts \
                 {DOCUMENT_OVERHEAD_BYTES} more than it has; write the rest in another"
            )));
        }
        let image = Image::Document(document);
        self.operations.push(Operation::Document { collection, key, image, condition });
        Ok(())
    }

    /// Adds the deletion of a document.
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
                "a commit may hold {MAX_COMMIT_BYTES} bytes of documents; write the rest in another"
            )));
        }
        Ok(bytes)
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many steps were asked for.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// The bytes of the documents.
    pub fn document_bytes(&self) -> usize {
        self.bytes
    }
}
