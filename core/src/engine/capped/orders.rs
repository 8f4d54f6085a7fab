//! The orders of insertion that are kept in memory, and reading one from the log.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::TryStreamExt;

use super::{InsertionOrder, InsertionPosition};
use crate::Result;
use crate::document::key::Key;
use crate::engine::lru::Lru;
use crate::log::walk;
use crate::model::{CollectionId, Commit, Image, Lsn, Point, TimelineId, Touched, View};
use crate::storage::{KeyRange, Materialize, Wal};

/// The most memory that orders take together, as if none shared any with another; the last used one is kept
/// even if it takes more. One that is not kept is read again.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// The last known order of collections on each timeline.
///
/// The first use of an order reads the collection, and the headers of the commits since the creation of its
/// oldest document. Afterwards it follows the commits: those of this process from memory, others by their
/// headers.
pub(crate) struct InsertionOrders {
    known: Mutex<Lru<(TimelineId, CollectionId), Known>>,
}

/// What orders are read from.
pub(crate) struct Source<'s> {
    pub(crate) wal: &'s Arc<dyn Wal>,
    pub(crate) materialize: &'s dyn Materialize,
}

/// The order in the state at a position.
#[derive(Clone)]
struct Known {
    upto: Lsn,
    order: Arc<InsertionOrder>,
}

/// A change of a document: its size afterwards, or `None` if it was deleted.
struct Step {
    position: InsertionPosition,
    key: Key,
    bytes: Option<u32>,
}

impl Default for InsertionOrders {
    fn default() -> Self {
        Self { known: Mutex::new(Lru::new(MOST_BYTES)) }
    }
}

impl InsertionOrders {
    /// The order of a collection in a state.
    pub(crate) async fn of(
        &self,
        source: &Source<'_>,
        view: &View,
        collection: CollectionId,
    ) -> Result<Arc<InsertionOrder>> {
        let Some(point) = view.point() else { return Ok(Arc::default()) };
        loop {
            let from = match self.nearest(view, collection) {
                Some((from, order)) if from == point => return Ok(order),
                Some((from, _)) => from,
                None => break,
            };
            let Some(steps) = source.steps_after(view, collection, from.lsn).await? else { break };
            if let Some(order) = self.advance(collection, from, point, &steps) {
                return Ok(order);
            }
        }
        let order = Arc::new(source.load(view, collection).await?);
        let mut known = self.known();
        let place = (point.timeline, collection);
        if known.get(&place).is_none_or(|known| known.upto < point.lsn) {
            known.keep(place, Known { upto: point.lsn, order: order.clone() });
        }
        Ok(order)
    }

    /// Adds commits that were just appended to a timeline.
    pub(crate) fn appended(&self, timeline: TimelineId, commits: &[Commit]) {
        let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return };
        let before = first.meta.lsn.back(1).unwrap_or_default();
        let mut all = self.known();
        let [least, most] = [0, u64::MAX].map(|number| (timeline, CollectionId::new(number)));
        let places = all.range(least..=most).filter(|(_, known)| known.upto == before);
        let places: Vec<_> = places.map(|(place, _)| *place).collect();
        for place in places {
            let Some(mut known) = all.remove(&place) else { continue };
            let steps = commits.iter().flat_map(|commit| steps_of(commit, place.1));
            apply(&mut known.order, steps);
            all.keep(place, Known { upto: last.meta.lsn, ..known });
        }
    }

    /// The known order of the nearest state that is not later.
    fn nearest(
        &self,
        view: &View,
        collection: CollectionId,
    ) -> Option<(Point, Arc<InsertionOrder>)> {
        let mut known = self.known();
        view.segments().iter().find_map(|segment| {
            let timeline = segment.timeline;
            let Known { upto, order } = known.get(&(timeline, collection))?;
            (upto <= segment.upto).then_some((Point { timeline, lsn: upto }, order))
        })
    }

    /// Advances an order; `None` if it was changed meanwhile.
    fn advance(
        &self,
        collection: CollectionId,
        from: Point,
        to: Point,
        steps: &[Step],
    ) -> Option<Arc<InsertionOrder>> {
        let mut all = self.known();
        let place = (from.timeline, collection);
        let mut known = all.get(&place).filter(|known| known.upto == from.lsn)?;
        apply(&mut known.order, steps.iter());
        let order = known.order.clone();
        all.keep((to.timeline, collection), Known { upto: to.lsn, ..known });
        Some(order)
    }

    fn known(&self) -> MutexGuard<'_, Lru<(TimelineId, CollectionId), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lru<(TimelineId, CollectionId), Known> {
    fn keep(&mut self, place: (TimelineId, CollectionId), known: Known) {
        let weight = known.order.weight().min(MOST_BYTES);
        self.insert(place, known, weight);
    }
}

