//! `aggregate`.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use argon_core::{Error, Result};
use argon_query::pipeline::{Options, Pipeline};
use bson::Document;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt};
use serde::de::DeserializeOwned;

use super::Values;
use super::source::{Place, Source, values};

/// A pipeline: `.await` starts it, and gives a stream.
///
/// One that ends in `$out` or `$merge` writes to the branch, in one commit, before the `await` ends;
/// its stream is empty, as in MongoDB's drivers.
///
/// # Errors
/// When awaited: `Invalid` for a malformed pipeline, with MongoDB's code, and for one that writes to a
/// past state; `Conflict` if others commit each time while a pipeline that writes runs. In the
/// stream: those of expressions, and `Invalid` for a document that is not a `T`.
#[derive(Debug, Clone)]
#[must_use = "the pipeline is started by `.await`"]
pub struct Aggregate<T> {
    source: Source,
    stages: Vec<Document>,
    variables: Document,
    values: PhantomData<fn() -> T>,
}

impl<T> Aggregate<T> {
    pub(super) fn new(source: Source, stages: Vec<Document>) -> Self {
        Self { source, stages, variables: Document::new(), values: PhantomData }
    }

    /// Sets the variables of the pipeline: `let`.
    pub fn variables(self, variables: impl Into<Document>) -> Self {
        Self { variables: variables.into(), ..self }
    }

    /// Sets the type of the results; without it, they are [`bson::Document`]s.
    pub fn of<U>(self) -> Aggregate<U> {
        let Self { source, stages, variables, .. } = self;
        Aggregate { source, stages, variables, values: PhantomData }
    }
}

impl<T: DeserializeOwned + Send + 'static> Aggregate<T> {
    async fn run(self) -> Result<Values<T>> {
        let Self { source, stages, variables, .. } = self;
        let options = Options { variables, ..Options::default() };
        let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
        let collection = source.name.as_str();
        if pipeline.write().is_none() {
            return Ok(values(pipeline.run(collection, &source.execution().await?)));
        }
        let Place::Branch(branch) = &source.place else {
            return Err(Error::invalid(
                "a pipeline with $out or $merge writes to the head of a branch, not to a past \
                 state; use a collection of the branch",
            ));
        };
        pipeline.write_to(branch, collection, &|| branch.request()).await?;
        Ok(stream::empty().boxed())
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for Aggregate<T> {
    type Output = Result<Values<T>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.run().boxed()
    }
}
