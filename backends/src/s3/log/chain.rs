//! The check that the segments of a timeline follow each other, and no two claim one LSN.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use argon_core::model::{Commit, Digest, Head, Lsn, TimelineId, Touched};
use argon_core::storage::Direction;
use argon_core::{ErrorKind, Result};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::s3::log::contents::{Contents, WHOLE_FOR_HEADERS};
use crate::s3::log::segment_index::{Listing, SegmentLocation};
use crate::s3::log::walk::LogReader;

/// The most segments that are read at once.
const AT_ONCE: usize = 16;

/// The attempts after segments were removed during the check.
const MOST_ROUNDS: usize = 3;

/// Checks the chain of a timeline.
struct ChainCheck<'a> {
    log: &'a Arc<LogReader>,
    timeline: TimelineId,
}

/// The problems of the segments and packs that readers of a timeline use: unreadable ones, and ones that
/// don't follow the one before. Else the problems of those that readers ignore.
pub(in crate::s3) async fn broken_chain(
    log: &Arc<LogReader>,
    timeline: TimelineId,
) -> Result<Vec<String>> {
    let check = ChainCheck { log, timeline };
    for _ in 0..MOST_ROUNDS {
        let found = match check.chain().await {
            Ok(Some(None)) => check.claimed_twice().await.map(Some),
            found => found.map(|found| found.map(Vec::from_iter)),
        };
        match found {
            Ok(Some(problems)) => return Ok(problems),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                return Ok(vec![format!("timeline {timeline}: {error}")]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(vec![format!("timeline {timeline} has segments that are listed and can't be fetched")])
}

impl ChainCheck<'_> {
    /// The first problem, if there is one; `None` if a segment was removed meanwhile.
    async fn chain(&self) -> Result<Option<Option<String>>> {
        let floor = self.log.heads.end(self.timeline).await?.floor;
        let above = floor.next()..=Lsn::MAX;
        let locations = self.log.covering(self.timeline, &above, Listing::PacksLast).await?;
        let looks: Vec<_> = locations
            .iter()
            .map(|location| self.log.segments.open(self.timeline, location, WHOLE_FOR_HEADERS))
            .collect();
        let mut contents = stream::iter(looks).buffered(AT_ONCE);
        let mut previous: Option<Head> = None;
        while let Some(found) = contents.try_next().await? {
            let Some(Contents { footer, .. }) = found else { return Ok(None) };
            let follows = match previous {
                Some(head) => footer.before() == head,
                // It may begin below the floor and hold commits above it.
                None => {
                    let before = footer.before().lsn;
                    before == footer.timeline().base_lsn() || before <= floor
                }
            };
            if !follows {
                let name = footer.name();
                return Ok(Some(Some(format!("segment {name} does not follow the one before"))));
            }
            previous = Some(footer.head());
        }
        Ok(Some(None))
    }

    /// Checks the segments and packs that readers ignore because a pack covers them, until compaction
    /// removes them. They must hold the same commits as the log.
    ///
    /// Only the last commit of each is compared: its digest covers all before.
    async fn claimed_twice(&self) -> Result<Vec<String>> {
        let floor = self.log.heads.end(self.timeline).await?.floor;
        let above = floor.next()..=Lsn::MAX;
        let listing = self.log.index.list(self.timeline, &above, Listing::PacksLast).await?;
        let read = listing.covering(&above)?;
        let read: HashSet<&str> = read.iter().map(|location| location.name.as_str()).collect();
        let left_out: Vec<&SegmentLocation> = listing
            .segments
            .iter()
            .chain(&listing.packs)
            .filter(|location| !read.contains(location.name.as_str()))
            .collect();
        let looks: Vec<_> = left_out
            .iter()
            .map(|location| self.log.segments.open(self.timeline, location, WHOLE_FOR_HEADERS))
            .collect();
        let mut contents = stream::iter(looks).buffered(AT_ONCE);
        let mut claims: BTreeMap<Lsn, Vec<Claim>> = BTreeMap::new();
        // A missing one was removed during the check.
        while let Some(found) = contents.try_next().await? {
            let Some(Contents { footer, .. }) = found else { continue };
            let claim = Claim::of(footer.name(), footer.head(), footer.sealed());
            if claim.head.lsn > floor {
                claims.entry(claim.head.lsn).or_default().push(claim);
            }
        }
        self.refuted(claims).await
    }

    /// The problems of the claims that contradict the log.
    async fn refuted(&self, mut claims: BTreeMap<Lsn, Vec<Claim>>) -> Result<Vec<String>> {
        let (Some(low), Some(high)) = (claims.keys().next(), claims.keys().next_back()) else {
            return Ok(Vec::new());
        };
        let range = *low..=*high;
        let mut log = self.log.walk::<Commit<Touched>>(self.timeline, &range, Direction::Ascending);
        let mut problems = Vec::new();
        while let Some(commit) = log.try_next().await? {
            let here = claims.remove(&commit.meta.lsn).unwrap_or_default();
            let wrong = here.iter().filter(|claim| !claim.is_borne_out(&commit.digest));
            problems.extend(wrong.map(Claim::problem));
        }
        problems.extend(claims.values().flatten().map(Claim::problem));
        Ok(problems)
    }
}

/// The claim of an object that readers ignore: the last commit of a part of the log.
struct Claim {
    name: String,
    head: Head,
    /// It also claims that no commit follows.
    sealed: bool,
}

impl Claim {
    fn of(name: &str, head: Head, sealed: bool) -> Self {
        Self { name: name.to_owned(), head, sealed }
    }

    /// A pack covers the object, so commits follow it.
    fn is_borne_out(&self, digest: &Digest) -> bool {
        !self.sealed && self.head.digest == *digest
    }

    fn problem(&self) -> String {
        let Self { name, head, sealed } = self;
        if *sealed {
            return format!(
                "segment {name} seals the timeline after {}, and commits follow",
                head.lsn
            );
        }
        format!(
            "segment {name} claims commit {}, which the log has with another digest: its writer may \
             have taken it for committed, but readers ignore it, and compaction removes it",
            head.lsn
        )
    }
}
