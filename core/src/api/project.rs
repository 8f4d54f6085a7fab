//! A project: a named database with branches.

use std::sync::Arc;

use bson::DateTime;
use futures::future::join;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::api::Shared;
use crate::model::{BranchName, Head, Lsn, ProjectId, ProjectName};
use crate::records::{self, BaseRecord, BranchRecord, ProjectRecord, Stored};
use crate::storage::{Append, Swap};
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
    /// `AlreadyExists` if there is one of that name; `Invalid` for the name of a backup.
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
            (Ok(()), Ok(())) => Ok(Branch::new(self.clone(), name.clone(), record)),
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
        let record =
            BranchRecord { timeline: fork.timeline, base: fork.base, ..stored.record.clone() };
        self.create_record(to, &record).await?;
        match self.swap(from, &stored, None).await {
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
            self.swap(name, &stored, None).await?;
            return Ok(None);
        }
        let _moving = self.shared.moving.lock().await;
        let stored = self.movable(name).await?;
        self.seal(&stored.record).await?;
        let backup = self.back_up(name, &stored.record).await?;
        self.swap(name, &stored, None).await?;
        Ok(Some(backup))
    }

    /// Protects a branch against reset, renaming and deletion, or ends that. Writing goes on.
    pub async fn set_protected(&self, name: &BranchName, protected: bool) -> Result<()> {
        let _moving = self.shared.moving.lock().await;
        let stored = self.record(name).await?;
        let record = BranchRecord { protected, ..stored.record.clone() };
        self.swap(name, &stored, Some(&record)).await
    }
}

/// How refs are read and moved. All that moves a branch comes through here: this is the one guard.
impl Project {
    pub(crate) async fn branch_records(&self) -> Result<Vec<(BranchName, Stored<BranchRecord>)>> {
        let prefix = records::branches_of(self.id);
        let refs = self.shared.backend.refs.list(&prefix).await?;
        refs.into_iter()
            .map(|(name, stored)| {
                let short = name.strip_prefix(&prefix).unwrap_or(&name);
                Ok((BranchName::new(short)?, records::decode(&name, stored)?))
            })
            .collect()
    }

    pub(crate) async fn record(&self, name: &BranchName) -> Result<Stored<BranchRecord>> {
        let reference = records::branch_ref(self.id, name);
        match self.shared.backend.refs.get(&reference).await? {
            Some(stored) => records::decode(&reference, stored),
            None => {
                let records = self.branch_records().await?;
                let known: Vec<&str> = records
                    .iter()
                    .map(|(name, _)| name)
                    .filter(|name| !name.is_backup())
                    .map(BranchName::as_str)
                    .collect();
                Err(Error::not_found(format!(
                    "there is no branch '{name}' in project '{}'; there are: {}",
                    self.name,
                    known.join(", ")
                )))
            }
        }
    }

    /// The record of a branch that may be moved away from its history.
    pub(crate) async fn movable(&self, name: &BranchName) -> Result<Stored<BranchRecord>> {
        let stored = self.record(name).await?;
        if name.is_backup() {
            return Err(Error::denied(format!(
                "'{name}' is a backup and stays as it is; make a branch from it instead"
            )));
        }
        if stored.record.protected {
            return Err(Error::denied(format!(
                "branch '{name}' is protected; `argon branch unprotect {name}` ends that"
            )));
        }
        Ok(stored)
    }

    /// A record for a new branch that starts as `from`.
    pub(crate) async fn fork(
        &self,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<BranchRecord> {
        if !std::sync::Arc::ptr_eq(from.shared(), &self.shared) {
            return Err(Error::invalid("the state is of another store; it must be of this one"));
        }
        let head = from.last().await?;
        Ok(BranchRecord {
            timeline: self.shared.environment.timeline_id(),
            base: BaseRecord::of(from.view().point(), &head),
            parent: parent.map(BranchName::to_string),
            forked_at: head.lsn.get().cast_signed(),
            created: self.shared.environment.now(),
            protected: false,
        })
    }

    /// Refuses to go on with a project that was deleted.
    async fn still_there(&self) -> Result<()> {
        let reference = records::project_ref(&self.name);
        if let Some(stored) = self.shared.backend.refs.get(&reference).await? {
            let found: Stored<ProjectRecord> = records::decode(&reference, stored)?;
            if found.record.id == self.id {
                return Ok(());
            }
        }
        Err(Error::not_found(format!("project '{}' was deleted", self.name)))
    }

    async fn create_record(&self, name: &BranchName, record: &BranchRecord) -> Result<()> {
        let reference = records::branch_ref(self.id, name);
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, None, Some(records::encode(record)?)).await? {
            Swap::Done(_) => Ok(()),
            Swap::Moved(_) => {
                Err(Error::already_exists(format!("there is a branch '{name}' already")))
            }
        }
    }

