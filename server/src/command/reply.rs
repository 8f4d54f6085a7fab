//! What a command answers.

use argon_query::pipeline::Row;
use bson::raw::{CStr, RawArrayBuf, RawDocumentBuf, cstr};
use bson::{Document, rawdoc};

use crate::change_stream::EventBatch;
use crate::failure::Result;

/// The fields of a reply, without `ok`.
pub(crate) struct Reply {
    pub(crate) body: RawDocumentBuf,
    /// The request that follows this reply, for a client that takes several.
    pub(crate) next: Option<RawDocumentBuf>,
}

impl Reply {
    /// The reply of these fields.
    pub(crate) fn of(document: &Document) -> Result<Self> {
        Ok(Self::raw(RawDocumentBuf::try_from(document)?))
    }

    pub(crate) fn raw(body: RawDocumentBuf) -> Self {
        Self { body, next: None }
    }

    /// A batch of a cursor; `id` is 0 after the last. The batch is the first one of the cursor, or not.
    pub(crate) fn batch(rows: &[Row], id: i64, namespace: &str, is_first: bool) -> Self {
        Self::raw(rawdoc! { "cursor": cursor(rows, id, namespace, is_first) })
    }

    /// A batch of a change stream, with the token from which the stream goes on.
    pub(crate) fn events(batch: &EventBatch, id: i64, namespace: &str, is_first: bool) -> Self {
        let mut cursor = cursor(&batch.rows, id, namespace, is_first);
        cursor.append(cstr!("postBatchResumeToken"), batch.token.clone());
        Self::raw(rawdoc! { "cursor": cursor })
    }
}

fn cursor(rows: &[Row], id: i64, namespace: &str, is_first: bool) -> RawDocumentBuf {
    let mut batch = RawArrayBuf::new();
    for row in rows {
        batch.push(row.as_raw());
    }
    let name: &CStr = if is_first { cstr!("firstBatch") } else { cstr!("nextBatch") };
    let mut cursor = RawDocumentBuf::new();
    cursor.append(name, batch);
    cursor.append(cstr!("id"), id);
    cursor.append(cstr!("ns"), namespace);
    cursor
}
