//! Resolves a point to its chain of timelines.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::{Lsn, Point, Segment, Timeline, TimelineId, View};
use crate::storage::Wal;
use crate::{Error, Result};

/// Resolves points to views. A timeline's base never changes, so it is read once.
pub(crate) struct Timelines {
    wal: Arc<dyn Wal>,
    bases: RwLock<HashMap<TimelineId, Option<Point>>>,
}

impl Timelines {
    pub(crate) fn new(wal: Arc<dyn Wal>) -> Self {
        Self { wal, bases: RwLock::default() }
    }

    /// Returns the view of `timeline` at `lsn`, which is not above its head. O(depth of the chain).
    pub(crate) async fn view(&self, timeline: Timeline, lsn: Lsn) -> Result<View> {
        let mut segments: Vec<Segment> = Vec::new();
        let mut current = timeline;
        let mut upto = lsn;
        loop {
            let above = current.base_lsn().min(upto);
            segments.push(Segment { timeline: current.id, above, upto });
            let Some(base) = current.base else { break };
            if segments.iter().any(|segment| segment.timeline == base.timeline) {
                return Err(Error::corrupt(format!(
                    "timeline {} is its own ancestor",
                    base.timeline
                )));
            }
            upto = above;
            current = Timeline { id: base.timeline, base: self.base(base.timeline).await? };
        }
        Ok(View::new(segments))
    }

    async fn base(&self, timeline: TimelineId) -> Result<Option<Point>> {
        let known =
            self.bases.read().unwrap_or_else(PoisonError::into_inner).get(&timeline).copied();
        if let Some(base) = known {
            return Ok(base);
        }
        let state = self.wal.state(timeline).await?.ok_or_else(|| {
            Error::corrupt(format!(
                "timeline {timeline}, which other timelines build on, is missing"
            ))
        })?;
        let base = state.timeline.base;
        self.bases.write().unwrap_or_else(PoisonError::into_inner).insert(timeline, base);
        Ok(base)
    }
}
