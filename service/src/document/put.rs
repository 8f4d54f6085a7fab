use argon_core::model::CollectionName;
use argon_core::write::{Precondition, WriteRequest};
use argon_core::{Branch, Error};
use argon_formats::extjson::Mode;
use bson::RawDocumentBuf;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collections::Signature;
use crate::json::{ExtJson, InputDocument};
use crate::{Failure, Hint, Result};

/// Write documents in one commit, as new ones or in place of those with the same `_id`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PutDocuments {
    /// The documents; one without an `_id` gets an `ObjectId`.
    pub documents: Vec<InputDocument>,
    /// How they are written.
    #[serde(flatten)]
    pub options: PutOptions,
}

/// How documents are written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PutOptions {
    /// The collection, which is created if it does not exist.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// Whether a document whose `_id` exists is refused.
    #[serde(default)]
    pub if_absent: bool,
    /// How the commit is signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// A document that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WrittenDocument {
    /// Its `_id`.
    pub id: ExtJson,
    /// The position of its commit.
    pub lsn: u64,
}

/// Writes documents in one commit.
///
/// # Errors
/// `Invalid` for a document that can't be stored, for no documents, and for more than a commit may hold;
/// `AlreadyExists` for an `_id` that exists, if that is refused.
pub async fn put(branch: &Branch, request: PutDocuments) -> Result<Vec<WrittenDocument>> {
    let documents = request.documents.into_iter().map(|InputDocument(document)| Ok(document));
    put_all(branch, &request.options, documents).await
}

/// [`put`] for documents that are read one by one. Reading ends with the first that is refused, or that is
/// too much for a commit, so memory is bounded by the size of a commit.
///
/// # Errors
/// Those of [`put`], and those of reading.
pub async fn put_all(
    branch: &Branch,
    options: &PutOptions,
    documents: impl Iterator<Item = Result<RawDocumentBuf>>,
) -> Result<Vec<WrittenDocument>> {
    let mut request = options.signature.request(branch);
    let mut ids = Vec::new();
    for document in documents {
        ids.push(options.add(&mut request, branch, document?)?);
    }
    if ids.is_empty() {
        return Err(Error::invalid("no documents to write: expected at least one").into());
    }
    let lsn = branch.commit(request).await?.committed()?.lsn.get();
    Ok(ids.into_iter().map(|id| WrittenDocument { id, lsn }).collect())
}

impl PutOptions {
    /// Adds a document to a request, and returns its `_id`.
    fn add(
        &self,
        request: &mut WriteRequest,
        branch: &Branch,
        document: RawDocumentBuf,
    ) -> Result<ExtJson> {
        let (key, document) = branch.collection(&self.collection).with_id(document)?;
        let id = ExtJson::id_of(document.as_raw(), Mode::Relaxed)?;
        let condition = if self.if_absent { Precondition::Absent } else { Precondition::Any };
        request
            .put(self.collection.clone(), key, document, condition)
            .map_err(|error| Failure::from(error).hint(Hint::SplitCommit))?;
        Ok(id)
    }
}
