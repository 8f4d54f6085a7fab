//! A URL that names a branch with its store.

use argon_core::Error;
use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::StoreUrl;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discover::{BRANCH, PROJECT, absolute};
use crate::{Result, Workspace};

/// Make a URL that names a branch with its store.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct MakeConnectionString {
    /// The branch; default: the current one.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub branch: Option<BranchName>,
}

/// A URL that names a branch with its store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConnectionString {
    /// The URL, without a password.
    pub url: String,
    /// The project.
    #[schemars(with = "String")]
    pub project: ProjectName,
    /// The branch.
    #[schemars(with = "String")]
    pub branch: BranchName,
}

/// Makes a URL that names a branch with its store, from any directory.
///
/// # Errors
/// `NotFound` if the branch does not exist; `Unsupported` for a store in memory; `Invalid` if the end of the password
/// in the store's URL is unknown.
pub async fn connection_string(
    workspace: &mut Workspace,
    request: MakeConnectionString,
) -> Result<ConnectionString> {
    if let Some(branch) = request.branch {
        workspace.branch = branch;
    }
    let branch = workspace.branch().await?.name().clone();
    let project = workspace.project.name().clone();
    let url =
        format!("{}{PROJECT}{project}{BRANCH}{branch}", address(&workspace.opened.place.url)?);
    Ok(ConnectionString { url, project, branch })
}

/// The store's URL for any directory.
fn address(store: &StoreUrl) -> Result<String> {
    if store.scheme() == "memory" {
        return Err(Error::unsupported("a store in memory has no address").into());
    }
    let open = store.without_secrets().ok_or_else(|| {
        Error::invalid("unknown end of the password in the store's URL; escape '@' and '/' in it")
    })?;
    let open = absolute(&open)?;
    Ok(format!("{}:{}", open.scheme(), open.rest()))
}
