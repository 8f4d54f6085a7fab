//! Changes of the builds of a timeline that are no append.
//!
//! Each is a transaction that requires the revision of the list that it was worked out from, and of an
//! append it requires the head. It is repeated until it is done or not needed any more, so an answer
//! that was lost needs no look of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use argon_core::model::{CollectionId, Head, Timeline, TimelineId};
use argon_core::storage::{Append, BuildId, BuildStatus, IndexBuild, TimelineState};
use argon_core::{Environment, Error, Result};
use bson::{DateTime, Document, doc};

use super::build_record::{self, BuildList};
use super::builds::Builds;
use super::entries::Place;
use super::record::{TimelineRecord, id};
use super::removal::remove;
use super::retry::Backoff;
use super::schema;
use super::timeline::{Timelines, refused, revision, unsealed};
use super::transaction::{Changes, Outcome, RecordChange};

/// The age from which a build that is not complete is abandoned; no build takes that long.
const OLD: Duration = Duration::from_hours(7 * 24);

/// The request, for errors.
const WHAT: &str = "record an index";

/// Changes the builds of timelines.
pub(super) struct BuildChanges {
    pub(super) environment: Environment,
    pub(super) timelines: Arc<Timelines>,
    pub(super) builds: Arc<Builds>,
}

/// What a change makes of the builds of a timeline.
enum Step {
    /// Nothing: the result is there already, or can't be reached any more.
    Nothing(Append),
    /// A new list. The record of the timeline must be the one that `condition` matches, or is new.
    Change { record: Condition, builds: BuildList },
}

/// What the record of a timeline must be.
enum Condition {
    Matches(Document),
    IsNew(TimelineState),
}

impl BuildChanges {
    /// Records a build that begins, and creates its timeline after `head` if it does not exist.
    pub(super) async fn begin(
        &self,
        timeline: &Timeline,
        head: &Head,
        collection: CollectionId,
        definition: &Document,
    ) -> Result<BuildId> {
        let number = self.builds.reserve(1).await?;
        let build = IndexBuild {
            id: number,
            collection,
            definition: Arc::new(definition.clone()),
            status: BuildStatus::Building,
            inherited: false,
            multikey: false,
        };
        let inherited = self.builds.inherited_by(timeline).await?;
        let now = self.environment.now();
        let begun = |list: &BuildList| added(list, build.clone(), now);
        self.change(timeline.id, |record, list| match record {
            Some(_) if list.find(number).is_some() => Ok(Step::Nothing(Append::Done)),
            Some(record) if record.state.sealed => Err(left(timeline.id)),
            Some(_) => {
                let record = Condition::Matches(doc! { "_id": id(timeline.id), "sealed": false });
                Ok(Step::Change { record, builds: begun(list) })
            }
            None if head.lsn != timeline.base_lsn() => Err(left(timeline.id)),
            None => {
                let (timeline, head, floor) = (*timeline, *head, timeline.base_lsn());
                let state = TimelineState { timeline, head, sealed: false, floor };
                Ok(Step::Change { record: Condition::IsNew(state), builds: begun(&inherited) })
            }
        })
        .await?;
        Ok(number)
    }

    /// Makes a build maintained from `head` on, if that is the head of the timeline.
    pub(super) async fn complete(
        &self,
        timeline: &Timeline,
        build: BuildId,
        head: &Head,
        multikey: bool,
    ) -> Result<Append> {
        self.change(timeline.id, |record, list| {
            if record.is_none() {
                return Err(build.gone());
            }
            if let Some(refusal) = refused(record, head, false) {
                return Ok(Step::Nothing(refusal));
            }
            let known = list.find(build).ok_or_else(|| build.gone())?;
            let status = BuildStatus::Maintained { from: head.lsn };
            if known.status == status {
                return Ok(Step::Nothing(Append::Done));
            }
            let multikey = known.multikey || multikey;
            let completed = IndexBuild { status, multikey, ..known.clone() };
            let record = Condition::Matches(unsealed(timeline.id, head));
            Ok(Step::Change { record, builds: replaced(list, &completed) })
        })
        .await
    }

    /// Ends the maintenance of a build; one that is not complete is removed with its entries.
    pub(super) async fn close(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        let Some((_, list)) = self.timelines.with_builds(&self.builds, timeline).await? else {
            return Ok(());
        };
        match list.find(build).map(|build| build.status) {
            None | Some(BuildStatus::Closed { .. }) => Ok(()),
            Some(BuildStatus::Building) => self.remove(timeline, &[build]).await,
            Some(BuildStatus::Maintained { .. }) => self.close_maintained(timeline, build).await,
        }
    }

    async fn close_maintained(&self, timeline: TimelineId, build: BuildId) -> Result<()> {
        self.change(timeline, |record, list| {
            let (Some(record), Some(known)) = (record, list.find(build)) else {
                return Ok(Step::Nothing(Append::Done));
            };
            let TimelineState { head, sealed, .. } = record.state;
            // No append to a sealed timeline could add to the build.
            if sealed || !known.status.is_maintained() {
                return Ok(Step::Nothing(Append::Done));
            }
            let closed = IndexBuild { status: known.status.closed(head.lsn), ..known.clone() };
            let record = Condition::Matches(unsealed(timeline, &head));
            Ok(Step::Change { record, builds: replaced(list, &closed) })
        })
        .await?;
        Ok(())
    }

