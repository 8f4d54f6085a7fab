//! Stores on a server that can be told to misbehave, and what they must make of it.

mod cache;
mod chain;
mod compaction;
mod faults;
mod open;
mod prune;
mod round_trips;
mod writers;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use argon_core::key::Key;
use argon_core::model::{
    Actor, Change, CollectionId, Commit, CommitMeta, Digest, Document, Head, Image, Lsn, Message,
    Nonce, Origin, Timeline, TimelineId, Trailers,
};
use argon_core::storage::{Append, Backend, Direction, OpenOptions, StoreUrl, Wal};
use argon_core::{Clock, Environment, Ids, Result};
use argon_test_servers::stub_s3::StubS3;
use aws_sdk_s3::config::Credentials;
use bson::{DateTime, rawdoc};
use futures::TryStreamExt;

use crate::s3::factory::Opener;

/// A clock that stands still until it is moved.
#[derive(Default)]
struct SetClock(AtomicI64);

impl SetClock {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

struct Machine(Arc<SetClock>);

impl Clock for Machine {
    fn now(&self) -> DateTime {
        DateTime::from_millis(1_700_000_000_000 + self.0.0.load(Ordering::SeqCst))
    }
}

struct Random;

impl Ids for Random {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&crate::environment().random::<64>()[..bytes.len()]);
    }
}

fn environment(clock: &Arc<SetClock>) -> Environment {
    Environment::new(Arc::new(Machine(clock.clone())), Arc::new(Random))
}

fn options() -> OpenOptions {
    OpenOptions { lock_timeout: Duration::from_secs(10), ..OpenOptions::default() }
}

/// Opens stores with credentials of no worth, and without patience.
fn opener() -> Opener {
    let credentials = Credentials::new("key", "secret", None, None, "tests");
    Opener { credentials: Some(credentials), patience: Duration::from_secs(5) }
}

/// The URL of the store of a test, with more parameters.
fn url(stub: &StubS3, more: &str) -> StoreUrl {
    format!("{}{more}", stub.url("prefix")).parse().unwrap()
}

async fn create(stub: &StubS3) -> Backend {
    create_with(stub, "", &Arc::default()).await.unwrap()
}

async fn create_with(stub: &StubS3, more: &str, clock: &Arc<SetClock>) -> Result<Backend> {
    opener().create(&url(stub, more), &options(), &environment(clock)).await
}

async fn open(stub: &StubS3) -> Backend {
    open_with(stub, "", &Arc::default()).await.unwrap()
}

async fn open_with(stub: &StubS3, more: &str, clock: &Arc<SetClock>) -> Result<Backend> {
    opener().open(&url(stub, more), &options(), &environment(clock)).await
}

/// A timeline that a test writes by hand.
#[derive(Clone)]
struct Chain {
    timeline: Timeline,
    head: Head,
}

impl Chain {
    fn new(number: u8) -> Self {
        let timeline = Timeline { id: TimelineId::from_bytes([number; 16]), base: None };
        Self { timeline, head: Head::EMPTY }
    }

    /// The next commit, of one document with so many bytes of text.
    fn next(&mut self, bytes: usize) -> Commit {
        self.next_with("a".repeat(bytes))
    }

