//! How branches are read and moved. Every movement of a branch passes through this module.
//!
//! A movement is one compare-and-set of the branch's record and is noted in the same record, so no
//! movement lacks its note. A reset or a deletion keeps the replaced history as a backup branch,
//! whose record has the notes so far.

use bson::DateTime;
use futures::future::try_join;

use crate::model::{BranchName, Head, Lsn, Point, TimelineId};
use crate::storage::{Append, CasResult, RefChange, RefName, RefVersion, Together};
use crate::store::pins::list_known;
use crate::store::records::{
    self, BaseRecord, BranchRecord, HoldRecord, MoveRecord, ProjectRecord, VersionedRecord,
};
use crate::store::{Project, State, kept};
use crate::{DetailKey, Error, Hint, Result};

/// A ref that retains a state temporarily.
pub(crate) struct Hold {
    name: RefName,
    version: RefVersion,
}

impl Project {
    pub(crate) async fn branch_records(
        &self,
    ) -> Result<Vec<(BranchName, VersionedRecord<BranchRecord>)>> {
        self.listed("").await
    }

    /// The branches whose names start with this component.
    pub(crate) async fn records_under(
        &self,
        first: &str,
    ) -> Result<Vec<(BranchName, VersionedRecord<BranchRecord>)>> {
        self.listed(&format!("{first}/")).await
    }

    async fn listed(
        &self,
        under: &str,
    ) -> Result<Vec<(BranchName, VersionedRecord<BranchRecord>)>> {
        let prefix = records::branches_of(self.id());
        let refs = self.shared.backend.refs.list(&format!("{prefix}{under}")).await?;
        let mut branches = Vec::with_capacity(refs.len());
        for (name, stored) in refs {
            let short = BranchName::new(name.strip_prefix(&prefix).unwrap_or(&name))?;
            let stored = records::decode(&name, stored)?;
            if !self.finish_rename(&short, &stored).await? {
                branches.push((short, stored));
            }
        }
        Ok(branches)
    }

    pub(crate) async fn record(&self, name: &BranchName) -> Result<VersionedRecord<BranchRecord>> {
        match self.find(name).await? {
            Some(stored) => Ok(stored),
            None => Err(Error::not_found(format!(
                "unknown branch '{name}' in project '{}'; {}",
                self.name(),
                self.known_branches().await?
            ))
            .with_detail(DetailKey::Project, self.name().as_str())
            .with_detail(DetailKey::Branch, name.as_str())),
        }
    }

    /// Returns the record of a branch, if it exists.
    pub(crate) async fn find(
        &self,
        name: &BranchName,
    ) -> Result<Option<VersionedRecord<BranchRecord>>> {
        let reference = records::branch_ref(self.id(), name);
        let Some(stored) = self.shared.backend.refs.get(&reference).await? else { return Ok(None) };
        let stored = records::decode(&reference, stored)?;
        let gone = self.finish_rename(name, &stored).await?;
        Ok((!gone).then_some(stored))
    }

    /// Lists the branches except backups, for an error.
    async fn known_branches(&self) -> Result<String> {
        let records = self.branch_records().await?;
        let known = records.iter().map(|(name, _)| name).filter(|name| !name.is_backup());
        Ok(list_known("branches", known.map(BranchName::as_str)))
    }

    /// The error for a name that is neither a branch nor a pin.
    pub(crate) async fn neither_branch_nor_pin(&self, name: &BranchName) -> Error {
        let looked = try_join(self.known_branches(), self.pin_records()).await;
        match looked {
            Ok((branches, pins)) => Error::not_found(format!(
                "unknown branch or pin '{name}' in project '{}'; {branches}; {}",
                self.name(),
                list_known("pins", pins.iter().map(|(name, _)| name.as_str()))
            )),
            Err(error) => error,
        }
    }

    /// Returns the record of a branch that may be moved off its history.
    pub(crate) async fn movable(&self, name: &BranchName) -> Result<VersionedRecord<BranchRecord>> {
        let stored = self.record(name).await?;
        if name.is_backup() {
            return Err(Error::denied(format!(
                "'{name}' is a backup and can't be changed; create a branch from it instead"
            ))
            .with_detail(DetailKey::Branch, name.as_str()));
        }
        if stored.record.protected {
            return Err(Error::denied(format!("branch '{name}' is protected"))
                .with_detail(DetailKey::Branch, name.as_str())
                .with_hint(Hint::Unprotect { branch: name.to_string() }));
        }
        Ok(stored)
    }

