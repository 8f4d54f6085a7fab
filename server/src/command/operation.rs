//! The running commands of all connections.

use argon_core::users::Scope;
use bson::{Document, doc};
use futures::FutureExt;

use super::shown::shown;
use super::{Call, Command, Effect, Reply};
use crate::failure::Result;
use crate::namespace::namespace_of;
use crate::operations::{Operation, Reason};
use crate::rights::{Need, Right, arguments};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "currentOp",
        aliases: &[],
        about: "Lists the running commands: those of all users, or the user's own without the right to see others.",
        fields: &["$all", "$ownOps", "active"],
        effect: Effect::None,
        need: Need::Login,
        is_stable: false,
        run: |call| async { current_operations(call) }.boxed(),
    },
    Command {
        name: "killOp",
        aliases: &[],
        about: "Ends a running command, whose client gets code 11601. What is committed stays.",
        fields: &["op"],
        effect: Effect::None,
        need: Need::Arguments(|call| async { arguments::of_kill(call) }.boxed()),
        is_stable: false,
        run: |call| async { kill_operation(call) }.boxed(),
    },
];

fn current_operations(call: &Call<'_>) -> Result<Reply> {
    let own = call.arguments.is_set("$ownOps")?;
    Reply::of(&doc! { "inprog": listed(call, own) })
}

/// The running commands that the client may see; only its own, if these are asked for.
pub(super) fn listed(call: &Call<'_>, own: bool) -> Vec<Document> {
    let sees_all = !own && call.held.allow(Right::Monitor, Some(&Scope::All));
    let running = call.shared.operations.list();
    let seen = running.iter().filter(|one| sees_all || one.user == call.claim.user);
    seen.map(|operation| described(call, operation)).collect()
}

fn described(call: &Call<'_>, operation: &Operation) -> Document {
    let request = &operation.request;
    let took = operation.begun.elapsed();
    let name = request.body.iter().next().and_then(|field| Some(field.ok()?.0.as_str()));
    let mut described = doc! {
        "type": "op",
        "host": call.connection.local.to_string(),
        "desc": format!("conn{}", operation.connection),
        "connectionId": operation.connection,
        "client": operation.client.to_string(),
        "appName": operation.application.as_deref().unwrap_or_default(),
        "active": true,
        "opid": operation.id,
        "secs_running": i64::try_from(took.as_secs()).unwrap_or(i64::MAX),
        "microsecs_running": i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
        "op": kind(name.unwrap_or_default()),
        "ns": namespace_of(&request.body),
        "command": shown(request),
    };
    if let Some(who) = &operation.user {
        let (name, database) = (who.name.name(), who.name.database().to_string());
        described.insert("effectiveUsers", vec![doc! { "user": name, "db": database }]);
    }
    if operation.is_ending() {
        described.insert("killPending", true);
    }
    described
}

/// What MongoDB calls the kind of a command.
fn kind(command: &str) -> &'static str {
    match command {
        "find" => "query",
        "getMore" => "getmore",
        "insert" => "insert",
        "update" => "update",
        "delete" => "remove",
        _ => "command",
    }
}

fn kill_operation(call: &Call<'_>) -> Result<Reply> {
    let id = call.arguments.integer("op")?.ok_or_else(|| call.arguments.missing("op"))?;
    let operation = i32::try_from(id).ok().and_then(|id| call.shared.operations.get(id));
    if let Some(operation) = operation {
        operation.end(Reason::KILLED);
    }
    Reply::of(&doc! { "info": "attempting to kill op" })
}
