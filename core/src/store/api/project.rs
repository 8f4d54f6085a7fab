//! A project: a named database with branches.

use std::sync::Arc;

use bson::DateTime;
use futures::future::join3;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::model::{BranchName, Head, PinName, ProjectId, ProjectName};
use crate::store::mask::{Mask, MaskPolicy};
use crate::store::records::{BranchRecord, VersionedRecord};
use crate::store::{Branch, BranchInfo, Session, State, kept};
use crate::{Error, Result};

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
    pub(crate) shared: Arc<Session>,
    name: ProjectName,
    id: ProjectId,
}

impl Project {
    pub(crate) fn new(shared: Arc<Session>, name: ProjectName, id: ProjectId) -> Self {
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
    /// `AlreadyExists` if there is a branch or a pin of that name; `Invalid` for the name of a
    /// backup; `NotFound` if the state was [collected](crate::gc) meanwhile.
    #[tracing::instrument(level = "info", skip_all, fields(branch = %name, lsn = %from.lsn()))]
    pub async fn create_branch(
        &self,
        name: &BranchName,
        from: &State,
        parent: Option<&BranchName>,
    ) -> Result<Branch> {
        let _moving = self.shared.moving.lock().await;
        let record = self.fork(from, parent).await?;
        self.create_from(name, from, record).await
    }

    /// Makes a branch that starts as `from` and gives its documents as `policy` says; see
    /// [`mask`](crate::mask). It costs what [`create_branch`](Self::create_branch) does.
    ///
    /// No operation takes the mask off: whatever is made of the branch has it too, and it stays when
    /// the branch is reset, renamed or deleted.
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
    /// `Invalid` if the policy can't be enforced; `Unsupported` if `from` is masked already; those of
    /// [`create_branch`](Self::create_branch).
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
                "the state is masked already, and a branch has one mask; a branch made of it has the \
                 same, or make one with another policy of the branch that is not masked",
            ));
        }
        let key = self.shared.environment.random();
        let mask = Mask::new(policy, key, from.catalog(), from.lsn())?;
        let record = BranchRecord { mask: Some(mask), ..self.fork(from, parent).await? };
        let _moving = self.shared.moving.lock().await;
        self.create_from(name, from, record).await
    }

    /// Makes a branch of a record for it, which starts as `from`.
    pub(crate) async fn create_from(
        &self,
        name: &BranchName,
        from: &State,
        record: BranchRecord,
    ) -> Result<Branch> {
        refuse_backup_name(name)?;
        // All at once, for the sake of stores on a network. A project that is deleted between them
        // leaves a branch that nothing names, as one deleted just afterwards does.
        let created = self.create_record(name, &record);
        let (created, there, free) =
            join3(created, self.still_there(), self.refuse_pin_name(name)).await;
        match (created, there.and(free)) {
            (Ok(()), Ok(())) => {
                self.confirm_branch(name, from).await?;
                Ok(Branch::new(self.clone(), name.clone(), record))
            }
            (Ok(()), Err(error)) => match self.remove_unwritten(name).await {
                Ok(()) => Err(error),
                Err(_) => Err(Error::indeterminate(format!(
                    "branch '{name}' was made, but whether it may stay can't be told"
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
                "there is a pin '{name}'; a branch needs a name of its own"
            ))),
        }
    }

    /// Takes a branch back that was just made of a state that was given up meanwhile.
    async fn confirm_branch(&self, name: &BranchName, from: &State) -> Result<()> {
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
    #[tracing::instrument(level = "info", skip_all, fields(%from, %to))]
    pub async fn rename_branch(&self, from: &BranchName, to: &BranchName) -> Result<Branch> {
        self.rename(from, to, "renamed", |record| record).await
    }

    /// Removes a branch, and keeps its head as a backup, whose name is given; nothing is kept of a
    /// backup that is removed.
    ///
    /// # Errors
    /// `NotFound`; `Denied` for a protected branch; `Conflict` if it was moved meanwhile.
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

    /// Removes a branch whose timeline has ended at `head`, and keeps a backup, whose name is given.
    pub(crate) async fn retire(
        &self,
        name: &BranchName,
        stored: &VersionedRecord<BranchRecord>,
        head: Head,
        why: &str,
    ) -> Result<BranchName> {
        self.leave(name, stored, head, why, None).await
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

pub(crate) fn refuse_backup_name(name: &BranchName) -> Result<()> {
    if name.is_backup() {
        return Err(Error::invalid(format!(
            "'{name}': names under '{}/' are kept for backups that Argon makes",
            BranchName::BACKUP
        )));
    }
    Ok(())
}
