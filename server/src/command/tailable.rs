//! Tailable cursors: opening one, and its next documents.

use std::time::Duration;

use argon_core::model::CollectionName;
use bson::{Bson, Document};

use super::cursor;
use super::find::Query;
use super::{Call, Reply};
use crate::cursors::Cursor;
use crate::failure::{CommandError, Result};
use crate::place::{Place, Reading};
use crate::tail::Tail;

/// Opens a tailable cursor. On a past state nothing follows, so it is an ordinary one.
pub(super) async fn open(
    call: &Call<'_>,
    name: &CollectionName,
    query: &Query,
    reading: &Reading,
) -> Result<Reply> {
    check(call, query)?;
    let namespace = call.namespace(name);
    let found = reading.state.as_ref().and_then(|state| {
        let view = state.find_collection(name)?;
        Some((state, view))
    });
    let Some((state, view)) = found else {
        return cursor::open_list(call, Vec::new(), &namespace).await;
    };
    if view.info().capped().is_none() {
        return Err(CommandError::bad_value(format!(
            "error processing query: ns={namespace}: tailable cursor requested on non capped collection"
        )));
    }
    let Place::Head(branch) = call.place().await? else {
        return cursor::open(call, query.run(name.as_str(), reading)?, &namespace).await;
    };
    let (size, waits) = (cursor::first_size(call)?, call.arguments.is_set("awaitData")?);
    let command = query.with_collation(Some(state), name.as_str());
    let mut tail = Tail::new(branch, state.clone(), view, command, waits)?;
    let first = tail.batch(call.shared, size, Duration::ZERO).await?;
    // As in MongoDB, there is no cursor on an empty collection.
    let id = if first.is_last || first.rows.is_empty() && tail.is_empty().await? {
        0
    } else {
        let no_timeout = call.arguments.is_set("noCursorTimeout")?;
        let (cursor, claim) = (Cursor::Tail(Box::new(tail)), call.claim.clone());
        call.shared.cursors.keep(namespace.clone(), cursor, no_timeout, claim, None)
    };
    Reply::batch(&first.rows, id, &namespace, true)
}

/// Refuses what a tailable cursor can't have.
fn check(call: &Call<'_>, query: &Query) -> Result<()> {
    let natural = |order: &Document| match order.get("$natural") {
        Some(Bson::Double(number)) => *number > 0.0,
        Some(number) => matches!(number, Bson::Int32(1) | Bson::Int64(1)),
        None => false,
    };
    let sort = &query.command.sort;
    let hint = query.command.hint.as_ref().and_then(Bson::as_document);
    let is_backward = hint.is_some_and(|hint| hint.contains_key("$natural") && !natural(hint));
    if !sort.is_empty() && !natural(sort) || is_backward {
        return Err(CommandError::bad_value(
            "cannot use tailable option with a sort other than {$natural: 1}",
        ));
    }
    if call.arguments.is_set("singleBatch")? {
        return Err(CommandError::bad_value(
            "cannot use tailable option with the 'singleBatch' option",
        ));
    }
    if call.in_transaction {
        return Err(CommandError::new(263, "tailable cursors are not supported in transactions"));
    }
    if call.snapshot.is_some() {
        return Err(CommandError::new(
            72,
            "tailable cursors do not support the read concern 'snapshot'",
        ));
    }
    Ok(())
}

/// The next documents, for `getMore` of the cursor `id`. Returns whether they are the last.
pub(super) async fn next(
    call: &Call<'_>,
    tail: &mut Tail,
    count: usize,
    (id, namespace): (i64, &str),
) -> Result<(Reply, bool)> {
    let wait = if tail.waits() { cursor::wait(call)? } else { Duration::ZERO };
    let batch = tail.batch(call.shared, count, wait).await?;
    let id = if batch.is_last { 0 } else { id };
    Ok((Reply::batch(&batch.rows, id, namespace, false)?, batch.is_last))
}
