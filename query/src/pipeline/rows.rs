//! The documents that flow through a pipeline.

use std::sync::Arc;

use argon_core::Result;
use argon_core::model::Document;
use bson::raw::{RawDocument, RawDocumentBuf};
use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::expression::Context;

/// A document in a pipeline: as it is stored, or computed.
#[derive(Debug, Clone)]
pub enum Row {
    /// A document of the store. A clone shares its bytes.
    Stored(Document),
    /// A document that a stage made.
    Computed(RawDocumentBuf),
}

/// A stream of documents in batches. The work per document is synchronous; a batch is never empty.
pub type Rows = BoxStream<'static, Result<Vec<Row>>>;

/// The number of documents in a batch.
pub(crate) const BATCH: usize = 256;

impl Row {
    /// The document, for reading its fields.
    pub fn as_raw(&self) -> &RawDocument {
        match self {
            Self::Stored(document) => document.as_raw(),
            Self::Computed(document) => document,
        }
    }

    /// The document, without a copy if it was computed.
    pub fn into_raw(self) -> RawDocumentBuf {
        match self {
            Self::Stored(document) => document.into_raw(),
            Self::Computed(document) => document,
        }
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.as_raw().as_bytes().len() + size_of::<Self>()
    }
}

impl From<Document> for Row {
    fn from(document: Document) -> Self {
        Self::Stored(document)
    }
}

impl From<RawDocumentBuf> for Row {
    fn from(document: RawDocumentBuf) -> Self {
        Self::Computed(document)
    }
}

/// Returns the documents of an iterator in batches.
pub(crate) fn from_iter(rows: impl Iterator<Item = Result<Row>> + Send + 'static) -> Rows {
    stream::try_unfold(rows, |mut rows| async move {
        let batch: Vec<Row> = rows.by_ref().take(BATCH).collect::<Result<_>>()?;
        Ok((!batch.is_empty()).then_some((batch, rows)))
    })
    .boxed()
}

/// Returns the documents of a list in batches.
pub(crate) fn from_vec(rows: Vec<Row>) -> Rows {
    from_iter(rows.into_iter().map(Ok))
}

/// Returns the rows, which end with the error of an [interrupt](crate::Interrupt) once that is set.
pub(crate) fn interruptible(rows: Rows, context: &Arc<Context>) -> Rows {
    let context = context.clone();
    rows.and_then(move |batch| future::ready(context.check().map(|()| batch))).boxed()
}

/// Returns the rows that a future gives, once they are wanted.
pub(crate) fn deferred(rows: impl Future<Output = Result<Rows>> + Send + 'static) -> Rows {
    stream::once(rows).try_flatten().boxed()
}
