//! Documents as columns in Arrow's layout: the buffers of each, of which the package makes Arrow's arrays
//! without a copy.
//!
//! | file | content |
//! | --- | --- |
//! | `export.rs` | the columns as Python's tuples |

mod export;

use argon_formats::columns::{Column, Fields};
use argon_query::find::Find;
use argon_query::pipeline::Execution;
use argon_service::Result;
use futures::TryStreamExt;

pub(crate) use export::exported;

/// The documents that a query finds, as one column with a field for each of theirs. The query runs twice on the
/// same state: for the types, then for the values. Memory: the values.
///
/// # Errors
/// Those of the query.
pub(crate) async fn table(find: &Find, collection: &str, execution: &Execution) -> Result<Column> {
    let mut fields = Fields::default();
    let mut rows = find.run(collection, execution);
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            fields.add(row.as_raw())?;
        }
    }
    let mut table = Column::of_fields(&fields);
    let mut rows = find.run(collection, execution);
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            table.push_document(row.as_raw())?;
        }
    }
    Ok(table)
}
