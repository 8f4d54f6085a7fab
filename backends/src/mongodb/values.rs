//! The bytes of chunks and manifests.

use std::sync::Arc;

use argon_core::{Environment, Error, Result};
use bson::{Bson, Document, RawDocument, RawDocumentBuf, doc};

use super::batches::insert_until_there;
use super::connection::Connection;
use super::parts::{self, NOWHERE, StoredBytes};
use super::record::id;
use super::retry::until_known;
use super::schema;

/// Bytes under a key of a collection, in parts if they are large.
#[derive(Clone)]
pub(super) struct StoredValues {
    pub(super) server: Arc<Connection>,
    pub(super) environment: Environment,
}

impl StoredValues {
    /// Reads the bytes of a document.
    pub(super) async fn bytes(&self, row: &RawDocument, what: &str) -> Result<Vec<u8>> {
        self.server.count_received(row.as_bytes().len());
        let stored = parts::of(row, what)?.ok_or_else(|| super::record::missing(what, "d"))?;
        parts::load(&self.server, NOWHERE, stored, what).await
    }

    /// Stores bytes under a key, in place of any others. Harmless to repeat, so it is repeated when an
    /// answer was lost.
    pub(super) async fn replace(
        &self,
        collection: &'static str,
        key: Document,
        what: &'static str,
        bytes: &[u8],
    ) -> Result<()> {
        let server = &self.server;
        let malformed = |source| Error::internal("bytes can't be stored").with_source(source);
        let (mut row, mut pieces) = (RawDocumentBuf::new(), Vec::new());
        parts::put(&mut row, &mut pieces, NOWHERE, bytes, &self.environment);
        let change = replacement(&Document::try_from(&*row).map_err(malformed)?);
        if !pieces.is_empty() {
            insert_until_there(server, schema::PARTS, &pieces).await?;
        }
        let collection = server.collection(collection);
        let replaced = until_known(server, || {
            server.count_sent(row.as_bytes().len());
            let replace = collection.find_one_and_update(key.clone(), change.clone()).upsert(true);
            server.write(what, replace)
        });
        // After a lost answer, the document that is replaced may be this one.
        let owner = |row: &RawDocumentBuf| row.get_object_id("o").ok();
        let replaced = replaced.await?.filter(|replaced| owner(replaced) != owner(&row));
        self.forget_parts(replaced).await
    }

    /// Removes the parts of a document that was replaced or removed.
    pub(super) async fn forget_parts(&self, replaced: Option<RawDocumentBuf>) -> Result<()> {
        let Some(row) = replaced else { return Ok(()) };
        if let Ok(Some(StoredBytes::Parts { owner, .. })) = parts::of(&row, "value") {
            let server = &self.server;
            let parts = server.collection(schema::PARTS);
            let delete = parts.delete_many(doc! { "t": id(NOWHERE), "o": owner });
            // Parts that stay after an error waste space only.
            drop(server.write("remove parts", delete).await);
        }
        Ok(())
    }
}

/// An update that sets these bytes, or the reference to their parts, and the time.
fn replacement(bytes: &Document) -> Document {
    let others = ["d", "o", "n"].into_iter().filter(|name| !bytes.contains_key(name));
    let others: Document = others.map(|name| (name.to_owned(), Bson::from(""))).collect();
    doc! { "$set": bytes.clone(), "$unset": others, "$currentDate": { "at": true } }
}
