//! Where the store is: what the user said, or the nearest `.argon` directory.

use std::path::{Path, PathBuf};

use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::{StoreInfo, StoreUrl};
use argon_core::{Error, ErrorKind};

use crate::backends;
use crate::credentials::{self, Said, SaidBy};
use crate::settings::{Level, Overrides, Settings};
use crate::{Failure, Hint, Result, config, store_link};

/// The directory in which a store is made, and that is looked for upwards.
pub const DIRECTORY: &str = ".argon";

/// What stands before the project in a URL that names one.
pub const PROJECT: &str = "#project=";
/// What stands before the branch behind it.
pub const BRANCH: &str = "&branch=";

/// Where a store is, and how it was found.
#[derive(Clone)]
pub struct Place {
    /// Its URL.
    pub url: StoreUrl,
    /// How it was found.
    pub found: Found,
    /// The directory that is the store, or points to it; what is current is kept there.
    directory: Option<PathBuf>,
    /// The project that the URL names after `#project=`.
    pub project: Option<ProjectName>,
    /// The branch that it names after that.
    pub branch: Option<BranchName>,
}

/// How a store was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The user named it.
    Said(SaidBy),
    /// It is in the nearest directory.
    Nearest,
    /// The nearest directory points to it.
    Pointer(PathBuf),
}

impl Found {
    /// Where the user named it, if so.
    pub fn said_by(&self) -> Option<&SaidBy> {
        match self {
            Self::Said(by) => Some(by),
            Self::Nearest | Self::Pointer(_) => None,
        }
    }
}

/// What names the store.
impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(by) => by.fmt(f),
            Self::Nearest => write!(f, "the nearest {DIRECTORY}"),
            Self::Pointer(directory) => directory.join(store_link::FILE).display().fmt(f),
        }
    }
}

impl Place {
    /// The place that a URL names.
    pub fn of_url(url: StoreUrl, by: SaidBy) -> Self {
        let directory = PathBuf::from(url.rest());
        let is_store = engine_of(&directory).is_ok_and(|engine| engine == url.scheme());
        let directory = if is_store { Some(directory) } else { pointing_to(&url) };
        Self { url, found: Found::Said(by), directory, project: None, branch: None }
    }

    /// The store in this directory, or that it points to.
    fn of_directory(directory: &Path, by: Option<SaidBy>) -> argon_core::Result<Self> {
        let (url, found) = match store_link::read(directory)? {
            Some(url) => (url, Found::Pointer(directory.to_owned())),
            None => {
                let url = StoreUrl::new(engine_of(directory)?, directory.to_string_lossy());
                (url, Found::Nearest)
            }
        };
        let found = by.map_or(found, Found::Said);
        let directory = Some(directory.to_owned());
        Ok(Self { url, found, directory, project: None, branch: None })
    }

    /// Whether the store is on a network, as far as its URL says.
    pub fn is_remote(&self) -> bool {
        backends::is_remote(&self.url)
    }

    /// The file for what is current in the store; `None` if there is no place for one.
    pub fn config(&self, info: &StoreInfo) -> Option<PathBuf> {
        self.config_in_directory()
            .or_else(|| config::of_user(&info.id).filter(|_| self.is_remote()))
    }

    /// The directory with the data of a store on this machine.
    pub fn data(&self) -> Option<&Path> {
        let named = backends::directory_of(&self.url)?;
        if self.is_remote() { Some(Path::new(named)) } else { self.directory.as_deref() }
    }

    /// The file of the store's settings, if it has a directory.
    pub fn settings_file(&self) -> Option<PathBuf> {
        self.directory.as_deref().map(Level::file)
    }

    /// That file, if it is in a directory.
    pub fn config_in_directory(&self) -> Option<PathBuf> {
        self.directory.as_deref().map(config::in_directory)
    }
}

/// The same URL for whoever works in another directory.
pub fn absolute(url: &StoreUrl) -> argon_core::Result<StoreUrl> {
    absolute_from(url, Path::new(""))
}

