//! The sweep of TTL indexes.

use argon_core::document::Index;
use argon_core::model::{BranchName, CollectionName, Message};
use argon_core::{Branch, Error};
use bson::{Bson, DateTime, Document, doc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::collections::Signature;
use crate::document::{self, DeleteMatching};
use crate::json::QueryDocument;

/// Delete the documents whose time in a TTL index has passed, in one commit a collection.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ExpireDocuments {
    /// The collection; without it, all of the branch.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub collection: Option<CollectionName>,
    /// How the commits are signed.
    #[serde(flatten)]
    pub signature: Signature,
}

/// The documents of a collection that expired.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExpiredDocuments {
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
    /// The collection.
    #[schemars(with = "String")]
    pub collection: CollectionName,
    /// The number of deleted documents.
    pub deleted: u64,
    /// The commit; null if none had expired.
    pub lsn: Option<u64>,
}

/// Deletes the documents that TTL indexes (`expireAfterSeconds`) let expire at the head of a branch; past
/// states keep them. Returns a result for each collection that has such an index.
///
/// # Errors
/// `Denied` for a sandbox, whose documents don't expire; those of a deletion.
pub async fn expire(branch: &Branch, request: ExpireDocuments) -> Result<Vec<ExpiredDocuments>> {
    if branch.is_sandbox().await? {
        return Err(Error::denied(format!(
            "branch '{}' is a sandbox, whose documents do not expire",
            branch.name()
        ))
        .into());
    }
    let head = branch.head().await?;
    let now = branch.environment().now();
    let mut expired = Vec::new();
    for info in head.collections() {
        if request.collection.as_ref().is_some_and(|wanted| *wanted != info.name) {
            continue;
        }
        let indexes = info.indexes.iter();
        let indexes = indexes.filter_map(|index| Index::compile(index, &info.options).ok());
        let filters: Vec<Bson> =
            indexes.filter_map(|index| expired_by(&index, now)).map(Bson::Document).collect();
        if filters.is_empty() {
            continue;
        }
        let deleted = document::delete_matching(
            branch,
            DeleteMatching {
                collection: info.name.clone(),
                filter: QueryDocument(doc! { "$or": filters }),
                collation: QueryDocument::default(),
                hint: None,
                one: false,
                if_lsn: None,
                signature: signed(&request.signature, &info.name),
            },
        )
        .await?;
        let (collection, deleted, lsn) = (info.name.clone(), deleted.deleted, deleted.lsn);
        expired.push(ExpiredDocuments { branch: branch.name().clone(), collection, deleted, lsn });
    }
    Ok(expired)
}

/// The signature, with a message that says what is deleted unless it has one.
fn signed(signature: &Signature, collection: &CollectionName) -> Signature {
    let what = || Message::new(format!("delete expired documents of {collection}")).ok();
    Signature { message: signature.message.clone().or_else(what), ..signature.clone() }
}

/// The filter of the documents that an index lets expire: those with a date that is old enough.
fn expired_by(index: &Index, now: DateTime) -> Option<Document> {
    let seconds = index.expire_after_seconds()?;
    let [field] = index.fields() else { return None };
    let until = now.timestamp_millis().checked_sub(seconds.checked_mul(1000)?)?;
    let old = doc! { field.path(): { "$lte": DateTime::from_millis(until) } };
    Some(match index.filter() {
        Some(partial) => doc! { "$and": [old, partial.clone()] },
        None => old,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_expire_by_the_date_and_the_filter_of_the_index() {
        let now = DateTime::from_millis(100_000);
        let filter =
            |definition: Document| expired_by(&Index::compile(&definition, &doc! {}).unwrap(), now);
        let until = DateTime::from_millis(90_000);
        assert_eq!(
            filter(doc! { "key": { "at": 1 }, "name": "a", "expireAfterSeconds": 10 }),
            Some(doc! { "at": { "$lte": until } })
        );
        assert_eq!(
            filter(doc! {
                "key": { "at": 1 }, "name": "a", "expireAfterSeconds": 10,
                "partialFilterExpression": { "done": true },
            }),
            Some(doc! { "$and": [{ "at": { "$lte": until } }, { "done": true }] })
        );
        assert_eq!(filter(doc! { "key": { "at": 1 }, "name": "a" }), None);
    }
}
