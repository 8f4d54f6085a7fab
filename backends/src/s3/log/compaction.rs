//! Compaction: many small segments become a pack, and small packs become larger ones.
//!
//! A pack is a segment of the same format under `packs/`, named by the commits in it. It is written while
//! all of its parts exist, and they are removed when the pack is older than the grace time (see
//! `fence.rs`). So a crash after any step leaves a log that reads the same: a pack beside all of its parts,
//! or some of them. Concurrent compactions may write packs that overlap; all hold the same commits, and
//! readers use the longest.
//!
//! A new pack takes in the packs right before it as long as each is at most twice as large as the parts so
//! far. So the sizes of packs fall geometrically: their number is that of the full ones plus the logarithm
//! of the rest, and each commit is rewritten about as often as that logarithm.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use argon_core::model::{Head, Lsn, TimelineId};
use argon_core::segment::{self, Footer};
use argon_core::{Error, Result};
use bytes::Bytes;

use crate::s3::log::contents::{Contents, SegmentReader};
use crate::s3::log::heads::Heads;
use crate::s3::log::segment_index::{SegmentIndex, SegmentListing, SegmentLocation};
use crate::s3::names;
use crate::s3::put::put_unless_there;
use crate::s3::store::{S3Store, compute};

/// The number of segments above the last pack that starts a compaction.
const MANY: u64 = 256;

/// The largest pack, stored and raw.
const PACK_BYTES: u64 = 64 * 1024 * 1024;
const PACK_RAW_BYTES: u64 = 256 * 1024 * 1024;

/// When a timeline is compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::s3) enum When {
    /// If it has [`MANY`] segments that are in no pack.
    Needed,
    /// If anything can be joined.
    Asked,
}

/// Joins segments into packs.
pub(in crate::s3) struct Compactor {
    pub(super) store: Arc<S3Store>,
    pub(super) heads: Arc<Heads>,
    pub(super) index: Arc<SegmentIndex>,
    pub(super) segments: Arc<SegmentReader>,
}

impl Compactor {
    /// Counts an append, and sometimes starts compaction in the background.
    pub(super) fn appended(self: &Arc<Self>, timeline: TimelineId, before: Head, head: Head) {
        let memory = self.heads.of(timeline);
        let appends = memory.appends.fetch_add(1, Ordering::Relaxed) + 1;
        // Processes with few appends each compact in turn, by the positions of their commits.
        let turn = !memory.compacted.load(Ordering::Relaxed) && crosses(before.lsn, head.lsn, MANY);
        if !(turn || appends >= MANY) || memory.compacting.swap(true, Ordering::Relaxed) {
            return;
        }
        memory.appends.store(0, Ordering::Relaxed);
        memory.compacted.store(true, Ordering::Relaxed);
        let compactor = self.clone();
        tokio::spawn(async move {
            if let Err(error) = compactor.compact(timeline, When::Needed).await {
                tracing::warn!(%timeline, %error, "a timeline could not be compacted");
            }
            memory.compacting.store(false, Ordering::Relaxed);
        });
    }

    /// Compacts a timeline: makes packs, then removes what older packs cover.
    pub(in crate::s3) async fn compact(&self, timeline: TimelineId, when: When) -> Result<()> {
        let listing = self.index.list_all(timeline).await?;
        let loose = loose(&listing);
        let least = if when == When::Asked { 2 } else { MANY };
        if loose.len() as u64 >= least {
            self.pack(timeline, &listing, loose).await?;
        }
        self.remove_covered(timeline, &listing).await
    }

    /// Writes consecutive segments, oldest first, into packs.
    async fn pack(
        &self,
        timeline: TimelineId,
        listing: &SegmentListing,
        loose: Vec<SegmentLocation>,
    ) -> Result<()> {
        let mut group = Group::default();
        for segment in loose {
            let contents = self.segments.open(timeline, &segment, u64::MAX).await?;
            let Some((contents, bytes)) = contents.and_then(Contents::into_whole) else {
                // Another process has compacted meanwhile.
                return Ok(());
            };
            if !group.takes(&contents) {
                self.close(timeline, listing, std::mem::take(&mut group)).await?;
            }
            group.push(contents, bytes);
        }
        self.close(timeline, listing, group).await
    }

    /// Writes a pack of a group and of the packs right before it that are not much larger.
    async fn close(
        &self,
        timeline: TimelineId,
        listing: &SegmentListing,
        mut group: Group,
    ) -> Result<()> {
        while let Some(before) = group.first().and_then(|first| longest_before(listing, first)) {
            if before.length > 2 * group.stored || before.length + group.stored > PACK_BYTES {
                break;
            }
            let contents = self.segments.open(timeline, before, u64::MAX).await?;
            let Some((footer, bytes)) = contents.and_then(Contents::into_whole) else { break };
            if !group.takes(&footer) {
                break;
            }
            group.push_before(footer, bytes);
        }
        // A pack of one segment saves no request.
        if group.parts.len() < 2 {
            return Ok(());
        }
        let level = self.store.bucket.settings.snapshots.level;
        let (lsns, bytes) = compute(move || group.merged(level)).await?;
        self.put_pack(timeline, *lsns.start(), *lsns.end(), &bytes.into()).await
    }

