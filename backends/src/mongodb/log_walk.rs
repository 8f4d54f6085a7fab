//! Walks over the commits of a timeline.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::log::LogWalk;
use argon_core::model::{Commit, Digest, Lsn, TimelineId, Touched};
use argon_core::storage::Direction;
use argon_core::{Error, ErrorKind, Result};
use bson::doc;
use mongodb::options::ReadConcern;

use super::connection::READ_TIME;
use super::failure::corrupt;
use super::images::with_documents;
use super::record::{id, id_field, lsn, lsn_field, optional};
use super::rows::commit_sum;
use super::steps::Step;
use super::timeline::Timelines;
use super::{checksum, header, parts, schema};

/// The bytes and changes at which a step ends early.
const STEP_BYTES: usize = 8 * 1024 * 1024;
pub(super) const STEP_CHANGES: usize = 20_000;

const COMMIT: &str = "commit";

/// A commit without its documents, and the name that its versions are stored under.
pub(super) struct Header {
    pub(super) commit: Commit<Touched>,
    pub(super) rows: TimelineId,
    /// The bytes of its documents.
    bytes: usize,
}

/// A walk over the commits of a timeline.
pub(super) struct CommitWalk {
    timelines: Arc<Timelines>,
    walk: LogWalk,
    /// Whether the walk was clipped to the timeline.
    clipped: bool,
}

impl CommitWalk {
    pub(super) fn new(
        timelines: Arc<Timelines>,
        timeline: TimelineId,
        range: &RangeInclusive<Lsn>,
        direction: Direction,
    ) -> Self {
        Self { timelines, walk: LogWalk::new(timeline, range, direction), clipped: false }
    }

    /// Reads the next commits with their documents.
    pub(super) async fn commits(mut self) -> Result<Step<Self, Commit>> {
        let mut headers = self.step().await?;
        loop {
            let error = match with_documents(&self.timelines.server, self.walk.timeline(), &headers)
                .await
            {
                Ok(commits) => return Ok((commits, self.rest())),
                Err(error) => error,
            };
            let floor = self.floor_after(&error).await?;
            if headers.first().is_none_or(|first| floor < first.commit.meta.lsn) {
                return Err(error);
            }
            headers.retain(|header| floor < header.commit.meta.lsn);
        }
    }

    /// Reads the next commits without their documents.
    pub(super) async fn headers(mut self) -> Result<Step<Self, Commit<Touched>>> {
        let headers = self.step().await?;
        let commits = headers.into_iter().map(|header| header.commit).collect();
        Ok((commits, self.rest()))
    }

    /// The walk, unless it is complete.
    fn rest(self) -> Option<Self> {
        (!self.walk.is_done()).then_some(self)
    }

    /// The floor of the timeline after an error that pruning may have caused; zero after any other.
    async fn floor_after(&self, error: &Error) -> Result<Lsn> {
        if error.kind() != ErrorKind::Corrupt {
            return Ok(Lsn::ZERO);
        }
        let record = self.timelines.record(self.walk.timeline()).await?;
        Ok(record.map_or(Lsn::MAX, |record| record.state.floor))
    }

    /// Leaves out positions that the timeline does not have; returns whether any were left out.
    async fn clip(&self, walk: &mut LogWalk) -> Result<bool> {
        let record = self.timelines.record(walk.timeline()).await?;
        Ok(walk.clip(record.as_ref().map(|record| &record.state)))
    }

    /// Reads the next commits, except those that are pruned meanwhile.
    async fn step(&mut self) -> Result<Vec<Header>> {
        if !std::mem::replace(&mut self.clipped, true) {
            let mut walk = self.walk.clone();
            self.clip(&mut walk).await?;
            self.walk = walk;
        }
        loop {
            let mut before = self.walk.clone();
            let error = match self.try_step().await {
                Ok(headers) => return Ok(headers),
                Err(error) => error,
            };
            if error.kind() != ErrorKind::Corrupt || !self.clip(&mut before).await? {
                return Err(error);
            }
            self.walk = before;
        }
    }

    async fn try_step(&mut self) -> Result<Vec<Header>> {
        let Some(range) = self.walk.next_step() else { return Ok(Vec::new()) };
        let (first, last) = range.into_inner();
        let expected = last.get() - first.get() + 1;
        let order = if self.walk.direction() == Direction::Ascending { 1 } else { -1 };
        let server = &self.timelines.server;
        let collection = server.collection(schema::COMMITS);
        let query = collection
            .find(commits(self.walk.timeline(), first, last))
            .sort(doc! { "t": order, "l": order })
            .batch_size(u32::try_from(expected + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let mut rows = server.rows("read commits", query).await?;
        let (mut headers, mut bytes, mut changes) = (Vec::new(), 0, 0);
        while bytes < STEP_BYTES && changes < STEP_CHANGES && (headers.len() as u64) < expected {
            let Some(row) = rows.next().await? else {
                self.walk.pass(None)?;
                break;
            };
            let at = lsn_field(row, COMMIT, "l")?;
            self.walk.pass(Some(at))?;
            bytes = usize::saturating_add(bytes, row.as_bytes().len());
            let header = self
                .header(row)
                .await
                .map_err(|source| corrupt(COMMIT, &format!("at LSN {at} can't be read"), source))?;
            bytes = bytes.saturating_add(header.bytes);
            changes += header.commit.changes.len();
            headers.push(header);
        }
        Ok(headers)
    }

    async fn header(&self, row: &bson::RawDocument) -> Result<Header> {
        let rows = match optional(row, COMMIT, "piece")? {
            Some(_) => id_field(row, COMMIT, "piece")?,
            None => self.walk.timeline(),
        };
        let stored = parts::of(row, COMMIT)?.ok_or_else(|| super::record::missing(COMMIT, "d"))?;
        let bytes = parts::load(&self.timelines.server, rows, stored, COMMIT).await?;
        let lsn = lsn_field(row, COMMIT, "l")?;
        let counts = (count_field(row, "changes")?, count_field(row, "bytes")?);
        let sum = commit_sum(self.walk.timeline(), rows, lsn, counts).end(&bytes);
        checksum::check(checksum::stored(row, COMMIT)?, sum, || format!("commit {lsn}"))?;
        let commit = header::decode(&bytes)?;
        if commit.meta.lsn != lsn || commit.changes.len() != counts.0 {
            return Err(corrupt(COMMIT, "is not the one that its record names", "another header"));
        }
        Ok(Header { commit, rows, bytes: counts.1 })
    }
}

/// Reads a count from the record of a commit.
fn count_field(row: &bson::RawDocument, name: &str) -> Result<usize> {
    let count = super::record::int_field(row, COMMIT, name)?;
    usize::try_from(count).map_err(|_| super::record::missing(COMMIT, name))
}

/// The digest of a commit; `None` if the timeline does not have it.
pub(super) async fn digest_of(
    timelines: &Arc<Timelines>,
    timeline: TimelineId,
    lsn: Lsn,
) -> Result<Option<Digest>> {
    let mut walk = CommitWalk::new(timelines.clone(), timeline, &(lsn..=lsn), Direction::Ascending);
    Ok(walk.step().await?.first().map(|header| header.commit.digest))
}

/// Matches the commits of a timeline in a range.
pub(super) fn commits(timeline: TimelineId, first: Lsn, last: Lsn) -> bson::Document {
    doc! { "t": id(timeline), "l": { "$gte": lsn(first), "$lte": lsn(last) } }
}
