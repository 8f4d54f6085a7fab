//! `update_one`, `update_many` and `delete_many`.

use std::future::IntoFuture;

use argon_core::model::CollectionName;
use argon_core::{Branch, Collection, Result};
use argon_query::commands::{DeleteCommand, UpdateCommand};
use argon_query::modify::Modified;
use bson::{Bson, Document};
use futures::future::{BoxFuture, FutureExt};

use super::Query;

/// Changes by MongoDB's query language. Each is one commit with all changes or none, whose documents
/// nobody else changed meanwhile; after a lost race only the documents in question are read again.
///
/// ```
/// # use argon::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon::Result<()> {
/// # let store = argon::open("memory:").await?;
/// # let main = store.project_or_create("harbour").await?.branch("main").await?;
/// let boats = main.collection_of::<bson::Document>("boats")?;
/// boats.insert_many([doc! { "_id": 1, "sails": 2 }, doc! { "_id": 2, "sails": 3 }]).await?;
///
/// let more = boats.update_many(doc! { "sails": { "$lt": 9 } }, doc! { "$inc": { "sails": 1 } });
/// assert_eq!(more.await?.modified, 2);
/// boats.update_one(doc! { "_id": 3 }, doc! { "$set": { "sails": 1 } }).upsert().await?;
/// assert_eq!(boats.delete_many(doc! { "sails": 1 }).await?.modified, 1);
/// assert_eq!(main.head().await?.lsn(), 4.into());
/// # Ok(())
/// # }
/// ```
pub trait Modify: Query {
    /// The branch and the name of the collection.
    #[doc(hidden)]
    fn target(&self) -> (Branch, CollectionName);

    /// Updates the first document that matches a filter: by `_id`, or in the order of the index by which
    /// it is read. The update is a document of
    /// operators, another document as a replacement, or an array of stages. See [`Update`].
    fn update_one(&self, filter: impl Into<Document>, update: impl Into<Bson>) -> Update {
        Update::new(self.target(), filter.into(), update.into(), false)
    }

    /// Updates all documents that match a filter, in one commit. See [`Update`].
    fn update_many(&self, filter: impl Into<Document>, update: impl Into<Bson>) -> Update {
        Update::new(self.target(), filter.into(), update.into(), true)
    }

    /// Deletes the first document that matches a filter: by `_id`, or in the order of the index by which
    /// it is read. See [`Delete`].
    fn delete_one(&self, filter: impl Into<Document>) -> Delete {
        Delete::new(self.target(), filter.into(), false)
    }

    /// Deletes all documents that match a filter, in one commit. See [`Delete`].
    fn delete_many(&self, filter: impl Into<Document>) -> Delete {
        Delete::new(self.target(), filter.into(), true)
    }
}

impl<T> Modify for Collection<T> {
    fn target(&self) -> (Branch, CollectionName) {
        (self.branch().clone(), self.name().clone())
    }
}

/// An update: `.await` makes it.
///
/// # Errors
/// `Invalid` for a malformed filter or update, with MongoDB's code; `Conflict` if others change the
/// documents each time.
#[derive(Debug, Clone)]
#[must_use = "the update is made by `.await`"]
pub struct Update {
    target: (Branch, CollectionName),
    command: UpdateCommand,
}

impl Update {
    fn new(target: (Branch, CollectionName), filter: Document, update: Bson, many: bool) -> Self {
        Self { target, command: UpdateCommand { filter, many, ..UpdateCommand::new(update) } }
    }

    /// Inserts a document if none matches.
    pub fn upsert(mut self) -> Self {
        self.command.upsert = true;
        self
    }

    /// Sets the filters for `$[identifier]`.
    pub fn array_filters(mut self, filters: impl IntoIterator<Item = Document>) -> Self {
        self.command.array_filters = filters.into_iter().collect();
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

    async fn run(self) -> Result<Modified> {
        let (branch, collection) = &self.target;
        self.command.run(branch, collection, None, &|| branch.request()).await
    }
}

impl IntoFuture for Update {
    type Output = Result<Modified>;
    type IntoFuture = BoxFuture<'static, Result<Modified>>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}

/// A deletion: `.await` makes it.
///
/// # Errors
/// `Invalid` for a malformed filter, with MongoDB's code; `Conflict` if others change the documents each
/// time.
#[derive(Debug, Clone)]
#[must_use = "the deletion is made by `.await`"]
pub struct Delete {
    target: (Branch, CollectionName),
    command: DeleteCommand,
}

impl Delete {
    fn new(target: (Branch, CollectionName), filter: Document, many: bool) -> Self {
        Self { target, command: DeleteCommand { filter, many, ..DeleteCommand::default() } }
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

    async fn run(self) -> Result<Modified> {
        let (branch, collection) = &self.target;
        self.command.run(branch, collection, None, &|| branch.request()).await
    }
}

impl IntoFuture for Delete {
    type Output = Result<Modified>;
    type IntoFuture = BoxFuture<'static, Result<Modified>>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}
