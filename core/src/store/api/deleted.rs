//! Deleted projects that can be restored.
//!
//! A deletion moves the refs of the project, so that no handle finds them any more:
//! `branch/<project id>/main` to `deleted/<project id>/branch/main`, and so on. The record
//! `deleted/<project id>` is created first and removed last. The project's own record decides
//! whether the project exists, so a crash anywhere leaves it deleted or not, and the next attempt
//! completes the operation.

use std::collections::HashMap;

use bson::DateTime;

use crate::model::{ProjectId, ProjectName};
use crate::storage::{CasResult, RefName, RefVersion, VersionedRef};
use crate::store::records::{self, DeletedRecord, ProjectRecord, VersionedRecord};
use crate::store::{Project, Store};
use crate::{Error, Result};

/// A deleted project whose history still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedProject {
    /// The name before the deletion.
    pub name: ProjectName,
    /// The time of creation.
    pub created: DateTime,
    /// The time of the deletion.
    pub deleted: DateTime,
    /// The actor who deleted it.
    pub actor: String,
}

impl Store {
    /// Deletes a project with all its branches (protected ones too), pins and plans. Its writers
    /// are fenced off before, so that no commit is acknowledged that nobody could find. Until the
    /// retention period is over and [garbage collection](crate::gc) has run,
    /// [`undelete_project`](Self::undelete_project) restores it. A crash before the deletion takes
    /// effect leaves the project readable and writable. O(branches, pins and plans).
    ///
    /// # Errors
    /// `NotFound` if the project does not exist; `Conflict` if it was changed concurrently.
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
            // A later deletion or garbage collection removes the copies.
            CasResult::Moved(_) => Err(Error::conflict(format!(
                "project '{name}' was changed concurrently; try again"
            ))),
        }
    }

    /// The deleted projects that can be restored, the last deleted first.
    pub async fn deleted_projects(&self) -> Result<Vec<DeletedProject>> {
        let records = self.deleted_records().await?;
        records.into_iter().map(|(_, stored)| described(stored.record)).collect()
    }

    /// Restores a deleted project with its branches, pins and plans; if several had the name, the
    /// last deleted. `new_name` renames it. A crash in between leaves it deleted or restored, and
    /// the call can be repeated. O(branches, pins and plans).
    ///
    /// # Errors
    /// `NotFound` if there is no such project, or garbage collection has removed it;
    /// `AlreadyExists` if a project has the name; `Conflict` if another process restores it
    /// concurrently.
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
                "no deleted project '{name}' can be restored; {}",
                crate::store::pins::list_known("deleted projects", names)
            )));
        };
        let (refs, target) = (&self.shared.backend.refs, new_name.unwrap_or(name));
        let taken = || Error::already_exists(format!("project '{target}' already exists"));
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

    /// Prevents collectors from removing a deleted project. A collector removes the record first,
    /// by compare-and-set: either it finds the record changed, or the record is gone here.
    async fn claim(&self, id: ProjectId, found: &VersionedRecord<DeletedRecord>) -> Result<()> {
        let deleted = self.shared.environment.latest();
        let value = records::encode(&DeletedRecord { deleted, ..found.record.clone() })?;
        let (refs, reference) = (&self.shared.backend.refs, records::deleted_ref(id));
        match refs.compare_and_set(&reference, Some(&found.version), Some(value)).await? {
            CasResult::Done(_) => Ok(()),
            CasResult::Moved(_) => Err(Error::conflict(format!(
                "the deleted project '{}' was removed or restored concurrently",
                found.record.name
            ))),
        }
    }

    /// Writes the record of a deleted project.
    async fn write_deleted(&self, name: &ProjectName, project: &ProjectRecord) -> Result<()> {
        let record = DeletedRecord {
            name: name.to_string(),
            created: project.created,
            deleted: self.shared.environment.latest(),
            actor: self.shared.actor.to_string(),
        };
        self.replace(&records::deleted_ref(project.id), records::encode(&record)?).await
    }

    /// Sets a ref to a value, whatever it contains: an interrupted deletion may have left one.
    async fn replace(&self, name: &str, value: Vec<u8>) -> Result<()> {
        let refs = &self.shared.backend.refs;
        let old = refs.get(name).await?;
        if old.as_ref().is_some_and(|old| old.value == value) {
            return Ok(());
        }
        let expected = old.map(|old| old.version);
        match refs.compare_and_set(name, expected.as_ref(), Some(value)).await? {
            CasResult::Done(_) => Ok(()),
            CasResult::Moved(_) => {
                Err(Error::conflict("another process deletes or restores the project; try again"))
            }
        }
    }

    /// Copies the refs of a project to the names of a deleted project; returns the refs to remove.
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
        // Leftovers of an interrupted deletion, whose originals do not exist any more.
        self.remove_refs(stale.into_iter().collect()).await?;
        Ok(copied)
    }

    /// Copies the refs of a deleted project back; returns the refs to remove. An existing ref
    /// stays: the deletion was interrupted before its removal.
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

    /// Removes refs that were moved, after the project is deleted or restored. If this fails,
    /// nothing finds the leftovers, and garbage collection removes them.
    async fn tidy(&self, project: &ProjectName, names: Vec<(RefName, RefVersion)>) {
        if let Err(error) = self.remove_refs(names).await {
            tracing::warn!("failed to remove moved records of project '{project}': {error}");
        }
    }

    async fn remove_refs(&self, names: Vec<(RefName, RefVersion)>) -> Result<()> {
        for (name, version) in names {
            self.shared.backend.refs.compare_and_set(&name, Some(&version), None).await?;
        }
        Ok(())
    }

    /// The records of deleted projects, the last deleted first. Existing projects are omitted: an
    /// interrupted deletion or restoration leaves such a record.
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
