//! A collection in a state, with its documents as values of a type of the program.

use std::marker::PhantomData;

use bson::Bson;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use crate::model::CollectionName;
use crate::store::api::typed::{decode, key_of};
use crate::store::{CollectionView, State};
use crate::{Error, Result};

/// A collection in a [`State`], past or present: a [`CollectionView`] that converts documents to
/// values of a type `T` with serde.
///
/// ```
/// # use bson::{Document, doc};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// # let branch = argon_backends::memory_branch().await?;
/// let users = branch.collection_of::<Document>("users")?;
/// users.insert(doc! { "_id": 1, "name": "Ada" }).await?;
/// users.put(doc! { "_id": 1, "name": "Grace" }).await?;
///
/// let before = branch.at(1).await?.collection_of::<Document>("users")?;
/// assert_eq!(before.get(1).await?, Some(doc! { "_id": 1, "name": "Ada" }));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TypedView<T> {
    state: State,
    view: CollectionView,
    /// Values only go out.
    values: PhantomData<fn() -> T>,
}

impl<T> Clone for TypedView<T> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), view: self.view.clone(), values: PhantomData }
    }
}

impl State {
    /// Returns a collection of the state whose documents are values of a type with serde.
    ///
    /// # Errors
    /// `NotFound`, with a list of the known collections; `Invalid` if no collection can have the
    /// name.
    pub fn collection_of<T>(
        &self,
        name: impl TryInto<CollectionName, Error: Into<Error>>,
    ) -> Result<TypedView<T>> {
        let name = name.try_into().map_err(Into::<Error>::into)?;
        let view = self.collection(&name)?;
        Ok(TypedView { state: self.clone(), view, values: PhantomData })
    }
}

impl<T> TypedView<T> {
    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The name.
    pub fn name(&self) -> &CollectionName {
        &self.view.info().name
    }

    /// The same collection with documents as BSON.
    pub fn raw(&self) -> &CollectionView {
        &self.view
    }

    /// The number of documents. O(documents).
    pub async fn count(&self) -> Result<u64> {
        self.view.count().await
    }
}

impl<T: DeserializeOwned> TypedView<T> {
    /// The document with this `_id`, or `None`.
    ///
    /// # Errors
    /// `Invalid` if the document is not a `T`.
    pub async fn get(&self, id: impl Into<Bson>) -> Result<Option<T>> {
        let found = self.view.get(&key_of(id)?).await?;
        found.map(|document| decode(self.name(), &document)).transpose()
    }

    /// All documents in the order of their `_id`s.
    ///
    /// # Errors
    /// In the stream: `Invalid` for a document that is not a `T`.
    pub fn scan(&self) -> BoxStream<'static, Result<T>>
    where
        T: Send + 'static,
    {
        let name = self.name().clone();
        let documents = self.view.scan();
        documents.and_then(move |found| std::future::ready(decode(&name, &found))).boxed()
    }
}
