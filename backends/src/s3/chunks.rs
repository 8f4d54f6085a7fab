//! The chunks of snapshots: an object each, named by its digest.
//!
//! Garbage collection removes a chunk without a manifest when it is older than an hour, by the server's
//! clock. A snapshot in progress may need it soon. So a writer writes a chunk that exists again, which
//! makes it young, unless this process wrote it in the last quarter of an hour. A server can't remove on
//! condition of an object's age: an object that was old when it was listed may be written again just
//! before it is removed. So a collector removes it within a minute of the listing, or lists it again;
//! and a writer that made chunks young checks that they exist before it stores the manifest.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::model::Digest;
use argon_core::snapshot::{CHUNK_BYTES, Manifest};
use argon_core::storage::Reclaimed;
use argon_core::{Error, Result};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::s3::bucket::{Listed, PAGE, Wanted};
use crate::s3::log::fence::{Fence, Moment};
use crate::s3::names;
use crate::s3::put::{Put, put_unless_there};
use crate::s3::store::S3Store;

/// The age up to which a chunk stays without a manifest.
const YOUNG: Duration = Duration::from_hours(1);

/// The age up to which removals use a listing.
const LISTED: Duration = Duration::from_mins(1);

/// The most chunks that are remembered.
const MOST_KNOWN: usize = 256 * 1024;

/// The most chunks that are requested or removed at once, and the removals between two looks at the clock.
const AT_ONCE: usize = 16;
const BATCH: usize = 64;

/// The chunks of a store, and the memory of those that this process wrote.
pub(super) struct ChunkStore {
    store: Arc<S3Store>,
    fence: Fence,
    written: Mutex<HashMap<Digest, Written>>,
}

#[derive(Clone, Copy)]
struct Written {
    /// The time right before the write.
    asked: Moment,
    /// Whether the chunk existed before, perhaps old.
    again: bool,
}

impl ChunkStore {
    pub(super) fn new(store: Arc<S3Store>) -> Self {
        let fence = Fence::new(&store.environment, YOUNG);
        Self { store, fence, written: Mutex::default() }
    }

    fn written(&self) -> MutexGuard<'_, HashMap<Digest, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops a chunk from the memory.
    fn forget(&self, digest: Digest) {
        self.written().remove(&digest);
    }

    fn note(&self, digest: Digest, chunk: Written) {
        let mut written = self.written();
        if written.len() >= MOST_KNOWN {
            written.clear();
        }
        written.insert(digest, chunk);
    }

    /// Whether it was written so recently that it stays until its manifest is written.
    fn is_young(&self, digest: Digest) -> bool {
        let written = self.written().get(&digest).copied();
        written.is_some_and(|chunk| self.fence.may_send(chunk.asked))
    }

    fn was_there(&self, digest: Digest) -> bool {
        self.written().get(&digest).is_some_and(|chunk| chunk.again)
    }

    /// Writes a chunk, unless this process did so a short time ago.
    pub(super) async fn put(&self, digest: Digest, bytes: &Bytes) -> Result<()> {
        if self.is_young(digest) {
            return Ok(());
        }
        let (name, bucket) = (names::chunk(digest), &self.store.bucket);
        let asked = self.fence.now();
        let again = put_unless_there(bucket, &name, bytes).await? == Put::Lost;
        if again {
            bucket.put_always(&name, bytes).await?;
        }
        self.store.keep(&name, bytes).await;
        self.note(digest, Written { asked, again });
        Ok(())
    }

    pub(super) async fn get(&self, digest: Digest) -> Result<Option<Vec<u8>>> {
        let name = names::chunk(digest);
        if let Some(bytes) = self.store.cached(&name).await {
            return Ok(Some(bytes));
        }
        let Some(object) = self.store.bucket.get(&name, Wanted::Whole(CHUNK_BYTES as u64)).await?
        else {
            self.forget(digest);
            return Ok(None);
        };
        // A damaged chunk is neither copied nor remembered, so that it can be written again.
        if Digest::of(&object.bytes) == digest {
            self.store.keep(&name, &object.bytes).await;
        } else {
            self.forget(digest);
        }
        Ok(Some(object.bytes))
    }

