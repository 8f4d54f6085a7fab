//! From a request to its reply.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use argon_service::audit::Outcome;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::{Binary, Timestamp, rawdoc, spec::BinarySubtype};
use futures::FutureExt;
use tracing::{Instrument, Span};

use super::light::is_light;
use super::retry::{Retry, run_once};
use super::{
    Call, Command, Effect, Reply, argon, named, observe, snapshot, time_series, transaction,
};
use crate::arguments::Arguments;
use crate::audit::{By, Deed};
use crate::auth::of_user;
use crate::connection::Connection;
use crate::failure::{CommandError, Result};
use crate::namespace::Database;
use crate::operations::Operation;
use crate::rights;
use crate::rights::{Claim, Held};
use crate::sessions::{Session, SessionId};
use crate::shared::Shared;
use crate::wire::{MAX_MESSAGE_BYTES, Request};

/// A reply, and the request that follows it by itself.
pub(crate) struct Answer {
    pub(crate) body: RawDocumentBuf,
    pub(crate) next: Option<RawDocumentBuf>,
}

/// Whether a command is given up when its client goes away. One that writes is not.
pub(crate) fn may_be_abandoned(request: &Request) -> bool {
    let command = name_of(request).and_then(named);
    command.is_none_or(|command| !writes(command, &request.body))
}

/// Whether a command may compute for long, so that it needs a thread of its own.
pub(crate) fn may_compute(request: &Request) -> bool {
    let command = name_of(request).and_then(named);
    command.is_some_and(|command| command.effect != Effect::None) && !is_light(request)
}

/// Whether a request writes: by its command, or by the last stage of its pipeline.
pub(super) fn writes(command: &Command, body: &RawDocument) -> bool {
    if command.name != "aggregate" {
        return command.effect == Effect::Write;
    }
    let Ok(stages) = body.get_array("pipeline") else { return false };
    let last = stages.into_iter().filter_map(Result::ok).last();
    let stage = last.and_then(RawBsonRef::as_document);
    stage.is_some_and(|stage| {
        ["$out", "$merge"].iter().any(|name| matches!(stage.get(name), Ok(Some(_))))
    })
}

/// Runs a command.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    connection: &Connection,
    request: &Arc<Request>,
) -> Answer {
    shared.counters.requests.fetch_add(1, Ordering::Relaxed);
    shared.operation_counts.count(request);
    let running = shared.operations.begin(shared.store.environment(), connection, request);
    let operation = &*running.operation;
    let command = name_of(request).and_then(named);
    let span = command.map_or_else(Span::none, |command| observe::span(command, operation));
    // What waits says nothing by its duration.
    let observed = command.filter(|command| !waits(shared, command, &request.body));
    // A defect ends the command, not the connection.
    let attempted = AssertUnwindSafe(attempt(shared, connection, &running.operation, request));
    let attempted = attempted.catch_unwind().instrument(span.clone()).await;
    let attempted = attempted.map(|attempted| attempted.and_then(fits));
    let attempted = attempted.unwrap_or_else(|_| {
        Err(CommandError::new(1, "the server failed within this command; its log says where"))
    });
    if let Some(command) = command {
        audit(shared, operation, command, attempted.as_ref().err());
    }
    let is_done = attempted.is_ok();
    span.record("otel.status_code", if is_done { "OK" } else { "ERROR" });
    let (mut body, next) = match attempted {
        Ok(Reply { mut body, next }) => {
            if !matches!(body.get("ok"), Ok(Some(_))) {
                body.append(cstr!("ok"), 1.0);
            }
            (body, next)
        }
        Err(error) => {
            let (connection, error_text) = (connection.id, error.message());
            tracing::debug!(connection, error = error_text, "a command failed");
            let body = RawDocumentBuf::try_from(&error.reply());
            (body.unwrap_or_else(|_| rawdoc! { "ok": 0.0, "code": 1 }), None)
        }
    };
    if is_done {
        shared.operation_counts.add(request, operation.begun.elapsed());
    }
    if let Some(command) = observed {
        observe::ended(shared, command, operation, &body);
    }
    let time = shared.clock.latest(shared.store.environment());
    append_times(&mut body, time);
    Answer { body, next }
}

