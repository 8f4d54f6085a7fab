//! Collections in place of those that are there: one commit that changes what differs.
//!
//! The files are compared with a state, document by document, and the commit asks for that state as
//! the one before it. Documents that are equal are not written, so the diff of two imports is what
//! changed between two dumps.

use argon_core::model::{Digest, MAX_COMMIT_BYTES};
use argon_core::storage::KeyRange;
use argon_core::write::{DOCUMENT_OVERHEAD_BYTES, Outcome, Precondition, WriteRequest};
use argon_core::{Backoff, CollectionView, Error, State};
use argon_formats::BadRecord;
use futures::TryStreamExt;

use super::compare::{self, Standing};
use super::load::request;
use super::plan::{Item, Plan};
use super::reader::{self, Entry, Found};
use super::seen::Seen;
use super::{ImportFiles, Input, OnDuplicate, Summary, Target, bad, facts, label, next};
use crate::{Failure, Hint, Interrupt, Result};

/// The attempts while other writers change the branch. Each reads all files again.
const ATTEMPTS: u32 = 5;

/// The most that is gathered for one commit, with what holds a change: as much as a commit may have.
/// What differs more takes several.
const MOST_BYTES: usize = MAX_COMMIT_BYTES / 2;

/// What a change takes besides its key and its document.
const CHANGE_BYTES: usize = DOCUMENT_OVERHEAD_BYTES;

/// Brings the collections of a plan to what its files hold. `summary` says what is durable.
pub(super) async fn replace(
    plan: &Plan,
    target: &Target,
    options: &ImportFiles,
    summary: &mut Summary,
) -> Result {
    if target.branch.is_masked() {
        return Err(Error::denied(format!(
            "branch '{}' is masked: what it shows can't be compared with the originals",
            target.branch.name()
        ))
        .into());
    }
    let mut interrupt = target.watcher.interrupt();
    let mut backoff = Backoff::new(&target.environment).at_most(ATTEMPTS);
    while backoff.attempt().await {
        *summary = Summary::of_replacement(options.dry_run);
        let mut replacement = Replacement::of_head(plan, target, options, summary).await?;
        if replacement.run(&mut interrupt).await? {
            return Ok(());
        }
        if plan.items.iter().any(|item| matches!(item.input, Input::Stdin(_))) {
            break;
        }
    }
    let name = target.branch.name();
    Err(Error::conflict(format!("branch '{name}' moved on meanwhile; try again")).into())
}

struct Replacement<'a> {
    plan: &'a Plan,
    target: &'a Target,
    options: &'a ImportFiles,
    summary: &'a mut Summary,
    /// What the files are compared with.
    state: State,
    /// The last commit: that of the state, or an own one.
    last: Digest,
    /// What the next commit changes.
    request: WriteRequest,
    bytes: usize,
}

impl<'a> Replacement<'a> {
    async fn of_head(
        plan: &'a Plan,
        target: &'a Target,
        options: &'a ImportFiles,
        summary: &'a mut Summary,
    ) -> Result<Self> {
        let (state, last) = loop {
            let before = target.branch.info().await?.head;
            let state = target.branch.head().await?;
            let after = target.branch.info().await?.head;
            if before == after && state.lsn() == after.lsn {
                break (state, after.digest);
            }
        };
        let request = empty_request(plan, target, options)?;
        Ok(Self { plan, target, options, summary, state, last, request, bytes: 0 })
    }

    /// False if the branch moved on before anything was committed.
    async fn run(&mut self, interrupt: &mut Interrupt) -> Result<bool> {
        for item in &self.plan.items {
            self.target.watcher.begins(&label(&item.input, &item.collection));
            self.summary.begin(&item.collection);
            if !self.collection(item, interrupt).await? {
                return Ok(false);
            }
        }
        self.commit().await
    }

