//! The record of the retained states of a timeline, and the check of readers that open an earlier
//! state.

use std::collections::{BTreeSet, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::model::{Head, Lsn, Point, Segment, TimelineId, View};
use crate::storage::{Refs, RetainedStates};
use crate::store::records::{self, KeptPoint, KeptRecord, KeptStates, PinRecord, VersionedRecord};
use crate::store::{Project, Shared};
use crate::{Error, Result};

/// The number of records that are requested concurrently.
const AT_ONCE: usize = 64;

/// The maximum number of single states in a message.
const NAMED: usize = 5;

impl KeptRecord {
    /// The retained states.
    pub(crate) fn keep(&self) -> RetainedStates {
        keep(self.from, &self.points)
    }

    /// The upper bound of the states that can be retained while others may remove the rest.
    pub(crate) fn most(&self) -> RetainedStates {
        match &self.most {
            _ if self.removing => self.keep(),
            Some(KeptStates { from, points }) => keep(*from, points),
            None => RetainedStates::all(),
        }
    }

    /// The points that collected commits had merged, each with the position from which states
    /// contain it. If that position is unknown, it is the one from which all states are retained: a
    /// point that is merged twice does no harm.
    pub(crate) fn merges(&self) -> impl Iterator<Item = (Lsn, Point)> {
        let lsn = Lsn::from_stored;
        let unknown = self.from.map_or(Lsn::MAX, lsn);
        self.merged.iter().map(move |merged| {
            let point = Point { timeline: merged.timeline, lsn: lsn(merged.lsn) };
            (merged.at.map_or(unknown, lsn), point)
        })
    }

    /// The last commit of a single state.
    pub(crate) fn head_at(&self, lsn: Lsn) -> Option<Head> {
        let most = self.most.iter().flat_map(|most| &most.points);
        let mut points = self.points.iter().chain(most);
        let point = points.find(|point| point.lsn.cast_unsigned() == lsn.get())?;
        Some(Head { lsn, digest: point.digest, time: point.time })
    }
}

fn keep(from: Option<i64>, points: &[KeptPoint]) -> RetainedStates {
    let lsn = Lsn::from_stored;
    RetainedStates {
        from: from.map(lsn),
        points: points.iter().map(|point| lsn(point.lsn)).collect(),
    }
}

/// Returns the record of a timeline, if any of its states were collected.
pub(crate) async fn read(
    refs: &dyn Refs,
    timeline: TimelineId,
) -> Result<Option<VersionedRecord<KeptRecord>>> {
    let reference = records::kept_ref(timeline);
    refs.get(&reference).await?.map(|stored| records::decode(&reference, stored)).transpose()
}

/// Returns the records of the timelines of a view, leaf first: one lookup per timeline,
/// concurrently.
async fn of_view(shared: &Shared, view: &View) -> Result<Vec<Option<KeptRecord>>> {
    let timelines: Vec<_> = view.segments().iter().map(|segment| segment.timeline).collect();
    stream::iter(timelines)
        .map(|timeline| read(&*shared.backend.refs, timeline))
        .buffered(AT_ONCE)
        .map_ok(|stored| stored.map(|stored| stored.record))
        .try_collect()
        .await
}

/// Returns the position from which every state of a history is retained; single states may be
/// retained below it.
pub(crate) async fn from(shared: &Shared, view: &View) -> Result<Lsn> {
    let records = of_view(shared, view).await?;
    for (segment, record) in view.segments().iter().zip(records) {
        let Some(record) = record else { continue };
        match record.keep().from {
            Some(from) if from <= segment.above.next() => {}
            Some(from) => return Ok(from.min(segment.upto)),
            None => return Ok(segment.upto),
        }
    }
    Ok(Lsn::ZERO)
}

/// Returns whether a state is retained.
pub(crate) async fn is_kept(shared: &Shared, view: &View) -> Result<bool> {
    Ok(given_up(shared, std::slice::from_ref(view)).await?.is_none())
}

/// Returns the retained states of a timeline that has commits. Without a record, all are retained,
/// unless the timeline was dropped and its record removed; so the record is read first.
async fn kept_of(shared: &Shared, timeline: TimelineId) -> Result<RetainedStates> {
    if let Some(stored) = read(&*shared.backend.refs, timeline).await? {
        return Ok(stored.record.keep());
    }
    let state = shared.backend.wal.state(timeline).await?;
    Ok(state.map_or_else(RetainedStates::default, |_| RetainedStates::all()))
}

/// Returns the first state that is not retained: one or two lookups per timeline.
async fn given_up<'a>(shared: &Shared, views: &'a [View]) -> Result<Option<&'a View>> {
    // A state of a branch without a base is asked about at each read of the past.
    if let [view] = views
        && let [only] = view.segments()
    {
        let keep = kept_of(shared, only.timeline).await?;
        return Ok((!keep.contains(only.upto)).then_some(view));
    }
    let timelines: BTreeSet<TimelineId> =
        views.iter().flat_map(View::segments).map(|segment| segment.timeline).collect();
    let keeps: HashMap<TimelineId, RetainedStates> = stream::iter(timelines)
        .map(|timeline| async move { Ok::<_, Error>((timeline, kept_of(shared, timeline).await?)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let is_kept = |segment: &Segment| {
        keeps.get(&segment.timeline).is_some_and(|keep| keep.contains(segment.upto))
    };
    Ok(views.iter().find(|view| !view.segments().iter().all(is_kept)))
}

/// Confirms that a state is retained, after a ref to it was written. If this fails, the caller
/// removes the ref.
///
/// # Errors
/// `NotFound` if the state was collected.
pub(crate) async fn confirm(shared: &Shared, view: &View) -> Result<()> {
    confirm_all(shared, std::slice::from_ref(view)).await
}

/// [`confirm`] for several states at once.
pub(crate) async fn confirm_all(shared: &Shared, views: &[View]) -> Result<()> {
    match given_up(shared, views).await? {
        None => Ok(()),
        Some(view) => Err(Error::not_found(format!(
            "the state at LSN {} was collected concurrently; choose a later one",
            view.lsn()
        ))),
    }
}

/// Returns the last commit of a view from the log, or, if the log no longer has it, from the record
/// of retained states.
pub(crate) async fn head_of(shared: &Shared, view: &View) -> Result<Head> {
    let found = crate::log::walk::head_of(&*shared.backend.wal, view).await;
    match (found, view.point()) {
        (Err(error), Some(point)) if error.kind() == crate::ErrorKind::NotFound => {
            match read(&*shared.backend.refs, point.timeline).await? {
                Some(stored) => stored.record.head_at(point.lsn).ok_or(error),
                None => Err(error),
            }
        }
        (Err(error), Some(_)) if error.kind() == crate::ErrorKind::Corrupt => {
            // The timeline may have been dropped.
            confirm(shared, view).await?;
            Err(error)
        }
        (found, _) => found,
    }
}

/// The error for a collected state; `view` is the view of the head of its branch, which `named`
/// names.
pub(crate) async fn collected(
    project: &Project,
    named: &str,
    view: &View,
    lsn: Lsn,
) -> Result<Error> {
    let shared = &project.shared;
    let records = of_view(shared, view).await?;
    let mut from = None;
    let mut points: Vec<Point> = Vec::new();
    for (segment, record) in view.segments().iter().zip(records) {
        let keep = record.map_or_else(RetainedStates::all, |record| record.keep());
        let lowest = keep.from.map(|from| from.max(segment.above));
        if from.is_none() {
            match lowest {
                Some(lowest) if lowest == segment.above && lowest > Lsn::ZERO => {}
                lowest => from = Some(lowest.unwrap_or(segment.upto).min(segment.upto)),
            }
        }
        let inside = |lsn: &Lsn| segment.above < *lsn && *lsn <= segment.upto;
        let below = keep.points.into_iter().rev().filter(inside);
        points.extend(below.map(|lsn| Point { timeline: segment.timeline, lsn }));
    }
    let from = from.unwrap_or_default();
    points.retain(|point| point.lsn < from);
    let since = match crate::log::walk::header(&*shared.backend.wal, view, from).await {
        Ok(commit) => format!(" ({})", rfc3339(commit.meta.time)),
        Err(_) => String::new(),
    };
    let mut text = format!(
        "{named}@{lsn} was collected: states of '{named}' are retained from LSN {from}{since} on"
    );
    text += &single_states(project, &points).await?;
    Ok(Error::not_found(text))
}

/// Returns `, and at LSN 40 (pin release-1), 12 and 3 more`.
async fn single_states(project: &Project, points: &[Point]) -> Result<String> {
    if points.is_empty() {
        return Ok(String::new());
    }
    let prefix = records::pins_of(project.id());
    let mut pins: Vec<(Point, String)> = Vec::new();
    for (name, stored) in project.shared.backend.refs.list(&prefix).await? {
        let record: PinRecord = records::decode(&name, stored)?.record;
        let short = name.strip_prefix(&prefix).unwrap_or(&name).to_owned();
        pins.extend(record.state.as_ref().map(|state| (Point::from(state), short)));
    }
    let mut names: Vec<String> = points
        .iter()
        .take(NAMED)
        .map(|point| match pins.iter().find(|(pinned, _)| pinned == point) {
            Some((_, pin)) => format!("{} (pin {pin})", point.lsn),
            None => point.lsn.to_string(),
        })
        .collect();
    if points.len() > NAMED {
        names.push(format!("{} more", points.len() - NAMED));
    }
    Ok(format!(", and at LSN {}", names.join(", ")))
}

pub(crate) fn rfc3339(time: bson::DateTime) -> String {
    time.try_to_rfc3339_string().unwrap_or_else(|_| time.timestamp_millis().to_string())
}