/// Records a command that writes, or was refused. Logins are recorded where they end.
fn audit(shared: &Shared, operation: &Operation, command: &Command, error: Option<&CommandError>) {
    let outcome = match error {
        None => Outcome::Done,
        Some(error) if error.code() == 13 => Outcome::Refused,
        Some(_) => Outcome::Failed,
    };
    let body = &operation.request.body;
    if shared.audit.is_none() || outcome != Outcome::Refused && !writes(command, body) {
        return;
    }
    let database = body.get_str("$db").unwrap_or_default();
    let (project, branch) = match shared.places.parse(database) {
        Ok(Database::Project { project, revision }) => {
            (Some(project.to_string()), revision.map(|revision| revision.to_string()))
        }
        _ => (None, None),
    };
    let by = By { via: "mongodb", who: operation.user.as_ref(), client: Some(operation.client) };
    shared.audit(
        by,
        Deed {
            action: command.name,
            project: project.as_deref(),
            branch: branch.as_deref(),
            outcome,
            reason: error.map(CommandError::message),
        },
    );
}

/// Whether a command waits for something to happen.
fn waits(shared: &Shared, command: &Command, body: &RawDocument) -> bool {
    let reads_stream = || match body.get("getMore") {
        Ok(Some(RawBsonRef::Int64(id))) => shared.cursors.is_stream(id),
        _ => false,
    };
    command.name == "hello" || command.name == "getMore" && reads_stream()
}

/// Refuses a reply that is larger than a message may be.
fn fits(reply: Reply) -> Result<Reply> {
    // Room for the header and the times.
    let most = MAX_MESSAGE_BYTES - 16 * 1024;
    let bytes = reply.body.as_bytes().len();
    if bytes <= most {
        return Ok(reply);
    }
    Err(CommandError::new(
        10334,
        format!(
            "the reply has {bytes} bytes, and a message at most {most}: ask for less, such as by a limit"
        ),
    ))
}

fn append_times(body: &mut RawDocumentBuf, time: Timestamp) {
    let signature = rawdoc! {
        "hash": Binary { subtype: BinarySubtype::Generic, bytes: vec![0; 20] },
        "keyId": 0_i64,
    };
    body.append(cstr!("$clusterTime"), rawdoc! { "clusterTime": time, "signature": signature });
    body.append(cstr!("operationTime"), time);
}

fn name_of(request: &Request) -> Option<&str> {
    let (name, _) = request.body.iter().next()?.ok()?;
    Some(name.as_str())
}

async fn attempt(
    shared: &Arc<Shared>,
    connection: &Connection,
    operation: &Arc<Operation>,
    request: &Request,
) -> Result<Reply> {
    let name = name_of(request).ok_or_else(|| CommandError::failed_to_parse("an empty command"))?;
    let arguments = Arguments::new(name, &request.body);
    let Some(command) = named(name) else {
        return Err(CommandError::new(59, format!("no such command: '{name}'")));
    };
    rights::require_login(shared, connection, command)?;
    let database = request.body.get_str("$db").unwrap_or_default();
    // The others name no collection, and some of them need no login.
    if command.effect != Effect::None
        && let Some(body) = time_series::by_series(shared, database, &request.body).await?
    {
        let request = Request { body, ..request.clone() };
        return Box::pin(attempt(shared, connection, operation, &request)).await;
    }
    check_api(command, arguments)?;
    arguments.check_known(command.fields, true)?;
    let database = arguments.required_text("$db")?;
    let ends_transaction = matches!(command.name, "commitTransaction" | "abortTransaction");
    if ends_transaction && arguments.flag("autocommit")? != Some(false) {
        return Err(CommandError::new(
            50768,
            format!("'{name}' needs txnNumber and autocommit: false"),
        ));
    }
    check_concerns(arguments)?;
    let _timer = time_limit(command, arguments)?.map(|limit| operation.end_after(limit));
    let session = session_of(shared, connection, arguments)?;
    if let Some(session) = &session {
        let _ = operation.session.set(session.id);
    }
    let _computes = if computes(shared, command, &request.body) {
        Some(operation.unless_ended(shared.computing.acquire()).await?)
    } else {
        None
    };
    let number = arguments.integer("txnNumber")?;
    let in_transaction = arguments.flag("autocommit")? == Some(false);
    let mut call = Call {
        shared,
        connection,
        request,
        command,
        name,
        arguments,
        database,
        session,
        number,
        in_transaction,
        snapshot: None,
        operation,
        retry: Retry::default(),
        held: Held::default(),
        claim: Claim::default(),
    };
    if shared.options.read_only && writes(command, arguments.raw()) && !argon::only_reads(&call)? {
        return Err(CommandError::new(
            115,
            format!("this server is read-only: '{name}' was refused"),
        ));
    }
    rights::check(&mut call).await?;
    let snapshot = snapshot::time_of(shared, command, arguments, database, in_transaction).await?;
    call.snapshot = snapshot;
    if in_transaction {
        return transaction::run(&call).await;
    }
    let reply = match number {
        Some(number) if call.session.is_none() || command.effect == Effect::Write => {
            run_once(&mut call, number).await
        }
        _ => limited(&call).await,
    };
    match snapshot {
        Some(time) => snapshot::with_time(reply?, time),
        None => reply,
    }
}

