//! Pipelines over a state of a branch.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::diff::Diff;
use argon_core::key::Key;
use argon_core::model::{BranchName, CollectionName};
use argon_core::storage::{Predicate, Version};
use argon_core::{CollectionView, LaterIndex, Project, Result, Revision, State};
use async_trait::async_trait;
use bson::Document;
use futures::{StreamExt, TryStreamExt, future, stream};

use super::history;
use super::rows::{BATCH, Row, Rows, deferred, from_vec};
use super::source::{
    Collection, Collections, HistoryRequest, ReadRequest, ReadRows, has_key_at, scanned_lookup,
};
use crate::Code;
use crate::find::Selection;
use crate::plan::{
    self, Choice, Counters, Direction, IndexProvider, IndexSource, Indexes, Plan, Query, Reader,
    StoreIndexes,
};
use crate::sort::SortPattern;

/// The collections of a state; of others of its project by revision.
#[derive(Clone)]
pub struct StateCollections {
    state: State,
    /// Resolves revisions; the branch is the one that `~3` is relative to.
    project: Option<(Project, BranchName)>,
    indexes: Arc<dyn IndexProvider>,
}

struct StateCollection {
    view: CollectionView,
    indexes: Option<Arc<dyn IndexSource>>,
}

/// A collection that does not exist.
struct NoCollection;

impl StateCollections {
    /// The collections of a state, without access to others.
    pub fn new(state: State) -> Self {
        Self { state, project: None, indexes: Arc::new(StoreIndexes) }
    }

    /// The same with access to the other states of a project; `branch` is the current one.
    #[must_use]
    pub fn with_project(self, project: Project, branch: BranchName) -> Self {
        Self { project: Some((project, branch)), ..self }
    }

    /// The same, reading by other indexes than those of the store.
    #[must_use]
    pub fn with_indexes(self, indexes: Arc<dyn IndexProvider>) -> Self {
        Self { indexes, ..self }
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
        let Some(view) = view(&self.state(revision).await?, name)? else {
            return Ok(Arc::new(NoCollection));
        };
        let indexes = self.indexes.indexes_of(&view).await?;
        Ok(Arc::new(StateCollection { view, indexes }))
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
        Ok(batches(rows, BATCH))
    }
}

/// A collection of a state; `None` if it does not exist.
fn view(state: &State, name: &str) -> Result<Option<CollectionView>> {
    Ok(state.find_collection(&CollectionName::new(name)?))
}

fn batches(rows: impl futures::Stream<Item = Result<Row>> + Send + 'static, most: usize) -> Rows {
    rows.try_ready_chunks(most).map_err(|error| error.1).boxed()
}

impl StateCollection {
    fn reader(&self, predicate: Option<Predicate>, examined: Arc<Counters>) -> Reader {
        Reader {
            view: self.view.clone(),
            source: self.indexes.clone(),
            predicate,
            sort: None,
            counters: examined,
        }
    }

    /// The plan that finds documents by the values at a path, if there is an index for it.
    fn lookup_plan(&self, path: &[String], keys: &BTreeSet<Box<[u8]>>) -> Option<Plan> {
        let indexes = self.indexes.as_ref()?.readable();
        plan::lookup(indexes, &path.join("."), keys.iter().map(|key| &**key))
    }
}

#[async_trait]
impl Collection for StateCollection {
    fn read(&self, request: ReadRequest<'_>) -> Result<ReadRows> {
        let Choice { plan, is_sorted, .. } = self.plan(&request)?;
        let is_reversed =
            matches!(plan, Plan::CollectionScan { direction: Direction::Descending, .. });
        request.examined.add_plan(plan.summary());
        let predicate = request.filter.as_ref().map(Selection::predicate);
        let sort = request.sort.filter(|_| is_sorted).cloned();
        let reader = Reader { sort, ..self.reader(predicate, request.examined) };
        // A batch of more rows than are wanted would read more than is needed.
        let limit =
            request.limit.filter(|_| is_sorted).and_then(|limit| usize::try_from(limit).ok());
        let batch = limit.map_or(BATCH, |limit| limit.clamp(1, BATCH));
        let rows = plan::read(&plan, &reader);
        let rows = batches(rows.map_ok(|(_, version)| Row::Stored(version.document)), batch);
        Ok(ReadRows { rows, is_sorted, is_reversed })
    }

    fn plan(&self, request: &ReadRequest<'_>) -> Result<Choice> {
        let all = Document::new();
        let filter = request.filter.as_ref();
        let of_sort = || request.sort.and_then(SortPattern::collation);
        let query = Query {
            filter: filter.map_or(&all, Selection::query),
            sort: request.sort,
            limit: request.limit,
            collation: filter.and_then(Selection::collation).or_else(of_sort),
            hint: request.hint,
            is_capped: self.is_capped(),
        };
        let definitions = self.view.info().listed_indexes();
        plan::choose(&query, Indexes::of(self.indexes.as_ref(), &definitions))
    }

    fn is_capped(&self) -> bool {
        self.view.info().capped().is_some()
    }

    async fn later_indexes(&self) -> Result<Vec<LaterIndex>> {
        self.view.later_indexes().await
    }

    fn scan(&self, filter: Option<Selection>) -> Rows {
        match self.read(ReadRequest { filter, ..ReadRequest::all(Arc::default()) }) {
            Ok(read) => read.rows,
            Err(error) => stream::once(future::err(error)).boxed(),
        }
    }

    /// The documents are in the order of their `_id`s if there is an index.
    fn lookup(&self, path: &[String], keys: BTreeSet<Box<[u8]>>, examined: &Arc<Counters>) -> Rows {
        if is_id(path) {
            // Values that can't be an `_id` match nothing.
            let keys = keys.iter().filter_map(|key| Key::from_bytes(key).ok()).collect();
            let plan = Plan::IdPoints(keys);
            examined.add_plan(plan.summary());
            let rows = plan::read(&plan, &self.reader(None, examined.clone()));
            return batches(rows.map_ok(|(_, version)| Row::Stored(version.document)), BATCH);
        }
        let Some(plan) = self.lookup_plan(path, &keys) else {
            return scanned_lookup(self, path, keys, examined);
        };
        examined.add_plan(plan.summary());
        let path = path.to_vec();
        let predicate: Predicate = Arc::new(move |document| has_key_at(document, &path, &keys));
        let found = plan::read(&plan, &self.reader(Some(predicate), examined.clone()));
        deferred(async move {
            let mut found: Vec<(Key, Version)> = found.try_collect().await?;
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
            Ok(from_vec(found.into_iter().map(|(_, found)| Row::Stored(found.document)).collect()))
        })
    }

    /// Documents are stored by their `_id`.
    fn is_indexed(&self, path: &[String]) -> bool {
        is_id(path) || self.lookup_plan(path, &BTreeSet::new()).is_some()
    }

    fn indexes(&self) -> Vec<Document> {
        self.view.info().listed_indexes().into_owned()
    }
}

fn is_id(path: &[String]) -> bool {
    path.len() == 1 && path[0] == "_id"
}

#[async_trait]
impl Collection for NoCollection {
    /// Nothing is read, whatever the hint.
    fn plan(&self, _: &ReadRequest<'_>) -> Result<Choice> {
        Ok(Choice::none())
    }

    fn read(&self, request: ReadRequest<'_>) -> Result<ReadRows> {
        request.examined.add_plan("EOF".to_owned());
        Ok(ReadRows { rows: self.scan(None), is_sorted: true, is_reversed: false })
    }

    fn scan(&self, _: Option<Selection>) -> Rows {
        stream::empty().boxed()
    }
}
