//! What operators see of commands: a span each, counts with durations, and a line of the log for one that was slow.
//! There are no documents and no values in it.

use std::time::Duration;

use bson::raw::{RawBsonRef, RawDocument};
use tracing::Span;

use super::Command;
use super::shown::shown;
use crate::namespace::namespace_of;
use crate::operations::{Examined, Operation};
use crate::shared::Shared;

/// The most bytes of a command in the log.
const MOST_BYTES: usize = 2000;

/// The span of a command: a trace of its own, since a connection lasts for long.
pub(super) fn span(command: &Command, operation: &Operation) -> Span {
    tracing::debug_span!(
        parent: None,
        "mongodb_command",
        otel.name = command.name,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        ns = namespace_of(&operation.request.body),
        connection = operation.connection,
    )
}

/// Counts a command that has ended, and logs it if it was slow.
pub(super) fn ended(
    shared: &Shared,
    command: &Command,
    operation: &Operation,
    reply: &RawDocument,
) {
    let took = operation.begun.elapsed();
    let is_error = !matches!(reply.get("ok"), Ok(Some(RawBsonRef::Double(ok))) if ok > 0.0);
    shared.store.environment().metrics().command(command.name, took, is_error);
    if took >= shared.options.slow {
        log_slow(operation, took, reply);
    }
}

/// Logs a command with its plan, in the words of MongoDB's log.
fn log_slow(operation: &Operation, took: Duration, reply: &RawDocument) {
    let Examined { keys, documents, plan } = operation.examined();
    let command = shown(&operation.request).to_string();
    let number = |name: &str| match reply.get(name) {
        Ok(Some(RawBsonRef::Int32(number))) => Some(i64::from(number)),
        Ok(Some(RawBsonRef::Int64(number))) => Some(number),
        _ => None,
    };
    tracing::info!(
        connection = operation.connection,
        client = %operation.client,
        appName = operation.application.as_deref(),
        user = operation.user.as_ref().map(|user| user.name.name()),
        ns = namespace_of(&operation.request.body),
        command = &command[..command.floor_char_boundary(MOST_BYTES)],
        planSummary = (!plan.is_empty()).then_some(plan.as_str()),
        keysExamined = keys,
        docsExamined = documents,
        nreturned = returned(reply),
        n = number("n"),
        nModified = number("nModified"),
        errCode = number("code"),
        reslen = reply.as_bytes().len(),
        durationMillis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "slow command"
    );
}

/// The number of documents in a batch.
fn returned(reply: &RawDocument) -> Option<u64> {
    let cursor = reply.get_document("cursor").ok()?;
    let batch = ["firstBatch", "nextBatch"].iter().find_map(|name| cursor.get_array(*name).ok())?;
    Some(batch.into_iter().count() as u64)
}
