//! A change stream: batches of events.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use argon_core::ErrorKind;
use argon_core::watch::WatchedCommit;
use argon_query::expression::Context;
use argon_query::pipeline::{Execution, Limits, MemoryCollections, Pipeline, Row};
use bson::raw::{RawDocument, RawDocumentBuf};
use futures::{FutureExt, TryStreamExt};
use tokio::time::Instant;

use super::event::{EventWriter, events_of, state_before};
use super::feed::{Feed, Happening};
use super::options::{Start, StreamOptions};
use super::scope::Scope;
use super::token::{Given, Token};
use super::{fatal, lost, split};
use crate::failure::{CommandError, Result};
use crate::shared::Shared;

/// The most bytes of the events in a batch. One event may be larger.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// A change stream.
pub(crate) struct ChangeStream {
    feed: Feed,
    scope: Scope,
    options: StreamOptions,
    /// Events that were not given yet.
    pending: VecDeque<RawDocumentBuf>,
    /// The token after all that was read.
    read: RawDocumentBuf,
    /// The last commit that was read, for an event that ends the stream.
    last: Option<Box<WatchedCommit>>,
    ended: bool,
}

/// Events of a stream.
pub(crate) struct EventBatch {
    pub(crate) rows: Vec<Row>,
    /// The token from which the stream goes on.
    pub(crate) token: RawDocumentBuf,
    /// Whether the stream has ended.
    pub(crate) is_last: bool,
}

impl ChangeStream {
    /// Opens a stream on a database, or on all.
    pub(crate) async fn open(
        shared: &Arc<Shared>,
        database: &str,
        scope: Scope,
        options: StreamOptions,
    ) -> Result<Self> {
        let feed = Feed::open(shared, database, &scope, options.start.clone()).await?;
        // A token that is used again at once is the same.
        let read = match &options.start {
            Start::After(token) => Token { is_end: false, ..token.clone() }.encode(),
            _ => feed.token(Given::All, false).encode(),
        };
        let (pending, last) = (VecDeque::new(), None);
        Ok(Self { feed, scope, options, pending, read, last, ended: false })
    }

    /// The next events, at most `count`; waits for the first one up to `wait`. It may be dropped while it
    /// waits. The stages of the stream are evaluated in a context.
    pub(crate) async fn batch(
        &mut self,
        shared: &Shared,
        context: &Arc<Context>,
        count: usize,
        wait: Duration,
    ) -> Result<EventBatch> {
        let (deadline, mut stopping) = (Instant::now() + wait, shared.stopping());
        while !self.ended && self.pending.len() < count {
            // What there is already is read without a wait.
            let next = if self.pending.is_empty() {
                let left = deadline.saturating_duration_since(Instant::now());
                tokio::select! {
                    next = self.feed.next() => Some(next),
                    () = tokio::time::sleep(left) => None,
                    () = stopping.wait() => None,
                }
            } else {
                self.feed.next().now_or_never()
            };
            let Some(next) = next else { break };
            let (source, happening) = next?;
            self.read(source, happening, context).await?;
        }
        Ok(self.take(count))
    }

    fn take(&mut self, count: usize) -> EventBatch {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < count
            && let Some(event) = self.pending.pop_front()
        {
            let size = event.as_bytes().len();
            if !rows.is_empty() && bytes + size > BATCH_BYTES {
                self.pending.push_front(event);
                break;
            }
            bytes += size;
            rows.push(Row::Computed(event));
        }
        let last = rows.last().and_then(|row| row.as_raw().get_document("_id").ok());
        let token = match last {
            Some(last) if !self.pending.is_empty() || self.ended => last.to_owned(),
            _ => self.read.clone(),
        };
        EventBatch { rows, token, is_last: self.ended && self.pending.is_empty() }
    }

