//! The log: reading commits.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{
    Change, CollectionId, Commit, Digest, Head, Image, Lsn, Timeline, TimelineId, Touched,
};
use argon_core::storage::{
    Append, CommitStream, Direction, HeaderStream, Reclaimed, RetainedStates, TimelineState, Wal,
};
use argon_core::{Error, ErrorKind, Result};
use async_trait::async_trait;
use bson::{Bson, doc};
use mongodb::options::ReadConcern;

use super::append::commit_sum;
use super::checksum;
use super::connection::READ_TIME;
use super::extents::RowSource;
use super::factory::Store;
use super::failure::corrupt;
use super::lookup::{Named, StoredVersion, VERSION, positions};
use super::parts;
use super::record::{id, id_field, lsn, lsn_field, optional, text_field};
use super::removal::Mode;
use super::steps::{Step, steps};
use super::{header, key, schema};

/// How many commits the first step of a walk reads, how many the others, and at how many bytes or
/// changes a step ends early.
const FIRST_STEP: u64 = 16;
const STEP: u64 = 512;
const STEP_BYTES: usize = 8 * 1024 * 1024;
const STEP_CHANGES: usize = 20_000;

/// How many documents one request asks for.
const KEYS: usize = 500;

const COMMIT: &str = "commit";

/// [`Wal`] over the collections.
pub(super) struct MongoWal(pub(super) Arc<Store>);

#[async_trait]
impl Wal for MongoWal {
    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        Ok(self.0.timeline(timeline).await?.map(|record| record.state))
    }

    async fn append(
        &self,
        timeline: &Timeline,
        expected: &Head,
        commits: Arc<[Commit]>,
    ) -> Result<Append> {
        self.0.append(timeline, expected, &commits).await
    }

    async fn seal(&self, timeline: &Timeline, expected: &Head) -> Result<Append> {
        self.0.seal(timeline, expected).await
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let walk = LogWalk::new(self.0.clone(), timeline, range, Direction::Ascending);
        steps(walk, LogWalk::commits)
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        let walk = LogWalk::new(self.0.clone(), timeline, range, direction);
        steps(walk, LogWalk::headers)
    }

    async fn timelines(&self) -> Result<Vec<TimelineId>> {
        self.0.timeline_ids().await
    }

    async fn prune(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.prune(timeline, keep, Mode::Remove).await
    }

    async fn prunable(&self, timeline: TimelineId, keep: &RetainedStates) -> Result<Reclaimed> {
        self.0.prune(timeline, keep, Mode::Count).await
    }

    async fn drop_timeline(&self, timeline: TimelineId) -> Result<Reclaimed> {
        self.0.drop_timeline(timeline).await
    }

    async fn droppable(&self, timeline: TimelineId) -> Result<Option<Reclaimed>> {
        self.0.droppable(timeline).await
    }
}

/// A commit without its documents, and where they are.
struct Header {
    commit: Commit<Touched>,
    rows: TimelineId,
    /// The bytes of its documents.
    bytes: usize,
}

/// A walk over the commits of a timeline.
struct LogWalk {
    store: Arc<Store>,
    timeline: TimelineId,
    /// What is left, both ends included; none when `low > high`.
    low: u64,
    high: u64,
    direction: Direction,
    /// How many commits the next step reads.
    step: u64,
    /// Whether the range was cut to what the timeline has.
    cut: bool,
}

