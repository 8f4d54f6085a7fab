//! The collections of a state, with its views.

use std::sync::Arc;

use argon_core::model::BranchName;
use argon_core::{Project, Result, Revision, State};
use argon_query::Code;
use argon_query::expression::Context;
use argon_query::find::{Selection, collation_of};
use argon_query::pipeline::{
    Collection, Collections, Execution, HistoryRequest, Limits, Options, Pipeline, Row, Rows,
    StateCollections,
};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, future};

use super::definition::{View, resolve};
use super::{MAX_DEPTH, too_deep};

/// The collections that a pipeline reads, with the views among them.
#[derive(Clone)]
pub(crate) struct ViewedCollections {
    pub(crate) base: Arc<dyn Collections>,
    pub(crate) state: State,
    /// The project whose other states can be read, and the current branch.
    pub(crate) project: Option<(Project, BranchName)>,
    /// What views are evaluated in.
    pub(crate) context: Arc<Context>,
    /// Whether views may read other states of the project. Who may read only a branch gets no others by a view.
    pub(crate) views_read_others: bool,
    /// The number of views around.
    pub(crate) depth: usize,
}

/// The documents that a view shows.
struct ViewCollection {
    base: String,
    pipeline: Arc<Pipeline>,
    execution: Execution,
}

impl ViewedCollections {
    /// What the pipeline of a view of this state reads.
    ///
    /// # Errors
    /// `ViewDepthLimitExceeded` if that is within too many others.
    pub(crate) fn of_view(&self, name: &str) -> Result<Self> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep(name));
        }
        let project = self.project.clone().filter(|_| self.views_read_others);
        Ok(Self { project, depth: self.depth + 1, ..self.clone() })
    }

    /// The same of another state.
    async fn at(&self, revision: &str) -> Result<Self> {
        let (project, branch) = self.project()?;
        let state = revision.parse::<Revision>()?.resolve(project, branch).await?;
        let base = StateCollections::new(state.clone());
        let base = Arc::new(base.with_project(project.clone(), branch.clone()));
        Ok(Self { base, state, ..self.clone() })
    }

    fn project(&self) -> Result<&(Project, BranchName)> {
        let error = || Code::COMMAND_NOT_SUPPORTED.error("a revision can't be read here");
        self.project.as_ref().ok_or_else(error)
    }

    /// What an execution with these collections runs with.
    pub(crate) fn execution(self) -> Execution {
        let context = self.context.clone();
        Execution::new(Arc::new(self), context, Limits::default())
    }
}

#[async_trait]
impl Collections for ViewedCollections {
    async fn open(&self, name: &str, revision: Option<&str>) -> Result<Arc<dyn Collection>> {
        let own = match revision {
            Some(revision) => self.at(revision).await?,
            None => self.clone(),
        };
        let Some(View { base, stages, collation }) = resolve(Some(&own.state), name)? else {
            return own.base.open(name, None).await;
        };
        let options = Options { collation: collation_of(&collation)?, ..Options::default() };
        let pipeline = Arc::new(Pipeline::compile(&stages, &options)?);
        let execution = own.of_view(name)?.execution();
        Ok(Arc::new(ViewCollection { base, pipeline, execution }))
    }

    async fn history(&self, collection: &str, request: &HistoryRequest) -> Result<Rows> {
        self.base.history(collection, request).await
    }

    async fn diff(&self, collection: &str, from: &str, to: Option<&str>) -> Result<Rows> {
        self.project()?;
        self.base.diff(collection, from, to).await
    }
}

#[async_trait]
impl Collection for ViewCollection {
    fn scan(&self, filter: Option<Selection>) -> Rows {
        let rows = self.pipeline.run(&self.base, &self.execution);
        let Some(filter) = filter else { return rows };
        let matching = move |batch: Vec<Row>| {
            let mut kept = Vec::with_capacity(batch.len());
            for row in batch {
                if filter.matches(row.as_raw())? {
                    kept.push(row);
                }
            }
            Ok(kept)
        };
        let matching = rows.and_then(move |batch| future::ready(matching(batch)));
        matching.try_filter(|batch| future::ready(!batch.is_empty())).boxed()
    }
}
