//! Batches into commits.

use std::collections::VecDeque;
use std::pin::Pin;

use argon_core::model::{Message, Origin};
use argon_core::write::{
    CollectionChange, Conflict, DOCUMENT_OVERHEAD_BYTES, Enforced, Outcome, Precondition,
    WriteRequest,
};
use argon_core::{Backoff, Error};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::mpsc;

use super::compare::{self, Standing};
use super::plan::{Item, Plan};
use super::reader::{self, Entry, Found};
use super::{ImportFiles, OnDuplicate, Summary, Target, bad, duplicates, facts, label};
use crate::{Failure, Hint, Interrupt, Result};

/// Groups of commits that may be under way at once, where a refused one does not stop the import.
const IN_FLIGHT: usize = 2;

/// About how many bytes the batches take in memory that wait to be submitted as a group. A group costs
/// about as many round trips as a commit does.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Imports all files of a plan, in order. `summary` says what is durable, also after a failure.
pub(super) async fn load(
    plan: &Plan,
    target: &Target,
    options: &ImportFiles,
    summary: &mut Summary,
) -> Result {
    let mut interrupt = target.watcher.interrupt();
    for item in &plan.items {
        target.watcher.begins(&label(&item.input, &item.collection));
        summary.begin(&item.collection);
        let found =
            reader::start(&item.input, options, &target.environment, target.watcher.clone())?;
        let facts = first_changes(item, target, options).await?;
        let mut loader = Loader {
            item,
            target,
            options,
            facts,
            is_making: false,
            backoff: Backoff::new(&target.environment),
            ready: VecDeque::new(),
            ready_bytes: 0,
            in_flight: FuturesOrdered::new(),
            summary,
        };
        loader.run(found, &mut interrupt).await?;
    }
    Ok(())
}

/// What changes of the collection itself.
#[derive(Clone, Default)]
struct FirstChanges {
    changes: Vec<CollectionChange>,
    /// The indexes that it loses.
    dropped: Vec<String>,
}

impl FirstChanges {
    fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// What changes of the collection before the first document.
async fn first_changes(
    item: &Item,
    target: &Target,
    options: &ImportFiles,
) -> Result<FirstChanges> {
    let head = target.branch.head().await?;
    let present = head.info(&item.collection);
    let changes = facts::changes(item, present, options.on_duplicate(), options.drop)?;
    let dropped = facts::dropped(present, &changes);
    Ok(FirstChanges { changes, dropped })
}

/// An empty request that says where its documents come from; `message` is said if the user said none.
pub(super) fn request(
    target: &Target,
    options: &ImportFiles,
    source: String,
    message: String,
) -> Result<WriteRequest> {
    let mut request = target.branch.request_as(options.signature.actor.clone());
    request.set_message(match &options.signature.message {
        Some(message) => message.clone(),
        None => Message::new(message)?,
    });
    request.set_origin(Origin::Import { source });
    if options.bypass_rules {
        request.set_enforced(Enforced::Nothing);
    }
    Ok(request)
}

/// One file on its way into one collection.
struct Loader<'a> {
    item: &'a Item,
    target: &'a Target,
    options: &'a ImportFiles,
    /// What the first commit changes of the collection itself.
    facts: FirstChanges,
    /// Whether a commit that changes the collection itself is under way: it may have to be tried
    /// again, before all that comes after it.
    is_making: bool,
    /// The attempts of these commits.
    backoff: Backoff<'a>,
    /// Batches that are not submitted yet.
    ready: VecDeque<Vec<Entry>>,
    ready_bytes: usize,
    in_flight: FuturesOrdered<Pin<Box<dyn Future<Output = Vec<Attempt>> + Send>>>,
    summary: &'a mut Summary,
}

/// What came of a batch.
struct Attempt {
    outcome: argon_core::Result<Outcome>,
    /// What was in it, if it may have been refused.
    batch: Option<Batch>,
}

#[derive(Clone)]
struct Batch {
    facts: FirstChanges,
    entries: Vec<Entry>,
}

