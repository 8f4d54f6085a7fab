//! The collection that a query reads.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::{Branch, Collection, CollectionView, Error, Result, State, TypedView};
use argon_query::expression::{Context, Evaluation};
use argon_query::filter::FilterOptions;
use argon_query::find::{self, Selection};
use argon_query::pipeline::{Execution, Limits, Rows, StateCollections};
use argon_query::plan::Hint;
use bson::{Bson, Document};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use super::Values;

/// A collection of a branch, or of a state.
#[derive(Debug, Clone)]
pub struct Source {
    pub(super) name: CollectionName,
    pub(super) place: Place,
}

/// The documents that are read, and how.
#[derive(Debug, Clone, Default)]
pub(super) struct Selected {
    pub(super) filter: Document,
    pub(super) collation: Document,
    pub(super) hint: Option<Bson>,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    /// The head, each time that it is read.
    Branch(Branch),
    State(State),
}

impl Source {
    pub(super) fn of_branch(branch: Branch, name: CollectionName) -> Self {
        Self { name, place: Place::Branch(branch) }
    }

    pub(super) fn of_state(state: State, name: CollectionName) -> Self {
        Self { name, place: Place::State(state) }
    }

    async fn state(&self) -> Result<State> {
        match &self.place {
            Place::Branch(branch) => branch.head().await,
            Place::State(state) => Ok(state.clone()),
        }
    }

    /// What a pipeline runs with. Pipelines over a branch also read other states of its project.
    pub(super) async fn execution(&self) -> Result<Execution> {
        let state = self.state().await?;
        let context = Arc::new(Context::of(state.environment()));
        let collections = StateCollections::new(state);
        let collections = match &self.place {
            Place::Branch(branch) => {
                collections.with_project(branch.project().clone(), branch.name().clone())
            }
            Place::State(_) => collections,
        };
        Ok(Execution::new(Arc::new(collections), context, Limits::default()))
    }

    /// The collection and the documents that are selected; `None` if it does not exist.
    async fn selection(&self, selected: &Selected) -> Result<(Option<CollectionView>, Selection)> {
        let state = self.state().await?;
        let evaluation = Evaluation::new(Arc::new(Context::of(state.environment())));
        let collation = find::collation_of(&selected.collation)?;
        let options = FilterOptions { collation, ..FilterOptions::default() };
        let hint = selected.hint.as_ref().map(Hint::compile).transpose()?.flatten();
        let selection = Selection::compile(&selected.filter, &options, evaluation)?.with_hint(hint);
        Ok((state.find_collection(&self.name), selection))
    }

    pub(super) async fn count(&self, selected: &Selected) -> Result<u64> {
        let (view, selection) = self.selection(selected).await?;
        let Some(view) = view else { return Ok(0) };
        if selected.filter.is_empty() && selected.hint.is_none() {
            return view.count().await;
        }
        selection.count(&view).await
    }

    pub(super) async fn distinct(&self, field: &str, filter: &Document) -> Result<Vec<Bson>> {
        let selected = Selected { filter: filter.clone(), ..Selected::default() };
        let (view, selection) = self.selection(&selected).await?;
        let Some(view) = view else { return Ok(Vec::new()) };
        let values = find::distinct(&view, &selection, field, None).await?;
        let values = values.into_iter().map(|value| {
            Bson::try_from(value).map_err(|source| {
                Error::corrupt("a value of a document can't be decoded").with_source(source)
            })
        });
        values.collect()
    }
}

/// The traits here are for these collections only.
pub trait Sealed {
    /// The collection that is read.
    #[doc(hidden)]
    fn source(&self) -> Source;
}

impl<T> Sealed for Collection<T> {
    fn source(&self) -> Source {
        Source::of_branch(self.branch().clone(), self.name().clone())
    }
}

impl<T> Sealed for TypedView<T> {
    fn source(&self) -> Source {
        Source::of_state(self.state().clone(), self.name().clone())
    }
}

/// The documents of a query as values, one by one.
pub(super) fn values<T: DeserializeOwned + Send + 'static>(batches: Rows) -> Values<T> {
    let rows = batches.map_ok(|batch| stream::iter(batch.into_iter().map(Ok))).try_flatten();
    let decode = |row: argon_query::pipeline::Row| {
        bson::deserialize_from_slice(row.as_raw().as_bytes()).map_err(|source| {
            Error::invalid(format!(
                "a document of the result is not a value of type {}: {source}",
                std::any::type_name::<T>()
            ))
            .with_source(source)
        })
    };
    rows.and_then(move |row| std::future::ready(decode(row))).boxed()
}
