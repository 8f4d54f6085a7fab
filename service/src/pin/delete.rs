use argon_core::Project;
use argon_core::model::PinName;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownPin;
use crate::{Result, json};

/// Delete a pin.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct DeletePin {
    /// Its name.
    #[serde(deserialize_with = "json::text")]
    #[schemars(with = "String")]
    pub pin: PinName,
}

/// Deletes a pin, and gives what it was; its state stays only as long as a branch needs it or retention
/// keeps it.
///
/// # Errors
/// `NotFound` if it is not there.
pub async fn delete(project: &Project, request: DeletePin) -> Result<ShownPin> {
    Ok(project.delete_pin(&request.pin).await?.into())
}
