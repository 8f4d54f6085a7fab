//! Tailable cursors: the documents of a capped collection in the order of insertion, and those that follow.
//!
//! A cursor knows the last document that it has read, and reads on at the head of the branch. It ends when that
//! document was removed: what else was removed meanwhile is not known then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use argon_core::key::Key;
use argon_core::model::CollectionName;
use argon_core::{Branch, CollectionView, InsertionPosition, State};
use argon_query::expression::Context;
use argon_query::find::{Find, FindCommand};
use argon_query::pipeline::{Execution, Limits, MemoryCollections, Row};
use bson::Document;
use futures::TryStreamExt;
use tokio::time::Instant;

use crate::cursors::{BATCH_BYTES, Batch};
use crate::failure::{CommandError, Result};
use crate::shared::Shared;

/// How many documents are read at a time.
const CHUNK: usize = 256;

/// A tailable cursor.
pub(crate) struct Tail {
    branch: Branch,
    /// The collection in the state that was read last.
    view: CollectionView,
    state: State,
    /// The filter and the projection.
    find: Find,
    /// The last document that was read.
    last: Option<(InsertionPosition, Key)>,
    /// Documents that match, and were not given yet.
    pending: VecDeque<Row>,
    /// How many of the next documents are left out.
    skip: u64,
    /// How many are given at most; `None` for all.
    left: Option<u64>,
    waits: bool,
}

impl Tail {
    /// A cursor from the oldest document on. With `waits`, a batch waits for documents.
    pub(crate) fn new(
        branch: Branch,
        state: State,
        view: CollectionView,
        command: FindCommand,
        waits: bool,
    ) -> Result<Self> {
        let (skip, left) = (command.skip, (command.limit > 0).then_some(command.limit));
        let (sort, hint) = (Document::new(), None);
        let command = FindCommand { skip: 0, limit: 0, sort, hint, ..command };
        let (find, last, pending) = (Find::compile(&command)?, None, VecDeque::new());
        Ok(Self { branch, view, state, find, last, pending, skip, left, waits })
    }

    /// Whether a batch waits for documents.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Whether the collection has no documents.
    pub(crate) async fn is_empty(&self) -> Result<bool> {
        Ok(self.view.inserted_after(None, 1).await?.is_none_or(|found| found.is_empty()))
    }

    /// The next documents, at most `count`; waits for the first one up to `wait`.
    ///
    /// # Errors
    /// `CappedPositionLost`; `QueryPlanKilled` if the collection was dropped or renamed.
    pub(crate) async fn batch(
        &mut self,
        shared: &Shared,
        count: usize,
        wait: Duration,
    ) -> Result<Batch> {
        let (deadline, mut stopping) = (Instant::now() + wait, shared.stopping());
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < count && self.left != Some(0) {
            if let Some(row) = self.pending.pop_front() {
                let size = row.as_raw().as_bytes().len();
                if !rows.is_empty() && bytes + size > BATCH_BYTES {
                    self.pending.push_front(row);
                    break;
                }
                bytes += size;
                self.left = self.left.map(|left| left - 1);
                rows.push(row);
                continue;
            }
            if self.read().await? || self.advance(self.branch.head().await?)? {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if !rows.is_empty() || left.is_zero() {
                break;
            }
            let moved = tokio::select! {
                head = self.branch.head_after(&self.state) => head?,
                () = tokio::time::sleep(left) => break,
                () = stopping.wait() => break,
            };
            self.advance(moved)?;
        }
        Ok(Batch { rows, is_last: self.left == Some(0) })
    }

    /// Reads the next documents of the state. Returns whether there are any, also if none of them matches.
    async fn read(&mut self) -> Result<bool> {
        let last = self.last.as_ref().map(|(position, key)| (*position, key));
        let Some(found) = self.view.inserted_after(last, CHUNK).await? else {
            return Err(CommandError::new(
                136,
                "CollectionScan died due to position in capped collection being deleted: documents were \
                 inserted faster than they were read",
            ));
        };
        let Some(newest) = found.last() else { return Ok(false) };
        self.last = Some((newest.position, newest.key.clone()));
        let mut collections = MemoryCollections::default();
        let rows = found.into_iter().map(|found| Row::Stored(found.document)).collect();
        collections.insert(self.name().as_str(), rows);
        let context = Arc::new(Context::of(self.branch.environment()));
        let execution = Execution::new(Arc::new(collections), context, Limits::default());
        let matching: Vec<Row> =
            self.find.run(self.name().as_str(), &execution).try_concat().await?;
        let skipped = self.skip.min(matching.len() as u64);
        self.skip -= skipped;
        self.pending.extend(matching.into_iter().skip(usize::try_from(skipped).unwrap_or(0)));
        Ok(true)
    }

    /// Goes on to a state. Returns whether it is another one.
    fn advance(&mut self, head: State) -> Result<bool> {
        if head.view() == self.state.view() {
            return Ok(false);
        }
        let read_to = self.last.as_ref().map_or(self.state.lsn(), |(position, _)| position.lsn);
        if head.view().common_lsn(self.state.view()) < read_to {
            return Err(CommandError::new(
                136,
                "CollectionScan died due to position in capped collection being deleted: the branch was reset",
            ));
        }
        let id = self.view.info().id;
        let found = head.find_collection(self.name()).filter(|view| view.info().id == id);
        self.view = found.ok_or_else(|| {
            CommandError::new(
                175,
                format!("collection '{}' was dropped or renamed while it was read", self.name()),
            )
        })?;
        self.state = head;
        Ok(true)
    }

    fn name(&self) -> &CollectionName {
        &self.view.info().name
    }
}
