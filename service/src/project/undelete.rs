use argon_core::model::ProjectName;
use argon_core::{ErrorKind, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Failure, Hint, Result};

/// Bring a deleted project back, with its branches, pins and plans.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UndeleteProject {
    /// The name that it had; of several, the one deleted last comes back.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// Another name for it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub new_name: Option<ProjectName>,
}

/// A project that is back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UndeletedProject {
    /// Its name.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// How many branches it has.
    pub branches: u64,
}

/// Brings a deleted project back.
///
/// # Errors
/// `NotFound` if no deleted project has the name; `AlreadyExists` if there is one of its new name.
pub async fn undelete(store: &Store, request: UndeleteProject) -> Result<UndeletedProject> {
    let undeleted = store.undelete_project(&request.project, request.new_name.as_ref()).await;
    let project = undeleted.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::from(error).hint(Hint::ListDeletedProjects),
        ErrorKind::AlreadyExists => Failure::from(error).hint(Hint::ChooseNewName),
        _ => error.into(),
    })?;
    let branches = project.branches().await?.len() as u64;
    Ok(UndeletedProject { project: project.name().clone(), branches })
}
