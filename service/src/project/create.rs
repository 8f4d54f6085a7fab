use argon_core::ErrorKind;
use argon_core::model::ProjectName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{Failure, Hint, OpenStore, Result, Watcher};

/// Make a project with an empty branch `main`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateProject {
    /// Its name: up to 63 letters, digits, `-`, `_` and `.`.
    #[schemars(with = "String")]
    pub project: ProjectName,
}

/// A project that was made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreatedProject {
    /// Its name.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// Whether it became the current one, as the first of a store does.
    pub current: bool,
}

/// Makes a project; the first one becomes the current one.
///
/// # Errors
/// `AlreadyExists` if there is one of that name.
pub async fn create(
    opened: &OpenStore,
    request: CreateProject,
    watcher: &dyn Watcher,
) -> Result<CreatedProject> {
    let project = request.project;
    opened.store.create_project(&project).await.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::from(error).hint(Hint::UseProject { project: project.to_string() })
        }
        _ => error.into(),
    })?;
    let config = Config { project: Some(project.clone()), ..Config::default() };
    let current = opened.config.project.is_none()
        && opened.config_file.is_some()
        && opened.set_current_after(&config, watcher);
    Ok(CreatedProject { project, current })
}
