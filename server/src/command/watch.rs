//! Change streams: opening one, and its next events.

use std::time::Duration;

use argon_query::pipeline::Options;
use bson::Document;

use super::{Call, Reply, cursor};
use crate::change_stream::{ChangeStream, Scope, StreamOptions};
use crate::cursors::Cursor;
use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::views;

/// Opens the change stream of a pipeline that begins with `$changeStream`; `collection` is empty for that of
/// a database.
pub(super) async fn open(
    call: &Call<'_>,
    collection: &str,
    stages: &[Document],
    options: &Options,
) -> Result<Reply> {
    if call.in_transaction {
        return Err(CommandError::new(263, "$changeStream cannot be used in a transaction"));
    }
    if call.snapshot.is_some() {
        return Err(CommandError::new(
            72,
            "$changeStream does not support the read concern 'snapshot'",
        ));
    }
    let options = StreamOptions::parse(stages, options)?;
    let scope = scope(call, collection, &options)?;
    if let Scope::Collection(name) = &scope
        && views::resolve(call.state().await?.as_ref(), name.as_str())?.is_some()
    {
        let namespace = call.namespace(name);
        return Err(CommandError::new(
            166,
            format!(
                "Namespace {namespace} is a view, not a collection: watch the collection that it is over"
            ),
        ));
    }
    // Checked before the stream is opened.
    cursor::first_size(call)?;
    let namespace = match &scope {
        Scope::Collection(name) => call.namespace(name),
        Scope::Database | Scope::Cluster => call.namespace("$cmd.aggregate"),
    };
    let mut stream = ChangeStream::open(call.shared, call.database, scope, options).await?;
    // The first batch waits for nothing.
    let first = stream.batch(call.shared, call.context(), 0, Duration::ZERO).await?;
    let id = call.shared.cursors.keep(
        namespace.clone(),
        Cursor::Stream(Box::new(stream)),
        false,
        call.claim.clone(),
        call.transaction(),
    );
    Reply::events(&first, id, &namespace, true)
}

fn scope(call: &Call<'_>, collection: &str, options: &StreamOptions) -> Result<Scope> {
    let is_internal = matches!(call.shared.places.parse(call.database)?, Database::Internal);
    if options.is_of_cluster {
        if call.database != "admin" || !collection.is_empty() {
            return Err(CommandError::new(
                72,
                "A $changeStream with 'allChangesForCluster:true' may only be opened on the 'admin' database, \
                 and with no collection name",
            ));
        }
        return Ok(Scope::Cluster);
    }
    if is_internal {
        return Err(CommandError::new(
            73,
            format!("$changeStream may not be opened on the internal {} database", call.database),
        ));
    }
    match collection {
        "" => Ok(Scope::Database),
        name => Ok(Scope::Collection(call.collection_named(name)?)),
    }
}

/// The next events of a stream, for `getMore` of the cursor `id`. Returns whether they are the last.
pub(super) async fn next(
    call: &Call<'_>,
    stream: &mut ChangeStream,
    count: usize,
    (id, namespace): (i64, &str),
) -> Result<(Reply, bool)> {
    let wait = cursor::wait(call)?;
    let batch = stream.batch(call.shared, call.context(), count, wait).await.map_err(resumable)?;
    let id = if batch.is_last { 0 } else { id };
    Ok((Reply::events(&batch, id, namespace, false)?, batch.is_last))
}

/// Adds the label by which drivers open a stream again.
fn resumable(error: CommandError) -> CommandError {
    if error.is_labelled("NonResumableChangeStreamError") {
        return error;
    }
    error.with_label("ResumableChangeStreamError")
}
