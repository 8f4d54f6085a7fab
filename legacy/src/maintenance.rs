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
        // Where the queue is a folder beside the objects, what it takes is not one of them.
        let folders = ["projects/", "snapshots/"];
        let mut bytes = engine.queue.maintenance.stored_bytes().await?;
        for folder in folders {
            bytes +=
                engine.objects.list(folder).await?.iter().map(|object| object.bytes).sum::<u64>();
        }
        Ok(bytes)
    }

    /// Brings all changes into deltas, joins small ones, and compacts the queue's store.
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

/// What is wrong with deltas: each is read, and compared with its record.
async fn findings(engine: &LegacyEngine) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut say = |problem: String| found.push(Finding { problem });
    for (name, stored) in engine.index.listed().await? {
        let record = match decode::<DeltaRecord>(&name, stored) {
            Ok(stored) => stored.record,
            Err(error) => {
                say(format!("{error}"));
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
                    say(format!(
                        "the delta {object} is another than its record says: commits {first} to {last} \
                         were expected"
                    ));
                }
            }
            // It may have been joined with others meanwhile.
            Ok(None) if engine.queue.refs.get(&name).await?.is_none() => {}
            Ok(None) => say(format!(
                "the delta {object} is gone, and with it the commits {first} to {last}; bring it back \
                 from a copy of {}",
                engine.objects.location()
            )),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                say(format!("{error}; commits {first} to {last} can't be read"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
