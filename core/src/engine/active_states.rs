//! The states that are open in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{BoxStream, StreamExt};

use crate::model::{Point, TimelineId, View};
use crate::storage::RetainedStates;
use crate::{DetailKey, Error, Result};

/// Counts the open states, and tracks what this process has collected.
#[derive(Default)]
pub(crate) struct ActiveStates {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    open: HashMap<Point, usize>,
    kept: HashMap<TimelineId, RetainedStates>,
}

/// Keeps a state open until the last clone is dropped.
#[derive(Clone)]
pub(crate) struct StateGuard {
    _entry: Option<Arc<Entry>>,
}

struct Entry {
    states: Arc<ActiveStates>,
    point: Point,
}

impl ActiveStates {
    /// Opens a state. From now on it is not collected, unless it already was.
    ///
    /// # Errors
    /// `NotFound` if this process has collected it.
    pub(crate) fn acquire(self: &Arc<Self>, view: &View) -> Result<StateGuard> {
        let Some(point) = view.point() else { return Ok(StateGuard { _entry: None }) };
        let mut inner = self.inner();
        let is_kept =
            |timeline, lsn| inner.kept.get(&timeline).is_none_or(|keep| keep.contains(lsn));
        if !view.segments().iter().all(|segment| is_kept(segment.timeline, segment.upto)) {
            return Err(Error::not_found(format!(
                "the state at LSN {} of timeline {} was collected",
                point.lsn, point.timeline
            ))
            .with_detail(DetailKey::Timeline, point.timeline.to_string())
            .with_detail(DetailKey::Lsn, point.lsn.get()));
        }
        *inner.open.entry(point).or_default() += 1;
        drop(inner);
        Ok(StateGuard { _entry: Some(Arc::new(Entry { states: self.clone(), point })) })
    }

    /// The open states.
    pub(crate) fn points(&self) -> Vec<Point> {
        self.inner().open.keys().copied().collect()
    }

    /// Records the retained states of a timeline: its other states can't be opened from now on.
    pub(crate) fn keep_only(&self, timeline: TimelineId, keep: RetainedStates) {
        self.inner().kept.insert(timeline, keep);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateGuard {
    /// Wraps a stream so that it keeps the state open.
    pub(crate) fn during<T: Send + 'static>(
        &self,
        stream: BoxStream<'static, T>,
    ) -> BoxStream<'static, T> {
        let held = self.clone();
        stream
            .inspect(move |_| {
                let _ = &held;
            })
            .boxed()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut inner = self.states.inner();
        if let Some(count) = inner.open.get_mut(&self.point) {
            *count -= 1;
            if *count == 0 {
                inner.open.remove(&self.point);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::{Lsn, Segment};

    fn view(lsn: u64) -> View {
        let timeline = TimelineId::from_bytes([1; 16]);
        View::new([Segment { timeline, above: Lsn::ZERO, upto: Lsn::new(lsn) }])
    }

    #[test]
    fn a_state_is_open_as_long_as_anybody_or_a_stream_of_it_is_there() {
        let states = Arc::new(ActiveStates::default());
        let (first, second) =
            (states.acquire(&view(3)).unwrap(), states.acquire(&view(3)).unwrap());
        let stream = first.during(futures::stream::iter([1]).boxed());
        drop(first);
        assert_eq!(states.points(), [view(3).point().unwrap()]);
        drop(second);
        assert_eq!(states.points().len(), 1, "the stream is there");
        drop(stream);
        assert_eq!(states.points(), []);
    }

    #[test]
    fn a_state_that_was_given_up_is_not_opened() {
        let states = Arc::new(ActiveStates::default());
        let points = BTreeSet::from([Lsn::new(2)]);
        let keep = RetainedStates { from: Some(Lsn::new(5)), points };
        states.keep_only(TimelineId::from_bytes([1; 16]), keep);
        for (lsn, kept) in [(1, false), (2, true), (3, false), (5, true), (6, true)] {
            assert_eq!(states.acquire(&view(lsn)).is_ok(), kept, "{lsn}");
        }
    }
}
