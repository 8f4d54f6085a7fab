//! The documents that match a filter.

use std::sync::Arc;

use argon_core::document::Filter;
use argon_core::key::Key;
use argon_core::storage::Version;
use argon_core::{CollectionView, Error, Result};
use bson::Document;
use bson::raw::RawDocument;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};

use super::Access;
use crate::expression::Evaluation;
use crate::filter::{self, FilterOptions};

/// A compiled filter, and the part of a collection that it reads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Selection {
    /// `None` if all documents match.
    filter: Option<Arc<Filter>>,
    access: Access,
    evaluation: Evaluation,
}

impl Selection {
    /// Compiles a filter.
    ///
    /// # Errors
    /// See [`filter::compile`].
    pub fn compile(
        query: &Document,
        options: &FilterOptions<'_>,
        evaluation: Evaluation,
    ) -> Result<Self> {
        let filter = filter::compile(query, options)?;
        let filter = (!query.is_empty()).then(|| Arc::new(filter));
        let access = Access::of(query, options.collation.as_deref());
        Ok(Self { filter, access, evaluation })
    }

    /// The part of a collection that is read.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Whether a document matches.
    ///
    /// # Errors
    /// `Corrupt` if the document can't be decoded; `Unsupported` if a regular expression takes too
    /// long; the error of an expression, with its code.
    pub fn matches(&self, document: &RawDocument) -> Result<bool> {
        let matches = |filter: &Arc<Filter>| Ok(filter.matches_in(document, &self.evaluation)?);
        self.filter.as_ref().map_or(Ok(true), matches)
    }

    /// The position of the element for which the filter holds: the `$` of a projection or an
    /// update. See [`Filter::position`].
    ///
    /// # Errors
    /// See [`matches`](Self::matches).
    pub fn position(&self, document: &RawDocument) -> Result<Option<usize>> {
        let position = |filter: &Arc<Filter>| Ok(filter.position(document, &self.evaluation)?);
        self.filter.as_ref().map_or(Ok(None), position)
    }

    /// The documents of a collection that match, in the order of their `_id`s, each with the commit
    /// that last changed it. Memory is bounded, but for the `_id`s that the filter lists.
    pub fn read(&self, collection: &CollectionView) -> BoxStream<'static, Result<(Key, Version)>> {
        match &self.access {
            Access::Points(keys) => self.points(collection.clone(), keys.clone()),
            Access::Range { .. } => self.scan(collection),
        }
    }

    fn points(
        &self,
        collection: CollectionView,
        keys: Vec<Key>,
    ) -> BoxStream<'static, Result<(Key, Version)>> {
        let selection = self.clone();
        stream::iter(keys)
            .then(move |key| {
                let collection = collection.clone();
                async move { Ok(collection.version(&key).await?.map(|found| (key, found))) }
            })
            .try_filter_map(move |found| {
                let matching = found.map(|(key, found)| {
                    let version = Version { lsn: found.changed_by.lsn, document: found.document };
                    Ok::<_, Error>(
                        selection.matches(version.document.as_raw())?.then_some((key, version)),
                    )
                });
                future::ready(matching.transpose().map(Option::flatten))
            })
            .boxed()
    }

    fn scan(&self, collection: &CollectionView) -> BoxStream<'static, Result<(Key, Version)>> {
        let rows = collection.scan_range(self.access.range());
        let access = self.access.clone();
        let rows = rows.try_take_while(move |(key, _)| future::ok(!access.is_before(key)));
        if self.filter.is_none() {
            return rows.boxed();
        }
        let selection = self.clone();
        rows.try_filter_map(move |(key, version)| {
            let matches = selection.matches(version.document.as_raw());
            future::ready(matches.map(|matches| matches.then_some((key, version))))
        })
        .boxed()
    }
}
