//! Small named records that move.

use async_trait::async_trait;

use crate::Result;

/// The name of a ref: a path such as `branch/<project>/main`.
pub type RefName = String;

/// Which value of a ref was read; opaque, compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefVersion(pub String);

/// A ref's value and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedRef {
    /// Differs from the version of every other value that the ref ever had.
    pub version: RefVersion,
    /// The record.
    pub value: Vec<u8>,
}

/// What came of a compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CasResult {
    /// It is done and durable; the new version, or `None` after a removal.
    Done(Option<RefVersion>),
    /// The ref holds something else than was expected; nothing was changed.
    Moved(Option<VersionedRef>),
}

/// A compare-and-set that is one of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefChange {
    /// The ref.
    pub name: RefName,
    /// The version that it must have; `None` for a ref that is not there.
    pub expected: Option<RefVersion>,
    /// What it gets; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// What came of changes that are made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Together {
    /// All are done and durable.
    Done,
    /// This ref holds something else than was expected; nothing was changed.
    Moved(RefName),
    /// The store can't change several refs at once; nothing was changed.
    NotOffered,
}

/// A map from names to small records (a few KiB), changed by compare-and-set only.
#[async_trait]
pub trait Refs: Send + Sync {
    /// The value of a ref, or `None`. It is the last one set, in any process.
    async fn get(&self, name: &str) -> Result<Option<VersionedRef>>;

    /// All refs whose names begin with `prefix`, in the order of their names. A ref that is changed
    /// meanwhile may be given as it was or as it is.
    async fn list(&self, prefix: &str) -> Result<Vec<(RefName, VersionedRef)>>;

    /// Sets (`Some`) or removes (`None`) a ref if it still has the version `expected`, where `None`
    /// stands for a ref that is not there.
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

    /// Makes all of these changes, or none of them, as one atomic and durable write, if the store can;
    /// no ref is named twice. What [`compare_and_set`](Self::compare_and_set) promises holds for all of
    /// them.
    async fn change_together(&self, changes: Vec<RefChange>) -> Result<Together> {
        let _ = changes;
        Ok(Together::NotOffered)
    }
}
