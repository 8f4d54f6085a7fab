//! A project: a named database with branches.

use std::sync::Arc;

use bson::DateTime;
use futures::future::join3;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::model::{BranchName, Head, PinName, ProjectId, ProjectName};
use crate::store::mask::{Mask, MaskPolicy};
use crate::store::records::{BranchRecord, VersionedRecord};
use crate::store::{Branch, BranchInfo, Session, State, kept};
use crate::{Error, ErrorKind, Result};

/// The number of branch heads that are requested concurrently for a list.
const HEADS_AT_ONCE: usize = 64;

/// The properties of a project in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectInfo {
    /// The name.
    pub name: ProjectName,
    /// The time of creation.
    pub created: DateTime,
}

/// A handle to a project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Project {
    pub(crate) shared: Arc<Session>,
    name: ProjectName,
    id: ProjectId,
}

impl Project {
    pub(crate) fn new(shared: Arc<Session>, name: ProjectName, id: ProjectId) -> Self {
        Self { shared, name, id }
    }

    /// The name.
    pub fn name(&self) -> &ProjectName {
        &self.name
    }

    pub(crate) fn id(&self) -> ProjectId {
        self.id
    }

    /// The branches by name, including backups.
    pub async fn branches(&self) -> Result<Vec<BranchInfo>> {
        self.described(self.branch_records().await?).await
    }

    /// Branches with their heads.
    pub(crate) async fn described(
        &self,
        records: Vec<(BranchName, VersionedRecord<BranchRecord>)>,
    ) -> Result<Vec<BranchInfo>> {
        stream::iter(records)
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
    /// `NotFound`, with a list of the known branches; `Invalid` if no branch can have the name.
    pub async fn branch(
        &self,
        name: impl TryInto<BranchName, Error: Into<Error>>,
    ) -> Result<Branch> {
        let name = name.try_into().map_err(Into::<Error>::into)?;
        let stored = self.record(&name).await?;
        Ok(Branch::new(self.clone(), name, stored.record))
    }

    /// Opens a branch, or creates it at the state `from` if it does not exist.
    ///
    /// # Errors
    /// The errors of [`create_branch`](Self::create_branch), except `AlreadyExists` for a branch.
    pub async fn branch_or_create(
        &self,
        name: impl TryInto<BranchName, Error: Into<Error>>,
        from: &State,
    ) -> Result<Branch> {
        let name = name.try_into().map_err(Into::<Error>::into)?;
        if let Some(stored) = self.find(&name).await? {
            return Ok(Branch::new(self.clone(), name, stored.record));
        }
        match self.create_branch(&name, from, None).await {
            // Another writer was faster. If it is a pin that exists, this fails too.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.branch(&name).await.map_err(|_| error)
            }
            created => created,
        }
    }