    /// Checks that the chunks of a manifest that existed before they were written again still exist.
    ///
    /// # Errors
    /// `Unavailable` if one was removed; the next attempt writes it.
    pub(super) async fn check_present(&self, manifest: &Manifest) -> Result<()> {
        let old: Vec<Digest> = manifest
            .chunks()
            .map(|chunk| chunk.digest)
            .filter(|digest| self.was_there(*digest))
            .collect();
        let looks = old.into_iter().map(|digest| async move {
            let name = names::chunk(digest);
            if self.store.bucket.get(&name, Wanted::Bytes(0..1)).await?.is_some() {
                return Ok(());
            }
            self.forget(digest);
            Err(Error::unavailable(format!(
                "the chunk {digest} was removed while the snapshot was made; make it again"
            )))
        });
        stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }

    /// The chunks of `wanted` that a listing does not show. The memory and the cache drop them.
    pub(super) async fn missing(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        let mut missing = wanted.clone();
        let mut after: Option<String> = None;
        while !missing.is_empty() {
            let page = self.store.bucket.list(names::CHUNKS, after.as_deref(), PAGE).await?;
            for listed in &page.objects {
                let digest = listed.name.strip_prefix(names::CHUNKS).map(str::parse::<Digest>);
                if let Some(Ok(digest)) = digest {
                    missing.remove(&digest);
                }
            }
            match page.objects.last() {
                Some(last) if page.more => after = Some(last.name.clone()),
                _ => break,
            }
        }
        for digest in &missing {
            self.forget(*digest);
            self.store.forget(&names::chunk(*digest)).await;
        }
        Ok(missing)
    }

    /// Removes, or counts, the chunks that are not `live` and were not written in the last hour.
    pub(super) async fn sweep(&self, live: &HashSet<Digest>, dry_run: bool) -> Result<Reclaimed> {
        let bucket = &self.store.bucket;
        let mut freed = Reclaimed::default();
        let mut after: Option<String> = None;
        'listing: loop {
            let listed = Instant::now();
            let page = bucket.list(names::CHUNKS, after.as_deref(), PAGE).await?;
            let Some(now) = bucket.meter.server_time() else { return Ok(freed) };
            let dead: Vec<(Digest, &Listed)> = page
                .objects
                .iter()
                .filter_map(|listed| Some((dead(listed, live, now)?, listed)))
                .collect();
            for batch in dead.chunks(BATCH) {
                if !dry_run && listed.elapsed() > LISTED {
                    continue 'listing;
                }
                if !dry_run {
                    let digests = batch.iter().map(|(digest, _)| *digest);
                    self.remove(digests, listed).await?;
                }
                freed.chunks += batch.len() as u64;
                freed.bytes += batch.iter().map(|(_, listed)| listed.length).sum::<u64>();
            }
            match page.objects.last() {
                Some(last) if page.more => after = Some(last.name.clone()),
                _ => return Ok(freed),
            }
        }
    }

    /// Removes chunks that were listed at `listed`, unless that is too long ago.
    async fn remove(&self, digests: impl Iterator<Item = Digest>, listed: Instant) -> Result<()> {
        let removals = digests.map(|digest| async move {
            if listed.elapsed() > LISTED {
                return Ok(());
            }
            let name = names::chunk(digest);
            self.forget(digest);
            self.store.forget(&name).await;
            self.store.bucket.delete(&name).await
        });
        stream::iter(removals.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }
}

/// The digest of a listed chunk that is not live and is older than an hour.
fn dead(listed: &Listed, live: &HashSet<Digest>, now: i64) -> Option<Digest> {
    let young = i64::try_from(YOUNG.as_secs()).unwrap_or(i64::MAX);
    let digest: Digest = listed.name.strip_prefix(names::CHUNKS)?.parse().ok()?;
    // Both times have whole seconds.
    let is_old = now.saturating_sub(listed.modified) > young;
    (is_old && !live.contains(&digest)).then_some(digest)
}
