//! What collections gave up since the store was last compacted.

use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::storage::{CasResult, Reclaimed, Refs};
use crate::store::{Store, records};

const NAME: &str = "garbage/given-up";

/// What collections removed that an engine's files may still hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garbage {
    /// When the first of these collections ran.
    pub since: DateTime,
    /// How many versions of documents were removed.
    pub versions: i64,
    /// How many commits.
    pub commits: i64,
    /// How many bytes, as the collections counted them.
    pub bytes: i64,
}

/// What was given up since the last [`Store::compact`]; `None` if nothing was. It is a help for people:
/// two collections at once may count one of them only.
///
/// # Errors
/// Those of reading the record.
pub async fn garbage(store: &Store) -> Result<Option<Garbage>> {
    let stored = store.shared.backend.refs.get(NAME).await?;
    Ok(stored.map(|stored| records::decode::<Garbage>(NAME, stored)).transpose()?.map(|s| s.record))
}

/// Adds what a collection removed.
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

/// Forgets it, after a compaction.
pub(crate) async fn forget(refs: &dyn Refs) -> Result<()> {
    if let Some(stored) = refs.get(NAME).await? {
        let swap = refs.compare_and_set(NAME, Some(&stored.version), None).await?;
        if let CasResult::Moved(_) = swap {
            tracing::debug!("a collection ran during the compaction");
        }
    }
    Ok(())
}
