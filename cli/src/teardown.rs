//! What is done after every command.

use std::convert::Infallible;
use std::time::Duration;

use argon_core::storage::Traffic;
use argon_core::{Error, Store};
use argon_service::usage_metrics;
use bson::DateTime;

use crate::commands::Command;
use crate::context::Context;
use crate::exit::{self, CommandResult, Failure};
use crate::output::{self, count, size, stream};

/// How long work in the background may go on before something is said about it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a command that goes on keeps what it has counted.
const EVERY: Duration = Duration::from_secs(10);

/// How long a command that was interrupted waits for what it began in the background.
const CLOSING: Duration = Duration::from_secs(10);

/// Runs a command, waits for what it began in the background, and says what it took if that is
/// wanted.
pub(crate) async fn run(command: Command, context: &Context) -> CommandResult {
    let started = context.environment.now();
    let handles_signals = command.handles_signals();
    let mut result = tokio::select! {
        biased;
        result = command.run(context) => result,
        interrupted = interrupted(), if !handles_signals => interrupted,
        never = keep_on(context) => match never {},
    };
    let store = context.take_opened();
    if let (Some(store), Err(Failure::Interrupted)) = (&store, &result) {
        // A commit that is under way ends, so that the store is closed as after any other command.
        let _ = tokio::time::timeout(CLOSING, store.settle()).await;
    }
    if let (Some(store), Ok(()) | Err(Failure::OutputClosed | Failure::Unprinted(_))) =
        (&store, &result)
    {
        result = result.and(settle(store, context).await);
    }
    if let (Some(store), Ok(())) = (&store, &result) {
        keep(store, context).await;
    }
    if context.options.stats {
        let traffic = store.as_ref().and_then(Store::traffic);
        output::to_stderr(&stats(started, context.environment.now(), traffic));
    }
    drop(store);
    printed(result).await
}

/// Waits until all output of a command is written or read. The store is closed by then.
async fn printed(result: CommandResult) -> CommandResult {
    let has_pager = stream::has_pager();
    let finished = tokio::task::spawn_blocking(stream::finish);
    let finished = tokio::select! {
        biased;
        finished = finished => finished,
        // The user ends a pager in the pager.
        interrupted = interrupted(), if !has_pager => return interrupted,
    };
    let finished = finished.map_err(std::io::Error::other).flatten();
    match (result, finished) {
        // What the queue was told is less than what the writer knows.
        (Ok(()) | Err(Failure::Unprinted(_)), Err(error)) => Err(Failure::output(error)),
        (result, _) => result,
    }
}

/// Keeps what was counted since the last time.
async fn keep(store: &Store, context: &Context) {
    if !context.settings().metrics.enabled {
        return;
    }
    if let Err(error) = usage_metrics::keep(store).await {
        context.output.note(&not_kept(&error));
    }
}

/// What a disk that fails at last is worth: the next write would meet it too.
fn not_kept(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!(
        "the command is done, but what it counted could not be kept: {error}{}; look at the disk, and \
         run `argon fsck`",
        cause.unwrap_or_default()
    )
}

/// Keeps what a command counts while it goes on, from time to time.
async fn keep_on(context: &Context) -> Infallible {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Some(store) = context.opened_store() {
            keep(&store, context).await;
        }
    }
}

/// Waits until a signal asks the command to end. From then on another one ends it at once.
async fn interrupted() -> CommandResult {
    asked_to_end().await?;
    tokio::spawn(async {
        if asked_to_end().await.is_ok() {
            std::process::exit(exit::INTERRUPTED.into());
        }
    });
    Err(Failure::Interrupted)
}

/// Waits for the snapshots that commits have brought about. Ctrl-C ends the waiting: a snapshot that
/// is cut off is made after a later commit.
async fn settle(store: &Store, context: &Context) -> CommandResult {
    let mut settled = std::pin::pin!(store.settle());
    tokio::select! {
        biased;
        () = &mut settled => return Ok(()),
        () = tokio::time::sleep(PATIENCE) => {}
    }
    context.output.say("all is committed; a snapshot is being made, Ctrl-C leaves it for later");
    tokio::select! {
        biased;
        () = settled => Ok(()),
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    }
}

/// Waits until somebody wants the command to end: by Ctrl-C, or as a system ends its services.
pub(crate) async fn asked_to_end() -> CommandResult {
    let failed = |source: std::io::Error| {
        argon_core::Error::unavailable("can't listen for signals").with_source(source)
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed.map_err(failed)?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)?;
    Ok(())
}

/// One line on the time that a command took, and what went over the network.
fn stats(started: DateTime, ended: DateTime, traffic: Option<Traffic>) -> String {
    let millis = ended.timestamp_millis().saturating_sub(started.timestamp_millis()).max(0);
    let time = format!("stats: {}.{:03} s", millis / 1000, millis % 1000);
    match traffic {
        None => time,
        Some(Traffic { requests, retries, sent, received }) => format!(
            "{time}, {} ({} repeated), {} sent, {} received",
            count(requests, "request"),
            output::grouped(retries),
            size(sent),
            size(received)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_command_took_is_one_line() {
        let (started, ended) = (DateTime::from_millis(1_000), DateTime::from_millis(2_050));
        assert_eq!(stats(started, ended, None), "stats: 1.050 s");
        let traffic = Traffic { requests: 1200, retries: 1, sent: 10, received: 2048 };
        assert_eq!(
            stats(started, ended, Some(traffic)),
            "stats: 1.050 s, 1,200 requests (1 repeated), 10 bytes sent, 2.0 KiB received"
        );
        assert_eq!(stats(ended, started, None), "stats: 0.000 s", "a clock may be set back");
    }

    #[test]
    fn a_disk_that_does_not_take_the_counts_is_reported_with_its_cause() {
        let cause = std::io::Error::other("Input/output error");
        let error = Error::indeterminate("a write to the sled store x may have failed");
        let words = not_kept(&error.with_source(cause));
        assert!(words.contains("could not be kept: a write to the sled store x"), "{words}");
        assert!(words.contains(": Input/output error; look at the disk"), "{words}");
    }
}
