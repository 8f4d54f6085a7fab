//! Upkeep: the size of a store, and compaction.

use argon_core::Result;

use crate::s3::bucket::{Bucket, PAGE};
use crate::s3::log::Log;
use crate::s3::log::compaction::When;
use crate::s3::uploads;

/// The age in seconds from which an upload counts as interrupted: a day.
const OLD_UPLOAD_SECONDS: i64 = 24 * 60 * 60;

/// The bytes of all objects.
pub(super) async fn stored_bytes(bucket: &Bucket) -> Result<u64> {
    let mut bytes = 0;
    let mut after: Option<String> = None;
    loop {
        let page = bucket.list("", after.as_deref(), PAGE).await?;
        bytes += page.objects.iter().map(|object| object.length).sum::<u64>();
        match page.objects.last() {
            Some(last) if page.more => after = Some(last.name.clone()),
            _ => return Ok(bytes),
        }
    }
}

/// Compacts all timelines, and aborts interrupted uploads.
pub(super) async fn compact(bucket: &Bucket, log: &Log) -> Result<()> {
    for timeline in log.index.timelines().await? {
        log.compactor.compact(timeline, When::Asked).await?;
    }
    let Some(now) = bucket.meter.server_time() else { return Ok(()) };
    // Some servers can't list uploads, and some credentials don't allow it.
    if let Err(error) = uploads::abort_before(bucket, now - OLD_UPLOAD_SECONDS).await {
        tracing::warn!(%error, "the interrupted uploads can't be listed");
    }
    Ok(())
}
