//! Names of stores in the user's settings.

use argon_core::storage::StoreUrl;
use argon_core::{Error, Hint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discover::absolute;
use crate::settings::{self, Level, Settings, is_name};
use crate::{Failure, Result};

/// Give a store a name. The store need not exist yet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AddStoreName {
    /// The name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// The URL of the store, without a password.
    pub url: String,
}

/// List the names of stores.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct ListStoreNames {}

/// Remove the name of a store. The store stays as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct RemoveStoreName {
    /// The name.
    pub name: String,
}

/// A name of a store.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoreName {
    /// The name.
    pub name: String,
    /// The URL of the store.
    pub url: String,
}

/// A name that was removed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StoreNameRemoved {
    /// The name.
    pub name: String,
}

/// Gives a store a name that is valid in every directory.
///
/// # Errors
/// `AlreadyExists` if the name is in use; `Invalid` for an invalid name or URL.
pub fn add(settings: &Settings, request: AddStoreName) -> Result<StoreName> {
    let AddStoreName { name, url } = request;
    if !is_name(&name) {
        return Err(Error::invalid(format!(
            "invalid store name '{name}': expected letters, digits, '-', '_' and '.'"
        ))
        .into());
    }
    if let Some(other) = settings.stores.get(&name) {
        let other: StoreUrl = other.parse()?;
        let error = Error::already_exists(format!("the name '{name}' is in use for {other}"));
        return Err(Failure::from(error).hint(Hint::RemoveStoreName { name }));
    }
    let url = absolute(&url.parse()?)?;
    let url = format!("{}:{}", url.scheme(), url.rest());
    let file = settings::own_file()?;
    settings::edit::set(Level::User, &file, &format!("stores.{name}"), &url)?;
    Ok(StoreName { name, url })
}

/// Lists the names of stores in alphabetical order.
pub fn list(settings: &Settings, _: ListStoreNames) -> Vec<StoreName> {
    let names = settings.stores.iter();
    names.map(|(name, url)| StoreName { name: name.clone(), url: url.clone() }).collect()
}

/// Removes the name of a store.
///
/// # Errors
/// `NotFound` if the name does not exist.
pub fn remove(request: RemoveStoreName) -> Result<StoreNameRemoved> {
    let name = request.name;
    if !settings::edit::unset(Level::User, &settings::own_file()?, &format!("stores.{name}"))? {
        return Err(Error::not_found(format!("unknown store name '{name}'")).into());
    }
    Ok(StoreNameRemoved { name })
}
