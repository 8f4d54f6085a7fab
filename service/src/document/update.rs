use argon_core::Branch;
use argon_core::model::{BranchName, CollectionName};
use argon_formats::extjson::Mode;
use argon_query::commands::UpdateCommand;
use argon_query::modify::Modified;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collated::check_update;
use super::unchanged::Unchanged;
use crate::Result;
use crate::collections::Signature;
use crate::json::{ExtJson, HintValue, QueryDocument, UpdateValue};

/// Update the documents of a collection that match a filter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateDocuments {
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The filter.
    pub filter: QueryDocument,
    /// The update: operators such as `$set`, a replacement, or a list of stages.
    pub update: UpdateValue,
    /// Whether all documents that match are updated, or only the first that is read: by `_id`, or in the
    /// order of the index that is used.
    #[serde(default)]
    pub many: bool,
    /// Whether a document is inserted if none matches.
    #[serde(default)]
    pub upsert: bool,
    /// The filters for `$[identifier]`.
    #[serde(default)]
    pub array_filters: Vec<QueryDocument>,
    /// The order of texts; without it, byte by byte.
    #[serde(default)]
    pub collation: QueryDocument,
    /// The index to read by: its name, its key, or `{$natural: 1}` for none.
    #[serde(default)]
    pub hint: Option<HintValue>,
    /// The position of a state that was read: its documents are updated, and a document that was changed,
    /// inserted or deleted after it is refused.
    #[serde(default)]
    pub if_lsn: Option<u64>,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// Documents that were updated.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UpdatedDocuments {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// Their collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of documents that matched.
    pub matched: u64,
    /// The number of documents that changed.
    pub modified: u64,
    /// The `_id` of the document that was inserted because none matched.
    pub upserted_id: Option<ExtJson>,
    /// The commit; null if nothing changed.
    pub lsn: Option<u64>,
}

/// Updates documents in one commit: all of them, or none.
///
/// # Errors
/// `Invalid` for a malformed query or update, with MongoDB's code; `Conflict` if others change the
/// documents each time, or have changed one after the state that was read.
pub async fn update(branch: &Branch, request: UpdateDocuments) -> Result<UpdatedDocuments> {
    let UpdateDocuments { collection, filter, update, many, upsert, array_filters, .. } = &request;
    check_update(&request.collation, update, array_filters)?;
    let command = UpdateCommand {
        filter: filter.0.clone(),
        many: *many,
        upsert: *upsert,
        array_filters: array_filters.iter().map(|filter| filter.0.clone()).collect(),
        collation: request.collation.0.clone(),
        hint: request.hint.as_ref().map(|hint| hint.0.clone()),
        ..UpdateCommand::new(update.0.clone())
    };
    let unchanged = Unchanged::since(branch, request.if_lsn).await?;
    let state = unchanged.as_ref().map(|unchanged| &unchanged.state);
    let signed = || request.signature.request(branch);
    let modified = command.run(branch, collection, state, &signed).await?;
    if let (Some(conflict), Some(unchanged)) = (&modified.conflict, &unchanged) {
        return Err(unchanged.refuse(branch, conflict).await);
    }
    shown(branch, request.collection, &modified)
}

fn shown(
    branch: &Branch,
    collection: CollectionName,
    modified: &Modified,
) -> Result<UpdatedDocuments> {
    let id = modified.upserted.as_ref();
    let id = id.map(|id| ExtJson::value(id.as_raw_bson_ref(), Mode::Relaxed)).transpose()?;
    Ok(UpdatedDocuments {
        branch: branch.name().clone(),
        collection,
        matched: modified.matched,
        modified: modified.modified,
        upserted_id: id,
        lsn: modified.receipt.map(|receipt| receipt.lsn.get()),
    })
}
