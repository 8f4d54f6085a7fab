//! Runs an operation that may make a commit.

use argon_core::model::CollectionName;
use argon_core::{Branch, DetailKey, Error, ErrorKind};
use argon_formats::extjson::{parse_value, print_shell_bson};
use argon_query::plan::Hint;
use bson::{Bson, Document, doc};

use super::run::{ShellAnswer, bson_of, malformed, number, or_empty};
use super::{ShellOperation, bulk};
use crate::collections::{self, Signature};
use crate::document::{self, PutDocuments, UpdatedDocuments, WrittenDocument};
use crate::index;
use crate::json::HintValue;
use crate::{Failure, Result, Workspace};

/// Runs an operation that may make a commit. The error for two documents with one unique value is
/// MongoDB's.
pub(super) async fn run(workspace: &Workspace, operation: ShellOperation) -> Result<ShellAnswer> {
    let branch = workspace.branch().await?;
    if let ShellOperation::BulkWrite(bulk_write) = operation {
        return bulk::run(&branch, bulk_write).await;
    }
    let written = write(workspace, &branch, operation).await;
    written.map_err(|failure| with_mongodbs_duplicate(&branch, failure))
}

async fn write(
    workspace: &Workspace,
    branch: &Branch,
    operation: ShellOperation,
) -> Result<ShellAnswer> {
    match operation {
        ShellOperation::Aggregate(request) => {
            let signature = Signature::default();
            let written = document::aggregate_into(workspace, &signature, &request).await?;
            Ok(ShellAnswer::committed(Bson::Array(Vec::new()), written.lsn))
        }
        ShellOperation::InsertOne(request) => {
            let written = insert_documents(branch, request).await?;
            let id = written.first().map_or(Bson::Null, |document| bson_of(&document.id));
            let value = doc! { "acknowledged": true, "insertedId": id };
            Ok(ShellAnswer::committed(value, lsn_of(&written)))
        }
        ShellOperation::InsertMany(request) => {
            let written = insert_documents(branch, request).await?;
            let ids = written.iter().enumerate();
            let ids: Document =
                ids.map(|(at, document)| (at.to_string(), bson_of(&document.id))).collect();
            let value = doc! { "acknowledged": true, "insertedIds": ids };
            Ok(ShellAnswer::committed(value, lsn_of(&written)))
        }
        ShellOperation::Update(request) => {
            let updated = document::update(branch, request).await?;
            let lsn = updated.lsn;
            Ok(ShellAnswer::committed(of_update(&updated), lsn))
        }
        ShellOperation::Delete(request) => {
            let deleted = document::delete_matching(branch, request).await?;
            let value = doc! { "acknowledged": true, "deletedCount": number(deleted.deleted) };
            Ok(ShellAnswer::committed(value, deleted.lsn))
        }
        ShellOperation::FindAndModify(request) => {
            let found = document::find_and_modify(branch, *request).await?;
            let value = found.document.map(|document| Document::try_from(&*document));
            let value = value.transpose().map_err(malformed)?;
            Ok(ShellAnswer::committed(value.map_or(Bson::Null, Bson::Document), found.lsn))
        }
        operation => change_collection(branch, operation).await,
    }
}

async fn change_collection(branch: &Branch, operation: ShellOperation) -> Result<ShellAnswer> {
    let ok = || doc! { "ok": 1 };
    match operation {
        ShellOperation::CreateCollection(request) => {
            let created = collections::create(branch, request).await?;
            Ok(ShellAnswer::committed(ok(), Some(created.lsn)))
        }
        ShellOperation::RenameCollection(request) => {
            let renamed = collections::rename(branch, request).await?;
            Ok(ShellAnswer::committed(ok(), Some(renamed.lsn)))
        }
        ShellOperation::CreateIndex(request) => {
            let created = index::create(branch, request).await?;
            let note = created
                .unbuilt
                .map(|reason| format!("queries scan, because index {} {reason}", created.index));
            Ok(ShellAnswer::Value { value: created.index.into(), lsn: created.lsn, note })
        }
        ShellOperation::DropIndex(collection, index) => {
            drop_indexes(branch, collection, Some(&[index])).await
        }
        ShellOperation::DropIndexes(collection, indexes) => {
            let indexes = Some(indexes.as_slice()).filter(|indexes| !indexes.is_empty());
            drop_indexes(branch, collection, indexes).await
        }
        ShellOperation::DropCollection(request) => {
            let dropped = or_empty(collections::drop(branch, request).await)?;
            let lsn = dropped.map(|dropped| dropped.lsn);
            Ok(ShellAnswer::committed(lsn.is_some(), lsn))
        }
        // No other operation writes.
        _ => Ok(ShellAnswer::value(Bson::Null)),
    }
}

