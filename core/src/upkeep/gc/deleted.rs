//! Deleted projects: they are kept for the retention period, and then removed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::Result;
use crate::model::{Point, ProjectId, ProjectName};
use crate::storage::{RefName, RefVersion, VersionedRef};
use crate::store::records::{
    self, BranchRecord, DeletedRecord, HeldByPlan, PinRecord, ProjectRecord, VersionedRecord,
};
use crate::store::{Project, Session, Shared};
use crate::upkeep::gc::report::{Holder, HolderKind};
use crate::upkeep::gc::roots::{Cutoffs, Expired, Roots, misnamed};

/// The record of a deleted project whose retention period is over. It is removed before the
/// project's other refs, which stay if another process restores the project first.
pub(super) struct ExpiredProject {
    pub(super) project: String,
    pub(super) name: RefName,
    pub(super) version: RefVersion,
}

/// The projects by identifier.
#[derive(Default)]
pub(super) struct Projects {
    /// Existing projects.
    present: HashMap<String, Project>,
    /// Deleted projects that can still be restored.
    deleted: HashMap<String, Project>,
    /// Deleted projects that can't.
    gone: HashSet<String>,
}

impl Projects {
    /// Lists them. A deletion writes the record of the deleted project before it removes the
    /// project, and a restoration does it in reverse. So listing the projects both before and after
    /// the records finds each project, whatever happens concurrently.
    pub(super) async fn list(
        shared: &Arc<Session>,
        cutoffs: Cutoffs,
        roots: &mut Roots,
    ) -> Result<Self> {
        let mut projects = Self { present: present(shared).await?, ..Self::default() };
        let refs = shared.backend.refs.list(records::DELETED).await?;
        if refs.is_empty() {
            return Ok(projects);
        }
        projects.present.extend(present(shared).await?);
        for (name, stored) in refs {
            match records::deleted_id(&name)? {
                Some(id) => projects.add(id, name, stored, shared, cutoffs, roots)?,
                None => projects.add_copy(name, stored.version, roots)?,
            }
        }
        Ok(projects)
    }

    /// Adds the record of a deleted project.
    fn add(
        &mut self,
        id: ProjectId,
        name: RefName,
        stored: VersionedRef,
        shared: &Arc<Session>,
        cutoffs: Cutoffs,
        roots: &mut Roots,
    ) -> Result<()> {
        let VersionedRecord { version, record } = records::decode::<DeletedRecord>(&name, stored)?;
        let project = id.to_string();
        if self.present.contains_key(&project) {
            // The deletion or the restoration is in progress, or was interrupted.
            if record.deleted <= cutoffs.holds {
                self.gone.insert(project.clone());
                roots.gone.push(ExpiredProject { project, name, version });
            }
        } else if record.deleted <= cutoffs.retention {
            self.gone.insert(project.clone());
            roots.gone.push(ExpiredProject { project, name, version });
        } else {
            let named = ProjectName::new(record.name)?;
            self.deleted.insert(project, Project::new(shared.clone(), named, id));
        }
        Ok(())
    }

    /// Adds a ref of a deleted project; its record is listed before it.
    fn add_copy(&self, name: RefName, version: RefVersion, roots: &mut Roots) -> Result<()> {
        let (id, _, _) = split(&name)?;
        // A ref without its record is the leftover of an interrupted removal.
        let is_left = !self.present.contains_key(id) && !self.deleted.contains_key(id);
        if is_left || self.gone.contains(id) {
            let deleted = Some(id.to_owned());
            roots.expired.push(Expired { name, version, backup: None, deleted });
        }
        Ok(())
    }

    /// Returns a project that exists or can be restored.
    pub(super) fn get(&self, id: &str) -> Option<&Project> {
        self.present.get(id).or_else(|| self.deleted.get(id))
    }

    /// Returns the identifier of a project that is deleted and can't be restored.
    pub(super) fn gone(&self, id: &str) -> Option<String> {
        self.gone.get(id).filter(|_| !self.present.contains_key(id)).cloned()
    }
}

impl Roots {
    /// Retains the states of refs of deleted projects, except those that can't be restored.
    pub(super) async fn list_deleted(
        &mut self,
        shared: &Shared,
        projects: &Projects,
    ) -> Result<()> {
        for (name, stored) in shared.backend.refs.list(records::DELETED).await? {
            if records::deleted_id(&name)?.is_some() {
                continue;
            }
            let (id, kind, short) = split(&name)?;
            if projects.gone.contains(id) {
                continue;
            }
            let project = projects.get(id).map_or(id, |project| project.name().as_str());
            let holder = |kind| Holder { kind, name: format!("{project} (deleted)/{short}") };
            match kind {
                "branch" => {
                    let record = records::decode::<BranchRecord>(&name, stored)?.record;
                    self.root(holder(HolderKind::Branch), record);
                }
                "pin" => {
                    let record = records::decode::<PinRecord>(&name, stored)?.record;
                    if let Some(state) = &record.state {
                        self.heads.insert(state.into(), state.into());
                        self.points.push((state.into(), holder(HolderKind::Pin)));
                    }
                }
                _ => {
                    let record = records::decode::<HeldByPlan>(&name, stored)?.record;
                    let points = record.points.into_iter().filter(|_| record.open);
                    let holder = holder(HolderKind::Plan);
                    self.points.extend(points.map(|point| (Point::from(point), holder.clone())));
                }
            }
        }
        Ok(())
    }
}

/// The existing projects, by identifier.
async fn present(shared: &Arc<Session>) -> Result<HashMap<String, Project>> {
    let listed = shared.backend.refs.list(records::PROJECTS).await?;
    let projects = listed.into_iter().map(|(name, stored)| {
        let record: ProjectRecord = records::decode(&name, stored)?.record;
        let short = ProjectName::new(name.trim_start_matches(records::PROJECTS))?;
        Ok((record.id.to_string(), Project::new(shared.clone(), short, record.id)))
    });
    projects.collect()
}

/// Splits the name of a ref of a deleted project into project, kind and name.
fn split(name: &str) -> Result<(&str, &str, &str)> {
    let rest = name.strip_prefix(records::DELETED).and_then(|rest| rest.split_once('/'));
    let parts =
        rest.and_then(|(id, rest)| rest.split_once('/').map(|(kind, short)| (id, kind, short)));
    parts.ok_or_else(|| misnamed(name))
}
