//! The documents of an append, with their checksums.

use argon_core::Environment;
use argon_core::model::{Change, CollectionId, Commit, Image, Lsn, TimelineId};
use bson::oid::ObjectId;
use bson::{RawDocumentBuf, cstr, rawdoc};

use super::checksum::Sum;
use super::record::{id, lsn};
use super::{header, key, parts, schema};

/// The documents of an append.
pub(super) struct Rows {
    pub(super) commits: Vec<RawDocumentBuf>,
    pub(super) versions: Vec<RawDocumentBuf>,
    pub(super) parts: Vec<RawDocumentBuf>,
}

impl Rows {
    /// Encodes `commits` of `timeline`, with the versions under `place`: the timeline or an extent.
    pub(super) fn of(
        timeline: TimelineId,
        place: TimelineId,
        commits: &[Commit],
        environment: &Environment,
    ) -> Self {
        let mut rows = Self { commits: Vec::new(), versions: Vec::new(), parts: Vec::new() };
        for commit in commits {
            let mut row = rawdoc! {
                "_id": environment.object_id(),
                "t": id(timeline),
                "l": lsn(commit.meta.lsn),
                "changes": i64::try_from(commit.changes.len()).unwrap_or(i64::MAX),
                "bytes": i64::try_from(commit.document_bytes()).unwrap_or(i64::MAX),
            };
            if place != timeline {
                row.append(cstr!("piece"), id(place));
            }
            let header = header::encode(commit);
            parts::put(&mut row, &mut rows.parts, place, &header, environment);
            let counts = (commit.changes.len(), commit.document_bytes());
            let sum = commit_sum(timeline, place, commit.meta.lsn, counts).end(&header);
            row.append(cstr!("crc"), sum.value());
            rows.commits.push(row);
            for change in &commit.changes {
                rows.version(place, commit, change, environment.object_id(), environment);
            }
        }
        rows
    }

    fn version(
        &mut self,
        place: TimelineId,
        commit: &Commit,
        change: &Change,
        name: ObjectId,
        environment: &Environment,
    ) {
        let key = key::encode(&change.key);
        let sum = version_sum(place, change.collection, &key, commit.meta.lsn);
        let mut row = rawdoc! {
            "_id": name,
            "t": id(place),
            "c": change.collection.get().cast_signed(),
            "k": key,
            "l": lsn(commit.meta.lsn),
        };
        let sum = match &change.image {
            Image::Document(document) => {
                let bytes = document.as_bytes();
                parts::put(&mut row, &mut self.parts, place, bytes, environment);
                sum.end(bytes)
            }
            Image::Deleted => sum,
        };
        row.append(cstr!("crc"), sum.value());
        self.versions.push(row);
    }
}

/// The checksum of a commit's record up to its header, which comes last; `place` is that of its
/// versions.
pub(super) fn commit_sum(
    timeline: TimelineId,
    place: TimelineId,
    at: Lsn,
    (changes, bytes): (usize, usize),
) -> Sum {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let sum = Sum::of(schema::COMMITS).id(timeline).id(place).number(lsn(at));
    sum.number(number(changes)).number(number(bytes))
}

/// The checksum of a version up to its document, which comes last; the whole checksum of a deletion.
pub(super) fn version_sum(place: TimelineId, of: CollectionId, key: &str, at: Lsn) -> Sum {
    let sum = Sum::of(schema::VERSIONS).id(place).number(of.get().cast_signed());
    sum.text(key).number(lsn(at))
}
