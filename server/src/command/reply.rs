//! What a command answers.

use argon_query::pipeline::Row;
use bson::Document;
use bson::raw::RawDocumentBuf;

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
    pub(crate) fn batch(rows: &[Row], id: i64, namespace: &str, is_first: bool) -> Result<Self> {
        CursorReply { rows, id, namespace, is_first, token: None }.reply()
    }

    /// A batch of a change stream, with the token from which the stream goes on.
    pub(crate) fn events(
        batch: &EventBatch,
        id: i64,
        namespace: &str,
        is_first: bool,
    ) -> Result<Self> {
        let EventBatch { rows, token, .. } = batch;
        CursorReply { rows, id, namespace, is_first, token: Some(token) }.reply()
    }
}

/// A reply with a batch of a cursor.
struct CursorReply<'r> {
    rows: &'r [Row],
    id: i64,
    namespace: &'r str,
    is_first: bool,
    token: Option<&'r RawDocumentBuf>,
}

/// The types of elements of BSON that a reply has.
const STRING: u8 = 0x02;
const DOCUMENT: u8 = 0x03;
const ARRAY: u8 = 0x04;
const INT64: u8 = 0x12;

/// Room for the fields besides the rows, those of every reply included.
const REST: usize = 1024;

impl CursorReply<'_> {
    /// Batches have up to 16 MB, so they are written once, where they stay: builders of nested documents copy each
    /// level into the next.
    fn reply(&self) -> Result<Reply> {
        let of_row = |row: &Row| row.as_raw().as_bytes().len() + 2 + MOST_DIGITS;
        let rows: usize = self.rows.iter().map(of_row).sum();
        let token = self.token.map_or(0, |token| token.as_bytes().len());
        let mut out = Vec::with_capacity(rows + token + self.namespace.len() + REST);
        nested(&mut out, |out| {
            begin(out, DOCUMENT, "cursor");
            nested(out, |out| self.cursor(out));
        });
        Ok(Reply::raw(RawDocumentBuf::from_bytes(out)?))
    }

    fn cursor(&self, out: &mut Vec<u8>) {
        begin(out, ARRAY, if self.is_first { "firstBatch" } else { "nextBatch" });
        nested(out, |out| {
            for (number, row) in self.rows.iter().enumerate() {
                begin(out, DOCUMENT, &number.to_string());
                out.extend_from_slice(row.as_raw().as_bytes());
            }
        });
        begin(out, INT64, "id");
        out.extend_from_slice(&self.id.to_le_bytes());
        begin(out, STRING, "ns");
        length(out, self.namespace.len() + 1);
        out.extend_from_slice(self.namespace.as_bytes());
        out.push(0);
        if let Some(token) = self.token {
            begin(out, DOCUMENT, "postBatchResumeToken");
            out.extend_from_slice(token.as_bytes());
        }
    }
}

/// The most digits of the number of a row.
const MOST_DIGITS: usize = 8;

/// The type and the name of an element.
fn begin(out: &mut Vec<u8>, kind: u8, name: &str) {
    out.push(kind);
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

/// A document or an array with its length around it.
fn nested(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    length(out, 0);
    content(out);
    out.push(0);
    let bytes = i32::try_from(out.len() - start).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
}

fn length(out: &mut Vec<u8>, bytes: usize) {
    out.extend_from_slice(&i32::try_from(bytes).unwrap_or(i32::MAX).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use bson::{doc, rawdoc};

    use super::*;

    #[test]
    fn a_batch_is_what_a_builder_of_documents_makes() {
        let rows: Vec<Row> = (0..12).map(|n| Row::Computed(rawdoc! { "_id": n })).collect();
        let documents: Vec<Document> = (0..12).map(|n| doc! { "_id": n }).collect();
        let reply = Reply::batch(&rows, 7, "shop.ä", true).unwrap();
        let expected = doc! { "cursor": { "firstBatch": documents, "id": 7_i64, "ns": "shop.ä" } };
        assert_eq!(Document::try_from(reply.body.as_ref()).unwrap(), expected);
        let batch = EventBatch { rows: Vec::new(), token: rawdoc! { "t": 1 }, is_last: false };
        let reply = Reply::events(&batch, 0, "s", false).unwrap();
        let none = Vec::<Document>::new();
        let token = doc! { "t": 1 };
        let cursor =
            doc! { "nextBatch": none, "id": 0_i64, "ns": "s", "postBatchResumeToken": token };
        assert_eq!(Document::try_from(reply.body.as_ref()).unwrap(), doc! { "cursor": cursor });
    }
}
