use argon_core::Project;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ShownPin;
use crate::Result;

/// List the pins of the project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListPins {}

/// Lists the pins by name.
pub async fn list(project: &Project, _: ListPins) -> Result<Vec<ShownPin>> {
    Ok(project.pins().await?.into_iter().map(ShownPin::from).collect())
}
