use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_core::document::key::Key;
use argon_core::model::codec::for_each_damage;
use argon_core::model::{
    Actor, BranchName, Change, CollectionId, CollectionName, Commit, Digest, Document, Head, Image,
    Lsn, Point, Segment, Timeline, TimelineId, View,
};
use argon_core::storage::{
    Backend, BuildId, BuildStatus, CasResult, Entry, EntryChange, IndexBuild, IndexChanges,
    OpenOptions, RetainedStates, StoreUrl, VersionedRef,
};
use argon_core::watch::WatchFrom;
use argon_core::{Branch, Error, ErrorKind, Hint, Store};
use bson::{DateTime, Document as BsonDocument, doc, rawdoc};
use futures::{StreamExt as _, TryStreamExt as _};
use tempfile::{TempDir, tempdir};

use super::codec::{Decode, Encode, decode};
use super::{DONE, GREETING, SOCKET};

struct Place {
    _temporary: TempDir,
    directory: PathBuf,
}

impl Place {
    fn new() -> Self {
        let temporary = tempdir().unwrap();
        let directory = temporary.path().join("store");
        Self { _temporary: temporary, directory }
    }

    fn url(&self) -> StoreUrl {
        StoreUrl::new("fjall", self.directory.to_string_lossy())
    }

    async fn create(&self) {
        let registry = crate::registry();
        let factory = registry.factory(&self.url()).unwrap();
        let options = OpenOptions::default();
        factory.create(&self.url(), &options, &crate::environment()).await.unwrap();
    }

    async fn open(&self, share: bool) -> Result<Backend, Error> {
        let registry = crate::registry();
        let factory = registry.factory(&self.url()).unwrap();
        let options = OpenOptions { share, ..OpenOptions::default() };
        factory.open(&self.url(), &options, &crate::environment()).await
    }
}

fn store(backend: Backend) -> Store {
    Store::new(backend, crate::environment(), Actor::new("tester").unwrap())
}

