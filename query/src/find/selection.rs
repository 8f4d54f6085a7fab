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
    self, Choice, Direction, Hint, IndexProvider, Indexes, Query, Reader, StoreIndexes,
};
use crate::sort::SortPattern;

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
    /// See [`Matcher::matches`]; that of an [`Interrupt`](crate::Interrupt).
    pub fn matches(&self, document: &RawDocument) -> Result<bool> {
        self.evaluation.context().check()?;
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

    /// The documents of a collection that match, in the order of their `_id`s, of the index by which they
    /// are read, or of insertion if a capped collection is scanned; each with the commit that last changed it. A hint of the reverse natural order
    /// changes only which is the [first](Self::first). Memory is bounded, but for the `_id`s that the
    /// filter lists, and those of a `$or` that is read by several indexes.
    pub fn read(&self, collection: &CollectionView) -> BoxStream<'static, Result<(Key, Version)>> {
        let (selection, collection) = (self.clone(), collection.clone());
        let found = async move {
            let (choice, reader) = selection.plan(&collection, None).await?;
            Ok::<_, Error>(plan::read(&choice.plan, &reader))
        };
        stream::once(found).try_flatten().boxed()
    }

    /// The document that matches and is the first of a sort, or, without it, the first that is read: by
    /// `_id`, in the reverse of that as a hint says, or in the order of the index that is used. Memory is
    /// bounded as that of [`read`](Self::read).
    ///
    /// # Errors
    /// See [`Matcher::matches`]; `BadValue` or `NoQueryExecutionPlans` for a hint that can't be used.
    pub async fn first(
        &self,
        collection: &CollectionView,
        sort: Option<&SortPattern>,
    ) -> Result<Option<(Key, Version)>> {
        let (choice, reader) = self.plan(collection, sort).await?;
        let is_sorted = choice.is_sorted;
        let reader = Reader { sort: sort.filter(|_| is_sorted).cloned(), ..reader };
        let mut found = plan::read(&choice.plan, &reader);
        let is_reversed = self.hint.as_deref() == Some(&Hint::Natural(Direction::Descending))
            && sort.is_none()
            && collection.info().capped().is_none();
        if is_reversed {
            let mut last = None;
            while let Some(document) = found.try_next().await? {
                last = Some(document);
            }
            return Ok(last);
        }
        let Some(sort) = sort.filter(|_| !is_sorted) else { return found.try_next().await };
        let mut first: Option<(Vec<u8>, (Key, Version))> = None;
        while let Some((id, version)) = found.try_next().await? {
            let mut key = Vec::new();
            sort.key(version.document.as_raw(), &mut key)?;
            if first.as_ref().is_none_or(|(least, _)| key < *least) {
                first = Some((key, (id, version)));
            }
        }
        Ok(first.map(|(_, document)| document))
    }

    /// The number of documents of a collection that match.
    ///
    /// # Errors
    /// See [`Matcher::matches`].
    pub async fn count(&self, collection: &CollectionView) -> Result<u64> {
        let (choice, reader) = self.plan(collection, None).await?;
        plan::count(&choice.plan, &reader).await
    }

    /// How the documents are read; of those in the order of a sort, only the first.
    async fn plan(
        &self,
        view: &CollectionView,
        sort: Option<&SortPattern>,
    ) -> Result<(Choice, Reader)> {
        let source = self.indexes.indexes_of(view).await?;
        let definitions = view.info().listed_indexes();
        let query = Query {
            collation: self.collation(),
            hint: self.hint.as_deref(),
            sort,
            limit: sort.map(|_| 1),
            is_capped: view.info().capped().is_some(),
            ..Query::of(self.query())
        };
        let choice = plan::choose(&query, Indexes::of(source.as_ref(), &definitions))?;
        let counters = self.evaluation.context().examined().clone();
        counters.add_plan(choice.plan.summary());
        let reader = Reader {
            view: view.clone(),
            source,
            predicate: Some(self.predicate()),
            sort: None,
            counters,
        };
        Ok((choice, reader))
    }
}
