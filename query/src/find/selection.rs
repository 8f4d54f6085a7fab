//! The documents that match a filter.

use std::sync::Arc;

use argon_core::key::Key;
use argon_core::storage::Version;
use argon_core::{CollectionView, Error, Result};
use bson::Document;
use bson::raw::RawDocument;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, future, stream};

use super::{Access, Matcher};
use crate::expression::Evaluation;
use crate::filter::FilterOptions;

/// The most `_id`s of one lookup.
const LOOKUP: usize = 256;

/// A compiled filter, and what it is evaluated with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Selection {
    matcher: Arc<Matcher>,
    evaluation: Evaluation,
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
        Self { matcher, evaluation }
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

    /// The documents of a collection that match, in the order of their `_id`s, each with the commit
    /// that last changed it. Memory is bounded, but for the `_id`s that the filter lists.
    pub fn read(&self, collection: &CollectionView) -> BoxStream<'static, Result<(Key, Version)>> {
        let selection = self.clone();
        let rows = match self.matcher.access() {
            Access::Points(keys) => points(collection.clone(), keys),
            access @ Access::Range { .. } => scan(collection, access.clone()),
        };
        rows.try_filter_map(move |(key, version)| {
            let matches = selection.matches(version.document.as_raw());
            future::ready(matches.map(|matches| matches.then_some((key, version))))
        })
        .boxed()
    }
}

fn points(collection: CollectionView, keys: &[Key]) -> BoxStream<'static, Result<(Key, Version)>> {
    let lookups: Vec<_> = keys.chunks(LOOKUP).map(<[Key]>::to_vec).collect();
    let found = stream::iter(lookups).then(move |keys| {
        let collection = collection.clone();
        async move {
            let versions = collection.versions(keys.clone()).await?;
            let found = keys.into_iter().zip(versions);
            Ok::<_, Error>(stream::iter(
                found.filter_map(|(key, version)| Some(Ok((key, version?)))),
            ))
        }
    });
    found.try_flatten().boxed()
}

fn scan(collection: &CollectionView, access: Access) -> BoxStream<'static, Result<(Key, Version)>> {
    let rows = collection.scan_range(access.range());
    rows.try_take_while(move |(key, _)| future::ok(!access.is_before(key))).boxed()
}
