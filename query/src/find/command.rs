//! A query as drivers send it: filter, projection, sort, skip, limit.

use std::sync::Arc;

use argon_core::Result;
use bson::raw::RawDocument;
use bson::{Bson, Document, doc};
use futures::{StreamExt, TryStreamExt, future};

use super::Selection;
use crate::expression::{Declared, Evaluation};
use crate::filter::FilterOptions;
use crate::pipeline::{Execution, Options, Pipeline, Row, Rows};
use crate::plan::{Direction, Explained, Hint, query_planner};
use crate::projection::Projection;
use crate::{Code, Collation};

/// A query for documents of a collection.
#[derive(Debug, Clone, Default)]
pub struct FindCommand {
    /// The filter; empty for all documents.
    pub filter: Document,
    /// The fields to give; empty for all.
    pub projection: Document,
    /// The order; empty for that of the `_id`s, of the index that is read, or of insertion in a capped
    /// collection. `{ $natural: -1 }` is the reverse of the order of a scan.
    pub sort: Document,
    /// The number of documents to leave out first.
    pub skip: u64,
    /// The maximum number of documents; 0 for all.
    pub limit: u64,
    /// The order of texts, such as `{ locale: "de", strength: 2 }`; empty for byte by byte.
    pub collation: Document,
    /// The index to use: its name, its key, or `{ $natural: 1 }` for none.
    pub hint: Option<Bson>,
    /// The variables of its expressions: `let`.
    pub variables: Document,
}

/// A compiled [`FindCommand`].
///
/// ```
/// use std::sync::Arc;
///
/// use argon_query::expression::Context;
/// use argon_query::find::{Find, FindCommand};
/// use argon_query::pipeline::{Execution, Limits, MemoryCollections};
/// use bson::{DateTime, doc, rawdoc};
/// use futures::TryStreamExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let mut collections = MemoryCollections::default();
/// collections.insert("boats", vec![
///     rawdoc! { "_id": 1, "name": "Ada", "sails": 2 }.into(),
///     rawdoc! { "_id": 2, "name": "Bea", "sails": 3 }.into(),
/// ]);
/// let context = Arc::new(Context::new(DateTime::from_millis(0), 1));
/// let execution = Execution::new(Arc::new(collections), context, Limits::default());
///
/// let find = Find::compile(&FindCommand {
///     filter: doc! { "sails": { "$gt": 2 } },
///     projection: doc! { "name": 1, "_id": 0 },
///     ..FindCommand::default()
/// })?;
/// let found: Vec<_> = find.run("boats", &execution).try_concat().await?;
/// assert_eq!(found[0].as_raw(), rawdoc! { "name": "Bea" }.as_ref());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Find {
    pipeline: Arc<Pipeline>,
    projection: Option<Arc<Projection>>,
    command: FindCommand,
    hint: Option<Hint>,
    variables: Declared,
    collation: Option<Arc<Collation>>,
}

impl Find {
    /// Compiles a query.
    ///
    /// # Errors
    /// MongoDB's error of the filter, the projection or the sort, with its code.
    pub fn compile(command: &FindCommand) -> Result<Self> {
        let FindCommand { filter, projection, sort, skip, limit, collation, hint, variables } =
            command;
        let collation = collation_of(collation)?;
        let hint = Hint::of_query(hint.as_ref(), sort)?;
        let is_sorted = !sort.is_empty() && !sort.contains_key("$natural");
        let mut stages = Vec::new();
        if !filter.is_empty() {
            stages.push(doc! { "$match": filter.clone() });
        }
        if is_sorted {
            stages.push(doc! { "$sort": sort.clone() });
        }
        if *skip > 0 {
            stages.push(doc! { "$skip": number("skip", *skip)? });
        }
        if *limit > 0 {
            stages.push(doc! { "$limit": number("limit", *limit)? });
        }
        let declared = Declared::compile(variables)?;
        let projection = (!projection.is_empty())
            .then(|| Projection::find(projection, &declared.compiler()))
            .transpose()?;
        Ok(Self {
            pipeline: Arc::new(Pipeline::compile(
                &stages,
                &Options {
                    variables: variables.clone(),
                    collation: collation.clone(),
                    hint: hint.clone(),
                },
            )?),
            projection: projection.map(Arc::new),
            command: command.clone(),
            hint,
            variables: declared,
            collation,
        })
    }

    /// Runs the query. The stream ends at the first error, which has a code as far as MongoDB has
    /// one for it.
    pub fn run(&self, collection: &str, execution: &Execution) -> Rows {
        let rows = self.pipeline.run(collection, execution);
        let Some(projection) = self.projection.clone() else { return rows };
        let bound = self
            .variables
            .bind(&execution.evaluation)
            .and_then(|evaluation| Ok((self.positions(&projection, &evaluation)?, evaluation)));
        let (selection, evaluation) = match bound {
            Ok(bound) => bound,
            Err(error) => return futures::stream::once(future::err(error)).boxed(),
        };
        let project = move |row: &RawDocument| {
            let position =
                selection.as_ref().map_or(Ok(None), |selection| selection.position(row))?;
            projection.apply(row, position, &evaluation.scope(row)).map(Row::Computed)
        };
        rows.and_then(move |batch| {
            future::ready(batch.iter().map(|row| project(row.as_raw())).collect())
        })
        .boxed()
    }

    /// Returns how the query reads a collection, as the `queryPlanner` of MongoDB's `explain`. The
    /// names of the collection with its database, and of the state, are shown.
    ///
    /// # Errors
    /// `BadValue` if the hint names no index; those of [`Collections::open`].
    ///
    /// [`Collections::open`]: crate::pipeline::Collections::open
    pub async fn explain(
        &self,
        collection: &str,
        execution: &Execution,
        (namespace, state): (&str, &str),
    ) -> Result<Document> {
        let collection = execution.collections.open(collection, None).await?;
        let mut choice = self.pipeline.explained_choice(&*collection, execution).await?;
        let FindCommand { filter, projection, sort, skip, limit, .. } = &self.command;
        let (reversed, none) = (doc! { "_id": -1 }, Document::new());
        let sort = if sort.contains_key("$natural") { &none } else { sort };
        let is_reversed = self.hint == Some(Hint::Natural(Direction::Descending))
            && sort.is_empty()
            && !collection.is_capped();
        choice.is_sorted &= !is_reversed;
        let sort = if is_reversed { &reversed } else { sort };
        Ok(query_planner(&Explained {
            namespace,
            state,
            filter,
            projection,
            sort,
            skip: *skip,
            limit: *limit,
            choice: &choice,
        }))
    }

    /// The filter, if the projection needs the positions of what matched.
    fn positions(
        &self,
        projection: &Projection,
        evaluation: &Evaluation,
    ) -> Result<Option<Selection>> {
        if !projection.is_positional() {
            return Ok(None);
        }
        let options = FilterOptions {
            compiler: self.variables.compiler(),
            collation: self.collation.clone(),
        };
        Selection::compile(&self.command.filter, &options, evaluation.clone()).map(Some)
    }
}

/// Compiles a collation; `None` for an empty document.
///
/// # Errors
/// See [`Collation::compile`].
pub fn collation_of(collation: &Document) -> Result<Option<Arc<Collation>>> {
    if collation.is_empty() {
        return Ok(None);
    }
    Ok(Collation::compile(collation)?.map(Arc::new))
}

fn number(name: &str, value: u64) -> Result<Bson> {
    i64::try_from(value)
        .map(Bson::Int64)
        .map_err(|_| Code::BAD_VALUE.error(format!("{name} is too large: {value}")))
}
