//! Documents of a collection as values of a type of the program.

use std::any::type_name;
use std::borrow::Borrow;

use bson::Bson;
use bson::raw::RawDocumentBuf;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::apply_difference;
use crate::document::key::Key;
use crate::engine::write::{Outcome, Precondition, Receipt};
use crate::model::backoff::Backoff;
use crate::model::{CollectionName, Document, Point};
use crate::store::{Collection, VersionedDocument};
use crate::{DetailKey, Error, Result};

/// A value, and the commit that last changed its document.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionedValue<T> {
    /// The commit, for [`Collection::replace_if`].
    pub changed_by: Point,
    /// The value.
    pub value: T,
}

impl<T: DeserializeOwned> Collection<T> {
    /// The document with this `_id` at the head, or `None`.
    ///
    /// # Errors
    /// `Invalid` if the document is not a `T`.
    pub async fn get(&self, id: impl Into<Bson>) -> Result<Option<T>> {
        Ok(self.version(id).await?.map(|found| found.value))
    }

    /// The document with this `_id` at the head and the commit that last changed it, or `None`.
    ///
    /// # Errors
    /// `Invalid` if the document is not a `T`.
    pub async fn version(&self, id: impl Into<Bson>) -> Result<Option<VersionedValue<T>>> {
        let found = self.raw().version(&key_of(id)?).await?;
        found
            .map(|VersionedDocument { changed_by, document }| {
                Ok(VersionedValue { changed_by, value: decode(self.name(), &document)? })
            })
            .transpose()
    }

    /// All documents at the head in the order of their `_id`s; none if the collection does not
    /// exist.
    ///
    /// # Errors
    /// In the stream: `Invalid` for a document that is not a `T`.
    pub async fn scan(&self) -> Result<BoxStream<'static, Result<T>>>
    where
        T: Send + 'static,
    {
        let name = self.name().clone();
        let documents = self.raw().scan().await?;
        Ok(documents.and_then(move |found| std::future::ready(decode(&name, &found))).boxed())
    }
}

impl<T: Serialize> Collection<T> {
    /// Inserts a value; one without an `_id` gets an `ObjectId`. Returns the key of the `_id`.
    ///
    /// A field `_id: Option<ObjectId>` needs `#[serde(skip_serializing_if = "Option::is_none")]`:
    /// null is a value of an `_id`, in MongoDB too.
    ///
    /// # Errors
    /// `AlreadyExists` if the `_id` is in use; `Invalid` if the value can't be stored.
    pub async fn insert(&self, value: impl Borrow<T>) -> Result<(Key, Receipt)> {
        self.raw().insert(encode::<T>(value.borrow())?).await
    }

    /// Inserts values in one commit, all or none. Returns the keys of their `_id`s in order.
    ///
    /// # Errors
    /// `AlreadyExists` if an `_id` is in use, or occurs twice; `Invalid` if there is no value, one
    /// can't be stored, or they are too large for one commit.
    pub async fn insert_many(
        &self,
        values: impl IntoIterator<Item: Borrow<T>>,
    ) -> Result<(Vec<Key>, Receipt)> {
        let documents = values.into_iter().map(|value| encode::<T>(value.borrow()));
        self.raw().insert_many(documents.collect::<Result<Vec<_>>>()?).await
    }

    /// Inserts a value, or replaces the document with its `_id`, fields that `T` does not know
    /// included.
    ///
    /// # Errors
    /// `Invalid` if the value can't be stored.
    pub async fn put(&self, value: impl Borrow<T>) -> Result<(Key, Receipt)> {
        self.raw().put(encode::<T>(value.borrow())?).await
    }

    /// Replaces the document with the `_id` of this value, fields that `T` does not know included.
    /// [`update`](Self::update) keeps them.
    ///
    /// # Errors
    /// `NotFound` if no document has the `_id`.
    pub async fn replace(&self, value: impl Borrow<T>) -> Result<Receipt> {
        self.raw().replace(encode::<T>(value.borrow())?).await
    }

    /// [`replace`](Self::replace) if commit `read` is still the last one that changed the document.
    ///
    /// # Errors
    /// `Conflict` if another commit changed it.
    pub async fn replace_if(&self, value: impl Borrow<T>, read: Point) -> Result<Receipt> {
        self.raw().replace_if(encode::<T>(value.borrow())?, read).await
    }
}

impl<T: Serialize + DeserializeOwned> Collection<T> {
    /// Deletes the document with this `_id`; returns `None` without a commit if there is none.
    pub async fn delete(&self, id: impl Into<Bson>) -> Result<Option<Receipt>> {
        self.raw().delete(&key_of(id)?).await
    }

