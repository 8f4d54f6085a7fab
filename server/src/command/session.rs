//! Sessions and transactions.

use bson::raw::RawBsonRef;
use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use futures::FutureExt;

use super::dispatch::session_id;
use super::{Call, Command, Effect, Reply, transaction};
use crate::auth::of_user;
use crate::failure::{CommandError, Result};
use crate::operations::{Operation, Reason};
use crate::rights::Need;
use crate::sessions;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "startSession",
        aliases: &[],
        about: "Begins a session.",
        fields: &[],
        effect: Effect::None,
        need: Need::Login,
        is_stable: false,
        run: |call| async { start(call) }.boxed(),
    },
    Command {
        name: "endSessions",
        aliases: &["killSessions"],
        about: "Ends sessions, and their transactions; `killSessions` ends their running commands too.",
        fields: &[],
        effect: Effect::None,
        need: Need::Login,
        is_stable: true,
        run: |call| async { end(call) }.boxed(),
    },
    Command {
        name: "refreshSessions",
        aliases: &[],
        about: "Keeps sessions from ending.",
        fields: &[],
        effect: Effect::None,
        need: Need::Login,
        is_stable: true,
        run: |call| async { refresh(call) }.boxed(),
    },
    Command {
        name: "commitTransaction",
        aliases: &[],
        about: "Makes the writes of a transaction one commit.",
        fields: &["recoveryToken"],
        effect: Effect::Write,
        need: Need::Login,
        is_stable: true,
        run: |call| transaction::commit(call).boxed(),
    },
    Command {
        name: "abortTransaction",
        aliases: &[],
        about: "Forgets the writes of a transaction.",
        fields: &["recoveryToken"],
        effect: Effect::None,
        need: Need::Login,
        is_stable: true,
        run: |call| transaction::abort(call).boxed(),
    },
];

fn start(call: &Call<'_>) -> Result<Reply> {
    let [a, b] =
        [call.environment().object_id(), call.environment().object_id()].map(|id| id.bytes());
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(&a);
    bytes[12..].copy_from_slice(&b[8..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    call.shared.sessions.session(of_user(bytes, call.connection.who().as_ref()))?;
    let minutes = i32::try_from(sessions::IDLE.as_secs() / 60).unwrap_or(30);
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() };
    Reply::of(&doc! { "id": { "id": id }, "timeoutMinutes": minutes })
}

/// The sessions that a command lists.
fn listed(call: &Call<'_>) -> Result<Vec<sessions::SessionId>> {
    let list = call.arguments.array(call.name)?.ok_or_else(|| call.arguments.missing(call.name))?;
    let ids = list.into_iter().map(|id| match id? {
        RawBsonRef::Document(id) => session_id(id, call.connection),
        _ => {
            Err(CommandError::type_mismatch(format!("{}: expected a list of documents", call.name)))
        }
    });
    ids.collect()
}

fn end(call: &Call<'_>) -> Result<Reply> {
    let ids = listed(call)?;
    if call.name == "killSessions" {
        let is_meant = |running: &Operation| {
            running.session.get().is_some_and(|id| ids.contains(id))
                && running.id != call.operation.id
        };
        call.shared.operations.end(Reason::KILLED, is_meant);
    }
    for id in ids {
        call.shared.sessions.end(&id);
    }
    Reply::of(&Document::new())
}

fn refresh(call: &Call<'_>) -> Result<Reply> {
    for id in listed(call)? {
        call.shared.sessions.session(id)?;
    }
    Reply::of(&Document::new())
}
