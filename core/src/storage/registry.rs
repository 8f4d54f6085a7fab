//! From a URL to an opened backend, by an explicit list of schemes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::environment::Environment;
use crate::storage::{Backend, Description, Diagnosis, Locality, OpenOptions, StoreUrl};
use crate::{Error, Result};

/// Makes and opens the stores of one scheme.
#[async_trait]
pub trait Factory: Send + Sync {
    /// How the stores are named, and where they are.
    fn describe(&self) -> Description;

    /// The directory of this machine that a URL names, as it is written there: the beginning of
    /// [`StoreUrl::rest`]. `None` if it names none.
    fn directory<'u>(&self, url: &'u StoreUrl) -> Option<&'u str> {
        let is_directory = self.describe().locality == Locality::Directory;
        is_directory.then(|| url.rest()).filter(|path| !path.is_empty())
    }

    /// Makes a new, empty store.
    ///
    /// # Errors
    /// `AlreadyExists` when there is one; `Invalid` when something else is there.
    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend>;

    /// Opens a store.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Invalid` when something else is there, `Unsupported` when it
    /// has a newer format, `Unavailable` when another process holds it.
    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend>;

    /// Looks at what a store needs, one step after the other, and says for each whether it is there
    /// and what mends it. It changes nothing, works where [`open`](Factory::open) fails, and stops
    /// at the first step without which no other can be tried.
    async fn diagnose(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Vec<Diagnosis> {
        vec![match self.open(url, options, environment).await {
            Ok(backend) => {
                let info = backend.maintenance.info();
                let id = &info.id;
                Diagnosis::good("store", format!("opens; format {}, identity {id}", info.format))
            }
            Err(error) => Diagnosis::failed("store", &error, None),
        }]
    }
}

/// The backends that a program knows, by scheme.
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<dyn Factory>>,
}

impl Registry {
    /// A registry that knows none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend under a scheme.
    #[must_use]
    pub fn with(mut self, scheme: &str, factory: Arc<dyn Factory>) -> Self {
        self.factories.insert(scheme.to_owned(), factory);
        self
    }

    /// The schemes, sorted.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// What each backend says about itself, by scheme.
    pub fn descriptions(&self) -> impl Iterator<Item = (&str, Description)> {
        self.factories.iter().map(|(scheme, factory)| (scheme.as_str(), factory.describe()))
    }

    /// The backend for a URL.
    ///
    /// # Errors
    /// `Unsupported`, listing the schemes that there are.
    pub fn factory(&self, url: &StoreUrl) -> Result<&dyn Factory> {
        self.factories.get(url.scheme()).map(|factory| &**factory).ok_or_else(|| {
            let known: Vec<_> = self.schemes().map(|scheme| format!("{scheme}:")).collect();
            Error::unsupported(format!(
                "there is no backend for '{}:'; this program has {}",
                url.scheme(),
                known.join(", ")
            ))
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.schemes()).finish()
    }
}
