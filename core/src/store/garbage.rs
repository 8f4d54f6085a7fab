//! The data that collections removed since the store was last compacted.

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::storage::{CasResult, Reclaimed, Refs};
use crate::store::{Store, records};

const NAME: &str = "garbage/given-up";

/// Data that collections removed, but that files of the engine may still contain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garbage {
    /// The time of the first of these collections.
    pub since: DateTime,
    /// The number of removed versions of documents.
    pub versions: i64,
    /// The number of removed commits.
    pub commits: i64,
    /// The number of removed bytes, as counted by the collections.
    pub bytes: i64,
}

/// Returns the data removed since the last [`Store::compact`]; `None` if there is none. The counts
/// are informational: of two concurrent collections, only one may be counted.
///
/// # Errors
/// The errors of reading the record.
pub async fn garbage(store: &Store) -> Result<Option<Garbage>> {
    let stored = store.shared.backend.refs.get(NAME).await?;
    Ok(stored.map(|stored| records::decode::<Garbage>(NAME, stored)).transpose()?.map(|s| s.record))
}

/// Adds the data that a collection removed.
pub(crate) async fn add(refs: &dyn Refs, freed: &Reclaimed, now: DateTime) -> Result<()> {
    if freed.versions == 0 && freed.commits == 0 {
        return Ok(());
    }
    let old = refs.get(NAME).await?;
    let version = old.as_ref().map(|old| old.version.clone());
    let old = old.map(|old| records::decode::<Garbage>(NAME, old)).transpose()?;
    let old =
        old.map_or(Garbage { since: now, versions: 0, commits: 0, bytes: 0 }, |old| old.record);
    let plus = |old: i64, more: u64| old.saturating_add_unsigned(more);
    let sum = Garbage {
        since: old.since,
        versions: plus(old.versions, freed.versions),
        commits: plus(old.commits, freed.commits),
        bytes: plus(old.bytes, freed.bytes),
    };
    refs.compare_and_set(NAME, version.as_ref(), Some(records::encode(&sum)?)).await.map(drop)
}

/// Resets the record after a compaction.
pub(crate) async fn forget(refs: &dyn Refs) -> Result<()> {
    if let Some(stored) = refs.get(NAME).await? {
        let swap = refs.compare_and_set(NAME, Some(&stored.version), None).await?;
        if let CasResult::Moved(_) = swap {
            tracing::debug!("a collection ran during the compaction");
        }
    }
    Ok(())
}
