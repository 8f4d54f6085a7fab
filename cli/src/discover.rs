//! Where the store is: what the user said, or the nearest `.argon` directory.

use std::path::{Path, PathBuf};

use argon_core::storage::StoreUrl;
use argon_core::{Error, ErrorKind};

use crate::exit::{CommandResult, Hint};

/// The directory in which `argon init` makes a store, and that is looked for upwards.
pub(crate) const DIRECTORY: &str = ".argon";

/// Where a store is.
#[derive(Clone)]
pub(crate) struct Place {
    /// Its URL.
    pub(crate) url: StoreUrl,
    /// Its directory, if it is in one on this machine.
    pub(crate) directory: Option<PathBuf>,
}

impl Place {
    /// The place that a URL names.
    pub(crate) fn of_url(url: StoreUrl) -> Self {
        let directory = PathBuf::from(url.rest());
        let is_store = engine_of(&directory).is_ok_and(|engine| engine == url.scheme());
        Self { url, directory: is_store.then_some(directory) }
    }

    fn of_directory(directory: &Path) -> argon_core::Result<Self> {
        let engine = engine_of(directory)?;
        let url = StoreUrl::new(engine, directory.to_string_lossy());
        Ok(Self { url, directory: Some(directory.to_owned()) })
    }
}

/// Finds the store: `said` is `--store` or `ARGON_STORE`.
pub(crate) fn find(said: Option<&str>) -> CommandResult<Place> {
    match said.filter(|text| !text.is_empty()) {
        // A text with a colon that is no URL may hold a password, so it is not taken for a path,
        // which an error would repeat.
        Some(path) if !path.contains(':') => Ok(Place::of_directory(Path::new(path))?),
        Some(url) => Ok(Place::of_url(url.parse()?)),
        None => nearest().hint_on(ErrorKind::NotFound, || {
            "`argon init` makes one here; --store URL or ARGON_STORE names another".to_owned()
        }),
    }
}

fn nearest() -> argon_core::Result<Place> {
    let here = Path::new(DIRECTORY);
    if here.is_dir() {
        return Place::of_directory(here);
    }
    let working = std::env::current_dir().map_err(|source| {
        Error::unavailable("the working directory can't be read").with_source(source)
    })?;
    working
        .ancestors()
        .skip(1)
        .map(|directory| directory.join(DIRECTORY))
        .find(|directory| directory.is_dir())
        .map_or_else(
            || {
                let working = working.display();
                Err(Error::not_found(format!("there is no store: no .argon in {working} or above")))
            },
            |directory| Place::of_directory(&directory),
        )
}

#[cfg(any(feature = "sled", feature = "fjall"))]
fn engine_of(directory: &Path) -> argon_core::Result<String> {
    Ok(argon_backends::inspect(directory)?.engine)
}

#[cfg(not(any(feature = "sled", feature = "fjall")))]
fn engine_of(_: &Path) -> argon_core::Result<String> {
    Err(Error::unsupported("this build of argon has no stores in directories"))
}
