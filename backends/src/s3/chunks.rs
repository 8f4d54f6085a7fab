//! Which chunks must be written again, and which go.
//!
//! A chunk that no manifest lists is removed when it is older than an hour, by the server's clock. A
//! snapshot that is being made may list it soon. So a chunk that is there already is written again,
//! which makes it young, unless this process wrote it in the last quarter of an hour. A server can't
//! remove on condition of an object's age: one that was old when it was listed may be written again
//! just before it is removed. So it is removed within a minute of the listing, or listed again; and
//! whoever made a chunk young looks whether it is there before it stores the manifest.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::model::Digest;
use argon_core::snapshot::Manifest;
use argon_core::storage::Reclaimed;
use argon_core::{Environment, Error, Result};
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use crate::s3::bucket::{Listed, PAGE, Wanted};
use crate::s3::log::fence::{Fence, Moment};
use crate::s3::names;
use crate::s3::put::Put;
use crate::s3::snapshots::S3Snapshots;

/// How long a chunk stays that no manifest lists.
const YOUNG: Duration = Duration::from_hours(1);

/// How long a listing is built upon.
const LISTED: Duration = Duration::from_mins(1);

/// How many chunks are known to be there.
const MOST_KNOWN: usize = 256 * 1024;

/// How many chunks are asked for, or removed, at once, and after how many it is looked at the clock.
const AT_ONCE: usize = 16;
const BATCH: usize = 64;

/// The chunks that this process wrote.
pub(super) struct Chunks {
    fence: Fence,
    written: Mutex<HashMap<Digest, Written>>,
}

#[derive(Clone, Copy)]
struct Written {
    asked: Moment,
    /// Whether it was there before, perhaps old.
    again: bool,
}

impl Chunks {
    pub(super) fn new(environment: &Environment) -> Self {
        Self { fence: Fence::new(environment, YOUNG), written: Mutex::default() }
    }

    fn written(&self) -> MutexGuard<'_, HashMap<Digest, Written>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a chunk to be gone.
    pub(super) fn forget(&self, digest: Digest) {
        self.written().remove(&digest);
    }

    fn note(&self, digest: Digest, chunk: Written) {
        let mut written = self.written();
        if written.len() >= MOST_KNOWN {
            written.clear();
        }
        written.insert(digest, chunk);
    }

    /// Whether it was written so short a time ago that it stays for long enough.
    fn is_young(&self, digest: Digest) -> bool {
        let written = self.written().get(&digest).copied();
        written.is_some_and(|chunk| self.fence.may_send(chunk.asked))
    }

    fn was_there(&self, digest: Digest) -> bool {
        self.written().get(&digest).is_some_and(|chunk| chunk.again)
    }
}

impl S3Snapshots {
    pub(super) async fn write_chunk(&self, digest: Digest, bytes: &Bytes) -> Result<()> {
        if self.chunks.is_young(digest) {
            return Ok(());
        }
        let (name, bucket) = (names::chunk(digest), &self.store.bucket);
        let asked = self.chunks.fence.now();
        let again = bucket.put_unless_there(&name, bytes).await? == Put::Lost;
        if again {
            bucket.put_always(&name, bytes).await?;
        }
        self.store.keep(&name, bytes).await;
        self.chunks.note(digest, Written { asked, again });
        Ok(())
    }

    /// Makes sure that the chunks of a manifest which were there before they were written last are
    /// still there.
    ///
    /// # Errors
    /// `Unavailable` if one was removed; the next attempt writes it.
    pub(super) async fn look_for_old(&self, manifest: &Manifest) -> Result<()> {
        let old: Vec<Digest> = manifest
            .chunks()
            .map(|chunk| chunk.digest)
            .filter(|digest| self.chunks.was_there(*digest))
            .collect();
        let looks = old.into_iter().map(|digest| async move {
            let name = names::chunk(digest);
            if self.store.bucket.get(&name, Wanted::Bytes(0..1)).await?.is_some() {
                return Ok(());
            }
            self.chunks.forget(digest);
            Err(Error::unavailable(format!(
                "the chunk {digest} was removed while the snapshot was made; make it again"
            )))
        });
        stream::iter(looks.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }

    /// The chunks that no listing shows; they are taken to be gone.
    pub(super) async fn not_listed(&self, wanted: &HashSet<Digest>) -> Result<HashSet<Digest>> {
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
            self.chunks.forget(*digest);
            self.store.forget(&names::chunk(*digest)).await;
        }
        Ok(missing)
    }

    /// Removes, or counts, the chunks that are not `live` and that nobody wrote in the last hour.
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
                    self.remove_chunks(digests, listed).await?;
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

    /// Removes chunks that were listed at `listed`, unless that is too long ago by now.
    async fn remove_chunks(
        &self,
        digests: impl Iterator<Item = Digest>,
        listed: Instant,
    ) -> Result<()> {
        let removals = digests.map(|digest| async move {
            if listed.elapsed() > LISTED {
                return Ok(());
            }
            let name = names::chunk(digest);
            self.chunks.forget(digest);
            self.store.forget(&name).await;
            self.store.bucket.delete(&name).await
        });
        stream::iter(removals.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await
    }
}

/// The chunk that an object is, if it is not live and older than an hour.
fn dead(listed: &Listed, live: &HashSet<Digest>, now: i64) -> Option<Digest> {
    let young = i64::try_from(YOUNG.as_secs()).unwrap_or(i64::MAX);
    let digest: Digest = listed.name.strip_prefix(names::CHUNKS)?.parse().ok()?;
    // Both times have whole seconds.
    let is_old = now.saturating_sub(listed.modified) > young;
    (is_old && !live.contains(&digest)).then_some(digest)
}