impl Source<'_> {
    /// The changes of a collection since a state, oldest first; `None` if the log does not have all of them.
    async fn steps_after(
        &self,
        view: &View,
        collection: CollectionId,
        above: Lsn,
    ) -> Result<Option<Vec<Step>>> {
        let mut steps = Vec::new();
        let complete = self.walk(view, collection, above, |position, change| {
            let bytes = (!change.deleted).then_some(0);
            steps.push(Step { position, key: change.key, bytes });
        });
        if complete.await?.is_none() {
            return Ok(None);
        }
        let mut keys: Vec<Key> = steps.iter().map(|step| step.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        let found = self.materialize.get_many(view, collection, keys.clone()).await?;
        let sizes = keys
            .into_iter()
            .zip(found)
            .filter_map(|(key, version)| Some((key, size(version?.document.as_bytes()))));
        let sizes: HashMap<Key, u32> = sizes.collect();
        for step in &mut steps {
            // The size of a version that was replaced since does not matter.
            if let (Some(bytes), Some(size)) = (&mut step.bytes, sizes.get(&step.key)) {
                *bytes = *size;
            }
        }
        Ok(Some(steps))
    }

    /// Reads the order of a collection. Documents whose creation was collected from the log come first, in the
    /// order of the commits that changed them last before that.
    async fn load(&self, view: &View, collection: CollectionId) -> Result<InsertionOrder> {
        let (mut sizes, mut pending) = (HashMap::new(), HashMap::new());
        let mut rows = self.materialize.scan(view, collection, KeyRange::default());
        while let Some((key, version)) = rows.try_next().await? {
            sizes.insert(key.clone(), size(version.document.as_bytes()));
            pending.insert(key, version.lsn);
        }
        let mut created: HashMap<Key, InsertionPosition> = HashMap::with_capacity(sizes.len());
        let (mut upto, mut floor) = (view.lsn(), walk::floor(&**self.wal, view).await?);
        // From the head back, by as many commits as the last changes of the documents go back: a document that
        // did not exist before these was created by the first of its changes.
        while let Some(from) = pending.values().min().copied().filter(|_| upto > floor) {
            let above = from.back(1).unwrap_or_default().max(floor);
            let (mut first_put, mut anew) = (HashMap::new(), HashSet::new());
            let part = view.at(upto);
            let complete = self.walk(&part, collection, above, |position, change| {
                if !pending.contains_key(&change.key) {
                } else if change.deleted {
                    first_put.remove(&change.key);
                    anew.insert(change.key);
                } else {
                    first_put.entry(change.key).or_insert(position);
                }
            });
            if complete.await?.is_none() {
                floor = walk::floor(&**self.wal, view).await?;
                continue;
            }
            created.extend(first_put);
            let earlier = pending.into_keys().filter(|key| !anew.contains(key));
            pending = self.stamps(&view.at(above), collection, earlier.collect()).await?;
            upto = above;
        }
        let mut lost: Vec<(Lsn, Key)> = pending.into_iter().map(|(key, lsn)| (lsn, key)).collect();
        lost.sort_unstable();
        for (place, (lsn, key)) in (0..).zip(lost) {
            created.insert(key, InsertionPosition { lsn, place });
        }
        let mut order = InsertionOrder::default();
        for (key, position) in created {
            if let Some(bytes) = sizes.get(&key) {
                order.put(position, &key, *bytes);
            }
        }
        Ok(order)
    }

    /// The last changes of those documents that exist in a state.
    async fn stamps(
        &self,
        view: &View,
        collection: CollectionId,
        mut keys: Vec<Key>,
    ) -> Result<HashMap<Key, Lsn>> {
        keys.sort_unstable();
        let found = self.materialize.stamps(view, collection, keys.clone()).await?;
        let there = keys.into_iter().zip(found);
        Ok(there.filter_map(|(key, stamp)| Some((key, stamp?.lsn))).collect())
    }

    /// Calls `visit` with the changes of a collection above `above`, oldest first; `None` if the log does not
    /// have all of them.
    async fn walk(
        &self,
        view: &View,
        collection: CollectionId,
        above: Lsn,
        mut visit: impl FnMut(InsertionPosition, Touched),
    ) -> Result<Option<()>> {
        let mut next = InsertionPosition { lsn: above, place: 0 };
        walk::touched_above(self.wal, view, above, |lsn, change| {
            if next.lsn != lsn {
                next = InsertionPosition { lsn, place: 0 };
            }
            let position = next;
            next.place += 1;
            if change.collection == collection {
                visit(position, change);
            }
        })
        .await
    }
}

/// The changes of a collection by a commit.
fn steps_of(commit: &Commit, collection: CollectionId) -> impl Iterator<Item = Step> {
    let lsn = commit.meta.lsn;
    let changes = (0..).zip(&commit.changes).filter(move |(_, c)| c.collection == collection);
    changes.map(move |(place, change)| Step {
        position: InsertionPosition { lsn, place },
        key: change.key.clone(),
        bytes: match &change.image {
            Image::Document(document) => Some(size(document.as_bytes())),
            Image::Deleted => None,
        },
    })
}

fn apply<S: std::borrow::Borrow<Step>>(
    order: &mut Arc<InsertionOrder>,
    steps: impl Iterator<Item = S>,
) {
    let mut steps = steps.peekable();
    if steps.peek().is_none() {
        return;
    }
    let order = Arc::make_mut(order);
    for step in steps {
        let Step { position, key, bytes } = step.borrow();
        match bytes {
            Some(bytes) => order.put(*position, key, *bytes),
            None => order.remove(key),
        }
    }
}

/// The size of a document, which has at most 16 MiB.
pub(super) fn size(document: &[u8]) -> u32 {
    u32::try_from(document.len()).unwrap_or(u32::MAX)
}
