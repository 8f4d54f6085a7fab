//! A collection of a branch.

use std::fmt;
use std::marker::PhantomData;

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};

use crate::document::key::Key;
use crate::engine::write::{Precondition, Receipt, WriteRequest};
use crate::model::{CollectionName, Document, Point};
use crate::store::{Branch, DocumentStream, VersionedDocument};
use crate::{Error, Result};

/// A type that can be stored as a document.
pub trait IntoDocument {
    /// Converts to the BSON that is stored.
    ///
    /// # Errors
    /// `Invalid` if the value is not valid BSON.
    fn into_raw(self) -> Result<RawDocumentBuf>;
}

impl IntoDocument for RawDocumentBuf {
    fn into_raw(self) -> Result<RawDocumentBuf> {
        Ok(self)
    }
}

impl IntoDocument for &RawDocument {
    fn into_raw(self) -> Result<RawDocumentBuf> {
        Ok(self.to_owned())
    }
}

impl IntoDocument for &bson::Document {
    fn into_raw(self) -> Result<RawDocumentBuf> {
        RawDocumentBuf::try_from(self)
            .map_err(|source| Error::invalid("the document is not valid BSON").with_source(source))
    }
}

impl IntoDocument for bson::Document {
    fn into_raw(self) -> Result<RawDocumentBuf> {
        (&self).into_raw()
    }
}

/// A handle to a collection of a branch, which need not exist yet. Cheap to clone.
///
/// Each call that writes makes one durable commit; to write several collections in one commit, use a
/// [request](Branch::request).
///
/// # Typed and raw
///
/// `Collection<T>` ([`Branch::collection_of`]) converts documents to values of a type `T` with serde,
/// and takes an `_id` as any value that converts to BSON.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct User {
///     _id: i32,
///     name: String,
///     visits: i64,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// # let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection_of::<User>("users")?;
/// users.insert(&User { _id: 1, name: "Ada".into(), visits: 1 }).await?;
/// let ada = users.update(1, |user| user.visits += 1).await?;
/// assert_eq!(users.get(1).await?, Some(ada));
/// # Ok(())
/// # }
/// ```
///
/// `Collection` without a type ([`Branch::collection`]) reads and writes [`Document`]s, BSON of which
/// every byte is kept, and takes a [`Key`] as `_id`. [`raw`](Self::raw) and [`typed`](Self::typed)
/// lead from one to the other.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::key::Key;
/// # use argon_core::model::CollectionName;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection(&CollectionName::new("users")?);
/// users.insert(rawdoc! { "_id": 1, "name": "Ada" }).await?;
/// let id = Key::of(&1.into())?;
///
/// let read = users.version(&id).await?.expect("it was just inserted");
/// users.replace_if(rawdoc! { "_id": 1, "name": "Grace" }, read.changed_by).await?;
/// assert!(users.replace_if(rawdoc! { "_id": 1, "name": "Joan" }, read.changed_by).await.is_err());
/// assert!(users.delete(&id).await?.is_some());
/// assert_eq!(users.get(&id).await?, None);
/// # Ok(())
/// # }
/// ```
pub struct Collection<T = Document> {
    branch: Branch,
    name: CollectionName,
    /// Values go in and out; none is here.
    values: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self::new(self.branch.clone(), self.name.clone())
    }
}

impl<T> fmt::Debug for Collection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { branch, name, .. } = self;
        f.debug_struct("Collection").field("branch", branch).field("name", name).finish()
    }
}

impl<T> Collection<T> {
    pub(crate) fn new(branch: Branch, name: CollectionName) -> Self {
        Self { branch, name, values: PhantomData }
    }

    /// The name.
    pub fn name(&self) -> &CollectionName {
        &self.name
    }

    /// The branch.
    pub fn branch(&self) -> &Branch {
        &self.branch
    }

    /// The same collection with documents as BSON.
    pub fn raw(&self) -> Collection {
        Collection::new(self.branch.clone(), self.name.clone())
    }

    /// The same collection with documents as values of another type.
    pub fn typed<U>(&self) -> Collection<U> {
        Collection::new(self.branch.clone(), self.name.clone())
    }
}

impl Collection {
    /// The document with this `_id` at the head, or `None`.
    pub async fn get(&self, id: &Key) -> Result<Option<Document>> {
        Ok(self.version(id).await?.map(|found| found.document))
    }

    /// The document with this `_id` at the head and the commit that last changed it, or `None`.
    pub async fn version(&self, id: &Key) -> Result<Option<VersionedDocument>> {
        let head = self.branch.head().await?;
        match head.catalog().get(&self.name) {
            Some(_) => head.collection(&self.name)?.version(id).await,
            None => Ok(None),
        }
    }

