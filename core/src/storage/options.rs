//! Options for opening a store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Options for opening a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The longest wait for another process to release the store, or for the first answer of a
    /// server.
    pub lock_timeout: Duration,
    /// The password of the user that the URL names without one.
    pub password: Option<Secret>,
    /// Let other processes of this user use the store through this one while it is open; a backend that
    /// several processes open anyway ignores it. Needs a runtime of tokio with IO and time.
    pub share: bool,
    /// With `share`: if another process shares the store already, use it through that one instead.
    pub join: bool,
    /// The directory in which a backend on a network may cache immutable data; `None` for no cache.
    pub cache: Option<CacheOptions>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(5),
            password: None,
            share: false,
            join: false,
            cache: None,
        }
    }
}

/// A directory for a cache. Processes and stores may share it, and it may be removed at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// The directory; the first use creates it.
    pub directory: PathBuf,
    /// The most bytes of all copies together.
    pub most_bytes: u64,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text so that `Debug` does not show it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the connection that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
