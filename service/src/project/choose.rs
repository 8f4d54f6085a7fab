use argon_core::model::ProjectName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{OpenStore, Result};

/// Make a project the current one, on its branch `main`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UseProject {
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
}

/// The current project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CurrentProject {
    /// Its name.
    #[schemars(with = "String")]
    pub project: ProjectName,
}

/// Makes a project the current one.
///
/// # Errors
/// `NotFound` if it does not exist; `Unsupported` if the store has no place for what is current.
pub async fn choose(opened: &OpenStore, request: UseProject) -> Result<CurrentProject> {
    let UseProject { project } = request;
    opened.project(Some(&project)).await?;
    opened.set_current(&Config { project: Some(project.clone()), ..Config::default() })?;
    Ok(CurrentProject { project })
}