    /// Removes builds with their entries. Their records are removed last, so that an interrupted removal
    /// can be resumed.
    pub(super) async fn remove(&self, timeline: TimelineId, builds: &[BuildId]) -> Result<()> {
        for build in builds {
            let place = Place { timeline, build: *build };
            remove(&self.builds.server, schema::ENTRIES, place.all()).await?;
        }
        self.change(timeline, |record, list| {
            let (mut left, before) = (list.builds.to_vec(), list.builds.len());
            left.retain(|known| !builds.contains(&known.id));
            if record.is_none() || left.len() == before {
                return Ok(Step::Nothing(Append::Done));
            }
            let mut begun = HashMap::clone(&list.begun);
            begun.retain(|build, _| !builds.contains(build));
            let builds = BuildList { begun: Arc::new(begun), ..list.changed(left.into()) };
            Ok(Step::Change { record: Condition::Matches(doc! { "_id": id(timeline) }), builds })
        })
        .await?;
        Ok(())
    }

    /// Removes the builds that were begun long ago and not completed: their processes have ended.
    pub(super) async fn remove_abandoned(&self) -> Result<()> {
        let now = self.environment.earliest().timestamp_millis();
        let old = i64::try_from(OLD.as_millis()).unwrap_or(i64::MAX);
        let before = DateTime::from_millis(now.saturating_sub(old));
        for timeline in self.builds.timelines().await? {
            let list = self.builds.read(timeline).await?;
            let abandoned = list.builds.iter().filter(|build| {
                build.status == BuildStatus::Building
                    && list.begun.get(&build.id).is_none_or(|begun| *begun < before)
            });
            let abandoned: Vec<BuildId> = abandoned.map(|build| build.id).collect();
            if !abandoned.is_empty() {
                self.remove(timeline, &abandoned).await?;
            }
        }
        Ok(())
    }

    /// Changes the builds of a timeline. `step` gets its record and its builds.
    async fn change(
        &self,
        timeline: TimelineId,
        step: impl Fn(Option<&TimelineRecord>, &BuildList) -> Result<Step>,
    ) -> Result<Append> {
        let server = &self.builds.server;
        let mut backoff = Backoff::default();
        let mut doubt = None;
        loop {
            let found = self.timelines.with_builds(&self.builds, timeline).await?;
            let (record, list) = found.unzip();
            let list = list.unwrap_or_default();
            let (record, builds) = match step(record.as_ref(), &list)? {
                Step::Nothing(answer) => return Ok(answer),
                Step::Change { record, builds } => (record.change(&list, &builds), builds),
            };
            let changes = Changes {
                what: WHAT,
                record,
                extent: None,
                builds: Some(build_record::encode(timeline, &builds)?),
                removed: &[],
                rows: &[],
            };
            let (is_break, error) = match changes.attempt(server).await? {
                Outcome::Done => {
                    self.builds.note(timeline, builds);
                    return Ok(Append::Done);
                }
                Outcome::Refused => (false, None),
                Outcome::Undone { error, is_break } => (is_break, Some(error)),
                Outcome::Unknown { error, .. } => {
                    doubt = Some(error);
                    (false, None)
                }
            };
            server.count_retry();
            if !backoff.wait(is_break, &self.environment).await {
                return Err(doubt.or(error).unwrap_or_else(busy));
            }
        }
    }
}

impl Condition {
    /// The change of the record of a timeline that has the builds `before`.
    fn change(self, before: &BuildList, after: &BuildList) -> RecordChange {
        match self {
            Self::IsNew(state) => {
                let record = TimelineRecord { state, extents: 0, builds: after.revision };
                RecordChange::Insert(record.encode())
            }
            Self::Matches(mut filter) => {
                filter.insert("builds", revision(before.revision));
                let update = doc! { "$set": { "builds": after.revision } };
                RecordChange::Update { filter, update }
            }
        }
    }
}

fn added(list: &BuildList, build: IndexBuild, now: DateTime) -> BuildList {
    let mut begun = HashMap::clone(&list.begun);
    begun.insert(build.id, now);
    let builds = list.builds.iter().cloned().chain([build]).collect();
    BuildList { begun: Arc::new(begun), ..list.changed(builds) }
}

/// The list with another record of a build, which is not being built any more.
fn replaced(list: &BuildList, build: &IndexBuild) -> BuildList {
    let mut begun = HashMap::clone(&list.begun);
    begun.remove(&build.id);
    let of = |known: &IndexBuild| if known.id == build.id { build.clone() } else { known.clone() };
    let builds = list.builds.iter().map(of).collect();
    BuildList { begun: Arc::new(begun), ..list.changed(builds) }
}

fn left(timeline: TimelineId) -> Error {
    Error::conflict(format!(
        "timeline {timeline} takes no more commits, so no index is built on it"
    ))
}

fn busy() -> Error {
    Error::unavailable("other writers keep changing the timeline; try again later")
}
