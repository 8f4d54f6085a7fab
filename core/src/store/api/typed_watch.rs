//! Changes of one collection as values of a type of the program.

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use crate::Result;
use crate::document::key::Key;
use crate::model::Point;
use crate::store::Collection;
use crate::store::api::typed::decode;
use crate::store::watch::{WatchFrom, WatchedChange, WatchedCommit};

/// The change of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueChange<T> {
    /// The token from which another watch continues, after the commit of this change. A commit may
    /// have several changes.
    pub point: Point,
    /// The document's `_id`.
    pub id: Key,
    /// The value after the commit; `None` if the document was deleted.
    pub value: Option<T>,
}

impl<T: DeserializeOwned + Send + 'static> Collection<T> {
    /// Follows the collection: [`Branch::watch`](crate::Branch::watch) for the documents of one
    /// collection, by the name that it has in each commit.
    ///
    /// ```
    /// # use bson::{Document, doc};
    /// # use futures::TryStreamExt;
    /// # use argon_core::watch::WatchFrom;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// # let branch = argon_backends::memory_branch().await?;
    /// let users = branch.collection_of::<Document>("users")?;
    /// let mut changes = users.watch(WatchFrom::Head).await?;
    /// users.insert(doc! { "_id": 1, "name": "Ada" }).await?;
    /// users.delete(1).await?;
    ///
    /// let first = changes.try_next().await?.expect("a watch does not end");
    /// assert_eq!(first.value, Some(doc! { "_id": 1, "name": "Ada" }));
    /// let second = changes.try_next().await?.expect("a watch does not end");
    /// assert_eq!((second.id, second.value), (first.id, None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`Branch::watch`](crate::Branch::watch); in the stream also `Invalid` for a
    /// document that is not a `T`.
    pub async fn watch(
        &self,
        from: impl Into<WatchFrom>,
    ) -> Result<BoxStream<'static, Result<ValueChange<T>>>> {
        let name = self.name().clone();
        let commits = self.branch().watch(from).await?;
        let changes = commits.map_ok(move |WatchedCommit { point, changes, .. }| {
            let name = name.clone();
            stream::iter(changes).filter_map(move |change| {
                std::future::ready(match change {
                    WatchedChange::Document { collection, id, image } if collection == name => {
                        let document = image.into_document();
                        let value = document.map(|found| decode(&name, &found)).transpose();
                        Some(value.map(|value| ValueChange { point, id, value }))
                    }
                    _ => None,
                })
            })
        });
        Ok(changes.try_flatten().boxed())
    }
}
