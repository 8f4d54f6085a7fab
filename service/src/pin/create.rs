use argon_core::model::PinName;
use argon_core::pins::NewPin;
use argon_core::{Revision, SigningKey};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownPin;
use crate::{Result, Workspace, json};

/// Name a state, which is kept from then on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreatePin {
    /// Its name: letters, digits, `-`, `_`, `.` and `/`; no branch may have it.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub pin: PinName,
    /// The state; without it, the head of the current branch.
    #[serde(default, deserialize_with = "json::optional_text")]
    #[schemars(with = "Option<String>")]
    pub revision: Option<Revision>,
    /// Why.
    #[serde(default)]
    pub note: String,
}

/// Names a state, and signs it if there is a key.
///
/// # Errors
/// `AlreadyExists` if there is a pin or a branch of that name.
pub async fn create(
    workspace: &Workspace,
    request: CreatePin,
    key: Option<&SigningKey>,
) -> Result<ShownPin> {
    let (state, branch) = workspace.named_state(request.revision.as_ref()).await?;
    let new = NewPin { branch: &branch, note: &request.note, key };
    Ok(workspace.project.create_pin(&request.pin, &state, new).await?.into())
}
