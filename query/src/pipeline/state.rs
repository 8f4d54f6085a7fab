//! Pipelines over a state of a branch.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::diff::Diff;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::storage::KeyRange;
use argon_core::{CollectionView, ErrorKind, Project, Result, Revision, State};
use async_trait::async_trait;
use bson::Document;
use futures::{StreamExt, TryStreamExt, stream};

use super::history;
use super::rows::{BATCH, Row, Rows, deferred, from_vec};
use super::source::{Collection, Collections, HistoryRequest, matching_keys};
use crate::Code;
use crate::find::Selection;

/// The collections of a state; of others of its project by revision.
#[derive(Clone)]
pub struct StateCollections {
    state: State,
    /// Resolves revisions; the branch is the one that `~3` is relative to.
    project: Option<(Project, BranchName)>,
}

struct StateCollection(CollectionView);

/// A collection that does not exist.
struct NoCollection;

impl StateCollections {
    /// The collections of a state, without access to others.
    pub fn new(state: State) -> Self {
        Self { state, project: None }
    }

    /// The same with access to the other states of a project; `branch` is the current one.
    #[must_use]
    pub fn with_project(self, project: Project, branch: BranchName) -> Self {
        Self { project: Some((project, branch)), ..self }
    }

    async fn state(&self, revision: Option<&str>) -> Result<State> {
        let Some(revision) = revision else { return Ok(self.state.clone()) };
        let (project, branch) = self
            .project
            .as_ref()
            .ok_or_else(|| Code::COMMAND_NOT_SUPPORTED.error("a revision can't be read here"))?;
        revision.parse::<Revision>()?.resolve(project, branch).await
    }
}

#[async_trait]
impl Collections for StateCollections {
    async fn open(&self, name: &str, revision: Option<&str>) -> Result<Arc<dyn Collection>> {
        match view(&self.state(revision).await?, name)? {
            Some(view) => Ok(Arc::new(StateCollection(view))),
            None => Ok(Arc::new(NoCollection)),
        }
    }

    async fn history(&self, collection: &str, request: &HistoryRequest) -> Result<Rows> {
        let Some(view) = view(&self.state, collection)? else { return Ok(from_vec(Vec::new())) };
        match &request.id {
            None => Ok(history::of_all(&self.state, &view)),
            Some(id) => history::of_one(&self.state, &view, id),
        }
    }

    async fn diff(&self, collection: &str, from: &str, to: Option<&str>) -> Result<Rows> {
        let (before, after) = (self.state(Some(from)).await?, self.state(to).await?);
        let diff: Diff = argon_core::diff::diff(&before, &after).await?;
        let wanted = |info: &argon_core::CollectionInfo| info.name.as_str() == collection;
        let sections = diff.sections().into_iter().filter(|section| {
            section.after.as_ref().or(section.before.as_ref()).is_some_and(|info| wanted(info))
        });
        let documents: Vec<_> = sections.map(|section| diff.documents_of(&section)).collect();
        let rows = stream::iter(documents).flatten().map(|document| history::diff_row(&document?));
        Ok(batches(rows))
    }
}

/// A collection of a state; `None` if it does not exist.
fn view(state: &State, name: &str) -> Result<Option<CollectionView>> {
    match state.collection(&CollectionName::new(name)?) {
        Ok(view) => Ok(Some(view)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn batches(rows: impl futures::Stream<Item = Result<Row>> + Send + 'static) -> Rows {
    rows.try_ready_chunks(BATCH).map_err(|error| error.1).boxed()
}

impl StateCollection {
    /// The documents with these `_id`s.
    fn get(&self, keys: Vec<Key>) -> Rows {
        let view = self.0.clone();
        deferred(async move {
            let found = view.get_many(keys).await?;
            Ok(from_vec(found.into_iter().flatten().map(Row::Stored).collect()))
        })
    }
}

#[async_trait]
impl Collection for StateCollection {
    fn scan(&self, filter: Option<Selection>) -> Rows {
        let rows = match filter {
            None => self.0.scan_range(KeyRange::default()),
            Some(selection) => selection.read(&self.0),
        };
        batches(rows.map_ok(|(_, version)| Row::Stored(version.document)))
    }

    fn lookup(&self, path: &[String], keys: BTreeSet<Box<[u8]>>) -> Rows {
        if !self.is_indexed(path) {
            return matching_keys(self.scan(None), path.to_vec(), keys);
        }
        // Values that can't be an `_id` match nothing.
        self.get(keys.iter().filter_map(|key| Key::from_bytes(key).ok()).collect())
    }

    /// Documents are stored by their `_id`.
    fn is_indexed(&self, path: &[String]) -> bool {
        path.len() == 1 && path[0] == "_id"
    }

    fn indexes(&self) -> Vec<Document> {
        self.0.info().listed_indexes().into_owned()
    }
}

#[async_trait]
impl Collection for NoCollection {
    fn scan(&self, _: Option<Selection>) -> Rows {
        stream::empty().boxed()
    }
}
