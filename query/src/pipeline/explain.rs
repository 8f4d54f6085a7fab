//! How a pipeline reads its collection, for people.

use argon_core::{Error, Result};
use bson::{Bson, Document};

use super::{Collection, Execution, Pipeline};
use crate::find::Selection;
use crate::plan::{Choice, Explained, Plan, Query, query_planner};

/// A pipeline that is explained.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedPipeline {
    /// The `queryPlanner` of the stages that read the collection.
    pub query_planner: Document,
    /// The stages after those, as they were written.
    pub stages: Vec<Document>,
}

impl Pipeline {
    /// Explains the pipeline of `stages`: the plan of a leading `$match`, `$sort` and `$limit`, and the
    /// stages after these. The names of the collection with its database, and of the state, are shown.
    ///
    /// # Errors
    /// `Invalid` if the first stage makes the documents itself; `BadValue` if the hint names no index;
    /// those of [`Collections::open`](super::Collections::open).
    pub async fn explain(
        &self,
        stages: &[Document],
        collection: &str,
        execution: &Execution,
        (namespace, state): (&str, &str),
    ) -> Result<ExplainedPipeline> {
        if self.source.is_some() {
            let name = stages.first().and_then(|stage| stage.keys().next());
            return Err(Error::invalid(format!(
                "{} makes the first documents, so no plan reads a collection",
                name.map_or("the first stage", String::as_str)
            )));
        }
        let execution = self.bind(execution)?;
        let collection = execution.collections.open(collection, None).await?;
        let choice = self.explained_choice(&*collection, &execution).await?;
        let mut rest = stages.iter().peekable();
        let mut leading = |name: &str| {
            let stage = rest.next_if(|stage| stage.contains_key(name))?;
            stage.get(name).cloned()
        };
        let document = |stage: Option<Bson>| match stage {
            Some(Bson::Document(document)) => document,
            _ => Document::new(),
        };
        let (filter, sort) = (document(leading("$match")), document(leading("$sort")));
        let limit = leading("$limit").as_ref().and_then(number);
        let planner = query_planner(&Explained {
            namespace,
            state,
            filter: &filter,
            projection: &Document::new(),
            sort: &sort,
            skip: 0,
            limit: limit.unwrap_or_default(),
            choice: &choice,
        });
        Ok(ExplainedPipeline { query_planner: planner, stages: rest.cloned().collect() })
    }

    /// The plan by which the pipeline reads its collection. The reason for a scan names the indexes of
    /// later states too.
    ///
    /// # Errors
    /// See [`Collection::plan`].
    pub(crate) async fn explained_choice(
        &self,
        collection: &dyn Collection,
        execution: &Execution,
    ) -> Result<Choice> {
        let request = self.request(execution);
        let mut choice = collection.plan(&request)?;
        if self.hint.is_none() && matches!(choice.plan, Plan::CollectionScan { .. }) {
            let later = collection.later_indexes().await?;
            let all = Document::new();
            let filter = request.filter.as_ref().map_or(&all, Selection::query);
            choice.note_later(&Query { sort: request.sort, ..Query::of(filter) }, &later);
        }
        Ok(choice)
    }
}

fn number(limit: &Bson) -> Option<u64> {
    match limit {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a compiled limit is a whole number that is not negative"
        )]
        Bson::Double(number) => Some(*number as u64),
        _ => None,
    }
}
