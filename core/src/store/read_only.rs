//! Read-only branches.
//!
//! A branch that becomes read-only seals its timeline. A writer that has it open elsewhere finds
//! the seal, looks the branch up, and is refused. A branch that is created read-only has no writers
//! to fence off, and is marked from its first record on.

use crate::model::BranchName;
use crate::store::records::BranchRecord;
use crate::store::{Branch, Project, State};
use crate::{DetailKey, Error, Hint, Result};

impl Project {
    /// Creates a read-only branch; see [`create_branch`](Self::create_branch).
    ///
    /// # Errors
    /// The errors of [`create_branch`](Self::create_branch).
    #[tracing::instrument(level = "info", skip_all, fields(branch = %name, lsn = %from.lsn()))]
    pub async fn create_read_only_branch(
        &self,
        name: &BranchName,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<Branch> {
        let _moving = self.shared.moving.lock().await;
        let record = BranchRecord { read_only: true, ..self.fork(from, parent).await? };
        self.create_from(name, from, record).await
    }

    /// Makes a branch read-only or writable. Every commit that was acknowledged before is in it. If
    /// interrupted, the branch takes commits as before.
    ///
    /// # Errors
    /// `NotFound`; `Denied` for a backup; `Conflict` if the branch was moved concurrently.
    pub async fn set_read_only(&self, name: &BranchName, read_only: bool) -> Result<()> {
        if name.is_backup() {
            return Err(Error::denied(format!(
                "'{name}' is a backup and can't be changed; create a branch from it instead"
            )));
        }
        let _moving = self.shared.moving.lock().await;
        let stored = self.record(name).await?;
        if stored.record.read_only == read_only {
            return Ok(());
        }
        let head = self.seal(&stored.record).await?;
        let at = stored.record.point_at(head.lsn);
        let (record, why) = if read_only {
            (stored.record.clone(), "made read-only")
        } else {
            (self.forked_on(&stored.record, head).await?, "made writable")
        };
        let record = BranchRecord { read_only, ..record };
        self.set(name, &stored, record, self.movement(at, at, why)).await.map(drop)
    }
}

/// The error for a commit to a read-only branch.
pub(crate) fn refused(name: &BranchName) -> Error {
    Error::denied(format!("branch '{name}' is read-only"))
        .with_detail(DetailKey::Branch, name.as_str())
        .with_hint(Hint::AllowWrites { branch: name.to_string() })
}
