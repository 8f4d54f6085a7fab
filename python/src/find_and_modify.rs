//! Finds one document and changes it: MongoDB's `findAndModify`.

use std::sync::Arc;

use argon_core::model::CollectionName;
use argon_core::write::WriteRequest;
use argon_core::{Branch, Error, Result as CoreResult};
use argon_query::commands::{DeleteCommand, UpdateCommand};
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Execution, MemoryCollections};
use argon_query::transaction::Transaction;
use argon_service::Result;
use bson::{Document, doc};
use futures::{FutureExt, TryStreamExt};

use crate::bulk::in_transaction;
use crate::commands as parsed;

/// The command.
pub(crate) struct FindAndModify {
    collection: CollectionName,
    find: FindCommand,
    projection: Document,
    /// `None` deletes the document.
    update: Option<UpdateCommand>,
    /// Whether the document after the change is wanted.
    new: bool,
}

impl FindAndModify {
    /// Reads the fields `filter`, `sort`, `projection`, `collation` and `hint`, then `remove`, or `update`, `upsert`,
    /// `array_filters` and `new`.
    ///
    /// # Errors
    /// `Invalid` for a field of the wrong type.
    pub(crate) fn parse(collection: CollectionName, mut command: Document) -> Result<Self> {
        let update = if parsed::flag(&mut command, "remove") {
            None
        } else {
            Some(parsed::update(&mut command.clone())?)
        };
        let new = parsed::flag(&mut command, "new");
        let mut find = parsed::find(&mut command)?;
        let projection = std::mem::take(&mut find.projection);
        Ok(Self { collection, find, projection, update, new })
    }

    /// Runs the command in a commit of its own. Returns the document before or after the change, and the commit.
    ///
    /// # Errors
    /// MongoDB's error of the command; `Conflict` if others are faster each time.
    pub(crate) async fn run(
        self: Arc<Self>,
        branch: &Branch,
        request: &(dyn Fn() -> WriteRequest + Sync),
    ) -> Result<(Option<Vec<u8>>, Option<u64>)> {
        let work = in_transaction(move |transaction| {
            let command = self.clone();
            async move { command.apply(transaction).await }.boxed()
        });
        let (image, receipt) = Transaction::run(branch, request, &work).await?;
        Ok((image, receipt.map(|receipt| receipt.lsn.get())))
    }

    /// Runs the command in a transaction. Returns the document before or after the change.
    ///
    /// # Errors
    /// MongoDB's error of the command.
    pub(crate) async fn apply(&self, transaction: &mut Transaction) -> CoreResult<Option<Vec<u8>>> {
        let find = FindCommand { limit: 1, ..self.find.clone() };
        let execution = transaction.execution();
        let mut rows = Find::compile(&find)?.run(self.collection.as_str(), &execution);
        let found = rows.try_next().await?.and_then(|mut batch| batch.pop());
        drop(rows);
        // A positional operator needs the condition that it is positioned by.
        let filter = match &found {
            Some(row) => {
                let id = row.as_raw().get("_id").ok().flatten();
                let id = id.map(bson::Bson::try_from).transpose();
                let id = id.map_err(|_| Error::corrupt("a document has no valid _id"))?;
                doc! { "$and": [{ "_id": { "$eq": id } }, self.find.filter.clone()] }
            }
            None => self.find.filter.clone(),
        };
        let collation = self.find.collation.clone();
        let modified = match &self.update {
            Some(update) if found.is_some() => {
                let command = UpdateCommand { filter, many: false, hint: None, ..update.clone() };
                transaction.update(&self.collection, &command).await?
            }
            // The filter alone makes the document of an upsert.
            Some(update) => transaction.update(&self.collection, update).await?,
            None => {
                let command = DeleteCommand { filter, many: false, collation, hint: None };
                transaction.delete(&self.collection, &command).await?
            }
        };
        let (before, after) = modified.image.unwrap_or_default();
        let image = if self.new && self.update.is_some() { after } else { before };
        match image {
            Some(image) if self.projection.is_empty() => Ok(Some(image.as_bytes().to_vec())),
            Some(image) => self.projected(image, &execution).await,
            None => Ok(None),
        }
    }

    async fn projected(
        &self,
        image: argon_core::model::Document,
        execution: &Execution,
    ) -> CoreResult<Option<Vec<u8>>> {
        let mut collections = MemoryCollections::default();
        collections.insert("image", vec![image.into()]);
        let execution = Execution { collections: Arc::new(collections), ..execution.clone() };
        let projection = self.projection.clone();
        let find = Find::compile(&FindCommand { projection, ..FindCommand::default() })?;
        let rows = find.run("image", &execution).try_next().await?;
        Ok(rows.and_then(|mut rows| rows.pop()).map(|row| row.as_raw().as_bytes().to_vec()))
    }
}