    /// Changes or removes a branch if it is still as it was read.
    pub(crate) async fn swap(
        &self,
        name: &BranchName,
        read: &Stored<BranchRecord>,
        record: Option<&BranchRecord>,
    ) -> Result<()> {
        let reference = records::branch_ref(self.id, name);
        let value = record.map(records::encode).transpose()?;
        let refs = &self.shared.backend.refs;
        match refs.compare_and_set(&reference, Some(&read.version), value).await? {
            Swap::Done(_) => Ok(()),
            Swap::Moved(_) => {
                Err(Error::conflict(format!("branch '{name}' was moved meanwhile; try again")))
            }
        }
    }

    /// Ends the timeline of a branch, so that no writer can add to what the branch leaves behind;
    /// gives its last head. A writer that finds its branch on a sealed timeline goes on in a fork
    /// of it (see [`Branch`]), which is also what mends an operation that was cut off here.
    pub(crate) async fn seal(&self, record: &BranchRecord) -> Result<Head> {
        let timeline = record.timeline();
        let mut head = self.head_of(record).await?;
        loop {
            match self.shared.backend.wal.seal(&timeline, &head).await? {
                Append::Done => return Ok(head),
                Append::Sealed(head) => return Ok(head),
                Append::HeadMoved(moved) => head = moved,
            }
        }
    }

    /// Keeps what a branch is now under `backup/<branch>/<time>`.
    pub(crate) async fn back_up(
        &self,
        name: &BranchName,
        record: &BranchRecord,
    ) -> Result<BranchName> {
        let now = self.shared.environment.now();
        let time = compact_time(now);
        let backup =
            BranchRecord { protected: false, parent: Some(name.to_string()), ..record.clone() };
        for attempt in 1..=1000 {
            let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
            let name = BranchName::new(format!("{}/{name}/{time}{suffix}", BranchName::BACKUP))?;
            match self.create_record(&name, &backup).await {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == crate::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::conflict(format!("branch '{name}' has a thousand backups of {time}")))
    }

    /// Removes a branch that was just made, unless somebody has written to it already.
    async fn remove_unwritten(&self, name: &BranchName) -> Result<()> {
        let stored = self.record(name).await?;
        let head = self.seal(&stored.record).await?;
        if head == stored.record.base_head() {
            self.swap(name, &stored, None).await?;
        }
        Ok(())
    }

    /// The head of a branch.
    pub(crate) async fn head_of(&self, record: &BranchRecord) -> Result<Head> {
        let state = self.shared.backend.wal.state(record.timeline).await?;
        Ok(state.map_or_else(|| record.base_head(), |state| state.head))
    }

    /// A state of a branch; `lsn` is not above its head.
    pub(crate) async fn state_at(&self, record: &BranchRecord, lsn: Lsn) -> Result<State> {
        let view = self.shared.timelines.view(record.timeline(), lsn).await?;
        State::of(self.shared.clone(), view).await
    }

    /// Fences off all writers of the project; gives its branches.
    pub(crate) async fn seal_all_branches(
        &self,
    ) -> Result<Vec<(BranchName, Stored<BranchRecord>)>> {
        let branches = self.branch_records().await?;
        for (_, stored) in &branches {
            self.seal(&stored.record).await?;
        }
        Ok(branches)
    }

    /// Removes the branches of a project that is gone. One that is left is of no project.
    pub(crate) async fn remove_branches(
        &self,
        branches: Vec<(BranchName, Stored<BranchRecord>)>,
    ) -> Result<()> {
        for (name, stored) in branches {
            self.swap(&name, &stored, None).await?;
        }
        Ok(())
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

/// A time as it stands in a branch name: `20261122T210400.123Z`.
fn compact_time(time: DateTime) -> String {
    let full = time.try_to_rfc3339_string().unwrap_or_else(|_| time.timestamp_millis().to_string());
    full.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}
