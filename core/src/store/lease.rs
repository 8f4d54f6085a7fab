//! The lifetime of a branch whose record has a lease: a [sandbox](crate::sandbox).

use bson::DateTime;

use crate::model::{BranchName, Head};
use crate::store::records::BranchRecord;
use crate::{DetailKey, Error, Hint};

/// Refuses a commit to an expired sandbox.
pub(crate) fn refused(name: &BranchName, end: DateTime) -> Error {
    Error::denied(format!(
        "sandbox '{name}' expired at {} and takes no commits, because it may be swept at any moment",
        end.try_to_rfc3339_string().unwrap_or_default()
    ))
    .with_detail(DetailKey::Branch, name.as_str())
    .with_hint(Hint::ExtendSandbox { branch: name.to_string() })
}

impl BranchRecord {
    /// The time at which the sandbox expires if `head` is its last commit; `None` for other
    /// branches.
    pub(crate) fn ends(&self, head: &Head) -> Option<DateTime> {
        let lease = self.lease?;
        let own = head.lsn > self.base_head().lsn;
        let used = head.time.timestamp_millis().saturating_add(lease.ttl_ms);
        Some(if own { lease.expires.max(DateTime::from_millis(used)) } else { lease.expires })
    }
}
