//! Small named records, changed by compare-and-set.

use async_trait::async_trait;

use crate::Result;

/// The name of a ref: a path such as `branch/<project>/main`.
pub type RefName = String;

/// The version of a ref's value; opaque, compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefVersion(pub String);

/// A ref's value and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedRef {
    /// Its version, which differs from that of every other value that the ref ever had.
    pub version: RefVersion,
    /// The record.
    pub value: Vec<u8>,
}

/// The result of a compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CasResult {
    /// The change is durable; the new version, or `None` after a removal.
    Done(Option<RefVersion>),
    /// The ref does not have the expected version; nothing was changed. Its value, if it exists.
    Moved(Option<VersionedRef>),
}

/// One of several compare-and-sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefChange {
    /// The ref.
    pub name: RefName,
    /// The expected version; `None` for a ref that does not exist.
    pub expected: Option<RefVersion>,
    /// The new value; `None` removes the ref.
    pub value: Option<Vec<u8>>,
}

/// The result of changes that are made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Together {
    /// All changes are durable.
    Done,
    /// This ref does not have the expected version; nothing was changed.
    Moved(RefName),
    /// The store can't change several refs at once; nothing was changed.
    NotOffered,
}

/// A map from names to small records (a few KiB), changed by compare-and-set only.
#[async_trait]
pub trait Refs: Send + Sync {
    /// Returns the value of a ref that was set last, by any process; `None` if it does not exist.
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>>;

    /// Lists the refs whose names begin with `prefix`, by name. A ref that is
    /// changed meanwhile has its old or its new value.
    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>>;

    /// Sets (`Some`) or removes (`None`) a ref if it has the version `expected`, where `None` means
    /// that the ref does not exist.
    ///
    /// # Behavior
    /// 1. Of two calls that expect the same version, at most one is [`CasResult::Done`].
    /// 2. [`CasResult::Done`] means durable against loss of power, and visible to every later call.
    /// 3. An error of any kind but `Indeterminate` means that nothing was changed.
    async fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&RefVersion>,
        value: Option<Vec<u8>>,
    ) -> Result<CasResult>;

    /// Makes all changes, or none of them, as one atomic and durable write, if the store can; no
    /// ref is named twice. The contract of [`compare_and_set`](Self::compare_and_set) holds for all
    /// of them.
    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        let _ = changes;
        Ok(Together::NotOffered)
    }
}
