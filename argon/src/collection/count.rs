//! `count_matching`.

use std::future::IntoFuture;

use argon_core::Result;
use bson::{Bson, Document};
use futures::future::{BoxFuture, FutureExt};

use super::source::{Selected, Source};

/// A count of documents: `.await` makes it. O(documents), unless the filter names `_id`s, or an index has
/// exactly what matches.
///
/// # Errors
/// When awaited: `Invalid` for a malformed filter or hint, with MongoDB's code.
#[derive(Debug, Clone)]
#[must_use = "the documents are counted by `.await`"]
pub struct Count {
    source: Source,
    selected: Selected,
}

impl Count {
    pub(super) fn new(source: Source, filter: Document) -> Self {
        Self { source, selected: Selected { filter, ..Selected::default() } }
    }

    /// Sets the order of texts, such as `doc! { "locale": "de" }`; without it, byte by byte.
    pub fn collation(mut self, collation: impl Into<Document>) -> Self {
        self.selected.collation = collation.into();
        self
    }

    /// Sets the index to read by: its name, its key, or `doc! { "$natural": 1 }` for none.
    pub fn hint(mut self, hint: impl Into<Bson>) -> Self {
        self.selected.hint = Some(hint.into());
        self
    }
}

impl IntoFuture for Count {
    type Output = Result<u64>;
    type IntoFuture = BoxFuture<'static, Result<u64>>;

    fn into_future(self) -> Self::IntoFuture {
        async move { self.source.count(&self.selected).await }.boxed()
    }
}
