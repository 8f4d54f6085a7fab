use argon_core::Branch;
use argon_core::model::{BranchName, CollectionName};
use argon_query::commands::{self, FindAndModifyCommand};
use bson::raw::RawDocumentBuf;

use super::collated::check_update;
use crate::Result;
use crate::collections::Signature;
use crate::json::{HintValue, QueryDocument, UpdateValue};

/// What becomes of the document that is found.
#[derive(Debug, Clone)]
pub enum FoundChange {
    /// It is updated or replaced.
    Update {
        /// The update.
        update: UpdateValue,
        /// Whether a document is inserted if none matches.
        upsert: bool,
        /// The filters for `$[identifier]`.
        array_filters: Vec<QueryDocument>,
    },
    /// It is deleted.
    Delete,
}

/// Change one document that matches a filter, and return it.
#[derive(Debug, Clone)]
pub struct FindAndModify {
    /// The collection.
    pub collection: CollectionName,
    /// The filter.
    pub filter: QueryDocument,
    /// What becomes of the document.
    pub change: FoundChange,
    /// The order in which the first document is meant; without it, the order in which they are read.
    pub sort: QueryDocument,
    /// The fields to return; without it, all.
    pub projection: QueryDocument,
    /// The order of texts; without it, byte by byte.
    pub collation: QueryDocument,
    /// The index to read by.
    pub hint: Option<HintValue>,
    /// Whether the document after the change is returned, or the one before.
    pub returns_new: bool,
    /// How the commit is signed.
    pub signature: Signature,
}

/// A document that was found and changed.
#[derive(Debug, Clone)]
pub struct FoundAndModified {
    /// The branch.
    pub branch: BranchName,
    /// The document; `None` if none matched, or was there before.
    pub document: Option<RawDocumentBuf>,
    /// The commit; `None` if nothing changed.
    pub lsn: Option<u64>,
}

/// Changes one document in one commit, and returns it.
///
/// # Errors
/// `Invalid` for a malformed query, projection or update, with MongoDB's code, before anything is changed;
/// `Conflict` if others change the documents each time.
pub async fn find_and_modify(branch: &Branch, request: FindAndModify) -> Result<FoundAndModified> {
    let FindAndModify { collection, signature, returns_new, .. } = request;
    let change = match request.change {
        FoundChange::Update { update, upsert, array_filters } => {
            check_update(&request.collation, &update, &array_filters)?;
            let array_filters = array_filters.into_iter().map(|filter| filter.0).collect();
            commands::FoundChange::Update { update: update.0, upsert, array_filters }
        }
        FoundChange::Delete => commands::FoundChange::Delete,
    };
    let command = FindAndModifyCommand {
        filter: request.filter.0,
        change,
        sort: request.sort.0,
        projection: request.projection.0,
        collation: request.collation.0,
        hint: request.hint.map(|hint| hint.0),
        returns_new,
        variables: bson::Document::new(),
    };
    let found = command.run(branch, &collection, &|| signature.request(branch)).await?;
    Ok(FoundAndModified {
        branch: branch.name().clone(),
        document: found.document,
        lsn: found.modified.receipt.map(|receipt| receipt.lsn.get()),
    })
}

#[cfg(test)]
mod tests;