    /// The same with text that can't be compressed to less than half.
    fn noise(&mut self, bytes: usize) -> Commit {
        let mut state = self.head.lsn.get() + 1;
        let letter = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'0' + u8::try_from(state >> 58).unwrap())
        };
        self.next_with((0..bytes).map(letter).collect())
    }

    fn next_with(&mut self, text: String) -> Commit {
        let lsn = self.head.lsn.next();
        let number = i64::try_from(lsn.get()).unwrap();
        let (key, document) = Document::checked(rawdoc! { "_id": number, "text": text }).unwrap();
        let meta = CommitMeta {
            lsn,
            time: DateTime::from_millis(number),
            nonce: Nonce(u32::from_le_bytes(crate::environment().random())),
            actor: Actor::new("tester").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let collection = CollectionId::new(99);
        let changes = vec![Change { collection, key, image: Image::Document(document) }];
        let mut commit = Commit { meta, digest: Digest::ZERO, changes };
        commit.digest = commit.compute_digest(&self.head.digest);
        self.head = commit.head();
        commit
    }

    /// The next commit, whose documents have so many bytes together that can't be compressed.
    fn large(&mut self, bytes: usize) -> Commit {
        const EACH: usize = 512 * 1024;
        let random = |_| crate::environment().random::<4096>();
        let noise: Vec<u8> = (0..EACH / 4096).flat_map(random).collect();
        let before = self.head.digest;
        let mut commit = self.next(1);
        for id in 0..bytes.div_ceil(EACH) {
            let id = i64::try_from(id).unwrap() + 1000;
            let bytes =
                bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: noise.clone() };
            let (key, document) = Document::checked(rawdoc! { "_id": id, "noise": bytes }).unwrap();
            let collection = commit.changes[0].collection;
            commit.changes.push(Change { collection, key, image: Image::Document(document) });
        }
        commit.digest = commit.compute_digest(&before);
        self.head = commit.head();
        commit
    }

    /// Tries to append one commit after this chain's head.
    async fn try_append(&mut self, wal: &dyn Wal) -> Result<Append> {
        let before = self.head;
        let commit = self.next(10);
        wal.append(&self.timeline, &before, [commit].into(), None).await
    }

    /// Appends commits one by one, which must be done.
    async fn grow(&mut self, wal: &dyn Wal, count: usize) -> Vec<Commit> {
        let mut written = Vec::new();
        for _ in 0..count {
            let before = self.head;
            let commit = self.next(10);
            let answer = wal.append(&self.timeline, &before, [commit.clone()].into(), None).await;
            assert_eq!(answer.unwrap(), Append::Done);
            written.push(commit);
        }
        written
    }
}

async fn read(wal: &dyn Wal, chain: &Chain, range: std::ops::RangeInclusive<u64>) -> Vec<Commit> {
    let range = Lsn::new(*range.start())..=Lsn::new(*range.end());
    wal.read(chain.timeline.id, range).try_collect().await.unwrap()
}

/// Checks that all that was written is read, and that nothing is found to be wrong.
async fn check(backend: &Backend, chain: &Chain, written: &[Commit]) {
    check_reads(backend, chain, written).await;
    assert_eq!(problems(backend).await, [""; 0]);
}

/// What looking at every object finds.
async fn problems(backend: &Backend) -> Vec<String> {
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    findings.into_iter().map(|finding| finding.problem).collect()
}

/// Checks that all that was written is read, in parts and in both directions.
async fn check_reads(backend: &Backend, chain: &Chain, written: &[Commit]) {
    let (wal, last) = (&*backend.wal, written.len() as u64);
    assert!(read(wal, chain, 0..=u64::MAX).await == written, "another log than was written");
    let state = wal.state(chain.timeline.id).await.unwrap().unwrap();
    assert_eq!(state.head, written.last().unwrap().head());
    for (from, to) in [(1, 1), (last / 2, last / 2 + 3), (last, last), (3, last)] {
        let found = read(wal, chain, from..=to).await;
        let wanted = written.iter().filter(|commit| (from..=to).contains(&commit.meta.lsn.get()));
        assert!(found.iter().eq(wanted), "{from}..={to}");
        for direction in [Direction::Ascending, Direction::Descending] {
            let headers =
                wal.read_headers(chain.timeline.id, Lsn::new(from)..=Lsn::new(to), direction);
            let headers: Vec<_> = headers.try_collect().await.unwrap();
            let mut lsns: Vec<u64> = headers.iter().map(|commit| commit.meta.lsn.get()).collect();
            if direction == Direction::Descending {
                lsns.reverse();
            }
            assert!(lsns.into_iter().eq(from..=to.min(last)), "{from}..={to} {direction:?}");
        }
    }
}

/// The key of an `_id`.
fn key(id: i64) -> Key {
    Key::of(&id.into()).unwrap()
}
