//! Reads at a time of the server: `readConcern: {level: "snapshot", atClusterTime}` outside a transaction.
//!
//! The first read of a snapshot session chooses the time, and says it in its reply; the driver sends it
//! with the others.

use bson::Timestamp;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf, cstr};

use super::{Command, Reply};
use crate::arguments::Arguments;
use crate::failure::{CommandError, Result};
use crate::place::Place;
use crate::shared::Shared;
use crate::snapshots::Snapshots;

/// The commands that read a snapshot, as in MongoDB.
const READS: [&str; 3] = ["aggregate", "distinct", "find"];
/// Those whose cursor has a snapshot already; drivers send the read concern with them too.
const OF_CURSORS: [&str; 2] = ["getMore", "killCursors"];

/// The time at which a command reads; `None` for one that reads what is there.
///
/// # Errors
/// `InvalidOptions` for a command that reads no snapshot, and for a read concern that contradicts itself.
pub(super) async fn time_of(
    shared: &Shared,
    command: &Command,
    arguments: Arguments<'_>,
    database: &str,
    in_transaction: bool,
) -> Result<Option<Timestamp>> {
    let Some(concern) = arguments.raw_document("readConcern")? else { return Ok(None) };
    let concern = Arguments::new("readConcern", concern);
    let is_snapshot = concern.text("level")? == Some("snapshot");
    let asked = match concern.value("atClusterTime")? {
        None => None,
        Some(RawBsonRef::Timestamp(time)) => Some(time),
        Some(_) => {
            return Err(CommandError::type_mismatch(
                "BSON field 'readConcern.atClusterTime' is the wrong type, expected type 'timestamp'",
            ));
        }
    };
    let invalid = |message: String| Err(CommandError::new(72, message));
    if asked.is_some() && !is_snapshot {
        return invalid("readConcern.atClusterTime needs the level 'snapshot'".into());
    }
    if asked.is_some() && concern.value("afterClusterTime")?.is_some() {
        return invalid("Can not specify both 'atClusterTime' and 'afterClusterTime'".into());
    }
    if in_transaction {
        return match asked {
            Some(_) => invalid(
                "readConcern.atClusterTime is not supported in a transaction, which reads the state in \
                 which it began: read the past as a database 'PROJECT@REVISION'"
                    .into(),
            ),
            None => Ok(None),
        };
    }
    if !is_snapshot || OF_CURSORS.contains(&command.name) {
        return Ok(None);
    }
    if !READS.contains(&command.name) {
        let name = command.name;
        return invalid(format!(
            "Command {name} does not support readConcern {{ level: \"snapshot\" }} outside a transaction: \
             it is for find, aggregate and distinct"
        ));
    }
    let environment = shared.store.environment();
    match asked {
        None => {
            let head = match shared.places.find(database).await? {
                Place::Head(branch) => branch.info().await.ok().map(|info| info.head.time),
                Place::Empty | Place::Past { .. } => None,
            };
            Ok(Some(Snapshots::now(&shared.clock, environment, head).await))
        }
        Some(time) if time > shared.clock.tick(environment) => invalid(format!(
            "readConcern atClusterTime value must not be greater than the current clusterTime: {time}"
        )),
        Some(time) if time.time == 0 => {
            invalid("readConcern atClusterTime must not be a null timestamp".into())
        }
        Some(time) => Ok(Some(time)),
    }
}

/// Adds the time to a reply: within its cursor, if it has one.
pub(super) fn with_time(reply: Reply, time: Timestamp) -> Result<Reply> {
    let Reply { body, next } = reply;
    let mut with_time = RawDocumentBuf::new();
    let mut is_told = false;
    for field in &body {
        let (name, value) = field?;
        match value {
            RawBsonRef::Document(cursor) if name.as_str() == "cursor" => {
                with_time.append(name, with(cursor, time));
                is_told = true;
            }
            value => with_time.append(name, value),
        }
    }
    let body = if is_told { with_time } else { with(&body, time) };
    Ok(Reply { body, next })
}

fn with(document: &RawDocument, time: Timestamp) -> RawDocumentBuf {
    let mut with_time = document.to_owned();
    with_time.append(cstr!("atClusterTime"), time);
    with_time
}
