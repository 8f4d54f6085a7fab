//! Several writes in one commit, of which later ones see what earlier ones did.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Error};
use argon_query::commands::{DeleteCommand, UpdateCommand};
use argon_query::transaction::{self, Transaction};
use argon_service::Result;
use bson::raw::{RawBson, RawDocumentBuf};
use bson::{Bson, Document, doc};
use futures::FutureExt;

use crate::commands as parsed;

/// Writes to a collection, in their order.
pub(crate) struct Bulk {
    collection: CollectionName,
    writes: Vec<BulkWrite>,
}

enum BulkWrite {
    Insert(RawDocumentBuf),
    Update(Box<UpdateCommand>),
    Delete(Box<DeleteCommand>),
}

/// What the writes did.
#[derive(Default)]
pub(crate) struct BulkCounts {
    inserted: u64,
    matched: u64,
    modified: u64,
    deleted: u64,
    /// The position of the write, and the `_id` of the document that it inserted.
    upserted: Vec<(usize, RawBson)>,
}

impl Bulk {
    /// The writes of the field `writes`, each of which has the field `insert`, `update` or `delete`.
    ///
    /// # Errors
    /// `Invalid` for a write of another kind.
    pub(crate) fn parse(collection: CollectionName, mut command: Document) -> Result<Self> {
        let writes = parsed::list(&mut command, "writes")?;
        let writes = writes.into_iter().map(BulkWrite::parse).collect::<Result<Vec<_>>>()?;
        if writes.is_empty() {
            return Err(Error::invalid("no writes: expected at least one").into());
        }
        Ok(Self { collection, writes })
    }

    /// Applies the writes, in their order.
    ///
    /// # Errors
    /// That of the first write that fails.
    pub(crate) async fn apply(
        &self,
        transaction: &mut Transaction,
    ) -> argon_core::Result<BulkCounts> {
        let mut counts = BulkCounts::default();
        for (position, write) in self.writes.iter().enumerate() {
            match write {
                BulkWrite::Insert(document) => {
                    transaction.insert(&self.collection, [document.clone()]).await?;
                    counts.inserted += 1;
                }
                BulkWrite::Update(command) => {
                    let modified = transaction.update(&self.collection, command).await?;
                    counts.matched += modified.matched;
                    counts.modified += modified.modified;
                    counts.upserted.extend(modified.upserted.map(|id| (position, id)));
                }
                BulkWrite::Delete(command) => {
                    let modified = transaction.delete(&self.collection, command).await?;
                    counts.deleted += modified.modified;
                }
            }
        }
        Ok(counts)
    }
}

/// Applies writes to a branch in one commit.
///
/// # Errors
/// That of the first write that fails; `Conflict` if others are faster each time.
pub(crate) async fn run(
    branch: &Branch,
    bulk: Arc<Bulk>,
    request: &(dyn Fn() -> WriteRequest + Sync),
) -> Result<(BulkCounts, Option<u64>)> {
    let work = transaction::work(move |transaction| {
        let bulk = bulk.clone();
        async move { bulk.apply(transaction).await }.boxed()
    });
    let (counts, receipt) = Transaction::run(branch, request, &work).await?;
    Ok((counts, receipt.map(|receipt| receipt.lsn.get())))
}

impl BulkWrite {
    fn parse(mut write: Document) -> Result<Self> {
        let (kind, value) = write
            .iter_mut()
            .next()
            .map(|(kind, value)| (kind.clone(), value.clone()))
            .ok_or_else(|| Error::invalid("a write of a bulk is empty"))?;
        let Bson::Document(mut value) = value else {
            return Err(Error::invalid(format!("{kind} must be a document")).into());
        };
        match kind.as_str() {
            "insert" => {
                let document = RawDocumentBuf::try_from(&value).map_err(parsed::malformed)?;
                Ok(Self::Insert(document))
            }
            "update" => Ok(Self::Update(Box::new(parsed::update(&mut value)?))),
            "delete" => Ok(Self::Delete(Box::new(parsed::delete(&mut value)?))),
            other => Err(Error::invalid(format!("unknown kind of write '{other}'")).into()),
        }
    }
}

impl BulkCounts {
    /// The numbers as a document.
    pub(crate) fn shown(self, lsn: Option<u64>) -> Document {
        let number = u64::cast_signed;
        let upserted = self.upserted.into_iter().map(|(position, id)| {
            let id = Bson::try_from(id).unwrap_or(Bson::Null);
            doc! { "index": number(position as u64), "_id": id }
        });
        doc! {
            "inserted": number(self.inserted),
            "matched": number(self.matched),
            "modified": number(self.modified),
            "deleted": number(self.deleted),
            "upserted": upserted.collect::<Vec<_>>(),
            "lsn": lsn.map(number),
        }
    }
}
