//! Tests with a server. Other contracts are held by `conformance-tests`.

mod clock;
mod damage;
mod explain;
mod faults;
mod indexes;
mod large;
mod opening;
mod processes;
mod prune;
mod speed;
mod sweep;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use argon_core::model::{
    Actor, BranchName, Change, CollectionId, Commit, CommitMeta, Digest, Document, Head, Image,
    Message, Nonce, Origin, ProjectName, Timeline, TimelineId, Trailers,
};
use argon_core::storage::{Append, Backend, Factory, OpenOptions, StoreUrl};
use argon_core::{Branch, Store};
use argon_test_servers::{MongoServer, Unavailable, server_or_skip};
use bson::{DateTime, RawDocumentBuf};

use super::address::Address;
use super::connection::Connection;
use super::schema::Contents;
use super::{MongoFactory, factory, schema};

const COLLECTION: CollectionId = CollectionId::new(99);

/// A server that the tests share that leave it running; `None` where none can be started.
fn server() -> Option<&'static MongoServer> {
    static SERVER: OnceLock<Result<MongoServer, Unavailable>> = OnceLock::new();
    let server = match SERVER.get_or_init(MongoServer::start) {
        Ok(server) => Ok(server),
        Err(reason) => Err(std::io::Error::other(reason.to_string()).into()),
    };
    server_or_skip("tests with MongoDB", server)
}

/// An unused name of a database.
fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn url(server: &MongoServer) -> StoreUrl {
    server.url(&database()).parse().unwrap()
}

async fn create(url: &StoreUrl) -> Backend {
    MongoFactory.create(url, &OpenOptions::default(), &crate::environment()).await.unwrap()
}

async fn open(url: &StoreUrl) -> Backend {
    MongoFactory.open(url, &OpenOptions::default(), &crate::environment()).await.unwrap()
}

/// The store as on a server that has no `bulkWrite`.
async fn open_older(url: &StoreUrl) -> Backend {
    let server = beneath(url).await;
    let Contents::Store(record) = schema::contents(&server).await.unwrap() else { panic!("{url}") };
    factory::backend(server, url.to_string(), record, &crate::environment())
}

/// The server's database without the store over it.
async fn beneath(url: &StoreUrl) -> Arc<Connection> {
    let address = Address::of(url, &OpenOptions::default()).await.unwrap();
    Arc::new(Connection::new(address, &crate::environment()).unwrap())
}

fn project_name() -> ProjectName {
    ProjectName::new("shop").unwrap()
}

async fn new_branch(backend: Backend) -> Branch {
    let store = Store::new(backend, crate::environment(), Actor::new("tester").unwrap());
    let project = store.create_project(&project_name()).await.unwrap();
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

async fn branch_again(backend: Backend) -> Branch {
    let store = Store::new(backend, crate::environment(), Actor::new("tester").unwrap());
    let project = store.project(&project_name()).await.unwrap();
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

fn put(document: RawDocumentBuf) -> Change {
    let (key, document) = Document::checked(document).unwrap();
    Change { collection: COLLECTION, key, image: Image::Document(document) }
}

/// A timeline that a test writes by hand.
#[derive(Clone)]
struct Chain {
    timeline: Timeline,
    head: Head,
}

impl Chain {
    fn new() -> Self {
        let id = TimelineId::from_bytes(crate::environment().random());
        Self { timeline: Timeline { id, base: None }, head: Head::EMPTY }
    }

    /// The next commit.
    fn next(&mut self, changes: Vec<Change>) -> Commit {
        let meta = CommitMeta {
            lsn: self.head.lsn.next(),
            time: DateTime::from_millis(1_700_000_000_000),
            nonce: Nonce(u32::from_le_bytes(crate::environment().random())),
            actor: Actor::new("tester").unwrap(),
            message: Message::default(),
            origin: Origin::Write,
            trailers: Trailers::default(),
        };
        let mut commit = Commit { meta, digest: Digest::ZERO, changes };
        commit.digest = commit.compute_digest(&self.head.digest);
        self.head = commit.head();
        commit
    }

    /// Appends a commit of these changes, which must be done.
    async fn write(&mut self, backend: &Backend, changes: Vec<Change>) -> Commit {
        let before = self.head;
        let commit = self.next(changes);
        let commits: Arc<[Commit]> = [commit.clone()].into();
        let answer = backend.wal.append(&self.timeline, &before, commits, None).await.unwrap();
        assert_eq!(answer, Append::Done);
        commit
    }
}

/// How often a random case is tried where `usual` is enough for every day.
fn cases(usual: usize) -> usize {
    let times = std::env::var("ARGON_TEST_CASES").ok().map_or(1, |text| text.parse().unwrap());
    usual * times
}
