use argon_core::model::ProjectName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::Time;
use crate::{OpenStore, Result};

/// List the projects.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListProjects {}

/// A project.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListedProject {
    /// Its name.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// When it was made.
    pub created: Time,
    /// Whether it is the current one.
    pub current: bool,
}

/// Lists the projects by name.
pub async fn list(opened: &OpenStore, _: ListProjects) -> Result<Vec<ListedProject>> {
    let current = opened.config.project.as_ref();
    let projects = opened.store.projects().await?.into_iter().map(|info| ListedProject {
        created: Time(info.created),
        current: current == Some(&info.name),
        project: info.name,
    });
    Ok(projects.collect())
}

/// List the deleted projects that can be brought back.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListDeletedProjects {}

/// A deleted project that can be brought back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeletedProject {
    /// The name that it had.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// When it was made.
    pub created: Time,
    /// When it was deleted.
    pub deleted: Time,
    /// Who deleted it.
    pub actor: String,
}

/// Lists the deleted projects that can be brought back.
pub async fn list_deleted(
    opened: &OpenStore,
    _: ListDeletedProjects,
) -> Result<Vec<DeletedProject>> {
    let projects = opened.store.deleted_projects().await?.into_iter().map(|project| {
        let argon_core::DeletedProject { name, created, deleted, actor } = project;
        DeletedProject { project: name, created: Time(created), deleted: Time(deleted), actor }
    });
    Ok(projects.collect())
}
