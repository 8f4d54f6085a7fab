//! Renames a branch.
//!
//! Two names must never stand for one timeline, or deleting one branch would end the other. So the
//! new name gets a fork of the sealed timeline. If the store can change several refs at once, that
//! is one write. Otherwise the old record first notes the new name; once the new record exists,
//! whoever reads the old record removes it. So the next reader finishes an interrupted rename.

use crate::model::BranchName;
use crate::model::backoff::Backoff;
use crate::storage::{CasResult, RefChange, Together};
use crate::store::api::refuse_reserved_name;
use crate::store::guard::moved_meanwhile;
use crate::store::records::{self, BranchRecord, RenameRecord, VersionedRecord};
use crate::store::{Branch, Project, plans};
use crate::{Error, ErrorKind, Result};

impl Project {
    /// Renames a branch, and applies `change` to its record; `why` is the reason in the branch's
    /// reflog.
    pub(crate) async fn rename(
        &self,
        from: &BranchName,
        to: &BranchName,
        why: &str,
        change: impl FnOnce(BranchRecord) -> BranchRecord + Send,
    ) -> Result<Branch> {
        refuse_reserved_name(to)?;
        let _moving = self.shared.moving.lock().await;
        let stored = self.movable(from).await?;
        self.refuse_pin_name(to).await?;
        if self.find(to).await?.is_some() {
            return Err(there_is_one(to));
        }
        let head = self.seal(&stored.record).await?;
        let at = stored.record.point_at(head.lsn);
        let record = change(self.forked_on(&stored.record, head).await?).noting(self.movement(
            at,
            at,
            format!("{why} from {from}"),
        ));
        if !self.rename_at_once(from, to, &stored, &record).await? {
            self.rename_in_steps(from, to, &stored, &record).await?;
        }
        Ok(Branch::new(self.clone(), to.clone(), record))
    }

    /// Renames a branch and the open plans into it in one write; returns whether the store supports
    /// that.
    async fn rename_at_once(
        &self,
        from: &BranchName,
        to: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
        record: &BranchRecord,
    ) -> Result<bool> {
        let [old, new] = [from, to].map(|name| records::branch_ref(self.id(), name));
        let mut backoff = Backoff::new(&self.shared.environment);
        while backoff.attempt().await {
            let mut changes = plans::renamed(self, from, to).await?;
            changes.push(RefChange {
                name: new.clone(),
                expected: None,
                value: Some(records::encode(record)?),
            });
            changes.push(RefChange {
                name: old.clone(),
                expected: Some(stored.version.clone()),
                value: None,
            });
            match self.shared.backend.refs.change_together(changes).await? {
                Together::Done => return Ok(true),
                Together::NotOffered => return Ok(false),
                Together::Moved(name) if name == new => return Err(there_is_one(to)),
                Together::Moved(name) if name == old => return Err(moved_meanwhile(from)),
                // A plan changed; the next attempt reads it again.
                Together::Moved(_) => {}
            }
        }
        Err(Error::conflict(format!(
            "plans into branch '{from}' changed during every attempt; try again"
        )))
    }

    async fn rename_in_steps(
        &self,
        from: &BranchName,
        to: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
        record: &BranchRecord,
    ) -> Result<()> {
        let renaming = Some(RenameRecord { to: to.to_string(), timeline: record.timeline });
        let marked = BranchRecord { renaming, ..stored.record.clone() };
        let version = self.swap(from, stored, Some(records::encode(&marked)?)).await?;
        let version = version.ok_or_else(|| moved_meanwhile(from))?;
        let stored = VersionedRecord { version, record: marked };
        self.create_record(to, record).await?;
        self.leave_old_name(from, to, &stored).await.map_err(|error| match error.kind() {
            ErrorKind::Unavailable => Error::indeterminate(format!(
                "branch '{from}' was renamed to '{to}', but may be visible under both names until \
                 the next command reads it"
            ))
            .with_source(error),
            _ => error,
        })
    }

    /// Removes the old name of a branch whose new record exists.
    async fn leave_old_name(
        &self,
        from: &BranchName,
        to: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
    ) -> Result<()> {
        plans::follow(self, from, to).await?;
        let reference = records::branch_ref(self.id(), from);
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, Some(&stored.version), None).await? {
            // Another process has finished the rename.
            CasResult::Done(_) | CasResult::Moved(None) => Ok(()),
            // A writer on the old name came first, so the branch continues there.
            CasResult::Moved(Some(_)) => {
                self.remove_unwritten(to).await?;
                Err(moved_meanwhile(from))
            }
        }
    }

    /// Finishes an interrupted rename whose new name exists; returns whether the old name is gone.
    pub(crate) async fn finish_rename(
        &self,
        from: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
    ) -> Result<bool> {
        let Some(renaming) = &stored.record.renaming else { return Ok(false) };
        let to = BranchName::new(&*renaming.to)?;
        let reference = records::branch_ref(self.id(), &to);
        let Some(new) = self.shared.backend.refs.get(&reference).await? else { return Ok(false) };
        let new: VersionedRecord<BranchRecord> = records::decode(&reference, new)?;
        if new.record.timeline != renaming.timeline {
            return Ok(false);
        }
        match Box::pin(self.leave_old_name(from, &to, stored)).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn there_is_one(to: &BranchName) -> Error {
    Error::already_exists(format!("branch '{to}' already exists"))
}
