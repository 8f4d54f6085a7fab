//! Pipelines that end in `$out` or `$merge`, on the head of a branch.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::{Outcome, Receipt, WriteRequest};
use argon_core::{Backoff, Branch, Error, Result, State};
use futures::TryStreamExt;

use super::row_writer::RowWriter;
use super::{Collections, Execution, Limits, Pipeline, StateCollections, WriteMode};
use crate::Code;
use crate::expression::Context;

/// The most attempts while others commit to the branch: each runs the whole pipeline.
const MOST_ATTEMPTS: u32 = 5;

/// Makes the collections of a state.
pub type CollectionsOf<'c> = dyn Fn(&State) -> Arc<dyn Collections> + Sync + 'c;

/// What a pipeline with `$out` or `$merge` wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenRows {
    /// The collection.
    pub collection: CollectionName,
    /// The number of documents that were inserted, replaced or deleted.
    pub written: u64,
    /// The commit; `None` if nothing was written.
    pub receipt: Option<Receipt>,
}

impl Pipeline {
    /// Runs a pipeline that ends in `$out` or `$merge` over the head of a branch, and writes its
    /// documents in one commit: all of them, or none. `request` makes an empty request with its
    /// signature.
    ///
    /// # Errors
    /// `Invalid` if the pipeline has no such stage, or `$out` names a capped collection; `Unsupported` if it
    /// writes to another database;
    /// the errors of the pipeline; `Conflict` if others commit to the branch each time while it runs.
    pub async fn write_to(
        self: &Arc<Self>,
        branch: &Branch,
        collection: &str,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<WrittenRows> {
        let context = Arc::new(Context::of(branch.environment()));
        let collections = |state: &State| -> Arc<dyn Collections> {
            let (project, name) = (branch.project().clone(), branch.name().clone());
            Arc::new(StateCollections::new(state.clone()).with_project(project, name))
        };
        self.write_in((&context, &collections), branch, collection, request).await
    }

    /// The same, evaluated in a context, which may be [interrupted](crate::Interrupt), over collections that are made
    /// of the head.
    ///
    /// # Errors
    /// As of [`write_to`](Self::write_to); that of the interrupt, and nothing is written.
    pub async fn write_in(
        self: &Arc<Self>,
        (context, collections): (&Arc<Context>, &CollectionsOf<'_>),
        branch: &Branch,
        collection: &str,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<WrittenRows> {
        let Some(write) = self.write() else {
            return Err(Error::invalid("the pipeline has no $out or $merge"));
        };
        let project = branch.project();
        if let Some(database) = &write.database
            && database != project.name().as_str()
        {
            return Err(Error::unsupported(format!(
                "the pipeline writes to database '{database}'; only collections of project '{}' \
                 can be written",
                project.name()
            )));
        }
        let target = CollectionName::new(&write.collection)?;
        let mut backoff = Backoff::new(branch.environment()).at_most(MOST_ATTEMPTS);
        while backoff.attempt().await {
            let state = branch.head().await?;
            let is_capped = state.info(&target).is_some_and(|info| info.capped().is_some());
            if is_capped && matches!(write.mode, WriteMode::Replace) {
                return Err(Code::location(17152).error(format!(
                    "namespace '{}.{target}' is capped so it can't be used for $out",
                    project.name()
                )));
            }
            let execution = Execution::new(collections(&state), context.clone(), Limits::default());
            let mut writer = RowWriter::new(&state, branch, &target);
            let mut rows = self.run(collection, &execution);
            while let Some(batch) = rows.try_next().await? {
                for row in batch {
                    writer.write(write, row, &execution).await?;
                }
            }
            let mut changes = request();
            let written = writer.finish(write, &mut changes).await?;
            let rows = |receipt| WrittenRows { collection: target.clone(), written, receipt };
            if written == 0 {
                return Ok(rows(None));
            }
            // The rows follow from the whole state, not only from the documents that they replace.
            changes.set_after(state.last_digest().await?);
            match branch.commit(changes).await? {
                Outcome::Committed(receipt) => return Ok(rows(Some(receipt))),
                Outcome::Unchanged { .. } => return Ok(rows(None)),
                Outcome::Conflict(_) | Outcome::Moved { .. } => {}
            }
        }
        Err(Error::conflict(format!(
            "branch '{}' got other commits while the pipeline ran, each time; try again later",
            branch.name()
        )))
    }
}
