//! Divides insertions into requests that also a slow server answers in time.

use std::sync::Arc;

use argon_core::{Error, ErrorKind, Result};
use bson::RawDocumentBuf;

use super::connection::Connection;
use super::failure::Failure;
use super::retry::until_known;

/// The largest request: far below the limit of the protocol, because a request fails that is not
/// answered within [`REQUEST_TIMEOUT`](super::connection::REQUEST_TIMEOUT).
const BATCH_BYTES: usize = 8 * 1024 * 1024;
const BATCH_ROWS: usize = 1_000;

/// Divides rows into batches, in order. A row that is larger than a batch is a batch of its own.
pub(super) fn batches(rows: &[RawDocumentBuf]) -> impl Iterator<Item = &[RawDocumentBuf]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&RawDocumentBuf| {
            bytes += row.as_bytes().len();
            bytes <= BATCH_BYTES
        };
        let fitting = rest.iter().take(BATCH_ROWS).take_while(fits).count();
        let (batch, later) = rest.split_at(fitting.max(1).min(rest.len()));
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Inserts rows until all exist; false if some did already, which may be from an attempt whose answer was
/// lost.
pub(super) async fn insert_or_duplicate(
    server: &Arc<Connection>,
    collection: &'static str,
    rows: &[RawDocumentBuf],
) -> Result<bool> {
    let bytes = rows.iter().map(|row| row.as_bytes().len()).sum();
    let collection = server.collection(collection);
    until_known(server, || async {
        server.count_sent(bytes);
        let insert = collection.insert_many(rows).ordered(false);
        match server.write("write rows of a large commit, value or index", insert).await {
            Ok(_) => Ok(true),
            Err(Failure::Duplicate) => Ok(false),
            Err(failure) => Err(failure),
        }
    })
    .await
}

/// Inserts rows with `_id`s that no other row has, until all exist. A duplicate was inserted by an
/// attempt whose answer was lost.
pub(super) async fn insert_until_there(
    server: &Arc<Connection>,
    collection: &'static str,
    rows: &[RawDocumentBuf],
) -> Result<()> {
    let inserted = insert_or_duplicate(server, collection, rows).await;
    inserted.map(drop).map_err(|error| match error.kind() {
        // No record refers to these rows yet, so the commit or value has definitely not been written.
        ErrorKind::Indeterminate => Error::unavailable(
            "MongoDB did not acknowledge the rows of a large commit or value; try again later",
        )
        .with_source(error),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn batches_hold_all_rows_in_order_and_keep_to_their_bounds() {
        let row = |at: i32, size: usize| rawdoc! { "_id": at, "d": "x".repeat(size) };
        let mut rows: Vec<_> = (0..12_000).map(|at| row(at, 10)).collect();
        rows.extend((0..4).map(|at| row(at, BATCH_BYTES / 2 - 100)));
        rows.push(row(9, BATCH_BYTES + 1));
        let cut: Vec<_> = batches(&rows).collect();
        assert!(cut.iter().all(|batch| batch.len() <= BATCH_ROWS));
        let bytes =
            |batch: &[RawDocumentBuf]| batch.iter().map(|row| row.as_bytes().len()).sum::<usize>();
        assert!(cut.iter().all(|batch| batch.len() == 1 || bytes(batch) <= BATCH_BYTES));
        assert_eq!(cut.concat(), rows);
        assert_eq!(batches(&[]).count(), 0);
    }
}
