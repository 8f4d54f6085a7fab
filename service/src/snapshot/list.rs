use argon_core::{Revision, snapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownSnapshot;
use crate::{Result, Workspace, json};

/// List the snapshots on the history of a branch.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListSnapshots {
    /// Up to this state; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
}

/// Lists the snapshots up to a state, the oldest first.
///
/// # Errors
/// `NotFound` if the state is not there.
pub async fn list(workspace: &Workspace, request: ListSnapshots) -> Result<Vec<ShownSnapshot>> {
    let state = workspace.state(request.revision.as_ref()).await?;
    Ok(snapshot::list(&state).await?.into_iter().map(ShownSnapshot::from).collect())
}