async fn branch(store: &Store) -> Branch {
    let project = store.project_or_create("shop").await.unwrap();
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

async fn put(branch: &Branch, id: i32) {
    let mut request = branch.request();
    let (key, document) = Document::checked(rawdoc! { "_id": id }).unwrap();
    let unconditional = argon_core::write::Precondition::Any;
    request.put(CollectionName::new("c").unwrap(), key, document, unconditional).unwrap();
    branch.commit(request).await.unwrap().committed().unwrap();
}

async fn ids(branch: &Branch) -> usize {
    let head = branch.head().await.unwrap();
    head.collection(&CollectionName::new("c").unwrap()).unwrap().scan().count().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_a_store_see_each_others_commits() {
    let place = Place::new();
    place.create().await;
    let owner = store(place.open(true).await.unwrap());
    let other = store(place.open(false).await.unwrap());
    assert!(owner.capabilities().shared && other.capabilities().shared);
    let (here, there) = (branch(&owner).await, branch(&other).await);
    let mut watched = here.watch(WatchFrom::Head).await.unwrap();
    for id in 0..10 {
        put(if id % 2 == 0 { &there } else { &here }, id).await;
    }
    assert_eq!((ids(&here).await, ids(&there).await), (10, 10));
    // The commits of the other are waited for without looking at the store.
    for _ in 0..10 {
        watched.next().await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_two_users_lose_nothing() {
    let place = Place::new();
    place.create().await;
    let owner = store(place.open(true).await.unwrap());
    let others = [store(place.open(false).await.unwrap()), store(place.open(false).await.unwrap())];
    let mut writers = Vec::new();
    for (number, user) in (0..).zip(others.iter().chain([&owner])) {
        let branch = branch(user).await;
        writers.push(tokio::spawn(async move {
            for id in 0..50 {
                put(&branch, number * 50 + id).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(ids(&branch(&owner).await).await, 150);
    assert_eq!(branch(&others[0]).await.head().await.unwrap().lsn().get(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_collection_and_a_reader_that_leaves_early_are_streamed() {
    let place = Place::new();
    place.create().await;
    let _owner = place.open(true).await.unwrap();
    let there = branch(&store(place.open(false).await.unwrap())).await;
    let mut request = there.request();
    for id in 0..3000 {
        let (key, document) =
            Document::checked(rawdoc! { "_id": id, "x": "x".repeat(1000) }).unwrap();
        let unconditional = argon_core::write::Precondition::Any;
        request.put(CollectionName::new("c").unwrap(), key, document, unconditional).unwrap();
    }
    there.commit(request).await.unwrap().committed().unwrap();
    assert_eq!(ids(&there).await, 3000);
    let head = there.head().await.unwrap();
    let view = head.collection(&CollectionName::new("c").unwrap()).unwrap();
    for _ in 0..40 {
        assert_eq!(view.scan().take(1).try_collect::<Vec<_>>().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_its_owner_and_goes_with_the_store() {
    let place = Place::new();
    place.create().await;
    // One that was left behind by a process that was killed.
    drop(UnixListener::bind(place.directory.join(SOCKET)).unwrap());
    drop(place.open(false).await.unwrap());
    let owner = place.open(true).await.unwrap();
    let socket = place.directory.join(SOCKET);
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    drop(owner);
    assert!(!socket.exists());
    place.open(false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_long_path_is_shared() {
    let temporary = tempdir().unwrap();
    let directory = temporary.path().join("d".repeat(120)).join("store");
    let place = Place { _temporary: temporary, directory };
    place.create().await;
    let _owner = place.open(true).await.unwrap();
    place.open(false).await.unwrap().wal.timelines().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_end_of_the_owner_is_unavailable() {
    let place = Place::new();
    place.create().await;
    let owner = place.open(true).await.unwrap();
    let other = place.open(false).await.unwrap();
    other.wal.timelines().await.unwrap();
    drop(owner);
    // A connection ends when the runtime comes to it.
    while other.refs.get("a").await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = other.refs.compare_and_set("a", None, Some(vec![1])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    // The next owner serves the same handle.
    let _owner = place.open(true).await.unwrap();
    other.refs.compare_and_set("a", None, Some(vec![1])).await.unwrap();
}

/// A process that takes a request and ends.
fn end_after_a_request(directory: &Path, info: Vec<u8>) {
    let listener = UnixListener::bind(directory.join(SOCKET)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; GREETING.len()]).unwrap();
            let mut answer = vec![DONE];
            answer.extend_from_slice(&info);
            stream.write_all(&u32::try_from(answer.len()).unwrap().to_le_bytes()).unwrap();
            stream.write_all(&answer).unwrap();
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_ok() {
                stream.read_exact(&mut vec![0; u32::from_le_bytes(length) as usize]).unwrap();
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_a_write_unknown_and_a_read_failed() {
    let place = Place::new();
    place.create().await;
    let mut info = Vec::new();
    place.open(false).await.unwrap().maintenance.info().put(&mut info);
    end_after_a_request(&place.directory, info);
    let other = super::connect(&place.directory).unwrap().unwrap();
    let error = other.refs.compare_and_set("a", None, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Indeterminate, "{error:?}");
    for error in [
        other.refs.get("a").await.map(drop).unwrap_err(),
        other.maintenance.verify().next().await.unwrap().map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_refused_and_malformed_requests_are_answered() {
    let place = Place::new();
    place.create().await;
    let _owner = place.open(true).await.unwrap();
    let ask = |greeting: &[u8], request: Option<&[u8]>| {
        let mut stream = UnixStream::connect(place.directory.join(SOCKET)).unwrap();
        stream.write_all(greeting).unwrap();
        let mut answer = frame(&mut stream);
        if let Some(request) = request {
            stream.write_all(&u32::try_from(request.len()).unwrap().to_le_bytes()).unwrap();
            stream.write_all(request).unwrap();
            answer = frame(&mut stream);
        }
        assert_eq!(answer[0], super::FAILED);
        decode::<Error>(&answer[1..]).unwrap()
    };
    let error = ask(b"argon relay 9\n", None);
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("another version"), "{error}");
    for request in [&[][..], &[250], &[2, 1, 2, 3], &[1]] {
        let error = ask(GREETING, Some(request));
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported), "{error:?}");
    }
}

fn frame(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut body).unwrap();
    body
}

fn timeline(byte: u8) -> TimelineId {
    TimelineId::from_bytes([byte; 16])
}

/// That a value comes back, and that no damage of its bytes is worse than an error.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "it is written where it is checked")]
fn comes_back<T: Encode + Decode + PartialEq + std::fmt::Debug>(value: T) {
    let mut bytes = Vec::new();
    value.put(&mut bytes);
    assert_eq!(decode::<T>(&bytes).unwrap(), value);
    for_each_damage(&bytes, |damaged| drop(decode::<T>(damaged)));
}

#[test]
fn values_come_back_and_damaged_ones_are_refused_or_read() {
    let key = Key::of(&"a".into()).unwrap();
    let (_, document) = Document::checked(rawdoc! { "_id": "a", "x": 1.5 }).unwrap();
    let head = Head { lsn: Lsn::new(7), digest: Digest::of(b"x"), time: DateTime::from_millis(-5) };
    let point = Point { timeline: timeline(1), lsn: Lsn::new(3) };
    comes_back((Timeline { id: timeline(2), base: Some(point) }, head, true, u64::MAX));
    comes_back(
        View::of_segments(vec![
            Segment { timeline: timeline(2), above: Lsn::new(3), upto: Lsn::new(9) },
            Segment { timeline: timeline(1), above: Lsn::ZERO, upto: Lsn::new(3) },
        ])
        .unwrap(),
    );
    comes_back(vec![
        Change { collection: CollectionId::new(7), key: key.clone(), image: Image::Deleted },
        Change {
            collection: CollectionId::new(8),
            key: key.clone(),
            image: Image::Document(document),
        },
    ]);
    comes_back(RetainedStates { from: None, points: [Lsn::new(1), Lsn::new(5)].into() });
    let version = argon_core::storage::RefVersion("v1".into());
    comes_back((
        CasResult::Moved(Some(VersionedRef { version, value: vec![0, 255] })),
        CasResult::Done(None),
    ));
    let build = IndexBuild {
        id: BuildId(3),
        collection: CollectionId::new(7),
        definition: Arc::new(doc! { "key": { "a": 1 } }),
        status: BuildStatus::Closed { from: Lsn::new(1), until: Lsn::new(4) },
        inherited: true,
        multikey: false,
    };
    let entry = Entry { key: vec![1, 2], id: key };
    comes_back(IndexChanges {
        builds: vec![BuildId(3)],
        begun: vec![build],
        multikey: vec![],
        entries: vec![EntryChange { build: BuildId(3), lsn: Lsn::new(9), entry, held: true }],
    });
    assert!(decode::<View>(&[2, 0]).is_err());
    assert_eq!(decode::<BsonDocument>(&[0]).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_definition_has_a_bound_for_its_nesting() {
    let nested = |levels| (1..levels).fold(doc! {}, |inner, _| doc! { "a": inner });
    comes_back(nested(100));
    let mut bytes = Vec::new();
    nested(101).put(&mut bytes);
    let error = decode::<BsonDocument>(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

#[tokio::test]
async fn a_commit_comes_back_with_its_digest() {
    let place = Place::new();
    place.create().await;
    let backend = place.open(false).await.unwrap();
    let branch = branch(&store(backend.clone())).await;
    put(&branch, 1).await;
    let timelines = backend.wal.timelines().await.unwrap();
    let commits: Vec<Commit> =
        backend.wal.read(timelines[0], Lsn::ZERO..=Lsn::MAX).try_collect().await.unwrap();
    assert!(!commits.is_empty());
    comes_back(commits);
}

#[test]
fn an_error_comes_back_with_its_causes() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error =
        Error::unavailable("can't write").with_source(Error::corrupt("below").with_source(full));
    let mut bytes = Vec::new();
    error.put(&mut bytes);
    let back: Error = decode(&bytes).unwrap();
    assert_eq!((back.kind(), back.hint()), (ErrorKind::Unavailable, Some(Hint::FreeSpace)));
    assert_eq!(back.in_full(), error.in_full());
    for_each_damage(&bytes, |damaged| drop(decode::<Error>(damaged)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_by_another_process_keeps_what_the_owner_has_open() {
    let place = Place::new();
    place.create().await;
    let owner = store(place.open(true).await.unwrap());
    let here = branch(&owner).await;
    put(&here, 1).await;
    let open = here.head().await.unwrap();
    put(&here, 1).await;
    let other = store(place.open(false).await.unwrap());
    let options = argon_core::gc::Options { retention: std::time::Duration::ZERO, dry_run: false };
    argon_core::gc::collect(&other, &options).await.unwrap();
    let found = open.collection(&CollectionName::new("c").unwrap()).unwrap();
    assert_eq!(found.scan().try_collect::<Vec<_>>().await.unwrap().len(), 1);
    let id = open.lsn();
    drop((found, open));
    argon_core::gc::collect(&other, &options).await.unwrap();
    assert!(here.at(id).await.is_err(), "nobody has it open now");
}

/// Another digest needs another version in [`GREETING`].
#[test]
fn the_bytes_of_a_commit_are_those_of_this_version() {
    let meta = argon_core::model::CommitMeta {
        lsn: Lsn::new(1),
        time: DateTime::from_millis(1),
        nonce: argon_core::model::Nonce(7),
        actor: Actor::new("tester").unwrap(),
        message: argon_core::model::Message::default(),
        origin: argon_core::model::Origin::Write,
        trailers: argon_core::model::Trailers::default(),
    };
    let (key, document) = Document::checked(rawdoc! { "_id": 1 }).unwrap();
    let change =
        Change { collection: CollectionId::new(300), key, image: Image::Document(document) };
    let commits: Arc<[Commit]> =
        [Commit { meta, digest: Digest::of(b"x"), changes: vec![change] }].into();
    let timeline = Timeline { id: timeline(1), base: None };
    let bytes = super::client::request(
        super::method::Method::Append,
        &(timeline, Head::EMPTY, commits, None::<Arc<IndexChanges>>),
    );
    assert_eq!(
        (bytes.len(), Digest::of(&bytes).short()),
        (124, "573a1f19820f".to_owned()),
        "docs/FORMAT.md describes the bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_or_shares_already_is_waited_for_as_for_any_other() {
    let place = Place::new();
    place.create().await;
    let owner = place.open(true).await.unwrap();
    let registry = crate::registry();
    let factory = registry.factory(&place.url()).unwrap();
    let lock_timeout = std::time::Duration::from_millis(50);
    let share = OpenOptions { share: true, lock_timeout, ..OpenOptions::default() };
    let error = factory.open(&place.url(), &share, &crate::environment()).await.unwrap_err();
    assert_eq!(error.hint(), Some(Hint::WaitForStore), "a second one that shares");
    drop(owner);
    let _holder = place.open(false).await.unwrap();
    // It takes connections, and says nothing.
    let _silent = UnixListener::bind(place.directory.join(SOCKET)).unwrap();
    let options = OpenOptions { lock_timeout, ..OpenOptions::default() };
    let error = factory.open(&place.url(), &options, &crate::environment()).await.unwrap_err();
    assert_eq!(error.hint(), Some(Hint::WaitForStore), "one that hangs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_another_process_reads_is_not_collected() {
    let place = Place::new();
    place.create().await;
    let owner = store(place.open(true).await.unwrap());
    let here = branch(&owner).await;
    for id in 0..2000 {
        put(&here, id).await;
    }
    let other = place.open(false).await.unwrap();
    let there = branch(&store(other)).await;
    let head = there.head().await.unwrap();
    let view = head.collection(&CollectionName::new("c").unwrap()).unwrap();
    let mut read = view.scan();
    read.next().await.unwrap().unwrap();
    let mut request = here.request();
    for id in 0..2000 {
        let key = Key::of(&bson::Bson::Int32(id)).unwrap();
        let any = argon_core::write::Precondition::Any;
        request.delete(CollectionName::new("c").unwrap(), key, any);
    }
    here.commit(request).await.unwrap().committed().unwrap();
    let options = argon_core::gc::Options { retention: std::time::Duration::ZERO, dry_run: false };
    argon_core::gc::collect(&owner, &options).await.unwrap();
    assert_eq!(read.try_collect::<Vec<_>>().await.unwrap().len(), 1999);
}
