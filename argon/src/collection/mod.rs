//! MongoDB's query language on collections: [`Query`] for reads, of a branch or of a past state, and
//! [`Modify`] for changes of a branch.
//!
//! Both are traits, because the collections are types of `argon_core`, which knows no queries; the
//! [prelude](crate::prelude) has them.

mod aggregate;
mod changes;
mod count;
mod find;
mod source;

use argon_core::{Collection, Result, TypedView};
use argon_query::find::FindCommand;
use bson::{Bson, Document};
use futures::stream::BoxStream;

pub use aggregate::Aggregate;
pub use argon_query::commands::{DeleteCommand, UpdateCommand};
pub use argon_query::modify::Modified;
pub use changes::{Delete, Modify, Update};
pub use count::Count;
pub use find::Find;
use source::Sealed;

/// Values of a query, each as soon as it is known.
pub type Values<T> = BoxStream<'static, Result<T>>;

/// Reads by MongoDB's query language; `docs/QUERY.md` lists what works. A collection that does not
/// exist is an empty one.
///
/// ```
/// # use argon::prelude::*;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon::Result<()> {
/// # let store = argon::open("memory:").await?;
/// # let main = store.project_or_create("harbour").await?.branch("main").await?;
/// let boats = main.collection_of::<bson::Document>("boats")?;
/// boats.insert_many([
///     doc! { "_id": 1, "name": "Ada", "sails": 2 },
///     doc! { "_id": 2, "name": "Bea", "sails": 3 },
/// ]).await?;
///
/// let bea = boats.find_one(doc! { "sails": { "$gt": 2 } }).await?;
/// assert_eq!(bea, Some(doc! { "_id": 2, "name": "Bea", "sails": 3 }));
/// assert_eq!(boats.count_matching(doc! { "sails": 2 }).await?, 1);
///
/// let total = [doc! { "$group": { "_id": null, "sails": { "$sum": "$sails" } } }];
/// let total: Vec<bson::Document> = boats.aggregate(total).await?.try_collect().await?;
/// assert_eq!(total, [doc! { "_id": null, "sails": 5 }]);
/// # Ok(())
/// # }
/// ```
pub trait Query: Sealed {
    /// The type of the documents.
    type Value;

    /// The documents that match a filter: `.await` gives a [stream](Values). [`Find`] sets order,
    /// projection and more before.
    fn find(&self, filter: impl Into<Document>) -> Find<Self::Value> {
        let filter = filter.into();
        Find::new(self.source(), FindCommand { filter, ..FindCommand::default() })
    }

    /// The first document that matches a filter: by `_id`, or in the order of the index by which it is
    /// read.
    ///
    /// # Errors
    /// See [`Find`].
    fn find_one(
        &self,
        filter: impl Into<Document>,
    ) -> impl Future<Output = Result<Option<Self::Value>>> + Send
    where
        Self::Value: serde::de::DeserializeOwned + Send + 'static,
    {
        self.find(filter).first()
    }

    /// The number of documents that match a filter: `.await` gives it. See [`Count`].
    fn count_matching(&self, filter: impl Into<Document>) -> Count {
        Count::new(self.source(), filter.into())
    }

    /// The different values of a field in the documents that match, in MongoDB's order of values.
    /// Each element of an array is a value.
    ///
    /// # Errors
    /// `Invalid` for a malformed filter, with MongoDB's code.
    fn distinct(
        &self,
        field: impl Into<String>,
        filter: impl Into<Document>,
    ) -> impl Future<Output = Result<Vec<Bson>>> + Send {
        let (source, field, filter) = (self.source(), field.into(), filter.into());
        async move { source.distinct(&field, &filter).await }
    }

    /// Runs a pipeline over the documents: `.await` gives a [stream](Values). See [`Aggregate`].
    fn aggregate(&self, stages: impl IntoIterator<Item = Document>) -> Aggregate<Document> {
        Aggregate::new(self.source(), stages.into_iter().collect())
    }
}

impl<T> Query for Collection<T> {
    type Value = T;
}

impl<T> Query for TypedView<T> {
    type Value = T;
}
