//! Projects that were deleted and can be brought back.
//!
//! A deletion moves the refs of the project, so that no handle to it finds them any more:
//! `branch/<project id>/main` to `deleted/<project id>/branch/main`, and so on. The record
//! `deleted/<project id>` comes first and goes last. The project's own record decides whether the project
//! is there, so a crash anywhere leaves it deleted or not, and the next attempt does the rest.

use std::collections::HashMap;

use bson::DateTime;

use crate::model::{ProjectId, ProjectName};
use crate::storage::{CasResult, RefName, RefVersion, VersionedRef};
use crate::store::records::{self, DeletedRecord, ProjectRecord, VersionedRecord};
use crate::store::{Project, Store};
use crate::{Error, Result};

/// A deleted project whose history is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedProject {
    /// The name that it had.
    pub name: ProjectName,
    /// When it was made.
    pub created: DateTime,
    /// When it was deleted.
    pub deleted: DateTime,
    /// Who deleted it.
    pub actor: String,
}

impl Store {
    /// Deletes a project with all its branches, protected ones too, its pins and its plans. Its writers
    /// are fenced off before it is gone, so none is told of a commit that nobody could find. Until the
    /// retention time is over and [garbage collection](crate::gc) has run,
    /// [`undelete_project`](Self::undelete_project) brings it back as it was. A crash before it is gone
    /// leaves it as it was, and its branches can be read and written. O(branches, pins and plans).
    ///
    /// # Errors
    /// `NotFound` if there is none; `Conflict` if it was changed meanwhile.
    #[tracing::instrument(level = "info", skip_all, fields(project = %name))]
    pub async fn delete_project(&self, name: &ProjectName) -> Result<()> {
        let project = self.project(name).await?;
        let _moving = self.shared.moving.lock().await;
        project.seal_all_branches().await?;
        let refs = &self.shared.backend.refs;
        let reference = records::project_ref(name);
        let Some(stored) = refs.get(&reference).await? else {
            return Err(self.no_project(name).await?);
        };
        let VersionedRecord { version, record } =
            records::decode::<ProjectRecord>(&reference, stored)?;
        self.write_deleted(name, &record).await?;
        let moved = self.copied_to_deleted(record.id).await?;
        match refs.compare_and_set(&reference, Some(&version), None).await? {
            CasResult::Done(_) => {
                self.tidy(name, moved).await;
                Ok(())
            }
            // The copies are removed by a later deletion, or by garbage collection.
            CasResult::Moved(_) => {
                Err(Error::conflict(format!("project '{name}' was changed meanwhile; try again")))
            }
        }
    }

    /// The deleted projects that can be brought back, the one deleted last first.
    pub async fn deleted_projects(&self) -> Result<Vec<DeletedProject>> {
        let records = self.deleted_records().await?;
        records.into_iter().map(|(_, stored)| described(stored.record)).collect()
    }

    /// Brings a deleted project back as it was: its branches, pins and plans. Of several that had the
    /// name, the one deleted last. With `new_name` it gets another name. A crash in between leaves it
    /// deleted or back, and it can be tried again. O(branches, pins and plans).
    ///
    /// # Errors
    /// `NotFound` if there is none, or garbage collection has removed it; `AlreadyExists` if there is a
    /// project of that name; `Conflict` if somebody else brings it back.
    #[tracing::instrument(level = "info", skip_all, fields(project = %name))]
    pub async fn undelete_project(
        &self,
        name: &ProjectName,
        new_name: Option<&ProjectName>,
    ) -> Result<Project> {
        let _moving = self.shared.moving.lock().await;
        let all = self.deleted_records().await?;
        let Some((id, found)) = all.iter().find(|(_, stored)| stored.record.name == name.as_str())
        else {
            let names = all.iter().map(|(_, stored)| stored.record.name.as_str());
            return Err(Error::not_found(format!(
                "there is no deleted project '{name}' that can be brought back; {}",
                crate::store::pins::there_are("deleted projects", names)
            )));
        };
        let (refs, target) = (&self.shared.backend.refs, new_name.unwrap_or(name));
        let taken = || Error::already_exists(format!("there is a project '{target}' already"));
        if refs.get(&records::project_ref(target)).await?.is_some() {
            return Err(taken());
        }
        self.claim(*id, found).await?;
        let moved = self.copied_from_deleted(*id).await?;
        let record = ProjectRecord { id: *id, created: found.record.created };
        let value = records::encode(&record)?;
        match refs.compare_and_set(&records::project_ref(target), None, Some(value)).await? {
            CasResult::Done(_) => {
                if let Ok(record) = self.deleted_record(*id).await {
                    self.tidy(target, moved.into_iter().chain(record).collect()).await;
                }
                Ok(Project::new(self.shared.clone(), target.clone(), *id))
            }
            CasResult::Moved(_) => Err(taken()),
        }
    }

    /// Makes sure that no collector removes a deleted project: a collector removes the record first, by
    /// compare-and-set, so it finds that changed, or it is gone here.
    async fn claim(&self, id: ProjectId, found: &VersionedRecord<DeletedRecord>) -> Result<()> {
        let deleted = self.shared.environment.latest();
        let value = records::encode(&DeletedRecord { deleted, ..found.record.clone() })?;
        let (refs, reference) = (&self.shared.backend.refs, records::deleted_ref(id));
        match refs.compare_and_set(&reference, Some(&found.version), Some(value)).await? {
            CasResult::Done(_) => Ok(()),
            CasResult::Moved(_) => Err(Error::conflict(format!(
                "the deleted project '{}' was removed or brought back meanwhile",
                found.record.name
            ))),
        }
    }

