//! `bulkWrite`: several writes, one after the other.

use argon_core::model::CollectionName;
use argon_core::{Branch, Error, ErrorKind, Result};
use bson::{Bson, Document, doc};

use super::arguments::Arguments;
use super::change::{delete, insert, update};
use super::operation::ShellOperation;
use super::run::{ShellAnswer, bson_of, number};
use super::write::{insert_documents, with_mongodbs_duplicate};
use crate::Failure;
use crate::document::{self, DeleteMatching, PutDocuments, UpdateDocuments};
use crate::words::count;

/// The writes of `bulkWrite`.
#[derive(Debug, Clone)]
pub struct BulkWrite {
    /// The writes, in their order.
    pub operations: Vec<BulkOperation>,
    /// Whether the first error ends it; otherwise all are tried.
    pub is_ordered: bool,
}

/// A write of `bulkWrite`.
#[derive(Debug, Clone)]
pub enum BulkOperation {
    /// Insert a document.
    Insert(PutDocuments),
    /// Update or replace documents.
    Update(UpdateDocuments),
    /// Delete documents.
    Delete(DeleteMatching),
}

const OPERATIONS: &str =
    "one of insertOne, updateOne, updateMany, replaceOne, deleteOne and deleteMany";

/// The operations of `bulkWrite`.
pub(super) fn bulk_write(
    name: &CollectionName,
    arguments: &mut Arguments<'_>,
) -> Result<ShellOperation> {
    let documents = arguments.documents()?;
    let mut options = arguments.options(&["ordered"])?;
    let is_ordered = match options.remove("ordered") {
        None => true,
        Some(Bson::Boolean(is_ordered)) => is_ordered,
        Some(other) => return Err(arguments.wrong("true or false as option ordered", &other)),
    };
    if documents.is_empty() {
        return Err(Error::invalid("invalid bulkWrite: the list of operations can't be empty")
            .with_code(16, "InvalidLength"));
    }
    let operations = documents.iter().enumerate().map(|(at, operation)| {
        let of_place = |error: Error| error.about(format!("operation {at} of bulkWrite"));
        bulk_operation(name, operation).map_err(of_place)
    });
    let operations = operations.collect::<Result<_>>()?;
    Ok(ShellOperation::BulkWrite(BulkWrite { operations, is_ordered }))
}

fn bulk_operation(name: &CollectionName, operation: &Document) -> Result<BulkOperation> {
    let wrong = || Error::invalid(format!("invalid operation {operation}: expected {OPERATIONS}"));
    let mut fields = operation.iter();
    let (Some((method, Bson::Document(parts))), None) = (fields.next(), fields.next()) else {
        return Err(wrong());
    };
    // The arguments of the method of that name: what comes before its options.
    let known: &[&str] = match method.as_str() {
        "insertOne" => &["document"],
        "updateOne" | "updateMany" => &["filter", "update"],
        "replaceOne" => &["filter", "replacement"],
        "deleteOne" | "deleteMany" => &["filter"],
        _ => return Err(wrong()),
    };
    let mut options = parts.clone();
    let mut values = Vec::new();
    for name in known {
        let value = options.remove(*name);
        values.push(
            value.ok_or_else(|| {
                Error::invalid(format!("{method}: missing required field {name}"))
            })?,
        );
    }
    values.push(options.into());
    let mut arguments = Arguments::of_values(method.clone(), &values);
    match method.as_str() {
        "insertOne" => {
            let document = arguments.document()?.clone();
            arguments.options(&[])?;
            Ok(BulkOperation::Insert(insert(name, &[document])?))
        }
        "deleteOne" | "deleteMany" => {
            Ok(BulkOperation::Delete(delete(name, method, &mut arguments)?))
        }
        _ => Ok(BulkOperation::Update(update(name, method, &mut arguments)?)),
    }
}