/// Drops the indexes that are wanted, or all but that of `_id`, in one commit.
async fn drop_indexes(
    branch: &Branch,
    collection: CollectionName,
    wanted: Option<&[HintValue]>,
) -> Result<ShellAnswer> {
    let view = branch.head().await?.collection(&collection)?;
    let definitions = view.info().listed_indexes();
    let mut indexes: Vec<String> = Vec::new();
    for HintValue(wanted) in wanted.unwrap_or_default() {
        let hint = Hint::compile(wanted)?;
        let is_wanted =
            |definition: &&Document| hint.as_ref().is_some_and(|hint| hint.names(definition));
        let Some(definition) = definitions.iter().find(is_wanted) else {
            let wanted = print_shell_bson(wanted).unwrap_or_default();
            let message = format!("can't find index {wanted} of {collection}; see getIndexes()");
            let error = Error::new(ErrorKind::NotFound, message);
            return Err(error.with_code(27, "IndexNotFound").into());
        };
        indexes.push(name_of(definition));
    }
    if wanted.is_none() {
        indexes = definitions.iter().map(name_of).filter(|name| name != "_id_").collect();
    }
    let mut value = doc! { "nIndexesWas": number(definitions.len() as u64) };
    if wanted.is_none() {
        value.insert("msg", "non-_id indexes dropped for collection");
    }
    value.insert("ok", 1);
    if indexes.is_empty() {
        return Ok(ShellAnswer::value(value));
    }
    let names: Vec<&str> = indexes.iter().map(String::as_str).collect();
    let request = Signature::default().request(branch);
    let receipt = branch.drop_indexes(&collection, &names, &request).await?;
    Ok(ShellAnswer::committed(value, Some(receipt.lsn.get())))
}

fn name_of(definition: &Document) -> String {
    definition.get_str("name").unwrap_or_default().to_owned()
}

/// Inserts documents; the error for an `_id` that exists is MongoDB's.
pub(super) async fn insert_documents(
    branch: &Branch,
    request: PutDocuments,
) -> Result<Vec<WrittenDocument>> {
    let collection = request.options.collection.clone();
    document::put(branch, request).await.map_err(|failure| match failure {
        // That of another unique index has MongoDB's code already.
        Failure::Error { error, hint }
            if error.kind() == ErrorKind::AlreadyExists
                && detail(&error, DetailKey::Code).is_none() =>
        {
            let id = detail(&error, DetailKey::Id).unwrap_or_default();
            let error =
                duplicate_key(branch, collection.as_str(), error, "_id_", &format!("_id: {id}"));
            Failure::Error { error, hint }
        }
        failure => failure,
    })
}

/// MongoDB's words for the error about a value of a unique index that another document has.
pub(super) fn with_mongodbs_duplicate(branch: &Branch, failure: Failure) -> Failure {
    let Failure::Error { error, hint } = failure else { return failure };
    let parts = [DetailKey::Collection, DetailKey::Index, DetailKey::KeyPattern];
    let [Some(collection), Some(index), Some(pattern)] = parts.map(|key| detail(&error, key))
    else {
        return Failure::Error { error, hint };
    };
    // A value that the entry does not hold, because it is long, is not shown.
    let values = detail(&error, DetailKey::KeyValue).unwrap_or(pattern);
    let fields = match parse_value(&values) {
        Ok(Bson::Document(values)) => values,
        _ => Document::new(),
    };
    let has_values = detail(&error, DetailKey::KeyValue).is_some();
    let fields = fields.iter().map(|(name, value)| {
        if has_values { format!("{name}: {value}") } else { format!("{name}: …") }
    });
    let fields = fields.collect::<Vec<_>>().join(", ");
    let error = duplicate_key(branch, &collection, error, &index, &fields);
    Failure::Error { error, hint }
}

fn detail(error: &Error, wanted: DetailKey) -> Option<String> {
    let found = error.details().iter().find(|(key, _)| *key == wanted);
    found.map(|(_, value)| value.to_string())
}

/// MongoDB's error for a value of a unique index that exists.
fn duplicate_key(
    branch: &Branch,
    collection: &str,
    error: Error,
    index: &str,
    fields: &str,
) -> Error {
    let project = branch.project().name();
    error
        .with_message(format!(
            "E11000 duplicate key error collection: {project}.{collection} index: {index} dup key: \
             {{ {fields} }}"
        ))
        .with_code(11_000, "DuplicateKey")
}

fn lsn_of(written: &[WrittenDocument]) -> Option<u64> {
    written.first().map(|document| document.lsn)
}

fn of_update(updated: &UpdatedDocuments) -> Document {
    let id = updated.upserted_id.as_ref();
    doc! {
        "acknowledged": true,
        "insertedId": id.map_or(Bson::Null, bson_of),
        "matchedCount": number(updated.matched),
        "modifiedCount": number(updated.modified),
        "upsertedCount": i32::from(id.is_some()),
    }
}
