//! `find`.

use std::future::IntoFuture;
use std::marker::PhantomData;

use argon_core::Result;
use argon_query::find::FindCommand;
use bson::{Bson, Document};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::TryStreamExt;
use serde::de::DeserializeOwned;

use super::Values;
use super::source::{Source, values};

/// A query for documents: `.await` starts it, and gives a stream.
///
/// ```
/// # use argon::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon::Result<()> {
/// # let store = argon::open("memory:").await?;
/// # let main = store.project_or_create("harbour").await?.branch("main").await?;
/// # let boats = main.collection_of::<bson::Document>("boats")?;
/// # boats.insert_many([doc! { "name": "Ada", "sails": 2 }, doc! { "name": "Bea", "sails": 3 }]).await?;
/// #[derive(Deserialize)]
/// struct Name {
///     name: String,
/// }
///
/// let most = boats.find(doc! {}).sort(doc! { "sails": -1 }).limit(1);
/// let mut names = most.project::<Name>(doc! { "_id": 0, "name": 1 }).await?;
/// while let Some(Name { name }) = names.try_next().await? {
///     assert_eq!(name, "Bea");
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When awaited: `Invalid` for a malformed query, with MongoDB's code. In the stream: those of
/// expressions, and `Invalid` for a document that is not a `T`.
#[derive(Debug, Clone)]
#[must_use = "the query is started by `.await`"]
pub struct Find<T> {
    source: Source,
    command: FindCommand,
    values: PhantomData<fn() -> T>,
}

impl<T> Find<T> {
    pub(super) fn new(source: Source, command: FindCommand) -> Self {
        Self { source, command, values: PhantomData }
    }

    /// Sets the order; without it, that of the `_id`s.
    pub fn sort(mut self, order: impl Into<Document>) -> Self {
        self.command.sort = order.into();
        self
    }

    /// Sets the number of documents to leave out first.
    pub fn skip(mut self, count: u64) -> Self {
        self.command.skip = count;
        self
    }

    /// Sets the maximum number of documents; 0 for all, as in MongoDB.
    pub fn limit(mut self, count: u64) -> Self {
        self.command.limit = count;
        self
    }

    /// Sets the order of texts, such as `doc! { "locale": "de" }`; without it, byte by byte.
    pub fn collation(mut self, collation: impl Into<Document>) -> Self {
        self.command.collation = collation.into();
        self
    }

    /// Sets the index to read by: its name, its key, or `doc! { "$natural": 1 }` for none.
    pub fn hint(mut self, hint: impl Into<Bson>) -> Self {
        self.command.hint = Some(hint.into());
        self
    }

    /// Sets the fields to give, which are values of another type.
    pub fn project<U>(mut self, projection: impl Into<Document>) -> Find<U> {
        self.command.projection = projection.into();
        Find::new(self.source, self.command)
    }
}

impl<T: DeserializeOwned + Send + 'static> Find<T> {
    async fn run(self) -> Result<Values<T>> {
        let find = argon_query::find::Find::compile(&self.command)?;
        let execution = self.source.execution().await?;
        Ok(values(find.run(self.source.name.as_str(), &execution)))
    }

    /// The first document only.
    pub(super) async fn first(self) -> Result<Option<T>> {
        self.limit(1).await?.try_next().await
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Find<T> {
    type Output = Result<Values<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}