    /// Creates the record of a new branch that starts at `from`, with the mask of `from`.
    pub(crate) async fn fork(
        &self,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<BranchRecord> {
        if !std::sync::Arc::ptr_eq(from.shared(), &self.shared) {
            return Err(Error::invalid(
                "the state belongs to another store; expected a state of this store",
            ));
        }
        let head = from.last().await?;
        let created = match parent {
            Some(parent) => format!("created from {parent}"),
            None => "created".to_owned(),
        };
        Ok(BranchRecord {
            timeline: self.shared.environment.timeline_id(),
            base: BaseRecord::of(from.view().point(), &head),
            parent: parent.map(BranchName::to_string),
            forked_at: head.lsn.get().cast_signed(),
            created: self.shared.environment.now(),
            protected: false,
            read_only: false,
            lease: None,
            mask: from.mask().map(|mask| mask.at(head.lsn)),
            renaming: None,
            moves: vec![self.movement(None, from.view().point(), created)],
        })
    }

    /// Creates a note of a movement by the actor of the store, with the current time.
    pub(crate) fn movement(
        &self,
        from: Option<Point>,
        to: Option<Point>,
        why: impl Into<String>,
    ) -> MoveRecord {
        MoveRecord {
            at: self.shared.environment.latest(),
            actor: self.shared.actor.to_string(),
            from: from.map(Into::into),
            to: to.map(Into::into),
            why: why.into(),
        }
    }

    /// Fails if the project was deleted.
    pub(crate) async fn ensure_exists(&self) -> Result<()> {
        let reference = records::project_ref(self.name());
        if let Some(stored) = self.shared.backend.refs.get(&reference).await? {
            let found: VersionedRecord<ProjectRecord> = records::decode(&reference, stored)?;
            if found.record.id == self.id() {
                return Ok(());
            }
        }
        Err(Error::not_found(format!("project '{}' was deleted", self.name())))
    }

    pub(crate) async fn create_record(
        &self,
        name: &BranchName,
        record: &BranchRecord,
    ) -> Result<()> {
        let reference = records::branch_ref(self.id(), name);
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, None, Some(records::encode(record)?)).await? {
            CasResult::Done(_) => Ok(()),
            CasResult::Moved(_) => {
                Err(Error::already_exists(format!("branch '{name}' already exists"))
                    .with_detail(DetailKey::Branch, name.as_str()))
            }
        }
    }

    /// Changes a branch if it is still at the version that was read, and notes the movement.
    pub(crate) async fn set(
        &self,
        name: &BranchName,
        read: &VersionedRecord<BranchRecord>,
        record: BranchRecord,
        movement: MoveRecord,
    ) -> Result<BranchRecord> {
        let record = record.noting(movement);
        self.swap(name, read, Some(records::encode(&record)?)).await?;
        Ok(record)
    }

    /// Changes properties of a branch's record other than its position, if the branch is still at
    /// the version that was read. That is not a movement.
    pub(crate) async fn amend(
        &self,
        name: &BranchName,
        read: &VersionedRecord<BranchRecord>,
        record: &BranchRecord,
    ) -> Result<()> {
        self.swap(name, read, Some(records::encode(record)?)).await.map(drop)
    }

    /// Removes a branch if it is still at the version that was read.
    pub(crate) async fn remove(
        &self,
        name: &BranchName,
        read: &VersionedRecord<BranchRecord>,
    ) -> Result<()> {
        self.swap(name, read, None).await.map(drop)
    }

