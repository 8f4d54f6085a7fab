//! Documents, commits and requests for trials.

use std::sync::Arc;

use argon_core::key::Key;
use argon_core::model::{
    Actor, BranchName, Change, CollectionId, CollectionName, Commit, CommitMeta, Digest, Document,
    Head, Image, Lsn, Message, Nonce, Origin, Point, Timeline, TimelineId, Trailers,
};
use argon_core::storage::{Append, Wal};
use bson::{Bson, DateTime, RawDocumentBuf, rawdoc};

use crate::environment::{Random, time};

/// The collection to which [`Chain`]s write.
pub(crate) const COLLECTION: CollectionId = CollectionId::new(99);

pub(crate) fn collection(name: &str) -> CollectionName {
    CollectionName::new(name).unwrap()
}

pub(crate) fn branch(name: &str) -> BranchName {
    BranchName::new(name).unwrap()
}

pub(crate) fn key(id: impl Into<Bson>) -> Key {
    Key::of(&id.into()).unwrap()
}

/// A document with its key.
pub(crate) fn checked(raw: RawDocumentBuf) -> (Key, Document) {
    Document::checked(raw).unwrap()
}

/// The document `{_id, text}` with its key.
pub(crate) fn document(id: i64, text: &str) -> (Key, Document) {
    checked(rawdoc! { "_id": id, "text": text })
}

/// The writing of a document by a [`Chain`].
pub(crate) fn put(id: i64, text: &str) -> Change {
    let (key, document) = document(id, text);
    Change { collection: COLLECTION, key, image: Image::Document(document) }
}

/// The deletion of a document by a [`Chain`].
pub(crate) fn deletion(id: i64) -> Change {
    Change { collection: COLLECTION, key: key(id), image: Image::Deleted }
}

/// A timeline that a trial writes by hand: makes commits that follow each other.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) timeline: Timeline,
    pub(crate) head: Head,
    random: Random,
}

impl Chain {
    /// A root timeline; `number` tells it from others of the same trial.
    pub(crate) fn root(number: u64) -> Self {
        Self::new(number, None, Head::EMPTY)
    }

    /// A timeline that forks from this one's head.
    pub(crate) fn fork(&self, number: u64) -> Self {
        let base = Point { timeline: self.timeline.id, lsn: self.head.lsn };
        Self::new(number, Some(base), self.head)
    }

    fn new(number: u64, base: Option<Point>, head: Head) -> Self {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let timeline = Timeline { id: TimelineId::from_bytes(id), base };
        Self { timeline, head, random: Random::new(number) }
    }

    pub(crate) fn id(&self) -> TimelineId {
        self.timeline.id
    }

    /// The next commit.
    pub(crate) fn next(&mut self, changes: Vec<Change>) -> Commit {
        let lsn = self.head.lsn.next();
        let meta = CommitMeta {
            lsn,
            time: time(i64::try_from(lsn.get()).unwrap()),
            nonce: Nonce(u32::try_from(self.random.below(1 << 32)).unwrap()),
            actor: Actor::new("tester").unwrap(),
            message: Message::new(format!("commit {lsn}")).unwrap(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let mut commit = Commit { meta, digest: Digest::ZERO, changes };
        commit.digest = commit.compute_digest(&self.head.digest);
        self.head = commit.head();
        commit
    }

    /// The next `count` commits, each of one document.
    pub(crate) fn many(&mut self, count: u64) -> Arc<[Commit]> {
        (0..count)
            .map(|_| {
                let id = i64::try_from(self.random.below(1000)).unwrap();
                let text = format!("of commit {}", self.head.lsn.next());
                self.next(vec![put(id, &text)])
            })
            .collect()
    }

    /// Makes the next `count` commits and appends them, which must be done.
    pub(crate) async fn grow(&mut self, wal: &dyn Wal, count: u64) -> Arc<[Commit]> {
        let before = self.head;
        let commits = self.many(count);
        let answer = wal.append(&self.timeline, &before, commits.clone(), None).await.unwrap();
        assert_eq!(answer, Append::Done);
        commits
    }

    /// Makes a commit of these changes and appends it, which must be done.
    pub(crate) async fn write(&mut self, wal: &dyn Wal, changes: Vec<Change>) -> Commit {
        let before = self.head;
        let commit = self.next(changes);
        let answer =
            wal.append(&self.timeline, &before, [commit.clone()].into(), None).await.unwrap();
        assert_eq!(answer, Append::Done);
        commit
    }
}

/// All positions that there can be.
pub(crate) fn everything() -> std::ops::RangeInclusive<Lsn> {
    Lsn::ZERO..=Lsn::MAX
}

/// Bytes that don't compress: `length` of them.
pub(crate) fn noise(length: usize, stream: u64) -> Vec<u8> {
    let mut random = Random::new(stream);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A document of exactly `size` bytes.
pub(crate) fn document_of_size(id: i64, size: usize) -> (Key, Document) {
    let with = |data: Vec<u8>| {
        let data = bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: data };
        rawdoc! { "_id": id, "data": data }
    };
    let overhead = with(Vec::new()).as_bytes().len();
    checked(with(noise(size - overhead, size as u64)))
}

/// One document with a field of every BSON type, and numbers at their limits.
pub(crate) fn of_every_type() -> (Key, Document) {
    checked(rawdoc! {
        "_id": bson::oid::ObjectId::from_bytes([7; 12]),
        "double": f64::from_bits(0x7ff8_0000_dead_beef),
        "negative zero": -0.0,
        "string": "naïve \u{0} text",
        "document": { "b": 1, "a": { "deep": [1, [2, [3]]] } },
        "array": [1, "two", 3.0, null],
        "binary": bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: vec![9; 16] },
        "undefined": bson::RawBson::Undefined,
        "bool": true,
        "date": DateTime::MIN,
        "null": null,
        "regex": bson::Regex { pattern: bson::cstr!("^a.*").to_owned(), options: bson::cstr!("i").to_owned() },
        "code": bson::RawBson::JavaScriptCode("function() {}".to_owned()),
        "scoped": bson::RawJavaScriptCodeWithScope { code: "x".to_owned(), scope: rawdoc! { "x": 1 } },
        "symbol": bson::RawBson::Symbol("symbol".to_owned()),
        "int32": i32::MIN,
        "timestamp": bson::Timestamp { time: u32::MAX, increment: 1 },
        "int64": i64::MAX,
        "decimal": bson::Decimal128::from_bytes([1; 16]),
        "min": bson::RawBson::MinKey,
        "max": bson::RawBson::MaxKey,
    })
}
