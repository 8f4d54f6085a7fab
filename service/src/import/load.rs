//! Batches into commits.

use std::pin::Pin;

use argon_core::Error;
use argon_core::model::{Message, Origin};
use argon_core::write::{CollectionChange, Conflict, Outcome, Precondition, WriteRequest};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::sync::mpsc;

use super::compare::{self, Standing};
use super::plan::{Item, Plan};
use super::reader::{self, Entry, Found};
use super::{ImportFiles, OnDuplicate, Summary, Target, bad, duplicates, facts, label};
use crate::{Failure, Hint, Interrupt, Result};

/// Commits that may be under way at once, where a refused one does not stop the import.
const IN_FLIGHT: usize = 2;

/// How often a collection may be made or dropped by others before the import gives up.
const ATTEMPTS: u32 = 20;

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
            attempts: 0,
            in_flight: FuturesOrdered::new(),
            summary,
        };
        loader.run(found, &mut interrupt).await?;
    }
    Ok(())
}

async fn first_changes(
    item: &Item,
    target: &Target,
    options: &ImportFiles,
) -> Result<Vec<CollectionChange>> {
    let head = target.branch.head().await?;
    let present = head.collections().find(|info| info.name == item.collection);
    facts::changes(item, present, options.on_duplicate(), options.drop)
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
    Ok(request)
}

/// One file on its way into one collection.
struct Loader<'a> {
    item: &'a Item,
    target: &'a Target,
    options: &'a ImportFiles,
    /// What the first commit changes of the collection itself.
    facts: Vec<CollectionChange>,
    /// Whether a commit that changes the collection itself is under way: it may have to be tried
    /// again, before all that comes after it.
    is_making: bool,
    /// How often it had to be.
    attempts: u32,
    in_flight: FuturesOrdered<Pin<Box<dyn Future<Output = Attempt> + Send>>>,
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
    facts: Vec<CollectionChange>,
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
                attempt = self.in_flight.next() => match attempt {
                    Some(attempt) => result = result.and(self.settle(attempt).await),
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
        loop {
            let room = self.in_flight.len() < if self.is_making { 1 } else { most };
            tokio::select! {
                // In this order: a commit is submitted when it is first polled, which must be
                // before the next batch is taken.
                biased;
                Some(attempt) = self.in_flight.next() => self.settle(attempt).await?,
                () = &mut *interrupt => return Err(Failure::Interrupted),
                next = found.recv(), if room => match next {
                    Some(Found::Batch(entries)) => {
                        let entries = self.needed(entries).await?;
                        let facts = std::mem::take(&mut self.facts);
                        self.submit(Batch { facts, entries })?;
                    }
                    Some(Found::Bad(found)) => bad(&found, self.options, self.target, self.summary)?,
                    Some(Found::End) => return self.end(),
                    None => return Err(Error::internal("the reader thread crashed").into()),
                }
            }
        }
    }

    /// A file without documents makes its collection all the same.
    fn end(&mut self) -> Result {
        let facts = std::mem::take(&mut self.facts);
        if facts.is_empty() {
            return Ok(());
        }
        self.submit(Batch { facts, entries: Vec::new() })
    }

    /// What is left to be written of a batch: equal documents make no version.
    async fn needed(&mut self, entries: Vec<Entry>) -> Result<Vec<Entry>> {
        let makes_anew = self.facts.iter().any(|c| matches!(c, CollectionChange::Create { .. }));
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

    fn submit(&mut self, batch: Batch) -> Result {
        if batch.entries.is_empty() && batch.facts.is_empty() {
            return Ok(());
        }
        // Only in these cases can a batch be refused; then it is looked at again.
        let may_be_refused =
            self.options.on_duplicate() == OnDuplicate::Error || !batch.facts.is_empty();
        let kept = may_be_refused.then(|| batch.clone());
        self.is_making = !batch.facts.is_empty();
        let request = self.request(batch)?;
        let branch = self.target.branch.clone();
        self.in_flight.push_back(Box::pin(async move {
            Attempt { outcome: branch.commit(request).await, batch: kept }
        }));
        Ok(())
    }

    fn request(&self, batch: Batch) -> Result<WriteRequest> {
        let source = self.item.input.source();
        let message = format!("import {source}");
        let mut request = request(self.target, self.options, source, message)?;
        for change in batch.facts {
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
            Ok(Outcome::Committed(receipt)) => self.summary.committed(&receipt),
            Ok(Outcome::Unchanged { skipped }) => self.summary.skipped(skipped),
            Ok(Outcome::Conflict(Conflict { key: None, .. })) if self.attempts < ATTEMPTS => {
                return self.again(attempt.batch).await;
            }
            Ok(Outcome::Conflict(conflict)) => return self.refused(conflict, attempt.batch).await,
            Ok(moved @ Outcome::Moved { .. }) => return Ok(moved.committed().map(drop)?),
            Err(error) => return Err(Failure::from(error).hint(Hint::ImportContinues)),
        }
        Ok(())
    }

    /// Tries a batch again after somebody else made the collection, or dropped it, meanwhile.
    async fn again(&mut self, batch: Option<Batch>) -> Result {
        let Some(Batch { entries, .. }) = batch else {
            return Err(
                Error::internal("a batch without a change of the collection was refused").into()
            );
        };
        self.attempts += 1;
        let facts = first_changes(self.item, self.target, self.options).await?;
        self.submit(Batch { facts, entries })
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
            let receipt = branch.commit(self.request(batch)?).await?.committed()?;
            self.summary.committed(&receipt);
        }
        let failure = duplicates::failure(self.item, duplicate.as_ref(), &conflict);
        Err(failure.hint(Hint::DuplicateImported))
    }
}
