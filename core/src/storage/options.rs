//! How a store is opened.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// How long to wait for another process to let go of the store, or for a server to answer at
    /// all.
    pub lock_timeout: Duration,
    /// The password of the user that the URL names without one.
    pub password: Option<Secret>,
    /// Where a backend on a network may keep copies of what never changes; `None` for nowhere.
    pub cache: Option<CacheOptions>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(5), password: None, cache: None }
    }
}

/// A directory for copies. It may be shared by processes and stores, and removed at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// The directory; made when it is first needed.
    pub directory: PathBuf,
    /// The most bytes that the copies may take together.
    pub most_bytes: u64,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps this text from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to hand on to where it is needed.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
