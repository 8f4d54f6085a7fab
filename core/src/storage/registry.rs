//! From a URL to an opened backend, by an explicit list of schemes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::storage::Backend;
use crate::{Environment, Error, Result};

/// Where a store is: `scheme:rest`, such as `sled:./data` or `memory:`.
///
/// It may hold credentials, so `Debug` and `Display` leave out what stands between `//` and `@`.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl {
    scheme: String,
    rest: String,
}

impl StoreUrl {
    /// A URL of this scheme.
    pub fn new(scheme: impl Into<String>, rest: impl Into<String>) -> Self {
        Self { scheme: scheme.into(), rest: rest.into() }
    }

    /// What stands before the first colon: names the backend.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// What stands after the first colon; the backend knows what it means.
    pub fn rest(&self) -> &str {
        &self.rest
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let scheme = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b"+-0123456789".contains(&b))
        };
        match text.split_once(':') {
            Some((before, rest)) if scheme(before) => Ok(Self::new(before, rest)),
            // The text may hold a password, so it is not repeated here.
            _ => Err(Error::invalid(
                "that is no store URL: SCHEME:WHERE is expected, such as sled:./data",
            )),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = match self.rest.strip_prefix("//").and_then(|rest| rest.rsplit_once('@')) {
            Some((_, host)) => format!("//…@{host}"),
            None => self.rest.clone(),
        };
        write!(f, "{}:{rest}", self.scheme)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// How long to wait for another process to let go of the store.
    pub lock_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(5) }
    }
}

/// Makes and opens the stores of one scheme.
#[async_trait]
pub trait Factory: Send + Sync {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_never_shown() {
        let url: StoreUrl = "mongodb://ada:s3cret@db.example/shop".parse().unwrap();
        assert_eq!(url.to_string(), "mongodb://…@db.example/shop");
        assert!(!format!("{url:?}").contains("s3cret"));
        let error = "ada:s3cret@db".replace(':', "").parse::<StoreUrl>().unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn a_url_without_a_scheme_is_refused() {
        for text in ["", "data", "/a/b", "C:\\x", ":x"] {
            assert!(text.parse::<StoreUrl>().is_err(), "{text}");
        }
    }
}
