//! The documents of queries, in batches.

use std::time::Duration;

use argon_query::pipeline::{Row, Rows};
use bson::raw::RawBsonRef;
use bson::{Bson, doc};
use futures::{FutureExt, StreamExt, stream};

use super::{Call, Command, Effect, Reply, tailable, watch};
use crate::arguments::Arguments;
use crate::cursors::{Cursor, FIRST_BATCH, RowCursor};
use crate::failure::{CommandError, Result};
use crate::rights::{Need, arguments};

/// How long a `getMore` waits if it does not say it.
const WAIT: Duration = Duration::from_secs(1);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "getMore",
        aliases: &[],
        about: "Gives the next documents of a cursor.",
        fields: &["batchSize", "collection", "lastKnownCommittedOpTime", "term"],
        effect: Effect::Read,
        need: Need::Arguments(|call| async { arguments::of_cursor(call) }.boxed()),
        is_stable: true,
        run: |call| get_more(call).boxed(),
    },
    Command {
        name: "killCursors",
        aliases: &[],
        about: "Closes cursors.",
        fields: &["cursors"],
        effect: Effect::None,
        need: Need::Arguments(|call| async { arguments::of_killed_cursors(call) }.boxed()),
        is_stable: true,
        run: |call| async { kill_cursors(call) }.boxed(),
    },
];

/// Answers with the first documents of a query, and keeps a cursor for the others.
pub(super) async fn open(call: &Call<'_>, rows: Rows, namespace: &str) -> Result<Reply> {
    let arguments = call.arguments;
    let size = first_size(call)?;
    let mut cursor = RowCursor::new(rows, call.operation.context.clone());
    if arguments.is_set("singleBatch")? {
        let size = if size == 0 { FIRST_BATCH } else { size };
        let batch = cursor.batch(size).await?;
        return Reply::batch(&batch.rows, 0, namespace, true);
    }
    let batch = cursor.batch(size).await?;
    let id = if batch.is_last && size > 0 {
        0
    } else {
        let no_timeout = arguments.is_set("noCursorTimeout")?;
        call.operation.done()?;
        call.shared.cursors.keep(
            namespace.to_owned(),
            Cursor::Rows(cursor),
            no_timeout,
            call.claim.clone(),
            call.transaction(),
        )
    };
    Reply::batch(&batch.rows, id, namespace, true)
}

/// The size of the first batch. An aggregation has it in `cursor`.
pub(super) fn first_size(call: &Call<'_>) -> Result<usize> {
    let arguments = call.arguments;
    let size = match arguments.value("cursor")? {
        Some(RawBsonRef::Document(cursor)) => {
            Arguments::new("cursor", cursor).integer("batchSize")?
        }
        Some(_) => {
            return Err(CommandError::type_mismatch("cursor field must be missing or an object"));
        }
        None => arguments.integer("batchSize")?,
    };
    Ok(batch_size(size)?.unwrap_or(FIRST_BATCH))
}

/// Answers with a list, by a cursor.
pub(super) async fn open_list(call: &Call<'_>, rows: Vec<Row>, namespace: &str) -> Result<Reply> {
    let rows =
        if rows.is_empty() { stream::empty().boxed() } else { stream::iter([Ok(rows)]).boxed() };
    open(call, rows, namespace).await
}

fn batch_size(size: Option<i64>) -> Result<Option<usize>> {
    let size = size.map(|size| {
        usize::try_from(size).map_err(|_| {
            CommandError::new(
                51024,
                format!("BSON field 'batchSize' value must be >= 0, actual value '{size}'"),
            )
        })
    });
    size.transpose()
}

/// How long a `getMore` waits for what comes.
pub(super) fn wait(call: &Call<'_>) -> Result<Duration> {
    let wait = call.arguments.integer("maxTimeMS")?.and_then(|wait| u64::try_from(wait).ok());
    Ok(wait.filter(|wait| *wait > 0).map_or(WAIT, Duration::from_millis))
}

async fn get_more(call: &Call<'_>) -> Result<Reply> {
    let arguments = call.arguments;
    let Some(id) = arguments.integer("getMore")? else {
        return Err(arguments.missing("getMore"));
    };
    let collection = arguments.required_text("collection")?;
    let namespace = call.namespace(collection);
    let size = batch_size(arguments.integer("batchSize")?)?.filter(|size| *size > 0);
    let mut cursor = call.shared.cursors.take(id, &namespace, call.transaction())?;
    if let Some(context) = cursor.context() {
        call.operation.adopt(context);
    }
    let count = size.unwrap_or(usize::MAX);
    let (reply, is_last) = match cursor.cursor()? {
        Cursor::Stream(stream) => watch::next(call, stream, count, (id, &namespace)).await?,
        Cursor::Tail(tail) => tailable::next(call, tail, count, (id, &namespace)).await?,
        Cursor::Rows(rows) => {
            let batch = rows.batch(count).await?;
            let id = if batch.is_last { 0 } else { id };
            (Reply::batch(&batch.rows, id, &namespace, false)?, batch.is_last)
        }
    };
    if is_last {
        return Ok(reply);
    }
    call.operation.done()?;
    cursor.put_back();
    Ok(Reply { next: Some(call.request.body.clone()), ..reply })
}

fn kill_cursors(call: &Call<'_>) -> Result<Reply> {
    let cursors = call.arguments.array("cursors")?;
    let cursors = cursors.ok_or_else(|| call.arguments.missing("cursors"))?;
    let (mut killed, mut missing) = (Vec::new(), Vec::new());
    for id in cursors {
        let RawBsonRef::Int64(id) = id? else {
            return Err(CommandError::type_mismatch("the ids of cursors must be of type long"));
        };
        let list = if call.shared.cursors.close(id) { &mut killed } else { &mut missing };
        list.push(Bson::Int64(id));
    }
    let none = Vec::<Bson>::new();
    Reply::of(&doc! {
        "cursorsKilled": killed,
        "cursorsNotFound": missing,
        "cursorsAlive": none.clone(),
        "cursorsUnknown": none,
    })
}