    async fn collection(&mut self, item: &Item, interrupt: &mut Interrupt) -> Result<bool> {
        let present = self.state.info(&item.collection);
        let changes = facts::changes(item, present, OnDuplicate::Replace, false)?;
        self.summary.will_drop_indexes(facts::dropped(present, &changes));
        for change in changes {
            self.request.change_collection(change);
        }
        let stored = self.state.find_collection(&item.collection);
        let mut found = self.read(item)?;
        let mut seen = Seen::new();
        loop {
            match next(&mut found, interrupt).await? {
                Found::Batch(entries) => {
                    if !self.batch(item, entries, &mut seen).await? {
                        return Ok(false);
                    }
                }
                Found::Bad(found) => bad(&found, self.options, self.target, self.summary)?,
                Found::End => break,
            }
        }
        let Some(stored) = stored else { return Ok(true) };
        let parts = seen.parts_needed();
        if parts == 1 {
            return self.remove(item, &stored, &seen).await;
        }
        if matches!(item.input, Input::Stdin(_)) {
            return Err(Error::unsupported(
                "standard input has too many documents to find those that were removed; use a file",
            )
            .into());
        }
        for part in 0..parts {
            let seen = self.part(item, Seen::of_part(part, parts), interrupt).await?;
            if !self.remove(item, &stored, &seen).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(&self, item: &Item) -> Result<tokio::sync::mpsc::Receiver<Found>> {
        let Target { environment, watcher, .. } = self.target;
        reader::start(&item.input, self.options, environment, watcher.clone())
    }

    /// Reads a file once more, for one part of its `_id`s.
    async fn part(&self, item: &Item, mut seen: Seen, interrupt: &mut Interrupt) -> Result<Seen> {
        let mut found = self.read(item)?;
        loop {
            match next(&mut found, interrupt).await? {
                Found::Batch(entries) => entries.iter().for_each(|entry| {
                    seen.is_repeated(&entry.key);
                }),
                Found::Bad(bad) => return Err(Error::invalid(bad.to_string()).into()),
                // Deleting what was merely forgotten would be wrong.
                Found::End if seen.parts_needed() > 1 => {
                    let error = Error::unsupported("the _ids of the file can't be distinguished");
                    return Err(error.into());
                }
                Found::End => return Ok(seen),
            }
        }
    }

    async fn batch(&mut self, item: &Item, entries: Vec<Entry>, seen: &mut Seen) -> Result<bool> {
        let standings = compare::standings(&self.state, &item.collection, &entries).await?;
        for (entry, standing) in entries.into_iter().zip(standings) {
            if seen.is_repeated(&entry.key) {
                return Err(repeated(item, &entry));
            }
            if standing == Standing::Equal {
                self.summary.unchanged(1);
                continue;
            }
            let Entry { key, document, .. } = entry;
            if !self.room_for(key.as_bytes().len() + document.as_bytes().len()).await? {
                return Ok(false);
            }
            match standing {
                Standing::New => self.summary.will_add(),
                _ => self.summary.will_change(),
            }
            self.request.put(item.collection.clone(), key, document, Precondition::Any)?;
        }
        Ok(true)
    }

    /// Deletes what is stored, and was not seen in the file.
    async fn remove(&mut self, item: &Item, stored: &CollectionView, seen: &Seen) -> Result<bool> {
        let mut documents = stored.scan_range(KeyRange::default());
        while let Some((key, _)) = documents.try_next().await? {
            if seen.concerns(&key) && !seen.has(&key) {
                if !self.room_for(key.as_bytes().len()).await? {
                    return Ok(false);
                }
                self.request.delete(item.collection.clone(), key, Precondition::Any);
                self.summary.will_remove();
            }
        }
        Ok(true)
    }

    /// Commits the gathered changes if `bytes` more would be too many.
    async fn room_for(&mut self, bytes: usize) -> Result<bool> {
        let bytes = bytes + CHANGE_BYTES;
        if self.bytes + bytes > MOST_BYTES && !self.commit().await? {
            return Ok(false);
        }
        self.bytes += bytes;
        Ok(true)
    }

    /// False if the branch moved on before anything was committed.
    async fn commit(&mut self) -> Result<bool> {
        let next = empty_request(self.plan, self.target, self.options)?;
        let mut request = std::mem::replace(&mut self.request, next);
        self.bytes = 0;
        if request.is_empty() {
            return Ok(true);
        }
        if self.options.dry_run {
            self.summary.would_replace();
            return Ok(true);
        }
        request.set_after(self.last);
        match self.target.branch.commit(request).await? {
            Outcome::Committed(receipt) => {
                self.last = receipt.digest;
                self.summary.replaced(&receipt);
            }
            Outcome::Unchanged { .. } => {}
            Outcome::Moved { .. } if self.summary.is_empty() => return Ok(false),
            other => {
                other
                    .committed()
                    .map_err(|error| Failure::from(error).hint(Hint::ReplacementContinues))?;
            }
        }
        Ok(true)
    }
}

fn empty_request(plan: &Plan, target: &Target, options: &ImportFiles) -> Result<WriteRequest> {
    let source = plan.source.clone();
    let message = format!("import {source}, in place of what was there");
    request(target, options, source, message)
}

/// A file of one collection that has an `_id` twice can't be what the collection shall be.
fn repeated(item: &Item, entry: &Entry) -> Failure {
    let bad = BadRecord {
        path: item.input.source().into(),
        position: entry.position,
        reason: format!("the file has a document with _id {} already", entry.key),
        resumable: true,
    };
    Error::invalid(bad.to_string()).into()
}
