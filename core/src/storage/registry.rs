//! The backends of a program, by the schemes of their URLs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::environment::Environment;
use crate::storage::{Backend, Description, Diagnosis, Locality, OpenOptions, StoreUrl};
use crate::{Error, Result};

/// Creates and opens the stores of one scheme.
#[async_trait]
pub trait Factory: Send + Sync {
    /// Describes the URLs and the location of the stores.
    fn describe(&self) -> Description;

    /// Returns the directory of this machine that a URL names, as written there: the beginning of
    /// [`StoreUrl::rest`]. `None` if it names no directory.
    fn directory<'u>(&self, url: &'u StoreUrl) -> Option<&'u str> {
        let is_directory = self.describe().locality == Locality::Directory;
        is_directory.then(|| url.rest()).filter(|path| !path.is_empty())
    }

    /// Creates a new, empty store.
    ///
    /// # Errors
    /// `AlreadyExists` when the store exists; `Invalid` when the location holds other data.
    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend>;

    /// Opens a store.
    ///
    /// # Errors
    /// `NotFound` when the store does not exist, `Invalid` when the location holds other data,
    /// `Unsupported` when the store has a newer format, `Unavailable` when another process holds
    /// it.
    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> Result<Backend>;

    /// Checks the requirements of a store one by one, and returns the outcome and the remedy of
    /// each. It changes nothing, works where [`open`](Factory::open) fails, and stops at the first
    /// check without which no other is possible.
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

/// The backends of a program, by scheme.
#[derive(Clone, Default)]
pub struct Registry {
    factories: BTreeMap<String, Arc<dyn Factory>>,
}

impl Registry {
    /// Creates an empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a backend under a scheme.
    #[must_use]
    pub fn with(mut self, scheme: &str, factory: Arc<dyn Factory>) -> Self {
        self.factories.insert(scheme.to_owned(), factory);
        self
    }

    /// Lists the schemes in order.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.factories.keys().map(String::as_str)
    }

    /// Lists the descriptions of the backends, by scheme.
    pub fn descriptions(&self) -> impl Iterator<Item = (&str, Description)> {
        self.factories.iter().map(|(scheme, factory)| (scheme.as_str(), factory.describe()))
    }

    /// Returns the backend for a URL.
    ///
    /// # Errors
    /// `Unsupported` for an unknown scheme; it lists the known ones.
    pub fn factory(&self, url: &StoreUrl) -> Result<&dyn Factory> {
        self.factories.get(url.scheme()).map(|factory| &**factory).ok_or_else(|| {
            let known: Vec<_> = self.schemes().map(|scheme| format!("{scheme}:")).collect();
            Error::unsupported(format!(
                "unknown scheme '{}:'; known schemes: {}",
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
