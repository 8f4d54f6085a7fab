//! What an import would do: all is read and compared, and nothing is written.

use argon_core::State;
use argon_core::write::{Conflict, ConflictReason};

use super::compare::{self, Standing};
use super::plan::{Item, Plan};
use super::reader::{self, Entry, Found};
use super::seen::Seen;
use super::{ImportFiles, OnDuplicate, Summary, Target, bad, duplicates, facts, label, next};
use crate::{Failure, Hint, Result};

/// Goes through an import without writing: `summary` says what would be written, and the failure is
/// the one that the import would end with.
pub(super) async fn rehearse(
    plan: &Plan,
    target: &Target,
    options: &ImportFiles,
    summary: &mut Summary,
) -> Result {
    let mut interrupt = target.watcher.interrupt();
    *summary = Summary::of_rehearsal();
    let state = target.branch.head().await?;
    for item in &plan.items {
        target.watcher.begins(&label(&item.input, &item.collection));
        summary.begin(&item.collection);
        let mut found =
            reader::start(&item.input, options, &target.environment, target.watcher.clone())?;
        let present = state.info(&item.collection);
        let changes = facts::changes(item, present, options.on_duplicate(), options.drop)?;
        summary.will_drop_indexes(facts::dropped(present, &changes));
        let mut rehearsal = Rehearsal {
            item,
            state: &state,
            options,
            seen: Seen::new(),
            changes: !changes.is_empty(),
        };
        loop {
            match next(&mut found, &mut interrupt).await? {
                Found::Batch(entries) => rehearsal.batch(entries, summary).await?,
                Found::Bad(found) => bad(&found, options, target, summary)?,
                Found::End => break,
            }
        }
        if rehearsal.changes {
            summary.would_commit(0);
        }
    }
    Ok(())
}

struct Rehearsal<'a> {
    item: &'a Item,
    state: &'a State,
    options: &'a ImportFiles,
    /// What the commits before would have written.
    seen: Seen,
    /// Whether the next commit changes the collection itself.
    changes: bool,
}

impl Rehearsal<'_> {
    async fn batch(&mut self, entries: Vec<Entry>, summary: &mut Summary) -> Result {
        let entries = match self.options.on_duplicate() {
            OnDuplicate::Replace => compare::last_of_each(entries),
            _ => entries,
        };
        let standings = if self.options.drop {
            vec![Standing::New; entries.len()]
        } else {
            compare::standings(self.state, &self.item.collection, &entries).await?
        };
        let mut written = 0;
        for (entry, standing) in entries.iter().zip(standings) {
            let is_there = self.seen.is_repeated(&entry.key) || standing != Standing::New;
            match self.options.on_duplicate() {
                OnDuplicate::Error if is_there => {
                    self.would_commit(written, summary);
                    return Err(self.refused(entry));
                }
                OnDuplicate::Skip if is_there => summary.skipped(1),
                OnDuplicate::Replace if standing == Standing::Equal => summary.unchanged(1),
                _ => written += 1,
            }
        }
        self.would_commit(written, summary);
        Ok(())
    }

    fn would_commit(&mut self, documents: usize, summary: &mut Summary) {
        if documents > 0 || std::mem::take(&mut self.changes) {
            self.changes = false;
            summary.would_commit(documents);
        }
    }

    fn refused(&self, entry: &Entry) -> Failure {
        let conflict = Conflict {
            collection: self.item.collection.clone(),
            key: Some(entry.key.clone()),
            reason: ConflictReason::Exists,
        };
        duplicates::failure(self.item, Some(entry), &conflict).hint(Hint::DuplicateRehearsed)
    }
}