    /// Writes the record by which a project is found after its deletion.
    async fn write_deleted(&self, name: &ProjectName, project: &ProjectRecord) -> Result<()> {
        let record = DeletedRecord {
            name: name.to_string(),
            created: project.created,
            deleted: self.shared.environment.latest(),
            actor: self.shared.actor.to_string(),
        };
        self.replace(&records::deleted_ref(project.id), records::encode(&record)?).await
    }

    /// Sets a ref to a value, whatever it holds: a deletion that was cut off may have left one.
    async fn replace(&self, name: &str, value: Vec<u8>) -> Result<()> {
        let refs = &self.shared.backend.refs;
        let old = refs.get(name).await?;
        if old.as_ref().is_some_and(|old| old.value == value) {
            return Ok(());
        }
        let expected = old.map(|old| old.version);
        match refs.compare_and_set(name, expected.as_ref(), Some(value)).await? {
            CasResult::Done(_) => Ok(()),
            CasResult::Moved(_) => Err(Error::conflict(
                "somebody else deletes the project or brings it back; try again",
            )),
        }
    }

    /// Copies the refs of a project to where those of deleted ones are; gives the refs to remove.
    async fn copied_to_deleted(&self, id: ProjectId) -> Result<Vec<(RefName, RefVersion)>> {
        let refs = &self.shared.backend.refs;
        let mut stale: HashMap<RefName, RefVersion> = HashMap::new();
        for (name, stored) in refs.list(&records::copies_of_deleted(id)).await? {
            stale.insert(name, stored.version);
        }
        let mut copied = Vec::new();
        for prefix in [records::branches_of(id), records::pins_of(id), records::plans_of(id)] {
            for (name, stored) in refs.list(&prefix).await? {
                let VersionedRef { version, value } = stored;
                if let Some(copy) = records::deleted_copy(id, &name) {
                    stale.remove(&copy);
                    self.replace(&copy, value).await?;
                    copied.push((name, version));
                }
            }
        }
        // Of a deletion that was cut off; the refs are not there any more.
        self.remove_refs(stale.into_iter().collect()).await?;
        Ok(copied)
    }

    /// Copies the refs of a deleted project back; gives the refs to remove. One that is there stays: the
    /// deletion was cut off before it was removed.
    async fn copied_from_deleted(&self, id: ProjectId) -> Result<Vec<(RefName, RefVersion)>> {
        let refs = &self.shared.backend.refs;
        let mut copied = Vec::new();
        for (name, stored) in refs.list(&records::copies_of_deleted(id)).await? {
            let VersionedRef { version, value } = stored;
            if let Some(original) = records::original_of_deleted(id, &name) {
                refs.compare_and_set(&original, None, Some(value)).await?;
                copied.push((name, version));
            }
        }
        Ok(copied)
    }

    async fn deleted_record(&self, id: ProjectId) -> Result<Vec<(RefName, RefVersion)>> {
        let name = records::deleted_ref(id);
        let stored = self.shared.backend.refs.get(&name).await?;
        Ok(stored.map(|stored| (name, stored.version)).into_iter().collect())
    }

    /// Removes the refs that were moved, after the project is gone or back. What is left when this fails
    /// is found by nobody, and garbage collection removes it.
    async fn tidy(&self, project: &ProjectName, names: Vec<(RefName, RefVersion)>) {
        if let Err(error) = self.remove_refs(names).await {
            tracing::warn!("records of project '{project}' stay where they were: {error}");
        }
    }

    async fn remove_refs(&self, names: Vec<(RefName, RefVersion)>) -> Result<()> {
        for (name, version) in names {
            self.shared.backend.refs.compare_and_set(&name, Some(&version), None).await?;
        }
        Ok(())
    }

    /// The records of deleted projects, without those that are there: a deletion or an undeletion that
    /// was cut off leaves such a record. The one deleted last is first.
    pub(crate) async fn deleted_records(
        &self,
    ) -> Result<Vec<(ProjectId, VersionedRecord<DeletedRecord>)>> {
        let refs = &self.shared.backend.refs;
        let mut deleted = Vec::new();
        for (name, stored) in refs.list(records::DELETED).await? {
            if let Some(id) = records::deleted_id(&name)? {
                deleted.push((id, records::decode::<DeletedRecord>(&name, stored)?));
            }
        }
        if deleted.is_empty() {
            return Ok(deleted);
        }
        for (name, stored) in refs.list(records::PROJECTS).await? {
            let present = records::decode::<ProjectRecord>(&name, stored)?.record.id;
            deleted.retain(|(id, _)| *id != present);
        }
        deleted.sort_by_key(|(_, stored)| std::cmp::Reverse(stored.record.deleted));
        Ok(deleted)
    }
}

fn described(record: DeletedRecord) -> Result<DeletedProject> {
    let DeletedRecord { name, created, deleted, actor } = record;
    Ok(DeletedProject { name: ProjectName::new(name)?, created, deleted, actor })
}
