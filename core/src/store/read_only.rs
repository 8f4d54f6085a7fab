//! Branches that take no commits.
//!
//! A branch that becomes read-only seals its timeline, so that a writer that has it open elsewhere meets
//! the seal, looks the branch up, and is refused there. One that is made read-only says so from its
//! first record on, and has no writers to fence off.

use crate::model::BranchName;
use crate::store::records::BranchRecord;
use crate::store::{Branch, Project, State};
use crate::{DetailKey, Error, Hint, Result};

impl Project {
    /// Makes a branch that takes no commits; otherwise as [`create_branch`](Self::create_branch).
    ///
    /// # Errors
    /// Those of [`create_branch`](Self::create_branch).
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

    /// Lets a branch take no more commits, or lets it take them again. Every commit that was acknowledged
    /// before is in it. Cut off in between, the branch takes commits as before.
    ///
    /// # Errors
    /// `NotFound`; `Denied` for a backup; `Conflict` if the branch was moved meanwhile.
    pub async fn set_read_only(&self, name: &BranchName, read_only: bool) -> Result<()> {
        if name.is_backup() {
            return Err(Error::denied(format!(
                "'{name}' is a backup and stays as it is; make a branch from it instead"
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

/// Why a branch takes no commits.
pub(crate) fn refused(name: &BranchName) -> Error {
    Error::denied(format!("branch '{name}' is read-only"))
        .with_detail(DetailKey::Branch, name.as_str())
        .with_hint(Hint::AllowWrites { branch: name.to_string() })
}
