//! The documents that match a filter.

use std::fmt;
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::storage::{Predicate, Version};
use argon_core::{CollectionView, Error, Result};
use bson::Document;
use bson::raw::RawDocument;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::Matcher;
use crate::Collation;
use crate::expression::Evaluation;
use crate::filter::FilterOptions;
use crate::plan::{
    self, Counters, Hint, IndexProvider, Indexes, Plan, Query, Reader, StoreIndexes,
};

/// A compiled filter, and what it is evaluated with. Cheap to clone.
#[derive(Clone)]
pub struct Selection {
    matcher: Arc<Matcher>,
    evaluation: Evaluation,
    hint: Option<Arc<Hint>>,
    indexes: Arc<dyn IndexProvider>,
}

impl fmt::Debug for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selection").field("matcher", &self.matcher).finish_non_exhaustive()
    }
}

impl Selection {
    /// Compiles a filter.
    ///
    /// # Errors
    /// See [`filter::compile`](crate::filter::compile).
    pub fn compile(
        query: &Document,
        options: &FilterOptions<'_>,
        evaluation: Evaluation,
    ) -> Result<Self> {
        Ok(Self::new(Arc::new(Matcher::compile(query, options)?), evaluation))
    }

    pub(crate) fn new(matcher: Arc<Matcher>, evaluation: Evaluation) -> Self {
        Self { matcher, evaluation, hint: None, indexes: Arc::new(StoreIndexes) }
    }

    /// The same, reading by other indexes than those of the store.
    #[must_use]
    pub fn with_indexes(self, indexes: Arc<dyn IndexProvider>) -> Self {
        Self { indexes, ..self }
    }

    /// The same, reading as a hint says.
    #[must_use]
    pub fn with_hint(self, hint: Option<Hint>) -> Self {
        Self { hint: hint.map(Arc::new), ..self }
    }

    pub(crate) fn query(&self) -> &Document {
        self.matcher.query()
    }

    pub(crate) fn collation(&self) -> Option<&Collation> {
        self.matcher.collation()
    }

    /// The filter as a predicate.
    pub(crate) fn predicate(&self) -> Predicate {
        let selection = self.clone();
        Arc::new(move |document| selection.matches(document))
    }

    /// Whether a document matches.
    ///
    /// # Errors
    /// See [`Matcher::matches`].
    pub fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.matcher.matches(document, &self.evaluation)
    }

    /// The position of the element for which the filter holds: the `$` of a projection or an
    /// update. See [`Filter::position`](argon_core::document::Filter::position).
    ///
    /// # Errors
    /// See [`Matcher::matches`].
    pub fn position(&self, document: &RawDocument) -> Result<Option<usize>> {
        self.matcher.position(document, &self.evaluation)
    }

    /// The documents of a collection that match, in the order of their `_id`s, or of the index by
    /// which they are read; each with the commit that last changed it. Memory is bounded, but for the
    /// `_id`s that the filter lists, and those of a `$or` that is read by several indexes.
    pub fn read(&self, collection: &CollectionView) -> BoxStream<'static, Result<(Key, Version)>> {
        let (selection, collection) = (self.clone(), collection.clone());
        let found = async move {
            let (plan, reader) = selection.plan(&collection).await?;
            Ok::<_, Error>(plan::read(&plan, &reader))
        };
        stream::once(found).try_flatten().boxed()
    }

    /// The number of documents of a collection that match.
    ///
    /// # Errors
    /// See [`Matcher::matches`].
    pub async fn count(&self, collection: &CollectionView) -> Result<u64> {
        let (plan, reader) = self.plan(collection).await?;
        plan::count(&plan, &reader).await
    }

    async fn plan(&self, view: &CollectionView) -> Result<(Plan, Reader)> {
        let source = self.indexes.indexes_of(view).await?;
        let definitions = view.info().listed_indexes();
        let query = Query {
            collation: self.collation(),
            hint: self.hint.as_deref(),
            ..Query::of(self.query())
        };
        let choice = plan::choose(&query, Indexes::of(source.as_ref(), &definitions))?;
        let reader = Reader {
            view: view.clone(),
            source,
            predicate: Some(self.predicate()),
            sort: None,
            counters: Arc::new(Counters::default()),
        };
        Ok((choice.plan, reader))
    }
}