/// Runs a command until it is ended. A write that has begun is not given up, but ends where it evaluates.
pub(super) async fn limited(call: &Call<'_>) -> Result<Reply> {
    call.operation.check()?;
    let running = (call.command.run)(call);
    if writes(call.command, call.arguments.raw()) {
        return running.await;
    }
    call.operation.unless_ended(running).await?
}

/// The time that a command may take. A getMore says by its limit how long it waits.
fn time_limit(command: &Command, arguments: Arguments<'_>) -> Result<Option<Duration>> {
    let limit = arguments.integer("maxTimeMS")?.unwrap_or(0);
    let limit = u64::try_from(limit)
        .map_err(|_| CommandError::bad_value(format!("maxTimeMS must not be negative: {limit}")))?;
    Ok((limit > 0 && command.name != "getMore").then_some(Duration::from_millis(limit)))
}

/// Whether a command takes one of the places of those that compute. One that waits takes none.
fn computes(shared: &Shared, command: &Command, body: &RawDocument) -> bool {
    command.effect != Effect::None && !waits(shared, command, body)
}

fn session_of(
    shared: &Shared,
    connection: &Connection,
    arguments: Arguments<'_>,
) -> Result<Option<Arc<Session>>> {
    let Some(lsid) = arguments.raw_document("lsid")? else { return Ok(None) };
    // Nobody makes sessions before the login.
    if shared.options.auth && connection.who().is_none() {
        return Ok(None);
    }
    shared.sessions.session(session_id(lsid, connection)?).map(Some)
}

/// The identity in an `lsid`, of the user who is logged in.
pub(super) fn session_id(
    lsid: &bson::raw::RawDocument,
    connection: &Connection,
) -> Result<SessionId> {
    match lsid.get("id")? {
        Some(RawBsonRef::Binary(id)) => id
            .bytes
            .try_into()
            .map(|id| of_user(id, connection.who().as_ref()))
            .map_err(|_| CommandError::new(207, "lsid.id must be a UUID of 16 bytes")),
        _ => Err(CommandError::new(40414, "BSON field 'lsid.id' is missing but a required field")),
    }
}

/// Checks what a client says of the Stable API.
fn check_api(command: &Command, arguments: Arguments<'_>) -> Result<()> {
    let version = arguments.text("apiVersion")?;
    let strict = arguments.flag("apiStrict")?;
    let deprecation = arguments.flag("apiDeprecationErrors")?;
    let Some(version) = version else {
        if strict.is_some() || deprecation.is_some() {
            return Err(CommandError::new(
                322,
                "Provided apiStrict or apiDeprecationErrors without apiVersion",
            ));
        }
        return Ok(());
    };
    if version != "1" {
        return Err(CommandError::new(322, "API version must be \"1\""));
    }
    if strict == Some(true) && !command.is_stable {
        let name = command.name;
        return Err(CommandError::new(
            323,
            format!("Provided apiStrict:true, but the command {name} is not in API Version 1"),
        ));
    }
    Ok(())
}

/// Checks read and write concerns. A commit is durable before its reply, so all that can be had are met.
fn check_concerns(arguments: Arguments<'_>) -> Result<()> {
    if let Some(concern) = arguments.raw_document("readConcern")? {
        let concern = Arguments::new("readConcern", concern);
        match concern.text("level")? {
            None | Some("local" | "available" | "majority" | "linearizable" | "snapshot") => {}
            Some(level) => {
                return Err(CommandError::failed_to_parse(format!(
                    "Enumeration value '{level}' for field 'readConcern.level' is not a valid value."
                )));
            }
        }
    }
    if let Some(concern) = arguments.raw_document("writeConcern")? {
        let concern = Arguments::new("writeConcern", concern);
        match concern.value("w")? {
            None | Some(RawBsonRef::String("majority")) => {}
            Some(RawBsonRef::String(mode)) => {
                return Err(CommandError::new(
                    79,
                    format!(
                        "No write concern mode named '{mode}' found in replica set configuration"
                    ),
                ));
            }
            _ if concern.integer("w")?.is_some_and(|nodes| nodes > 1) => {
                return Err(CommandError::new(100, "Not enough data-bearing nodes"));
            }
            _ => {}
        }
    }
    Ok(())
}