    /// Reads the events of what happened.
    async fn read(
        &mut self,
        source: usize,
        happening: Happening,
        context: &Arc<Context>,
    ) -> Result<()> {
        let Happening::Commit(commit) = happening else {
            self.end_of_branch(source);
            return Ok(());
        };
        if self.feed.skips(&commit) {
            self.feed.advance(source, commit.point);
            self.read = self.feed.token(Given::All, false).encode();
            return Ok(());
        }
        let branch = self.feed.source(source).branch.clone();
        let before = match state_before(&branch, &commit).await {
            Ok(Some(before)) => before,
            Ok(None) => {
                self.end_of_branch(source);
                return Ok(());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if branch.info().await.is_ok() {
                    return Err(lost(error));
                }
                self.end_of_branch(source);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let given = self.feed.given(source, commit.point);
        let events = events_of(&commit, &before, &self.options).await?;
        self.feed.advance(source, commit.point);
        let database = &self.feed.source(source).database;
        let writer = EventWriter { commit: &commit, database, options: &self.options };
        let (mut written, mut end) = (Vec::new(), None);
        for event in events.iter().filter(|event| self.scope.has(event)) {
            if !given.is_some_and(|given| given.has(event.number)) {
                let token = self.feed.token(Given::Events(event.number), false).encode();
                written.push((event.number, writer.write(event, token)?));
            }
            // One that was given with its end is followed by what comes after it.
            if self.scope.ends_with(event) && !given.is_some_and(|given| given.has(event.number)) {
                let token = self.feed.token(Given::Events(event.number), true).encode();
                end = Some(writer.invalidate(token));
                break;
            }
        }
        if let Some(pipeline) = self.options.pipeline.as_ref().filter(|_| !written.is_empty()) {
            written = staged(pipeline, context, written).await?;
        }
        for (number, event) in written {
            self.push(number, event, given.unwrap_or(Given::Events(0)))?;
        }
        self.ended = end.is_some();
        if let Some(end) = end {
            self.read = end.get_document("_id")?.to_owned();
            self.pending.push_back(end);
        } else {
            self.read = self.feed.token(Given::All, false).encode();
        }
        self.last = Some(commit);
        Ok(())
    }

    /// Ends a stream of one branch, whose history does not go on.
    fn end_of_branch(&mut self, source: usize) {
        if self.scope == Scope::Cluster {
            return;
        }
        let token = self.feed.token(Given::All, true).encode();
        let database = &self.feed.source(source).database;
        let event = match &self.last {
            Some(commit) => {
                EventWriter { commit, database, options: &self.options }.invalidate(token.clone())
            }
            None => bson::rawdoc! { "_id": token.clone(), "operationType": "invalidate" },
        };
        self.pending.push_back(event);
        self.read = token;
        self.ended = true;
    }

    fn push(&mut self, number: u32, event: RawDocumentBuf, given: Given) -> Result<()> {
        if !split::is_large(&event) {
            self.pending.push_back(event);
            return Ok(());
        }
        if !self.options.splits {
            return Err(split::too_large(&event));
        }
        let token = |fragment| self.feed.token(Given::Fragments(number, fragment), false).encode();
        let fragments = split::split(&event, token)?;
        self.pending.extend(fragments.into_iter().skip(given.fragments_of(number)));
        Ok(())
    }
}

/// Runs the stages of a stream on events with their numbers.
async fn staged(
    pipeline: &Arc<Pipeline>,
    context: &Arc<Context>,
    events: Vec<(u32, RawDocumentBuf)>,
) -> Result<Vec<(u32, RawDocumentBuf)>> {
    let tokens =
        events.iter().map(|(number, event)| Ok((*number, event.get_document("_id")?.to_owned())));
    let tokens: Vec<(u32, RawDocumentBuf)> = tokens.collect::<Result<_>>()?;
    let mut collections = MemoryCollections::default();
    collections
        .insert("events", events.into_iter().map(|(_, event)| Row::Computed(event)).collect());
    let execution = Execution::new(Arc::new(collections), context.clone(), Limits::default());
    let rows: Vec<Row> = pipeline.run("events", &execution).try_concat().await?;
    let mut known = tokens.iter();
    let mut staged = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.as_raw().get_document("_id").ok().map(RawDocument::as_bytes);
        // The stages keep the order.
        let found = known.find(|(_, token)| Some(token.as_bytes()) == id);
        let Some((number, _)) = found else { return Err(without_token(row.as_raw())) };
        staged.push((*number, row.into_raw()));
    }
    Ok(staged)
}

/// The error for a stage that changes or removes the token of an event.
fn without_token(event: &RawDocument) -> CommandError {
    let found = event.get("_id").ok().flatten();
    let found = found.map_or_else(|| "missing".to_owned(), |id| format!("{id:?}"));
    fatal(CommandError::new(
        280,
        format!(
            "Encountered an event whose _id field, which contains the resume token, was modified by the \
             pipeline. Modifying the _id field of an event makes it impossible to resume the stream from \
             that point. Only transformations that retain the unmodified _id field are allowed. Found: {found}"
        ),
    ))
}
