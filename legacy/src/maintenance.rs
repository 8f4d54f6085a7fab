//! Upkeep of a legacy store.

use std::sync::Arc;

use argon_core::model::TimelineId;
use argon_core::storage::{Backlog, Compression, DeferredWork, Finding, Maintenance, StoreInfo};
use argon_core::{ErrorKind, Result};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::delta;
use crate::engine::{LegacyEngine, LegacyStore};
use crate::records::{DeltaRecord, decode};

#[async_trait]
impl Maintenance for LegacyStore {
    fn info(&self) -> StoreInfo {
        self.engine.info.clone()
    }

    async fn stored_bytes(&self) -> Result<u64> {
        let engine = &self.engine;
        // A queue in a folder beside the objects is counted by its own store.
        let folders = ["projects/", "snapshots/"];
        let mut bytes = engine.queue.maintenance.stored_bytes().await?;
        for folder in folders {
            bytes +=
                engine.objects.list(folder).await?.iter().map(|object| object.bytes).sum::<u64>();
        }
        Ok(bytes)
    }

    /// Writes all changes to deltas, joins small ones, and compacts the queue's store.
    async fn compact(&self) -> Result<()> {
        self.pool.flush().await?;
        let engine = &self.engine;
        for timeline in engine.timelines.recorded().await? {
            engine.writer.compress(timeline).await?;
        }
        engine.queue.maintenance.compact().await
    }

    fn verify(&self) -> BoxStream<'static, Result<Finding>> {
        let engine = Arc::clone(&self.engine);
        let deltas = self.engine.queue.maintenance.verify();
        let ours = stream::once(async move { findings(&engine).await })
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten();
        deltas.chain(ours).boxed()
    }
}

#[async_trait]
impl DeferredWork for LegacyStore {
    async fn backlog(&self) -> Result<Backlog> {
        self.pool.backlog(&self.engine).await
    }

    async fn compression(&self, timeline: TimelineId) -> Result<Compression> {
        let deltas = self.engine.index.of(timeline).await?;
        let mut sum = Compression { objects: deltas.len() as u64, ..Compression::default() };
        for delta in deltas.iter() {
            sum.raw_bytes += delta.record.raw_bytes.cast_unsigned();
            sum.stored_bytes += delta.record.stored_bytes.cast_unsigned();
        }
        Ok(sum)
    }

    async fn flush(&self) -> Result<()> {
        self.pool.flush().await
    }

    async fn quiesce(&self) {
        self.pool.quiesce().await;
    }
}

/// Reads each delta, compares it with its record, and returns the differences.
async fn findings(engine: &LegacyEngine) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut report = |problem: String| found.push(Finding { problem });
    for (name, stored) in engine.index.listed().await? {
        let record = match decode::<DeltaRecord>(&name, stored) {
            Ok(stored) => stored.record,
            Err(error) => {
                report(format!("{error}"));
                continue;
            }
        };
        let (object, first, last) = (&record.object, record.first(), record.last());
        match delta::read(&*engine.objects, object).await {
            Ok(Some(delta)) => {
                let header = &delta.header;
                if delta.checksum != record.checksum
                    || (header.parent.lsn.next(), header.head.lsn) != (first, last)
                {
                    report(format!(
                        "delta {object} does not match its record: expected commits {first} to \
                         {last}"
                    ));
                }
            }
            // Another process may have joined it with others meanwhile.
            Ok(None) if engine.queue.refs.get(&name).await?.is_none() => {}
            Ok(None) => report(format!(
                "delta {object} is missing, and with it commits {first} to {last}; restore it from a \
                 copy of {}",
                engine.objects.location()
            )),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                report(format!("{error}; commits {first} to {last} can't be read"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
