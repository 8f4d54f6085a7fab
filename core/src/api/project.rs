//! A project: a named database with branches.

use std::sync::Arc;

use bson::DateTime;
use futures::future::join;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::api::Shared;
use crate::gc::kept;
use crate::model::{BranchName, ProjectId, ProjectName};
use crate::records::{self, BranchRecord};
use crate::{Branch, BranchInfo, Error, Result, State};

/// How many heads of branches are asked for at once when they are listed.
const HEADS_AT_ONCE: usize = 64;

/// A project, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectInfo {
    /// Its name.
    pub name: ProjectName,
    /// When it was made.
    pub created: DateTime,
}

/// A handle to a project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) shared: Arc<Shared>,
    name: ProjectName,
    id: ProjectId,
}

impl Project {
    pub(crate) fn new(shared: Arc<Shared>, name: ProjectName, id: ProjectId) -> Self {
        Self { shared, name, id }
    }

    /// Its name.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    pub(crate) fn id(&self) -> ProjectId {
        self.id
    }

    /// The branches by name, backups among them.
    pub async fn branches(&self) -> Result<Vec<BranchInfo>> {
        stream::iter(self.branch_records().await?)
            .map(|(name, stored)| async move {
                let head = self.head_of(&stored.record).await?;
                Ok(BranchInfo::new(name, &stored.record, head))
            })
            .buffered(HEADS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Opens a branch.
    ///
    /// # Errors
    /// `NotFound`, listing the branches that there are.
    pub async fn branch(&self, name: &BranchName) -> Result<Branch> {
        let stored = self.record(name).await?;
        Ok(Branch::new(self.clone(), name.clone(), stored.record))
    }

    /// Makes a branch that starts as `from`. It costs one durable write, whatever the size of the
    /// data; from the head of a branch, it takes as long as one round trip to the store.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use argon_core::model::{BranchName, CollectionName};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let main = argon_backends::memory_branch().await?;
    /// let users = CollectionName::new("users")?;
    /// main.collection(&users).insert(rawdoc! { "_id": 1, "name": "Ada" }).await?;
    ///
    /// let fork = main.project().create_branch(&BranchName::new("fork")?, &main.head().await?, Some(main.name())).await?;
    /// fork.collection(&users).insert(rawdoc! { "_id": 2, "name": "Grace" }).await?;
    ///
    /// assert_eq!(fork.head().await?.collection(&users)?.count().await?, 2);
    /// assert_eq!(main.head().await?.collection(&users)?.count().await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` if there is one of that name; `Invalid` for the name of a backup; `NotFound` if
    /// the state was [collected](crate::gc) meanwhile.
    pub async fn create_branch(
        &self,
        name: &BranchName,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<Branch> {
        refuse_backup_name(name)?;
        let _moving = self.shared.moving.lock().await;
        let record = self.fork(from, parent).await?;
        // Both at once, for the sake of stores on a network. A project that is deleted between them
        // leaves a branch that nothing names, as one deleted just afterwards does.
        let (created, there) = join(self.create_record(name, &record), self.still_there()).await;
        match (created, there) {
            (Ok(()), Ok(())) => {
                self.confirm_branch(name, from).await?;
                Ok(Branch::new(self.clone(), name.clone(), record))
            }
            (Ok(()), Err(error)) => match self.remove_unwritten(name).await {
                Ok(()) => Err(error),
                Err(_) => Err(Error::indeterminate(format!(
                    "branch '{name}' was made, but whether its project is still there can't be told"
                ))
                .with_source(error)),
            },
            (Err(_), Err(error)) if error.kind() == crate::ErrorKind::NotFound => Err(error),
            (Err(error), _) => Err(error),
        }
    }

    /// Takes a branch back that was just made of a state that was given up meanwhile.
    async fn confirm_branch(&self, name: &BranchName, from: &State) -> Result<()> {
        if !from.may_be_given_up() {
            return Ok(());
        }
        match kept::confirm(&self.shared, from.view()).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.remove_unwritten(name).await?;
                Err(error)
            }
        }
    }

    /// Gives a branch another name. What was open under the old name goes on under the new one
    /// after it is opened again.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `Denied` for a protected branch or a backup, and `Conflict` if
    /// the branch was moved meanwhile.
    pub async fn rename_branch(&self, from: &BranchName, to: &BranchName) -> Result<Branch> {
        refuse_backup_name(to)?;
        let _moving = self.shared.moving.lock().await;
        let stored = self.movable(from).await?;
        if self.shared.backend.refs.get(&records::branch_ref(self.id, to)).await?.is_some() {
            return Err(Error::already_exists(format!("there is a branch '{to}' already")));
        }
        // Two names must never stand for one timeline, or deleting one would end the other. So the
        // new name gets a fork of the sealed timeline; cut off anywhere, each name is a branch of
        // its own with all commits.
        let head = self.seal(&stored.record).await?;
        let state = self.state_at(&stored.record, head.lsn).await?.ending_with(head);
        let fork = self.fork(&state, None).await?;
        let at = stored.record.point_at(head.lsn);
        let record =
            BranchRecord { timeline: fork.timeline, base: fork.base, ..stored.record.clone() }
                .noting(self.movement(at, at, format!("renamed from {from}")));
        self.create_record(to, &record).await?;
        match self.remove(from, &stored).await {
            Ok(()) => Ok(Branch::new(self.clone(), to.clone(), record)),
            Err(error) => {
                // A writer on the old name came first: the branch has gone on there.
                if error.kind() == crate::ErrorKind::Conflict {
                    self.remove_unwritten(to).await?;
                }
                Err(error)
            }
        }
    }

    /// Removes a branch, and keeps its head as a backup, whose name is given; nothing is kept of a
    /// backup that is removed.
    ///
    /// # Errors
    /// `NotFound`; `Denied` for a protected branch; `Conflict` if it was moved meanwhile.
    pub async fn delete_branch(&self, name: &BranchName) -> Result<Option<BranchName>> {
        if name.is_backup() {
            let stored = self.record(name).await?;
            self.remove(name, &stored).await?;
            return Ok(None);
        }
        let _moving = self.shared.moving.lock().await;
        let stored = self.movable(name).await?;
        let head = self.seal(&stored.record).await?;
        let backup = self.back_up(name, &stored.record, head, "deleted").await?;
        self.remove(name, &stored).await?;
        Ok(Some(backup))
    }

    /// Protects a branch against reset, renaming and deletion, or ends that. Writing goes on.
    pub async fn set_protected(&self, name: &BranchName, protected: bool) -> Result<()> {
        let _moving = self.shared.moving.lock().await;
        let stored = self.record(name).await?;
        let at = stored.record.point_at(self.head_of(&stored.record).await?.lsn);
        let why = if protected { "protected" } else { "protection ended" };
        let record = BranchRecord { protected, ..stored.record.clone() };
        self.set(name, &stored, record, self.movement(at, at, why)).await.map(drop)
    }
}

fn refuse_backup_name(name: &BranchName) -> Result<()> {
    if name.is_backup() {
        return Err(Error::invalid(format!(
            "'{name}': names under '{}/' are kept for backups that Argon makes",
            BranchName::BACKUP
        )));
    }
    Ok(())
}