    /// All documents at the head in the order of their `_id`s; none if the collection does not
    /// exist.
    pub async fn scan(&self) -> Result<DocumentStream> {
        let head = self.branch.head().await?;
        match head.catalog().get(&self.name) {
            Some(_) => Ok(head.collection(&self.name)?.scan()),
            None => Ok(Box::pin(futures::stream::empty())),
        }
    }

    /// Inserts a document; one without an `_id` gets an `ObjectId`. As in MongoDB, the `_id` is
    /// stored as the first field. Returns the key of the `_id`.
    ///
    /// # Errors
    /// `AlreadyExists` if the `_id` is in use; `Invalid` if the document can't be stored.
    pub async fn insert(&self, document: impl IntoDocument) -> Result<(Key, Receipt)> {
        let (key, document) = self.with_id(document.into_raw()?)?;
        let receipt = self.write(key.clone(), document, Precondition::Absent).await?;
        Ok((key, receipt))
    }

    /// Inserts documents in one commit, all or none; see [`insert`](Self::insert). Returns the keys of
    /// their `_id`s in order.
    ///
    /// # Errors
    /// `AlreadyExists` if an `_id` is in use, or occurs twice; `Invalid` if there is no document, one
    /// can't be stored, or they are too large for one commit ([`WriteRequest::put`]).
    pub async fn insert_many(
        &self,
        documents: impl IntoIterator<Item: IntoDocument>,
    ) -> Result<(Vec<Key>, Receipt)> {
        let mut request = self.branch.request();
        let mut keys = Vec::new();
        for document in documents {
            let (key, document) = self.with_id(document.into_raw()?)?;
            request.put(self.name.clone(), key.clone(), document, Precondition::Absent)?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Error::invalid("no documents to insert: expected at least one"));
        }
        Ok((keys, self.branch.commit(request).await?.committed()?))
    }

    /// Inserts or replaces a document; one without an `_id` gets an `ObjectId`. The `_id` is stored
    /// as the first field.
    pub async fn put(&self, document: impl IntoDocument) -> Result<(Key, Receipt)> {
        let (key, document) = self.with_id(document.into_raw()?)?;
        let receipt = self.write(key.clone(), document, Precondition::Any).await?;
        Ok((key, receipt))
    }

    /// Replaces a document.
    ///
    /// # Errors
    /// `NotFound` if no document has the `_id`.
    pub async fn replace(&self, document: impl IntoDocument) -> Result<Receipt> {
        let (key, document) = Document::checked(Document::with_id_first(document.into_raw()?)?)?;
        self.write(key, document, Precondition::Present).await
    }

    /// Replaces a document if commit `read` is still the last one that changed it.
    ///
    /// # Errors
    /// `Conflict` if another commit changed it.
    pub async fn replace_if(&self, document: impl IntoDocument, read: Point) -> Result<Receipt> {
        let (key, document) = Document::checked(Document::with_id_first(document.into_raw()?)?)?;
        self.write(key, document, Precondition::ChangedBy(read)).await
    }

    /// Deletes a document; returns `None` without a commit if no document has the `_id`.
    pub async fn delete(&self, id: &Key) -> Result<Option<Receipt>> {
        let mut request = self.branch.request();
        request.delete(self.name.clone(), id.clone(), Precondition::SkipUnlessPresent);
        self.branch.commit(request).await?.receipt()
    }

    /// Adds an `_id` if the document has none, moves it before the other fields, and checks the
    /// document.
    ///
    /// # Errors
    /// `Invalid` if the document can't be stored.
    pub fn with_id(&self, raw: RawDocumentBuf) -> Result<(Key, Document)> {
        match raw.get("_id") {
            Ok(None) => {
                Document::checked(prepend_id(&raw, self.branch.shared().environment.object_id())?)
            }
            _ => Document::checked(Document::with_id_first(raw)?),
        }
    }

    async fn write(
        &self,
        key: Key,
        document: Document,
        condition: Precondition,
    ) -> Result<Receipt> {
        let mut request: WriteRequest = self.branch.request();
        request.put(self.name.clone(), key, document, condition)?;
        self.branch.commit(request).await?.committed()
    }
}

/// Puts an `_id` before the other fields of a document, as MongoDB does.
fn prepend_id(raw: &RawDocument, id: ObjectId) -> Result<RawDocumentBuf> {
    let mut bytes = vec![0; 4];
    bytes.push(0x07);
    bytes.extend_from_slice(b"_id\0");
    bytes.extend_from_slice(&id.bytes());
    bytes.extend_from_slice(&raw.as_bytes()[4..]);
    let length = i32::try_from(bytes.len())
        .map_err(|_| Error::invalid("the document exceeds the size limit of BSON"))?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    RawDocumentBuf::from_bytes(bytes)
        .map_err(|source| Error::invalid("the document is not valid BSON").with_source(source))
}