/// What was written so far.
#[derive(Default)]
struct Done {
    inserted: Document,
    upserted: Document,
    matched: u64,
    modified: u64,
    deleted: u64,
    commits: u64,
    lsn: Option<u64>,
}

/// Runs the writes in their order, each as a commit. The first error ends it, or, without order, all are
/// tried that may succeed nevertheless; the error names the operations that failed, and what was done.
pub(super) async fn run(branch: &Branch, bulk_write: BulkWrite) -> crate::Result<ShellAnswer> {
    let BulkWrite { operations, is_ordered } = bulk_write;
    let mut done = Done::default();
    let mut failed: Vec<(usize, Failure)> = Vec::new();
    for (at, operation) in operations.into_iter().enumerate() {
        let Err(failure) = done.run(branch, at, operation).await else { continue };
        let is_last = is_ordered || !is_of_operation(&failure);
        failed.push((at, with_mongodbs_duplicate(branch, failure)));
        if is_last {
            break;
        }
    }
    // The error is that of the first operation; the messages of the others come before it.
    let others =
        failed.iter().skip(1).map(|(at, failure)| format!("operation {at}: {}", failure.in_full()));
    let others: Vec<String> = others.collect();
    match failed.into_iter().next() {
        None => Ok(done.answer()),
        Some((at, Failure::Error { error, hint })) => {
            let subject = match others.as_slice() {
                [] => done.place(at),
                others => format!(
                    "{} operations of bulkWrite failed{}: {}; operation {at}",
                    others.len() + 1,
                    done.after(),
                    others.join("; ")
                ),
            };
            Err(Failure::Error { error: error.about(subject), hint })
        }
        Some((_, failure)) => Err(failure),
    }
}

/// Whether a failure is that of an operation, so that others may succeed.
fn is_of_operation(failure: &Failure) -> bool {
    let Failure::Error { error, .. } = failure else { return false };
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists
            | ErrorKind::Conflict
            | ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Unsupported
    )
}

impl Done {
    async fn run(
        &mut self,
        branch: &Branch,
        at: usize,
        operation: BulkOperation,
    ) -> crate::Result<()> {
        let lsn = match operation {
            BulkOperation::Insert(request) => {
                let written = insert_documents(branch, request).await?;
                let first = written.first();
                let id = first.map_or(Bson::Null, |document| bson_of(&document.id));
                self.inserted.insert(at.to_string(), id);
                first.map(|document| document.lsn)
            }
            BulkOperation::Update(request) => {
                let updated = document::update(branch, request).await?;
                self.matched += updated.matched;
                self.modified += updated.modified;
                if let Some(id) = &updated.upserted_id {
                    self.upserted.insert(at.to_string(), bson_of(id));
                }
                updated.lsn
            }
            BulkOperation::Delete(request) => {
                let deleted = document::delete_matching(branch, request).await?;
                self.deleted += deleted.deleted;
                deleted.lsn
            }
        };
        self.commits += u64::from(lsn.is_some());
        self.lsn = lsn.or(self.lsn);
        Ok(())
    }

    /// The operation that failed, and what is committed.
    fn place(&self, at: usize) -> String {
        format!("operation {at} of bulkWrite{}", self.after())
    }

    /// What is committed, in words that follow others.
    fn after(&self) -> String {
        match self.commits {
            0 => String::new(),
            commits => format!(", after {}", count(commits, "commit")),
        }
    }

    fn answer(self) -> ShellAnswer {
        let value = doc! {
            "acknowledged": true,
            "insertedCount": number(self.inserted.len() as u64),
            "insertedIds": self.inserted,
            "matchedCount": number(self.matched),
            "modifiedCount": number(self.modified),
            "deletedCount": number(self.deleted),
            "upsertedCount": number(self.upserted.len() as u64),
            "upsertedIds": self.upserted,
        };
        let note = (self.commits > 1).then(|| format!("{} commits were made", self.commits));
        ShellAnswer::Value { value: value.into(), lsn: self.lsn, note }
    }
}
