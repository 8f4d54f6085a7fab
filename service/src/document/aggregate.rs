use std::sync::Arc;

use argon_core::model::{BranchName, CollectionName};
use argon_core::{Error, Revision};
use argon_query::find::collation_of;
use argon_query::pipeline::{Options, Pipeline, Row};
use argon_query::plan::Hint;
use bson::Document;
use futures::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collated::check_pipeline;
use super::evaluation::{execution_in, one_by_one};
use crate::collections::Signature;
use crate::json::{HintValue, QueryDocument};
use crate::workspace::Workspace;
use crate::{Failure, Result};

/// Run an aggregation pipeline.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AggregateDocuments {
    /// The collection that the first stage reads.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The stages.
    pub pipeline: Vec<QueryDocument>,
    /// The variables of the pipeline: `let`.
    #[serde(default, rename = "let")]
    pub variables: QueryDocument,
    /// The order of texts; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
    /// The index by which the first stage reads: its name, its key, or `{$natural: 1}` for none.
    #[serde(default)]
    pub hint: Option<HintValue>,
}

/// What a pipeline with `$out` or `$merge` wrote.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenRows {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of documents that were inserted, replaced or deleted.
    pub written: u64,
    /// The commit; null if nothing was written.
    pub lsn: Option<u64>,
}

impl AggregateDocuments {
    pub(super) fn compile(&self) -> Result<Arc<Pipeline>> {
        let hint = self.hint.as_ref().map(|HintValue(hint)| Hint::compile(hint));
        let options = Options {
            variables: self.variables.0.clone(),
            collation: collation_of(&self.collation.0)?,
            hint: hint.transpose()?.flatten(),
        };
        let stages = self.stages();
        let compiled = Pipeline::compile(&stages, &options)?;
        check_pipeline(&self.collation, &stages)?;
        Ok(Arc::new(compiled))
    }

    pub(super) fn stages(&self) -> Vec<Document> {
        self.pipeline.iter().map(|stage| stage.0.clone()).collect()
    }

    /// Whether the pipeline ends in a stage that writes.
    pub fn writes(&self) -> bool {
        let last = self.pipeline.last().and_then(|stage| stage.0.keys().next());
        last.is_some_and(|name| matches!(name.as_str(), "$out" | "$merge"))
    }
}

/// Runs a pipeline over a state, and gives its documents, each as soon as it is known.
///
/// # Errors
/// `Invalid` for a malformed pipeline, with MongoDB's code, and for one that writes.
pub async fn aggregate(
    workspace: &Workspace,
    revision: Option<&Revision>,
    request: &AggregateDocuments,
) -> Result<impl Stream<Item = Result<Row, Failure>> + Send + use<>> {
    let pipeline = request.compile()?;
    if pipeline.write().is_some() {
        return Err(Error::invalid(
            "a pipeline with $out or $merge writes to the head of a branch, not to a past state",
        )
        .into());
    }
    let (state, branch) = workspace.named_state(revision).await?;
    let execution = execution_in(&state, &workspace.project, &branch);
    let batches = pipeline.run(request.collection.as_str(), &execution);
    Ok(one_by_one(batches))
}

/// Runs a pipeline that ends in `$out` or `$merge` over the head of the branch, and writes its
/// documents in one commit: all of them, or none.
///
/// # Errors
/// Those of [`aggregate`]; `Conflict` if others change the documents meanwhile.
pub async fn aggregate_into(
    workspace: &Workspace,
    signature: &Signature,
    request: &AggregateDocuments,
) -> Result<WrittenRows> {
    let pipeline = request.compile()?;
    let branch = workspace.branch().await?;
    let signed = || signature.request(&branch);
    let rows = pipeline.write_to(&branch, request.collection.as_str(), &signed).await?;
    Ok(WrittenRows {
        branch: branch.name().clone(),
        collection: rows.collection,
        written: rows.written,
        lsn: rows.receipt.map(|receipt| receipt.lsn.get()),
    })
}