    /// Creates a branch that starts at `from`. It costs one durable write, whatever the size of the
    /// data; from the head of a branch, it takes one round trip to the store.
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
    /// `AlreadyExists` if a branch or a pin has the name; `Invalid` for the name of a backup;
    /// `NotFound` if the state was [collected](crate::gc) concurrently.
    pub async fn create_branch(
        &self,
        name: impl TryInto<BranchName, Error: Into<Error>>,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<Branch> {
        self.create_named(&name.try_into().map_err(Into::<Error>::into)?, from, parent).await
    }

    #[tracing::instrument(level = "info", skip_all, name = "create_branch", fields(branch = %name, lsn = %from.lsn()))]
    async fn create_named(
        &self,
        name: &BranchName,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<Branch> {
        let _moving = self.shared.moving.lock().await;
        let record = self.fork(from, parent).await?;
        self.create_from(name, from, record).await
    }

    /// Creates a branch that starts at `from` and masks its documents by `policy`; see
    /// [`mask`](crate::mask). It costs the same as [`create_branch`](Self::create_branch).
    ///
    /// No operation removes the mask: every branch created from this one has it too, and it
    /// survives resets, renames and deletion.
    ///
    /// ```
    /// # use bson::rawdoc;
    /// # use argon_core::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
    /// # use argon_core::model::{BranchName, CollectionName};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> argon_core::Result<()> {
    /// let main = argon_backends::memory_branch().await?;
    /// let users = CollectionName::new("users")?;
    /// let (ada, _) = main.collection(&users).insert(rawdoc! { "_id": 1, "name": "Ada", "age": 36 }).await?;
    ///
    /// let name = FieldPolicy { path: "name".into(), with: Transform::Redact, fake: None };
    /// let entry = CollectionPolicy { name: "users".into(), fields: vec![name], ..Default::default() };
    /// let policy = MaskPolicy { collections: vec![entry], ..Default::default() };
    /// let head = main.head().await?;
    /// let shared = main.project().create_masked_branch(&BranchName::new("shared")?, &head, None, policy).await?;
    ///
    /// let found = shared.collection(&users).get(&ada).await?.expect("it is shown");
    /// assert_eq!(found.as_raw(), &*rawdoc! { "_id": 1, "name": "[redacted]", "age": 36 });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Invalid` if the policy can't be enforced; `Unsupported` if `from` is already masked; the
    /// errors of [`create_branch`](Self::create_branch).
    #[tracing::instrument(level = "info", skip_all, fields(branch = %name, lsn = %from.lsn()))]
    pub async fn create_masked_branch(
        &self,
        name: &BranchName,
        from: &State,
        parent: Option<&BranchName>,
        policy: MaskPolicy,
    ) -> Result<Branch> {
        if from.is_masked() {
            return Err(Error::unsupported(
                "the state is already masked, and a branch has only one mask; create the branch \
                 without a policy to keep that mask, or from the unmasked branch with another \
                 policy",
            ));
        }
        let key = self.shared.environment.random();
        let mask = Mask::new(policy, key, from.catalog(), from.lsn())?;
        let record = BranchRecord { mask: Some(mask), ..self.fork(from, parent).await? };
        let _moving = self.shared.moving.lock().await;
        self.create_from(name, from, record).await
    }

    /// Creates a branch from its record, which starts at `from`.
    pub(crate) async fn create_from(
        &self,
        name: &BranchName,
        from: &State,
        record: BranchRecord,
    ) -> Result<Branch> {
        refuse_reserved_name(name)?;
        // Concurrently, because stores on a network have latency. A project that is deleted in
        // between leaves a branch that nothing names, like one that is deleted just afterwards.
        let created = self.create_record(name, &record);
        let (created, there, free) =
            join3(created, self.ensure_exists(), self.refuse_pin_name(name)).await;
        match (created, there.and(free)) {
            (Ok(()), Ok(())) => {
                self.confirm_branch(name, from).await?;
                Ok(Branch::new(self.clone(), name.clone(), record))
            }
            (Ok(()), Err(error)) => match self.remove_unwritten(name).await {
                Ok(()) => Err(error),
                Err(_) => Err(Error::indeterminate(format!(
                    "branch '{name}' was created, but whether it may stay is unknown"
                ))
                .with_source(error)),
            },
            (Err(_), Err(error)) if error.kind() == crate::ErrorKind::NotFound => Err(error),
            (Err(error), _) => Err(error),
        }
    }

    pub(crate) async fn refuse_pin_name(&self, name: &BranchName) -> Result<()> {
        let Ok(pin) = PinName::new(name.as_str()) else { return Ok(()) };
        match self.find_pin(&pin).await? {
            None => Ok(()),
            Some(_) => Err(Error::already_exists(format!(
                "pin '{name}' already exists; choose another name for the branch"
            ))),
        }
    }

    /// Removes a new branch if its state was collected concurrently.
    async fn confirm_branch(&self, name: &BranchName, from: &State) -> Result<()> {
        match kept::confirm(&self.shared, from.view()).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.remove_unwritten(name).await?;
                Err(error)
            }
        }
    }

    /// Renames a branch. Handles that were opened under the old name must be opened again.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyExists`, `Denied` for a protected branch or a backup, and `Conflict` if
    /// the branch was moved concurrently.
    #[tracing::instrument(level = "info", skip_all, fields(%from, %to))]
    pub async fn rename_branch(&self, from: &BranchName, to: &BranchName) -> Result<Branch> {
        self.rename(from, to, "renamed", |record| record).await
    }

    /// Deletes a branch, keeps its head as a backup, and returns the backup's name. Deleting a
    /// backup keeps nothing.
    ///
    /// # Errors
    /// `NotFound`; `Denied` for a protected branch; `Conflict` if the branch was moved
    /// concurrently.
    #[tracing::instrument(level = "info", skip_all, fields(branch = %name))]
    pub async fn delete_branch(&self, name: &BranchName) -> Result<Option<BranchName>> {
        if name.is_backup() {
            let stored = self.record(name).await?;
            self.remove(name, &stored).await?;
            return Ok(None);
        }
        let _moving = self.shared.moving.lock().await;
        let stored = self.movable(name).await?;
        let head = self.seal(&stored.record).await?;
        self.retire(name, &stored, head, "deleted").await.map(Some)
    }

    /// Removes a branch whose timeline ended at `head`, keeps a backup, and returns its name.
    pub(crate) async fn retire(
        &self,
        name: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
        head: Head,
        why: &str,
    ) -> Result<BranchName> {
        self.leave(name, stored, head, why, None).await
    }

    /// Protects a branch against reset, rename and deletion, or removes the protection. Commits
    /// stay allowed.
    pub async fn set_protected(&self, name: &BranchName, protected: bool) -> Result<()> {
        let _moving = self.shared.moving.lock().await;
        let stored = self.record(name).await?;
        let at = stored.record.point_at(self.head_of(&stored.record).await?.lsn);
        let why = if protected { "protected" } else { "protection ended" };
        let record = BranchRecord { protected, ..stored.record.clone() };
        self.set(name, &stored, record, self.movement(at, at, why)).await.map(drop)
    }
}

pub(crate) fn refuse_reserved_name(name: &BranchName) -> Result<()> {
    if name.is_backup() {
        return Err(Error::invalid(format!(
            "invalid branch name '{name}': names under '{}/' are reserved for backups that Argon \
             creates",
            BranchName::BACKUP
        )));
    }
    if name.as_str() == BranchName::CURRENT {
        return Err(Error::invalid(format!(
            "invalid branch name '{name}': it stands for the current branch"
        )));
    }
    Ok(())
}
