//! Whether the segments of a timeline follow each other.

use argon_core::model::{Head, Lsn, TimelineId};
use argon_core::{ErrorKind, Result};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::s3::log::Log;
use crate::s3::log::contents::{Contents, WHOLE_FOR_HEADERS};
use crate::s3::log::places::Listing;

/// How many segments are looked into at once.
const AT_ONCE: usize = 16;

/// How often segments may be gone that were listed just before.
const MOST_ROUNDS: usize = 3;

impl Log {
    /// What is wrong with the segments and packs of a timeline that readers take: those that can't be
    /// read, and those that don't follow on the one before.
    pub(in crate::s3) async fn broken_chain(&self, timeline: TimelineId) -> Result<Vec<String>> {
        for _ in 0..MOST_ROUNDS {
            match self.chain(timeline).await {
                Ok(Some(problem)) => return Ok(problem.into_iter().collect()),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    return Ok(vec![format!("timeline {timeline}: {error}")]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(vec![format!("timeline {timeline} has segments that are listed and not there")])
    }

    /// The first problem, if there is one; `None` if a segment was removed meanwhile.
    async fn chain(&self, timeline: TimelineId) -> Result<Option<Option<String>>> {
        let floor = self.store.bucket.end(timeline).await?.floor;
        let above = floor.next()..=Lsn::MAX;
        let places = self.listed_places(timeline, &above, Listing::PacksLast).await?;
        let looks: Vec<_> = places
            .iter()
            .map(|place| self.store.contents(timeline, place, WHOLE_FOR_HEADERS))
            .collect();
        let mut contents = stream::iter(looks).buffered(AT_ONCE);
        let mut previous: Option<Head> = None;
        while let Some(found) = contents.try_next().await? {
            let Some(Contents { footer, .. }) = found else { return Ok(None) };
            let follows = match previous {
                Some(head) => footer.before() == head,
                // One that begins below the floor holds commits above it, too.
                None => {
                    let before = footer.before().lsn;
                    before == footer.timeline().base_lsn() || before <= floor
                }
            };
            if !follows {
                let name = footer.name();
                return Ok(Some(Some(format!("segment {name} does not follow on the one before"))));
            }
            previous = Some(footer.head());
        }
        Ok(Some(None))
    }
}
