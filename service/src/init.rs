//! A new store, or an existing one that a directory names from now on.

use std::path::Path;

use argon_core::storage::StoreUrl;
use argon_core::{Error, ErrorKind, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backends::is_remote;
use crate::credentials::{self, Said, SaidBy};
use crate::discover::{DIRECTORY, absolute};
use crate::settings::{Overrides, Settings};
use crate::{Failure, Hint, Result, StoreOpener, Watcher, store_link};

/// Create a store, by default in `.argon` of the working directory.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct InitStore {
    /// Its URL; without it, the configured one, or else `sled:.argon`.
    #[serde(default)]
    pub store: Option<String>,
    /// Whether no store is created: `.argon` names an existing store on a network.
    #[serde(default)]
    pub existing: bool,
}

/// A store that was created or found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitializedStore {
    /// Its URL, without a password.
    pub store: String,
    /// Where it is.
    pub location: String,
    /// The name of its engine.
    pub engine: String,
    /// Its identity.
    pub id: String,
    /// The file that names the store; none if `.argon` is the store, or does not name it.
    pub pointer: Option<String>,
    /// Its URL.
    #[serde(skip)]
    pub url: StoreUrl,
    /// Whether `.argon` is the store, or names it.
    #[serde(skip)]
    pub is_found_here: bool,
}

impl InitStore {
    /// The URL of the store, and where the user named it.
    ///
    /// # Errors
    /// `Invalid` for an invalid URL; those of reading the file that contains it.
    pub fn url(
        &self,
        overrides: &Overrides,
        settings: &Settings,
    ) -> Result<(StoreUrl, Option<SaidBy>)> {
        let said = match &self.store {
            Some(text) => Some(Said { text: text.clone(), by: SaidBy::Argument }),
            None => credentials::store(overrides, settings)?,
        };
        let Some(Said { text, by }) = said else {
            return Ok((StoreUrl::new("sled", DIRECTORY), None));
        };
        let url: StoreUrl = text.parse()?;
        let url = if is_remote(&url) {
            // The file in `.argon` is read from other directories too.
            absolute(&url)?
        } else if url.rest().is_empty() {
            StoreUrl::new(url.scheme(), DIRECTORY)
        } else {
            url
        };
        Ok((url, Some(by)))
    }
}

/// Creates the store at a URL that [`InitStore::url`] gave, or opens it if the request is for an existing one.
/// Afterwards `.argon` of the working directory names a store on a network, unless it is a store itself or
/// names another.
///
/// # Errors
/// `AlreadyExists` if the store exists, or `.argon` names another; `Invalid` for a store in memory; those of
/// opening and creating.
pub async fn init(
    opener: &StoreOpener,
    url: StoreUrl,
    request: &InitStore,
    watcher: &dyn Watcher,
) -> Result<(Store, InitializedStore)> {
    refuse(&url, request.existing)?;
    let store = if request.existing {
        opener.open(&url).await?
    } else {
        opener.create(&url).await.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists if is_remote(&url) => {
                Failure::from(error).hint(Hint::LinkExistingStore)
            }
            _ => error.into(),
        })?
    };
    let is_found_here = if is_remote(&url) {
        // The store exists now, whether `.argon` names it or not.
        link(&url).unwrap_or_else(|error| {
            watcher.notes(&format!("{DIRECTORY} does not name the store: {}", error.in_full()));
            false
        })
    } else {
        Path::new(url.rest()) == Path::new(DIRECTORY)
    };
    if is_found_here {
        store_link::write_gitignore(Path::new(DIRECTORY))?;
    }
    let info = store.info();
    let pointer = (is_found_here && is_remote(&url)).then(|| {
        let file = Path::new(DIRECTORY).join(store_link::FILE);
        file.display().to_string()
    });
    let made = InitializedStore {
        store: url.to_string(),
        location: info.location,
        engine: info.engine,
        id: info.id,
        pointer,
        url,
        is_found_here,
    };
    Ok((store, made))
}

fn refuse(url: &StoreUrl, existing: bool) -> Result {
    if url.scheme() == "memory" {
        return Err(Error::invalid("a store in memory ends with this process").into());
    }
    if is_remote(url) {
        return Ok(());
    }
    if existing {
        let error = Error::invalid("only a store on a network can be named by .argon");
        return Err(Failure::from(error).hint(Hint::NameLocalStore));
    }
    if Path::new(url.rest()) == Path::new(DIRECTORY)
        && let Some(other) = store_link::read(Path::new(DIRECTORY))?
    {
        let error = Error::already_exists(format!("{DIRECTORY} names a store already: {other}"));
        return Err(Failure::from(error).hint(Hint::RemoveStoreLink));
    }
    Ok(())
}

/// Lets `.argon` name the store, unless it is a store itself or names another, or the URL has secrets that
/// can't be written down. Returns whether it names the store.
fn link(url: &StoreUrl) -> argon_core::Result<bool> {
    let directory = Path::new(DIRECTORY);
    let Some(kept) = url.without_secrets().filter(|kept| has_only_a_password(url, kept)) else {
        return Ok(false);
    };
    match store_link::read(directory)? {
        Some(other) => Ok(other == kept),
        None if directory.exists() => Ok(false),
        None => store_link::write(directory, &kept).map(|()| true),
    }
}

/// Whether only the password was removed from a URL; without a secret parameter it would not work.
fn has_only_a_password(url: &StoreUrl, kept: &StoreUrl) -> bool {
    let query = |url: &StoreUrl| url.rest().split_once('?').map(|(_, query)| query.to_owned());
    query(url) == query(kept)
}
