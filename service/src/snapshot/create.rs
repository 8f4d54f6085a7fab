use argon_core::{Revision, snapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownSnapshot;
use crate::{Result, Workspace, json};

/// Make a snapshot of a state.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct CreateSnapshot {
    /// The state; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
}

/// Makes a snapshot of a state.
///
/// # Errors
/// `NotFound` if the state is not there.
pub async fn create(workspace: &Workspace, request: CreateSnapshot) -> Result<ShownSnapshot> {
    let state = workspace.state(request.revision.as_ref()).await?;
    Ok(snapshot::create(&state).await?.into())
}