impl Loader<'_> {
    async fn run(&mut self, mut found: mpsc::Receiver<Found>, interrupt: &mut Interrupt) -> Result {
        let mut result = self.feed(&mut found, interrupt).await;
        let mut interrupted = matches!(result, Err(Failure::Interrupted));
        // What was submitted is committed in any case, and counted.
        loop {
            if interrupted {
                *interrupt = self.target.watcher.interrupt();
            }
            tokio::select! {
                biased;
                attempts = self.in_flight.next() => match attempts {
                    Some(attempts) => {
                        for attempt in attempts {
                            result = result.and(self.settle(attempt).await);
                        }
                    }
                    None => return result,
                },
                // A server that has gone away may be tried for long. Whether it took the last
                // commits is not known then, and going on finds out.
                () = &mut *interrupt => {
                    if std::mem::replace(&mut interrupted, true) {
                        return Err(Failure::Interrupted);
                    }
                    result = result.and(Err(Failure::Interrupted));
                }
            }
        }
    }

    /// Submits what is found until the end of the file, or what ends the import.
    async fn feed(
        &mut self,
        found: &mut mpsc::Receiver<Found>,
        interrupt: &mut Interrupt,
    ) -> Result {
        // A document that is to be replaced is compared with what the commits before made of it, and
        // one that is refused ends the import.
        let most = if self.options.on_duplicate() == OnDuplicate::Skip { IN_FLIGHT } else { 1 };
        // Why nothing more is read. What stands before that is committed first.
        let mut stop: Option<Result> = None;
        loop {
            while !self.ready.is_empty()
                && self.in_flight.len() < if self.is_making { 1 } else { most }
            {
                self.submit_ready().await?;
            }
            if self.in_flight.is_empty()
                && self.ready.is_empty()
                && let Some(stop) = stop
            {
                return stop.and_then(|()| self.end());
            }
            tokio::select! {
                // In this order: a commit is submitted when it is first polled, which must be
                // before the next batch is taken.
                biased;
                Some(attempts) = self.in_flight.next() => {
                    for attempt in attempts {
                        self.settle(attempt).await?;
                    }
                }
                () = &mut *interrupt => return Err(Failure::Interrupted),
                next = found.recv(), if stop.is_none() && self.ready_bytes < GROUP_BYTES => {
                    match next {
                        Some(Found::Batch(entries)) => self.push(entries),
                        Some(Found::Bad(found)) => {
                            let kept_going = bad(&found, self.options, self.target, self.summary);
                            stop = kept_going.err().map(Err);
                        }
                        Some(Found::End) => stop = Some(Ok(())),
                        None => {
                            let crashed = Error::internal("the reader thread crashed");
                            stop = Some(Err(crashed.into()));
                        }
                    }
                }
            }
        }
    }

    fn push(&mut self, entries: Vec<Entry>) {
        self.ready_bytes += bytes_of(&entries);
        self.ready.push_back(entries);
    }

    /// Submits the batches that are ready as a group. One that changes the collection itself goes alone,
    /// as it may have to be tried again before all that comes after it; so does one of which is left
    /// out what the commits before it made equal.
    async fn submit_ready(&mut self) -> Result {
        let alone = !self.facts.is_empty() || self.options.on_duplicate() == OnDuplicate::Replace;
        let most = if alone { 1 } else { self.ready.len() };
        let mut batches = Vec::new();
        while batches.len() < most
            && let Some(entries) = self.ready.pop_front()
        {
            self.ready_bytes -= bytes_of(&entries);
            let entries = self.needed(entries).await?;
            batches.push(Batch { facts: std::mem::take(&mut self.facts), entries });
        }
        self.submit(batches)
    }

    /// A file without documents makes its collection all the same.
    fn end(&mut self) -> Result {
        let facts = std::mem::take(&mut self.facts);
        self.submit(vec![Batch { facts, entries: Vec::new() }])
    }

    /// What is left to be written of a batch: equal documents make no version.
    async fn needed(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let is_creation = |change| matches!(change, &CollectionChange::Create { .. });
        let makes_anew = self.facts.changes.iter().any(is_creation);
        if self.options.on_duplicate() != OnDuplicate::Replace || makes_anew {
            return Ok(entries);
        }
        let state = self.target.branch.head().await?;
        // What a masked state shows is not what is stored.
        if state.is_masked() {
            return Ok(entries);
        }
        let entries = compare::last_of_each(entries);
        let standings = compare::standings(&state, &self.item.collection, &entries).await?;
        let of_all = entries.len();
        let needed: Vec<Entry> = entries
            .into_iter()
            .zip(standings)
            .filter(|(_, standing)| *standing != Standing::Equal)
            .map(|(entry, _)| entry)
            .collect();
        self.summary.unchanged(of_all - needed.len());
        Ok(needed)
    }

    fn submit(&mut self, mut batches: Vec<Batch>) -> Result {
        batches.retain(|batch| !batch.entries.is_empty() || !batch.facts.is_empty());
        if batches.is_empty() {
            return Ok(());
        }
        self.is_making = batches.iter().any(|batch| !batch.facts.is_empty());
        let (mut requests, mut kept) = (Vec::new(), Vec::new());
        for batch in batches {
            // Only in these cases can a batch be refused; then it is looked at again.
            let may_be_refused =
                self.options.on_duplicate() == OnDuplicate::Error || !batch.facts.is_empty();
            kept.push(may_be_refused.then(|| batch.clone()));
            requests.push(self.request(batch)?);
        }
        let branch = self.target.branch.clone();
        self.in_flight.push_back(Box::pin(async move {
            let outcomes = branch.commit_in_turn(requests).await.into_iter();
            outcomes.zip(kept).map(|(outcome, batch)| Attempt { outcome, batch }).collect()
        }));
        Ok(())
    }

    fn request(&self, batch: Batch) -> Result<WriteRequest> {
        let source = self.item.input.source();
        let message = format!("import {source}");
        let mut request = request(self.target, self.options, source, message)?;
        for change in batch.facts.changes {
            request.change_collection(change);
        }
        let condition: Precondition = self.options.on_duplicate().condition();
        for Entry { key, document, .. } in batch.entries {
            request.put(self.item.collection.clone(), key, document, condition)?;
        }
        Ok(request)
    }

    async fn settle(&mut self, attempt: Attempt) -> Result {
        self.is_making = false;
        match attempt.outcome {
            Ok(Outcome::Committed(receipt)) => {
                self.summary.committed(&receipt);
                // A batch that changes the collection is kept.
                self.summary.dropped_indexes(
                    attempt.batch.map_or_else(Vec::new, |batch| batch.facts.dropped),
                );
            }
            Ok(Outcome::Unchanged { skipped }) => self.summary.skipped(skipped),
            Ok(Outcome::Conflict(conflict)) if conflict.key.is_none() => {
                return self.again(conflict, attempt.batch).await;
            }
            Ok(Outcome::Conflict(conflict)) => return self.refused(conflict, attempt.batch).await,
            Ok(moved @ Outcome::Moved { .. }) => return Ok(moved.committed().map(drop)?),
            Err(error) => return Err(Failure::from(error).hint(Hint::ImportContinues)),
        }
        Ok(())
    }

    /// Tries a batch again after somebody else made the collection, or dropped it, meanwhile.
    async fn again(&mut self, conflict: Conflict, batch: Option<Batch>) -> Result {
        if !self.backoff.attempt().await {
            return Err(Error::from(conflict).into());
        }
        let Some(Batch { entries, .. }) = batch else {
            return Err(
                Error::internal("a batch without a change of the collection was refused").into()
            );
        };
        let facts = first_changes(self.item, self.target, self.options).await?;
        self.submit(vec![Batch { facts, entries }])
    }

    /// Commits what stands before the document that was refused, and names that.
    async fn refused(&mut self, conflict: Conflict, batch: Option<Batch>) -> Result {
        let branch = &self.target.branch;
        let (Some(key), Some(mut batch)) = (&conflict.key, batch) else {
            return Err(Error::from(conflict).into());
        };
        let place = duplicates::find(branch, self.item, &batch.entries, key).await?;
        let Some(duplicate) = place.map(|place| batch.entries.drain(place..).next()) else {
            return Err(Error::from(conflict).into());
        };
        if !batch.entries.is_empty() {
            let dropped = batch.facts.dropped.clone();
            let receipt = branch.commit(self.request(batch)?).await?.committed()?;
            self.summary.committed(&receipt);
            self.summary.dropped_indexes(dropped);
        }
        let failure = duplicates::failure(self.item, duplicate.as_ref(), &conflict);
        Err(failure.hint(Hint::DuplicateImported))
    }
}

/// About how many bytes a batch takes in memory.
fn bytes_of(entries: &[Entry]) -> usize {
    let bytes = |entry: &Entry| entry.document.as_bytes().len() + DOCUMENT_OVERHEAD_BYTES;
    entries.iter().map(bytes).sum()
}