    /// Writes a record by compare-and-set; returns its new version.
    pub(crate) async fn swap(
        &self,
        name: &BranchName,
        read: &VersionedRecord<BranchRecord>,
        value: Option<Vec<u8>>,
    ) -> Result<Option<RefVersion>> {
        let reference = records::branch_ref(self.id(), name);
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, Some(&read.version), value).await? {
            CasResult::Done(version) => Ok(version),
            CasResult::Moved(_) => Err(moved_meanwhile(name)),
        }
    }

    /// The record of a branch that continues in a fork of its timeline, which ended at `head`.
    pub(crate) async fn forked_on(
        &self,
        record: &BranchRecord,
        head: Head,
    ) -> Result<BranchRecord> {
        let state = self.state_at(record, head.lsn).await?.ending_with(head);
        let fork = self.fork(&state, None).await?;
        Ok(record.on(fork))
    }

    /// Seals the timeline of a branch, so that no writer can append to the history that the branch
    /// leaves; returns its last head. A writer whose branch is on a sealed timeline continues in a
    /// fork of it (see [`Branch`]). The same fork repairs an operation that was interrupted here.
    pub(crate) async fn seal(&self, record: &BranchRecord) -> Result<Head> {
        let timeline = record.timeline();
        let mut head = self.head_of(record).await?;
        let head = loop {
            match self.shared.backend.wal.seal(&timeline, &head).await? {
                Append::Done => break head,
                Append::Sealed(head) => break head,
                Append::HeadMoved(moved) => head = moved,
            }
        };
        self.shared.appends.notify_waiters();
        Ok(head)
    }

    /// Saves the current record of a branch, at `head`, as `backup/<branch>/<time>`; `why` is the
    /// reason.
    pub(crate) async fn back_up(
        &self,
        name: &BranchName,
        record: &BranchRecord,
        head: Head,
        why: &str,
    ) -> Result<BranchName> {
        let backup = self.backup_of(name, record, head, why);
        for name in self.backup_names(name, head) {
            let name = name?;
            match self.create_record(&name, &backup).await {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == crate::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(too_many_backups(name))
    }

    /// Saves the current record of a branch, at `head`, as a backup, and moves the branch to
    /// `record` or removes it: both atomically if the store supports it. Otherwise an interruption
    /// in between leaves an additional backup.
    ///
    /// # Errors
    /// `Conflict` if the branch was moved concurrently.
    pub(crate) async fn leave(
        &self,
        name: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
        head: Head,
        why: &str,
        record: Option<&BranchRecord>,
    ) -> Result<BranchName> {
        let backup = self.backup_of(name, &stored.record, head, why);
        let value = record.map(records::encode).transpose()?;
        for backup_name in self.backup_names(name, head) {
            let backup_name = backup_name?;
            let change = RefChange {
                name: records::branch_ref(self.id(), name),
                expected: Some(stored.version.clone()),
                value: value.clone(),
            };
            let made = RefChange {
                name: records::branch_ref(self.id(), &backup_name),
                expected: None,
                value: Some(records::encode(&backup)?),
            };
            let (branch_ref, backup_ref) = (change.name.clone(), made.name.clone());
            match self.shared.backend.refs.change_together(vec![made, change]).await? {
                Together::Done => return Ok(backup_name),
                Together::Moved(moved) if moved == backup_ref => {}
                Together::Moved(moved) => {
                    debug_assert_eq!(moved, branch_ref);
                    return Err(moved_meanwhile(name));
                }
                Together::NotOffered => {
                    let backup = self.back_up(name, &stored.record, head, why).await?;
                    self.swap(name, stored, value).await?;
                    return Ok(backup);
                }
            }
        }
        Err(too_many_backups(name))
    }

    fn backup_of(
        &self,
        name: &BranchName,
        record: &BranchRecord,
        head: Head,
        why: &str,
    ) -> BranchRecord {
        let at = record.point_at(head.lsn);
        BranchRecord {
            protected: false,
            read_only: false,
            lease: None,
            renaming: None,
            parent: Some(name.to_string()),
            ..record.clone()
        }
        .noting(MoveRecord { at: self.backup_time(head), ..self.movement(at, at, why) })
    }

    /// A clock that is behind the last commit is wrong, and would end the retention of the backup
    /// early.
    fn backup_time(&self, head: Head) -> DateTime {
        self.shared.environment.latest().max(head.time)
    }

    /// The candidates for the name of a backup made now, the preferred one first.
    fn backup_names(
        &self,
        name: &BranchName,
        head: Head,
    ) -> impl Iterator<Item = Result<BranchName>> + use<> {
        let time = compact_time(self.backup_time(head));
        let name = name.clone();
        (1..=MOST_BACKUPS).map(move |attempt| {
            let suffix = if attempt == 1 { String::new() } else { format!("-{attempt:04}") };
            BranchName::new(format!("{}/{name}/{time}{suffix}", BranchName::BACKUP))
        })
    }

    /// Retains a state, which might be collected, while a branch is moved to it; `timeline` is the
    /// new timeline of the branch. A leftover hold expires after an hour.
    ///
    /// # Errors
    /// `NotFound` if the state was collected.
    pub(crate) async fn acquire_hold(
        &self,
        state: &State,
        timeline: TimelineId,
    ) -> Result<Option<Hold>> {
        let Some(point) = state.view().point() else { return Ok(None) };
        let record =
            HoldRecord { points: vec![point.into()], at: self.shared.environment.latest() };
        let name = records::hold_ref(self.id(), timeline);
        let value = Some(records::encode(&record)?);
        match self.shared.backend.refs.compare_and_set(&name, None, value).await? {
            CasResult::Done(Some(version)) => {
                let hold = Hold { name, version };
                match kept::confirm(&self.shared, state.view()).await {
                    Ok(()) => Ok(Some(hold)),
                    Err(error) => {
                        // A leftover hold expires by itself.
                        let _ = self.release_hold(Some(hold)).await;
                        Err(error)
                    }
                }
            }
            _ => Err(Error::conflict(format!("the state at LSN {} is already held", state.lsn()))),
        }
    }

    /// Releases a hold.
    pub(crate) async fn release_hold(&self, hold: Option<Hold>) -> Result<()> {
        if let Some(Hold { name, version }) = hold {
            self.shared.backend.refs.compare_and_set(&name, Some(&version), None).await?;
        }
        Ok(())
    }

    /// Removes a branch that was just created, unless a writer has already committed to it.
    pub(crate) async fn remove_unwritten(&self, name: &BranchName) -> Result<()> {
        let stored = self.record(name).await?;
        let head = self.seal(&stored.record).await?;
        if head == stored.record.base_head() {
            self.remove(name, &stored).await?;
        }
        Ok(())
    }

    /// The head of a branch.
    pub(crate) async fn head_of(&self, record: &BranchRecord) -> Result<Head> {
        let state = self.shared.backend.wal.state(record.timeline).await?;
        Ok(state.map_or_else(|| record.base_head(), |state| state.head))
    }

    /// Returns a state of a branch; `lsn` is not above its head.
    pub(crate) async fn state_at(&self, record: &BranchRecord, lsn: Lsn) -> Result<State> {
        let view = self.shared.timelines.view(record.timeline(), lsn).await?;
        State::of(self.shared.clone(), view, record.mask.clone()).await
    }

    /// Fences off all writers of the project.
    pub(crate) async fn seal_all_branches(&self) -> Result<()> {
        for (_, stored) in self.branch_records().await? {
            self.seal(&stored.record).await?;
        }
        Ok(())
    }
}

/// The maximum number of backups of a branch within one millisecond.
const MOST_BACKUPS: u32 = 1000;

fn too_many_backups(name: &BranchName) -> Error {
    Error::conflict(format!(
        "branch '{name}' already has a thousand backups of the current millisecond; try again"
    ))
}

pub(crate) fn moved_meanwhile(name: &BranchName) -> Error {
    Error::conflict(format!("branch '{name}' was moved concurrently; try again"))
        .with_detail(DetailKey::Branch, name.as_str())
}

/// Formats a time for a branch name, so that names sort by time: `20261122T210400.120Z`.
fn compact_time(time: DateTime) -> String {
    let millis = time.timestamp_millis();
    let fraction = millis.rem_euclid(1000);
    let whole = DateTime::from_millis(millis - fraction);
    let Ok(full) = whole.try_to_rfc3339_string() else { return millis.to_string() };
    let seconds: String = full.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{}.{fraction:03}Z", seconds.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_backups_sort_by_time() {
        let start = 1_795_381_440_000;
        let names = [0, 1, 99, 100, 120, 123, 999, 1000, 1001, 60_000];
        let names = names.map(|after| compact_time(DateTime::from_millis(start + after)));
        assert_eq!(names[4], "20261122T210400.120Z");
        assert!(names.is_sorted(), "{names:?}");
    }
}