    /// Reads the document with this `_id`, changes it, and commits it under the condition that nobody
    /// else changed it since. After a lost race it reads the document again and calls `change` again,
    /// as often as [`Backoff`] allows. Returns the value that is stored. A change that has no effect
    /// makes no commit.
    ///
    /// Only what `change` made different is written. Fields of the document that `T` does not know
    /// stay, and so does the stored type of an int32 or int64 that has room for the new number. (An
    /// array whose length changed keeps the elements that are equal to earlier ones; its other
    /// elements have the fields of the type only. To a field that was read by a serde `alias`, a
    /// change adds the field of the proper name.)
    ///
    /// ```
    /// # use bson::{doc, rawdoc};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize)]
    /// struct Stock {
    ///     left: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// # let branch = argon_backends::memory_branch().await?;
    /// let stock = branch.collection_of::<Stock>("stock")?;
    /// stock.raw().insert(rawdoc! { "_id": "nut", "left": 5, "shelf": "B2" }).await?;
    ///
    /// stock.update("nut", |nut| nut.left -= 1).await?;
    ///
    /// let all = stock.typed::<bson::Document>();
    /// assert_eq!(all.get("nut").await?, Some(doc! { "_id": "nut", "left": 4, "shelf": "B2" }));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `NotFound` if no document has the `_id`; `Invalid` if it is not a `T`, or the result can't be
    /// stored or has another `_id`; `Conflict` if others changed the document on every attempt.
    pub async fn update(&self, id: impl Into<Bson>, mut change: impl FnMut(&mut T)) -> Result<T> {
        let change = |value: &mut T| {
            change(value);
            Ok::<_, Error>(())
        };
        self.try_update(id, change).await
    }

    /// [`update`](Self::update) with a change that may refuse: its error ends the update, and nothing
    /// is written.
    ///
    /// # Errors
    /// The error of `change`; the errors of [`update`](Self::update).
    pub async fn try_update<E: From<Error>>(
        &self,
        id: impl Into<Bson>,
        mut change: impl FnMut(&mut T) -> Result<(), E>,
    ) -> Result<T, E> {
        let key = key_of(id)?;
        let mut backoff = Backoff::new(self.branch().environment());
        while backoff.attempt().await {
            let (read, mut value) = self.read_for_update(&key).await?;
            let before = encode(&value)?;
            change(&mut value)?;
            if self.write_update(&key, read, &before, &encode(&value)?).await? {
                return Ok(value);
            }
        }
        Err(Error::conflict(format!(
            "the document with _id {key} of collection '{}' was changed by others on every attempt; \
             try again later",
            self.name()
        ))
        .with_detail(DetailKey::Collection, self.name().as_str())
        .with_detail(DetailKey::Id, key.to_string())
        .into())
    }

    async fn read_for_update(&self, key: &Key) -> Result<(VersionedDocument, T)> {
        let Some(read) = self.raw().version(key).await? else {
            let name = self.name();
            return Err(Error::not_found(format!(
                "collection '{name}' has no document with _id {key}"
            ))
            .with_detail(DetailKey::Collection, name.as_str())
            .with_detail(DetailKey::Id, key.to_string()));
        };
        let value = decode(self.name(), &read.document)?;
        Ok((read, value))
    }

    /// Writes the difference of two images to a document; false if somebody else changed it.
    async fn write_update(
        &self,
        key: &Key,
        read: VersionedDocument,
        before: &RawDocumentBuf,
        after: &RawDocumentBuf,
    ) -> Result<bool> {
        let image = apply_difference(read.document.as_raw(), before, after)?;
        if image.as_bytes() == read.document.as_bytes() {
            return Ok(true);
        }
        let (new_key, document) = Document::checked(image)?;
        if new_key != *key {
            return Err(Error::invalid(format!(
                "an update of the document with _id {key} in collection '{}' changes its _id to \
                 {new_key}; insert a document with the new _id, and delete the old one",
                self.name()
            )));
        }
        let mut request = self.branch().request();
        let condition = Precondition::ChangedBy(read.changed_by);
        request.put(self.name().clone(), new_key, document, condition)?;
        match self.branch().commit(request).await? {
            Outcome::Committed(_) | Outcome::Unchanged { .. } => Ok(true),
            // If it was deleted, the next attempt does not find it.
            Outcome::Conflict(_) | Outcome::Moved { .. } => Ok(false),
        }
    }
}

/// The key of an `_id`.
pub(super) fn key_of(id: impl Into<Bson>) -> Result<Key> {
    let id = id.into();
    Key::of(&id).map_err(|source| {
        Error::invalid(format!("{id} can't be an _id: {source}")).with_source(source)
    })
}

fn encode<T: Serialize>(value: &T) -> Result<RawDocumentBuf> {
    bson::serialize_to_raw_document_buf(value).map_err(|source| {
        let name = type_name::<T>();
        Error::invalid(format!("a value of type {name} can't be stored as a document: {source}"))
            .with_source(source)
    })
}

/// The value of a document of this collection.
pub(super) fn decode<T: DeserializeOwned>(
    collection: &CollectionName,
    document: &Document,
) -> Result<T> {
    bson::deserialize_from_slice(document.as_bytes()).map_err(|source| {
        let id = document.as_raw().get("_id").ok().flatten().and_then(|id| Key::of_id(id).ok());
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        Error::invalid(format!(
            "the document with _id {id} of collection '{collection}' is not a value of type {}: \
             {source}",
            type_name::<T>()
        ))
        .with_detail(DetailKey::Collection, collection.as_str())
        .with_detail(DetailKey::Id, id)
        .with_source(source)
    })
}
