use argon_core::model::ProjectName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{OpenStore, Result, Watcher};

/// Delete a project with all its branches, protected ones too, its pins and its plans.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeleteProject {
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
}

/// A project that was deleted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProjectDeleted {
    /// The name that it had.
    #[schemars(with = "String")]
    pub project: ProjectName,
}

/// Deletes a project. It can be brought back until garbage collection runs after the retention time.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn delete(
    opened: &OpenStore,
    request: DeleteProject,
    watcher: &dyn Watcher,
) -> Result<ProjectDeleted> {
    let project = request.project;
    opened.store.delete_project(&project).await?;
    if opened.config.project.as_ref() == Some(&project) {
        opened.set_current_after(&Config::default(), watcher);
    }
    Ok(ProjectDeleted { project })
}
