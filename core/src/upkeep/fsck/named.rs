//! Checks pins and plans, which name states besides branches.

use super::Check;
use crate::history::plan;
use crate::model::{Point, ProjectId, ProjectName};
use crate::storage::VersionedRef;
use crate::store::Project;
use crate::store::records::{self, PinRecord};
use crate::{Error, Result};

impl Check<'_> {
    /// Reads every pin and plan of the projects, and checks that their states exist.
    pub(super) async fn pins_and_plans(&mut self) -> Result<()> {
        for (name, id) in std::mem::take(&mut self.projects) {
            let project = Project::new(self.store.shared.clone(), name.clone(), id);
            self.pins(&project, &name, id).await?;
            self.plans(&project, &name, id).await?;
        }
        Ok(())
    }

    async fn pins(&mut self, project: &Project, name: &ProjectName, id: ProjectId) -> Result<()> {
        let prefix = records::pins_of(id);
        for (reference, stored) in self.store.shared.backend.refs.list(&prefix).await? {
            self.report.pins += 1;
            let label = format!("{name}/{}", reference.strip_prefix(&prefix).unwrap_or(&reference));
            if let Err(error) = pin(project, &reference, stored).await {
                self.problem(format!("pin {label}: {}", error.in_full()), vec![label]);
            }
        }
        Ok(())
    }

    async fn plans(&mut self, project: &Project, name: &ProjectName, id: ProjectId) -> Result<()> {
        let prefix = records::plans_of(id);
        for (reference, stored) in self.store.shared.backend.refs.list(&prefix).await? {
            self.report.plans += 1;
            let label = format!("{name}/{}", reference.strip_prefix(&prefix).unwrap_or(&reference));
            let checked = match plan::open_points(&reference, stored) {
                Ok(points) => states(project, points.unwrap_or_default()).await,
                Err(error) => Err(error),
            };
            if let Err(error) = checked {
                self.problem(format!("plan {label}: {}", error.in_full()), Vec::new());
            }
        }
        Ok(())
    }
}

/// Compares the digest in a pin with the log.
async fn pin(project: &Project, reference: &str, stored: VersionedRef) -> Result<()> {
    let record: PinRecord = records::decode(reference, stored)?.record;
    let Some(base) = &record.state else { return Ok(()) };
    let state = project.state_of(Some(base.point())).await?;
    let found = state.last().await?;
    if found.digest == base.digest {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "it claims commit {} with digest {}, but the log has {}",
        base.lsn,
        base.digest.short(),
        found.digest.short()
    )))
}

async fn states(project: &Project, points: Vec<Point>) -> Result<()> {
    for point in points {
        project.state_of(Some(point)).await?;
    }
    Ok(())
}
