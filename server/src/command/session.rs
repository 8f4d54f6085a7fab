//! Sessions and transactions.

use bson::spec::BinarySubtype;
use bson::raw::RawBsonRef;
use bson::{Binary, Document, doc};
use futures::FutureExt;

use super::call::no_transaction;
use super::dispatch::session_id;
use super::{Call, Command, Effect, Reply};
use crate::auth::of_user;
use crate::failure::{CommandError, Result};
use crate::sessions::{self, Work};
use crate::rights::Need;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "startSession",
        aliases: &[],
        about: "Begins a session.",
        fields: &[],
        effect: Effect::None,
        need: Need::Login,
        is_stable: false,
        run: |call| start(call).boxed(),
    },
    Command {
        name: "endSessions",
        aliases: &["killSessions"],
        about: "Ends sessions, and their transactions.",
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
        run: |call| commit(call).boxed(),
    },
    Command {
        name: "abortTransaction",
        aliases: &[],
        about: "Forgets the writes of a transaction.",
        fields: &["recoveryToken"],
        effect: Effect::None,
        need: Need::Login,
        is_stable: true,
        run: |call| abort(call).boxed(),
    },
];

async fn start(call: &Call<'_>) -> Result<Reply> {
    let [a, b] = [call.environment().object_id(), call.environment().object_id()].map(|id| id.bytes());
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(&a);
    bytes[12..].copy_from_slice(&b[8..]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    call.shared.sessions.session(of_user(bytes, call.connection.who().as_ref()));
    let minutes = i32::try_from(sessions::IDLE.as_secs() / 60).unwrap_or(30);
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() };
    Reply::of(&doc! { "id": { "id": id }, "timeoutMinutes": minutes })
}

/// The sessions that a command lists.
fn listed(call: &Call<'_>) -> Result<Vec<sessions::SessionId>> {
    let list = call.arguments.array(call.name)?.ok_or_else(|| call.arguments.missing(call.name))?;
    let ids = list.into_iter().map(|id| match id? {
        RawBsonRef::Document(id) => session_id(id, call.connection),
        _ => Err(CommandError::type_mismatch(format!("{}: expected a list of documents", call.name))),
    });
    ids.collect()
}

fn end(call: &Call<'_>) -> Result<Reply> {
    for id in listed(call)? {
        call.shared.sessions.end(&id);
    }
    Reply::of(&Document::new())
}

fn refresh(call: &Call<'_>) -> Result<Reply> {
    for id in listed(call)? {
        call.shared.sessions.session(id);
    }
    Reply::of(&Document::new())
}

async fn commit(call: &Call<'_>) -> Result<Reply> {
    let mut state = call.session_state().await?;
    let open = match std::mem::take(&mut state.work) {
        Work::Open(open) => open,
        Work::Committed(reply) => {
            let answer = Reply::of(&reply);
            state.work = Work::Committed(reply);
            return answer;
        }
        other => {
            state.work = other;
            return Err(no_transaction());
        }
    };
    if let Some((branch, transaction)) = open.begun {
        state.work = Work::Aborted;
        let request = call.signed(&branch)?;
        transaction.commit(request).await.map_err(|error| {
            let conflict = matches!(
                error.kind(),
                argon_core::ErrorKind::Conflict | argon_core::ErrorKind::AlreadyExists
            );
            let error = CommandError::from(error).in_namespace(&call.namespace("…"));
            if conflict && error.code() != 11000 {
                CommandError::new(112, error.message()).with_label("TransientTransactionError")
            } else {
                error
            }
        })?;
        call.shared.clock.tick(call.environment());
    }
    state.work = Work::Committed(Document::new());
    Reply::of(&Document::new())
}

async fn abort(call: &Call<'_>) -> Result<Reply> {
    let mut state = call.session_state().await?;
    match state.work {
        Work::Open(_) => {
            state.work = Work::Aborted;
            Reply::of(&Document::new())
        }
        Work::Committed(_) => {
            Err(CommandError::new(256, "the transaction was committed already"))
        }
        _ => Err(no_transaction()),
    }
}