    async fn put_pack(
        &self,
        timeline: TimelineId,
        first: Lsn,
        last: Lsn,
        bytes: &Bytes,
    ) -> Result<()> {
        let name = names::pack(timeline, first, last);
        put_unless_there(&self.store.bucket, &name, bytes).await.map(drop)
    }

    /// Removes the objects that packs older than the grace time cover, but never the newest segment, which
    /// shows the head. `listing` is from before this compaction, so it lacks the new packs.
    async fn remove_covered(&self, timeline: TimelineId, listing: &SegmentListing) -> Result<()> {
        let Some(now) = self.store.bucket.meter.server_time() else { return Ok(()) };
        let grace = i64::try_from(self.store.bucket.settings.grace.as_secs()).unwrap_or(i64::MAX);
        // Both times have whole seconds.
        let old = |pack: &&SegmentLocation| now.saturating_sub(pack.modified) > grace;
        for pack in listing.packs.iter().filter(old) {
            let covered: Vec<&SegmentLocation> = covered_by(listing, pack).collect();
            if covered.is_empty() {
                continue;
            }
            self.check_pack(timeline, pack).await?;
            for location in covered {
                self.store.bucket.delete(&location.name).await?;
            }
        }
        Ok(())
    }

    /// Checks that a pack holds the commits in its name before the objects that it covers are removed.
    async fn check_pack(&self, timeline: TimelineId, pack: &SegmentLocation) -> Result<()> {
        let contents = self.segments.open(timeline, pack, 0).await?;
        let head = contents.map(|contents| contents.footer.head().lsn);
        if head.is_some() && head == pack.last {
            return Ok(());
        }
        Err(Error::corrupt(format!("the pack {} does not hold the commits in its name", pack.name)))
    }
}

/// Whether an append passes a multiple of `every`.
fn crosses(before: Lsn, after: Lsn, every: u64) -> bool {
    before.get() / every != after.get() / every
}

/// The segments outside packs, oldest first, without the newest.
fn loose(listing: &SegmentListing) -> Vec<SegmentLocation> {
    let segments = listing.segments.iter().skip(1).rev();
    segments.filter(|segment| !listing.is_packed(segment.first)).cloned().collect()
}

/// The longest pack that ends right before a commit.
fn longest_before(listing: &SegmentListing, first: Lsn) -> Option<&SegmentLocation> {
    let ends = listing.packs.iter().filter(|pack| pack.last.map(Lsn::next) == Some(first));
    ends.min_by_key(|pack| pack.first)
}

/// The objects that a pack covers.
fn covered_by<'a>(
    listing: &'a SegmentListing,
    pack: &SegmentLocation,
) -> impl Iterator<Item = &'a SegmentLocation> + use<'a> {
    let (first, last) = (pack.first, pack.last.unwrap_or_default());
    let segments = listing.segments.iter().skip(1);
    let segments = segments.filter(move |segment| first <= segment.first && segment.first <= last);
    let packs = listing.packs.iter().filter(move |other| {
        let own = (other.first, other.last) == (first, Some(last));
        !own && first <= other.first && other.last.is_some_and(|end| end <= last)
    });
    segments.chain(packs)
}

/// Consecutive segments that will become one.
#[derive(Default)]
struct Group {
    parts: Vec<(Arc<Footer>, Arc<Vec<u8>>)>,
    stored: u64,
    raw: u64,
}

impl Group {
    fn first(&self) -> Option<Lsn> {
        self.parts.first().map(|(footer, _)| footer.before().lsn.next())
    }

    /// Whether another segment fits.
    fn takes(&self, more: &Footer) -> bool {
        let fits = self.raw + more.raw_bytes() <= PACK_RAW_BYTES && self.stored < PACK_BYTES;
        let follows = self.parts.last().is_none_or(|(last, _)| last.head() == more.before());
        let leads = self.parts.first().is_some_and(|(first, _)| first.before() == more.head());
        fits && (follows || leads) || self.parts.is_empty()
    }

    fn count(&mut self, footer: &Footer, bytes: &[u8]) {
        self.stored += bytes.len() as u64;
        self.raw += footer.raw_bytes();
    }

    fn push(&mut self, footer: Arc<Footer>, bytes: Arc<Vec<u8>>) {
        self.count(&footer, &bytes);
        self.parts.push((footer, bytes));
    }

    fn push_before(&mut self, footer: Arc<Footer>, bytes: Arc<Vec<u8>>) {
        self.count(&footer, &bytes);
        self.parts.insert(0, (footer, bytes));
    }

    /// The pack of all parts. It is decoded and every digest is computed again, as it will replace them.
    fn merged(self, level: i32) -> Result<(std::ops::RangeInclusive<Lsn>, Vec<u8>)> {
        let parts = self.parts.iter().map(|(footer, bytes)| (footer.name(), bytes.as_slice()));
        let bytes = segment::merge(parts, level)?;
        let pack = segment::decode("a new pack", &bytes)?;
        pack.verify()?;
        Ok((pack.footer.lsns(), bytes))
    }
}