/// The same URL for whoever works in another directory, where a relative path starts at `base`.
pub fn absolute_from(url: &StoreUrl, base: &Path) -> argon_core::Result<StoreUrl> {
    let Some(path) = backends::directory_of(url) else { return Ok(url.clone()) };
    let query = &url.rest()[path.len()..];
    let path = absolute_path(&base.join(path))?;
    Ok(StoreUrl::new(url.scheme(), format!("{}{query}", path.display())))
}

/// The same path for whoever works in another directory.
pub fn absolute_path(path: &Path) -> argon_core::Result<PathBuf> {
    std::path::absolute(path).map_err(|source| {
        Error::unavailable("the working directory can't be read").with_source(source)
    })
}

/// The store that an argument names: by its URL, by a name of the settings, or by its directory.
///
/// # Errors
/// `Invalid` for an invalid URL; those of reading the directory.
pub fn named(text: &str, settings: &Settings) -> argon_core::Result<Place> {
    Said { text: text.to_owned(), by: SaidBy::Argument }.resolved(settings).place()
}

/// Finds the store that the caller or the environment names, or that is nearest, or that the settings
/// name for where there is none.
pub fn find(overrides: &Overrides, settings: &Settings) -> Result<Place> {
    if let Some(said) = credentials::store(overrides, settings)? {
        return Ok(said.place()?);
    }
    match (nearest(), credentials::configured(settings)) {
        (Err(error), Some(said)) if error.kind() == ErrorKind::NotFound => Ok(said.place()?),
        (Err(error), None) if error.kind() == ErrorKind::NotFound => {
            Err(Failure::from(error).hint(Hint::ChooseStore))
        }
        (nearest, _) => Ok(nearest?),
    }
}

impl Said {
    /// The place that is meant.
    pub fn place(self) -> argon_core::Result<Place> {
        // A text with a colon that is no URL may hold a password, so it is not taken for a path,
        // which an error would repeat.
        if self.text.contains(':') {
            let (url, names) = match self.text.split_once(PROJECT) {
                Some((url, names)) => (url, Some(names)),
                None => (self.text.as_str(), None),
            };
            let mut place = Place::of_url(url.parse()?, self.by);
            if let Some(names) = names {
                let (project, branch) = names.split_once(BRANCH).unwrap_or((names, ""));
                place.project = Some(ProjectName::new(project)?);
                place.branch = (!branch.is_empty()).then(|| BranchName::new(branch)).transpose()?;
            }
            return Ok(place);
        }
        Place::of_directory(Path::new(&self.text), Some(self.by))
    }
}

fn nearest() -> argon_core::Result<Place> {
    let Some(directory) = nearest_directory()? else {
        let working = working_directory()?;
        let working = working.display();
        return Err(Error::not_found(format!(
            "there is no store: no .argon in {working} or above"
        )));
    };
    Place::of_directory(&directory, None)
}

/// The nearest `.argon` directory, here or upwards.
fn nearest_directory() -> argon_core::Result<Option<PathBuf>> {
    let here = Path::new(DIRECTORY);
    if here.is_dir() {
        return Ok(Some(here.to_owned()));
    }
    let working = working_directory()?;
    let mut above = working.ancestors().skip(1).map(|directory| directory.join(DIRECTORY));
    Ok(above.find(|directory| directory.is_dir()))
}

fn working_directory() -> argon_core::Result<PathBuf> {
    std::env::current_dir().map_err(|source| {
        Error::unavailable("the working directory can't be read").with_source(source)
    })
}

/// The nearest directory if it points to this very store, so that what is current is the same
/// whichever way the store is named.
fn pointing_to(url: &StoreUrl) -> Option<PathBuf> {
    let directory = nearest_directory().ok().flatten()?;
    let pointed = store_link::read(&directory).ok().flatten()?;
    // One of them may be relative.
    let same = absolute(&url.without_secrets()?).ok()? == absolute(&pointed).ok()?;
    same.then_some(directory)
}

#[cfg(any(feature = "sled", feature = "fjall"))]
fn engine_of(directory: &Path) -> argon_core::Result<String> {
    Ok(argon_backends::inspect(directory)?.engine)
}

#[cfg(not(any(feature = "sled", feature = "fjall")))]
fn engine_of(_: &Path) -> argon_core::Result<String> {
    Err(Error::unsupported("this build of argon has no stores in directories"))
}
