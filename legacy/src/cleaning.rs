//! The daily cleaning: traces that no late process needs any more, and objects that no record
//! names.

use std::collections::HashSet;
use std::time::Duration;

use argon_core::Result;
use bson::DateTime;

use crate::delta::SUFFIX;
use crate::jobs::JobKind;
use crate::prune::Pruner;
use crate::records::{DeltaRecord, decode};
use crate::time::ago;

/// The time for which traces of removed batches and timelines stay, so that a late process finds
/// them.
const LATE: Duration = Duration::from_hours(24);

impl Pruner {
    /// Removes traces that no late process needs any more, and objects that no record names.
    #[tracing::instrument(level = "info", skip_all)]
    pub(crate) async fn clean_daily(&self) -> Result<()> {
        let before = ago(self.environment.earliest(), LATE);
        for job in self.jobs.done_before(before).await? {
            if let (JobKind::Sync, Some(timeline)) = (job.kind, job.timeline) {
                self.timelines.drop_batch(timeline, job.batch).await?;
            }
            self.jobs.forget(&job.id).await?;
        }
        self.forget_dropped(before).await?;
        self.remove_unnamed(before).await
    }

    async fn forget_dropped(&self, before: DateTime) -> Result<()> {
        for timeline in self.timelines.recorded().await? {
            let Some(stored) = self.timelines.record(timeline).await? else { continue };
            if stored.record.dropped.is_none_or(|dropped| dropped >= before) {
                continue;
            }
            self.clean_up(timeline).await?;
            for batch in stored.record.floor_batch + 1..=stored.record.batch {
                self.timelines.drop_batch(timeline, batch).await?;
            }
            self.timelines.remove_record(timeline, &stored).await?;
        }
        Ok(())
    }

    /// Removes deltas that were uploaded but not recorded, and those that were replaced.
    async fn remove_unnamed(&self, before: DateTime) -> Result<()> {
        let objects = self.objects.list("projects/").await?;
        let old = objects.into_iter().filter(|object| object.modified < before);
        let old: Vec<String> =
            old.map(|object| object.name).filter(|name| name.ends_with(SUFFIX)).collect();
        let mut named = HashSet::new();
        for (name, stored) in self.index.listed().await? {
            let record = decode::<DeltaRecord>(&name, stored)?.record;
            named.insert(record.object);
        }
        for name in old.iter().filter(|name| !named.contains(*name)) {
            self.objects.delete(name).await?;
        }
        Ok(())
    }
}