impl LogWalk {
    fn new(
        store: Arc<Store>,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> Self {
        let (low, high) = (range.start().get(), range.end().get());
        Self { store, timeline, low, high, direction, step: FIRST_STEP, cut: false }
    }

    /// The next commits with their documents.
    async fn commits(mut self) -> Result<Step<Self, Commit>> {
        let mut headers = self.step().await?;
        loop {
            let error = match self.store.with_documents(self.timeline, &headers).await {
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

    /// The next commits without them.
    async fn headers(mut self) -> Result<Step<Self, Commit<Touched>>> {
        let headers = self.step().await?;
        let commits = headers.into_iter().map(|header| header.commit).collect();
        Ok((commits, self.rest()))
    }

    /// The walk, if there is more.
    fn rest(self) -> Option<Self> {
        (self.low <= self.high).then_some(self)
    }

    /// The floor of the timeline after an error that may come from pruning; zero if it can't.
    async fn floor_after(&self, error: &Error) -> Result<Lsn> {
        if error.kind() != ErrorKind::Corrupt {
            return Ok(Lsn::ZERO);
        }
        let record = self.store.timeline(self.timeline).await?;
        Ok(record.map_or(Lsn::MAX, |record| record.state.floor))
    }

    /// Leaves out positions that are not the timeline's own, or are gone.
    async fn cut(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.cut, true) {
            match self.store.timeline(self.timeline).await? {
                Some(record) => {
                    self.low = self.low.max(record.state.floor.get() + 1);
                    self.high = self.high.min(record.state.head.lsn.get());
                }
                None => (self.low, self.high) = (1, 0),
            }
        }
        Ok(())
    }

    /// Reads the next commits; those that are pruned meanwhile are left out.
    async fn step(&mut self) -> Result<Vec<Header>> {
        self.cut().await?;
        loop {
            let (low, high) = (self.low, self.high);
            let error = match self.try_step().await {
                Ok(headers) => return Ok(headers),
                Err(error) => error,
            };
            let floor = self.floor_after(&error).await?.get();
            if floor < low {
                return Err(error);
            }
            (self.low, self.high) = (floor + 1, high);
        }
    }

    async fn try_step(&mut self) -> Result<Vec<Header>> {
        if self.low > self.high {
            return Ok(Vec::new());
        }
        let (first, last) = match self.direction {
            Direction::Ascending => (self.low, self.high.min(self.low + self.step - 1)),
            Direction::Descending => {
                (self.low.max((self.high + 1).saturating_sub(self.step)), self.high)
            }
        };
        self.step = STEP;
        let order = if self.direction == Direction::Ascending { 1 } else { -1 };
        let server = &self.store.server;
        let collection = server.collection(schema::COMMITS);
        let query = collection
            .find(commits(self.timeline, Lsn::new(first), Lsn::new(last)))
            .sort(doc! { "t": order, "l": order })
            .batch_size(u32::try_from(STEP + 1).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME);
        let mut rows = server.rows("read commits", query).await?;
        let (mut headers, mut bytes, mut changes) = (Vec::new(), 0, 0);
        let expected = last - first + 1;
        while bytes < STEP_BYTES && changes < STEP_CHANGES && (headers.len() as u64) < expected {
            let at = if order == 1 { self.low } else { self.high };
            let Some(row) = rows.next().await? else { return Err(missing(at)) };
            if lsn_field(row, COMMIT, "l")?.get() != at {
                return Err(missing(at));
            }
            bytes = usize::saturating_add(bytes, row.as_bytes().len());
            let header = self
                .header(row)
                .await
                .map_err(|source| corrupt(COMMIT, &format!("at LSN {at} can't be read"), source))?;
            bytes = bytes.saturating_add(header.bytes);
            changes += header.commit.changes.len();
            headers.push(header);
            if order == 1 { self.low += 1 } else { self.high -= 1 }
        }
        Ok(headers)
    }

    async fn header(&self, row: &bson::RawDocument) -> Result<Header> {
        let rows = match optional(row, COMMIT, "piece")? {
            Some(_) => id_field(row, COMMIT, "piece")?,
            None => self.timeline,
        };
        let stored = parts::of(row, COMMIT)?.ok_or_else(|| super::record::missing(COMMIT, "d"))?;
        let bytes = self.store.server.load(rows, stored, COMMIT).await?;
        let lsn = lsn_field(row, COMMIT, "l")?;
        let counts = (count_field(row, "changes")?, count_field(row, "bytes")?);
        let sum = commit_sum(self.timeline, rows, lsn, counts).end(&bytes);
        checksum::check(checksum::stored(row, COMMIT)?, sum, || format!("commit {lsn}"))?;
        let commit = header::decode(&bytes)?;
        if commit.meta.lsn != lsn || commit.changes.len() != counts.0 {
            return Err(corrupt(COMMIT, "is not the one that its record names", "another header"));
        }
        Ok(Header { commit, rows, bytes: counts.1 })
    }
}

/// A count in a commit's record.
fn count_field(row: &bson::RawDocument, name: &str) -> Result<usize> {
    let count = super::record::int_field(row, COMMIT, name)?;
    usize::try_from(count).map_err(|_| super::record::missing(COMMIT, name))
}

/// The commits of a timeline from one position to another.
pub(super) fn commits(timeline: TimelineId, first: Lsn, last: Lsn) -> bson::Document {
    doc! { "t": id(timeline), "l": { "$gte": lsn(first), "$lte": lsn(last) } }
}

/// The versions of some keys in a source.
pub(super) fn versions_of_keys(
    source: &RowSource,
    collection: CollectionId,
    keys: &[&String],
) -> Vec<bson::Document> {
    let keys: Vec<Bson> = keys.iter().map(|key| Bson::String((*key).clone())).collect();
    vec![
        doc! { "$match": {
            "t": id(source.rows),
            "c": collection.get().cast_signed(),
            "k": { "$in": keys },
        } },
        doc! { "$match": { "l": positions(source) } },
    ]
}

/// The versions of a collection in an extent.
pub(super) fn versions_of_extent(
    source: &RowSource,
    collection: CollectionId,
) -> Vec<bson::Document> {
    let rows = doc! { "t": id(source.rows), "c": collection.get().cast_signed() };
    vec![doc! { "$match": rows }, doc! { "$match": { "l": positions(source) } }]
}

fn missing(lsn: u64) -> Error {
    Error::corrupt(format!("commit {lsn} is missing from the log"))
}

/// Images by position, collection and encoded key.
type Images = HashMap<(Lsn, CollectionId, String), StoredVersion>;

impl Store {
    /// The digest of a commit; `None` if the timeline does not have it.
    pub(super) async fn digest_of(
        self: &Arc<Self>,
        timeline: TimelineId,
        lsn: Lsn,
    ) -> Result<Option<Digest>> {
        let mut walk = LogWalk::new(self.clone(), timeline, lsn..=lsn, Direction::Ascending);
        Ok(walk.step().await?.first().map(|header| header.commit.digest))
    }

    /// Adds the documents to commits that follow each other.
    async fn with_documents(
        self: &Arc<Self>,
        timeline: TimelineId,
        headers: &[Header],
    ) -> Result<Vec<Commit>> {
        let mut commits = Vec::with_capacity(headers.len());
        // Commits that follow each other and have their versions in one place are read together: all
        // versions of their keys between the first and the last are theirs.
        for group in headers.chunk_by(|a, b| a.rows == b.rows) {
            let mut images = self.images(timeline, group).await?;
            for header in group {
                let changes = self.changes(&header.commit, &mut images).await?;
                let (meta, digest) = (header.commit.meta.clone(), header.commit.digest);
                commits.push(Commit { meta, digest, changes });
            }
        }
        Ok(commits)
    }

    async fn images(&self, timeline: TimelineId, group: &[Header]) -> Result<Images> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Ok(Images::new());
        };
        let source = RowSource {
            rows: first.rows,
            above: first.commit.meta.lsn.back(1).unwrap_or_default(),
            upto: last.commit.meta.lsn,
        };
        let mut wanted: BTreeMap<CollectionId, Vec<String>> = BTreeMap::new();
        for change in group.iter().flat_map(|header| &header.commit.changes) {
            wanted.entry(change.collection).or_default().push(key::encode(&change.key));
        }
        let mut images = Images::new();
        for (collection, mut keys) in wanted {
            if first.rows != timeline {
                // An extent holds nothing else.
                let query = versions_of_extent(&source, collection);
                self.read_images(&source, collection, query, &mut images).await?;
                continue;
            }
            keys.sort_unstable();
            keys.dedup();
            let keys: Vec<&String> = keys.iter().collect();
            for keys in keys.chunks(KEYS) {
                let query = versions_of_keys(&source, collection, keys);
                self.read_images(&source, collection, query, &mut images).await?;
            }
        }
        Ok(images)
    }

    async fn read_images(
        &self,
        source: &RowSource,
        collection: CollectionId,
        query: Vec<bson::Document>,
        images: &mut Images,
    ) -> Result<()> {
        let versions = self.server.collection(schema::VERSIONS);
        let query = versions
            .aggregate(query)
            .batch_size(u32::try_from(STEP_CHANGES).unwrap_or(u32::MAX))
            .read_concern(ReadConcern::local())
            .max_time(READ_TIME)
            .with_type::<bson::RawDocumentBuf>();
        let mut rows = self.server.rows("read the documents of commits", query).await?;
        while let Some(row) = rows.next().await? {
            let key = text_field(row, VERSION, "k")?;
            let found = StoredVersion::of(row, source, Named { collection, key })?;
            images.insert((found.lsn, collection, key.to_owned()), found);
        }
        Ok(())
    }

    async fn changes(&self, commit: &Commit<Touched>, images: &mut Images) -> Result<Vec<Change>> {
        let lsn = commit.meta.lsn;
        let mut changes = Vec::with_capacity(commit.changes.len());
        for Touched { collection, key, deleted } in &commit.changes {
            let found = images.remove(&(lsn, *collection, key::encode(key)));
            let found = found.filter(|found| found.document.is_none() == *deleted);
            let found = found.ok_or_else(|| lacks_image(lsn, key))?;
            let image: Image = found.image(&self.server).await?;
            changes.push(Change { collection: *collection, key: key.clone(), image });
        }
        Ok(changes)
    }
}

fn lacks_image(lsn: Lsn, key: &Key) -> Error {
    Error::corrupt(format!("commit {lsn} lacks its image of the document with _id {key}"))
}
