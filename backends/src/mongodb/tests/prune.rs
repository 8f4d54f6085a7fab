//! Pruning and dropping timelines, interrupted anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use argon_core::key::Key;
use argon_core::model::{CollectionId, CollectionName, Commit, Document, Lsn, TimelineId, View};
use argon_core::storage::{
    Backend, Direction, KeyRange, Reclaimed, RetainedStates, StoreUrl, Version,
};
use argon_core::write::{Precondition, WriteRequest};
use argon_core::{Branch, Result};
use argon_test_servers::FaultProxy;
use bson::{RawDocumentBuf, doc, rawdoc};
use futures::TryStreamExt;

use super::{beneath, branch_again, create, database, new_branch, open, server, url};
use crate::mongodb::connection::Connection;
use crate::mongodb::schema;

fn keep(from: Option<u64>, points: &[u64]) -> RetainedStates {
    RetainedStates {
        from: from.map(Lsn::new),
        points: points.iter().copied().map(Lsn::new).collect(),
    }
}

fn name(text: &str) -> CollectionName {
    CollectionName::new(text).unwrap()
}

fn put(request: &mut WriteRequest, collection: &str, document: RawDocumentBuf) {
    let (key, document) = Document::checked(document).unwrap();
    request.put(name(collection), key, document, Precondition::Any).unwrap();
}

/// A branch of `count` commits in two collections whose documents are written over and deleted.
async fn history(branch: &Branch, count: i32) {
    for round in 0..count {
        let mut request = branch.request();
        put(&mut request, "a", rawdoc! { "_id": round % 5, "text": "x".repeat(50), "n": round });
        put(&mut request, "b", rawdoc! { "_id": round / 3, "n": round });
        if round % 4 == 3 {
            let key = Key::of(&((round + 1) % 5).into()).unwrap();
            request.delete(name("a"), key, Precondition::SkipUnlessPresent);
        }
        branch.commit(request).await.unwrap();
    }
}

/// A commit of documents with this text, too large for a transaction if they are over 32 MiB.
async fn large(branch: &Branch, ids: std::ops::Range<i32>, text: &str) {
    let mut request = branch.request();
    for id in ids {
        put(&mut request, "a", rawdoc! { "_id": id, "text": text });
    }
    branch.commit(request).await.unwrap();
}

fn timeline(view: &View) -> TimelineId {
    view.segments()[0].timeline
}

/// A state of a branch, and its collections.
struct Past {
    view: View,
    collections: Vec<CollectionId>,
}

impl Past {
    async fn of(branch: &Branch) -> Self {
        let head = branch.head().await.unwrap();
        let known = ["a", "b"].map(|text| head.collection(&name(text)));
        let known = known.into_iter().flatten().map(|collection| collection.info().id);
        let collections = std::iter::once(CollectionId::CATALOG).chain(known).collect();
        Self { view: head.view().clone(), collections }
    }
}

impl std::ops::Deref for Past {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

type Rows = Vec<(CollectionId, Key, Version)>;

/// All documents of the states of a view at these positions.
async fn states(backend: &Backend, view: &Past, lsns: &BTreeSet<Lsn>) -> BTreeMap<Lsn, Rows> {
    let native = backend.materialize.clone().unwrap();
    let mut states = BTreeMap::new();
    for lsn in lsns {
        let at = view.at(*lsn);
        let mut rows = Rows::new();
        for collection in view.collections.iter().copied() {
            let scan = native.scan(&at, collection, KeyRange::default());
            let found: Vec<(Key, Version)> = scan.try_collect().await.unwrap();
            let keys = found.iter().map(|(key, _)| key.clone()).collect();
            let looked_up = native.get_many(&at, collection, keys).await.unwrap();
            assert!(found.iter().zip(looked_up).all(|((_, a), b)| b.as_ref() == Some(a)));
            rows.extend(found.into_iter().map(|(key, version)| (collection, key, version)));
        }
        states.insert(*lsn, rows);
    }
    states
}

fn kept_lsns(keep: &RetainedStates, head: Lsn) -> BTreeSet<Lsn> {
    (1..=head.get()).map(Lsn::new).filter(|lsn| keep.contains(*lsn)).collect()
}

async fn read(backend: &Backend, timeline: TimelineId) -> Result<Vec<Commit>> {
    backend.wal.read(timeline, Lsn::ZERO..=Lsn::MAX).try_collect().await
}

/// The count of versions that a retained state needs, or the log above the floor.
fn needed(commits: &[Commit], keep: &RetainedStates, floor: u64) -> u64 {
    let mut replaced = BTreeMap::new();
    let mut count = 0;
    for commit in commits.iter().rev() {
        let lsn = commit.meta.lsn;
        for change in &commit.changes {
            let newer = replaced.insert((change.collection, change.key.clone()), lsn);
            count += u64::from(keep.needs(lsn, newer) || lsn.get() > floor);
        }
    }
    count
}

async fn count(beneath: &Connection, collection: &str) -> u64 {
    beneath.collection(collection).count_documents(doc! {}).await.unwrap()
}

/// Checks that a timeline was pruned as expected; returns the expectation.
async fn check(backend: &Backend, view: &View, floor: u64, versions: u64, beneath: &Connection) {
    let id = timeline(view);
    let state = backend.wal.state(id).await.unwrap().unwrap();
    assert_eq!(state.floor, Lsn::new(floor));
    let commits = read(backend, id).await.unwrap();
    let lsns: Vec<u64> = commits.iter().map(|commit| commit.meta.lsn.get()).collect();
    assert!(lsns.iter().copied().eq(floor + 1..=state.head.lsn.get()), "{lsns:?}");
    assert_eq!(commits.last().map(Commit::head), Some(state.head));
    let all = Lsn::ZERO..=Lsn::MAX;
    let headers = backend.wal.read_headers(id, all, Direction::Descending);
    let headers: Vec<_> = headers.try_collect().await.unwrap();
    assert_eq!(headers.len(), commits.len());
    assert_eq!(count(beneath, schema::COMMITS).await, commits.len() as u64);
    assert_eq!(count(beneath, schema::VERSIONS).await, versions);
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_reads_the_same_and_the_rest_is_gone() {
    let Some(server) = server() else { return };
    for (kept, floor) in [
        (keep(Some(20), &[3, 11]), 19),
        (keep(Some(20), &[]), 19),
        (keep(Some(99), &[]), 39),
        (keep(None, &[3, 11]), 39),
        (keep(None, &[40]), 39),
        (keep(Some(1), &[]), 0),
        (RetainedStates::all(), 0),
    ] {
        let url = url(server);
        let backend = create(&url).await;
        let branch = new_branch(backend.clone()).await;
        history(&branch, 38).await;
        large(&branch, 0..3, "last").await;
        large(&branch, 1..2, "after").await;
        let view = Past::of(&branch).await;
        let (id, beneath) = (timeline(&view), beneath(&url).await);
        let lsns = kept_lsns(&kept, view.lsn());
        let before = states(&backend, &view, &lsns).await;
        let commits = read(&backend, id).await.unwrap();
        assert_eq!(commits.len(), 40);
        let all = count(&beneath, schema::VERSIONS).await;
        let least = needed(&commits, &kept, floor);
        let told = backend.wal.prunable(id, &kept).await.unwrap();
        check(&backend, &view, 0, all, &beneath).await;
        let freed = backend.wal.prune(id, &kept).await.unwrap();
        assert_eq!(freed, told, "{kept:?}");
        assert_eq!((freed.versions, freed.commits), (all - least, floor), "{kept:?}");
        assert_eq!(freed.bytes > 0, floor > 0);
        check(&backend, &view, floor, least, &beneath).await;
        let backend = open(&url).await;
        check(&backend, &view, floor, least, &beneath).await;
        assert!(states(&backend, &view, &lsns).await == before, "{kept:?}");
        assert_eq!(backend.wal.prune(id, &kept).await.unwrap(), Reclaimed::default());
        assert_eq!(backend.wal.prunable(id, &kept).await.unwrap(), Reclaimed::default());
        let more = keep(Some(5), &[]);
        backend.wal.prune(id, &more).await.unwrap();
        check(&backend, &view, floor.max(4), count(&beneath, schema::VERSIONS).await, &beneath)
            .await;
    }
}

/// Runs work until the proxy has passed N requests, and aborts it then; returns its result if it ended
/// before.
async fn cut_off<T: Send + 'static>(
    proxy: &FaultProxy,
    requests: usize,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    proxy.reset();
    let work = tokio::spawn(work);
    while !work.is_finished() {
        if proxy.counts().requests.len() >= requests {
            work.abort();
            break;
        }
        tokio::task::yield_now().await;
    }
    work.await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_cut_off_anywhere_changes_no_kept_state_and_goes_on_when_called_again() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let mut ended = false;
    for requests in 1.. {
        let database = database();
        let sound: StoreUrl = server.url(&database).parse().unwrap();
        let backend = create(&sound).await;
        let branch = new_branch(backend.clone()).await;
        history(&branch, 24).await;
        let view = Past::of(&branch).await;
        let (id, beneath) = (timeline(&view), beneath(&sound).await);
        let kept = keep(Some(15), &[4]);
        let lsns = kept_lsns(&kept, view.lsn());
        let before = states(&backend, &view, &lsns).await;
        let commits = read(&backend, id).await.unwrap();
        let by_proxy = open(&server.url_by(proxy.addr(), &database).parse().unwrap()).await;
        let (wal, all) = (by_proxy.wal.clone(), kept.clone());
        let done = cut_off(&proxy, requests, async move { wal.prune(id, &all).await }).await;
        assert!(states(&backend, &view, &lsns).await == before, "after {requests} requests");
        let state = backend.wal.state(id).await.unwrap().unwrap();
        let log = read(&backend, id).await.unwrap();
        assert!(commits.ends_with(&log) && log.len() as u64 == 24 - state.floor.get());
        let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
        assert_eq!(findings, [], "after {requests} requests");
        backend.wal.prune(id, &kept).await.unwrap();
        assert!(states(&backend, &view, &lsns).await == before, "after {requests} requests");
        check(&backend, &view, 14, needed(&commits, &kept, 14), &beneath).await;
        if done.is_some() {
            ended = requests > 5;
            break;
        }
    }
    assert!(ended, "a prune takes some requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_in_large_commits_go_and_stay_like_others() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    history(&branch, 3).await;
    let [first, second, third] = ["1", "2", "3"].map(|digit| digit.repeat(1 << 20));
    large(&branch, 0..33, &first).await;
    large(&branch, 5..8, "small").await;
    large(&branch, 0..33, &second).await;
    large(&branch, 7..9, "after").await;
    let view = Past::of(&branch).await;
    let (id, beneath) = (timeline(&view), beneath(&url).await);
    for (kept, floor) in [(keep(Some(7), &[2, 5]), 6), (keep(Some(7), &[2]), 6)] {
        let lsns = kept_lsns(&kept, view.lsn());
        let before = states(&backend, &view, &lsns).await;
        let told = backend.wal.prunable(id, &kept).await.unwrap();
        let freed = backend.wal.prune(id, &kept).await.unwrap();
        assert_eq!(freed, told);
        for backend in [&backend, &open(&url).await] {
            let versions = count(&beneath, schema::VERSIONS).await;
            check(backend, &view, floor, versions, &beneath).await;
            assert!(states(backend, &view, &lsns).await == before, "{kept:?}");
        }
    }
    assert!(count(&beneath, schema::VERSIONS).await < 33 + 20);
    let extents = beneath.collection(schema::PIECES);
    let empty = extents.count_documents(doc! { "empty": true }).await.unwrap();
    assert_eq!(empty, 1, "nothing is left of the first");
    large(&branch, 0..33, &third).await;
    let head = branch_again(open(&url).await).await.head().await.unwrap();
    let a = head.collection(&name("a")).unwrap();
    assert_eq!(a.count().await.unwrap(), 33);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_values_go_with_their_parts() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    for letter in ["a", "b", "c"] {
        large(&branch, 0..1, &letter.repeat(15_900_000)).await;
    }
    let view = Past::of(&branch).await;
    let beneath = beneath(&url).await;
    assert_eq!(count(&beneath, schema::PARTS).await, 6);
    let kept = keep(Some(3), &[1]);
    let freed = backend.wal.prune(timeline(&view), &kept).await.unwrap();
    assert!((15_900_000..16_000_000).contains(&freed.bytes), "{freed:?}");
    assert_eq!(count(&beneath, schema::PARTS).await, 4);
    let found = states(&backend, &view, &kept_lsns(&kept, view.lsn())).await;
    assert!(found.values().all(|rows| rows.len() == 2), "the catalog's document and the large one");
    let findings: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
    backend.wal.drop_timeline(timeline(&view)).await.unwrap();
    assert_eq!(count(&beneath, schema::PARTS).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_is_overtaken_leaves_out_what_is_gone() {
    let Some(server) = server() else { return };
    for taken in [0, 1, 3] {
        let backend = create(&url(server)).await;
        let branch = new_branch(backend.clone()).await;
        history(&branch, 60).await;
        let view = Past::of(&branch).await;
        let id = timeline(&view);
        let all = || Lsn::ZERO..=Lsn::MAX;
        let mut commits = backend.wal.read(id, all());
        let mut up = backend.wal.read_headers(id, all(), Direction::Ascending);
        let mut down = backend.wal.read_headers(id, all(), Direction::Descending);
        for _ in 0..taken {
            commits.try_next().await.unwrap();
            up.try_next().await.unwrap();
            down.try_next().await.unwrap();
        }
        // The next steps are made already; those after them are not.
        tokio::time::sleep(Duration::from_millis(300)).await;
        backend.wal.prune(id, &keep(Some(57), &[])).await.unwrap();
        let commits: Vec<u64> =
            commits.map_ok(|commit| commit.meta.lsn.get()).try_collect().await.unwrap();
        let up: Vec<u64> = up.map_ok(|commit| commit.meta.lsn.get()).try_collect().await.unwrap();
        let down: Vec<u64> =
            down.map_ok(|commit| commit.meta.lsn.get()).try_collect().await.unwrap();
        for lsns in [&commits, &up] {
            assert!(lsns.is_sorted() && lsns.ends_with(&[58, 59, 60]), "{lsns:?}");
        }
        assert!(down.is_sorted_by(|a, b| a > b), "{down:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_and_readers_go_on_beside_pruning() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    history(&branch, 30).await;
    let view = Past::of(&branch).await;
    let id = timeline(&view);
    let pruning = open(&url).await;
    let writer = tokio::spawn({
        let branch = branch.clone();
        async move { history(&branch, 60).await }
    });
    let lsns = kept_lsns(&keep(None, &[10]), view.lsn());
    let before = states(&backend, &view, &lsns).await;
    while !writer.is_finished() {
        let head = pruning.wal.state(id).await.unwrap().unwrap().head.lsn;
        pruning.wal.prune(id, &keep(Some(head.get() - 5), &[10])).await.unwrap();
        assert!(states(&backend, &view, &lsns).await == before);
    }
    writer.await.unwrap();
    let head = Past::of(&branch).await;
    assert_eq!(head.lsn(), Lsn::new(90));
    pruning.wal.prune(id, &keep(Some(80), &[10])).await.unwrap();
    let versions = count(&*beneath(&url).await, schema::VERSIONS).await;
    let floor = pruning.wal.state(id).await.unwrap().unwrap().floor.get();
    check(&open(&url).await, &head, floor, versions, &*beneath(&url).await).await;
    // The same history without pruning.
    let twin = create(&super::url(server)).await;
    let twin_branch = new_branch(twin.clone()).await;
    history(&twin_branch, 30).await;
    history(&twin_branch, 60).await;
    let twin_view = Past::of(&twin_branch).await;
    let last = BTreeSet::from([Lsn::new(90)]);
    let documents = |states: BTreeMap<Lsn, Rows>| -> Vec<_> {
        let rows = states.into_values().flatten();
        rows.filter(|(id, ..)| *id != CollectionId::CATALOG)
            .map(|(_, key, version)| (key, version.lsn, version.document))
            .collect()
    };
    let (mine, theirs) =
        (states(&backend, &head, &last).await, states(&twin, &twin_view, &last).await);
    assert!(documents(mine) == documents(theirs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_cut_off_anywhere_leaves_nothing_that_is_wrong_and_goes_on_when_called_again() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let mut ended = false;
    for requests in 1.. {
        let database = database();
        let sound: StoreUrl = server.url(&database).parse().unwrap();
        let backend = create(&sound).await;
        let branch = new_branch(backend.clone()).await;
        history(&branch, 3).await;
        // Too many bytes for a transaction.
        large(&branch, 0..3, &"x".repeat(12_000_000)).await;
        let view = Past::of(&branch).await;
        let (id, beneath) = (timeline(&view), beneath(&sound).await);
        let by_proxy = open(&server.url_by(proxy.addr(), &database).parse().unwrap()).await;
        let wal = by_proxy.wal.clone();
        let done = cut_off(&proxy, requests, async move { wal.drop_timeline(id).await }).await;
        let again = open(&sound).await;
        let state = again.wal.state(id).await.unwrap();
        assert_eq!(again.wal.timelines().await.unwrap().contains(&id), state.is_some());
        if state.is_some_and(|state| state.floor == state.head.lsn) {
            assert_eq!(read(&again, id).await.unwrap(), []);
        } else {
            let expected = if state.is_some() { 4 } else { 0 };
            assert_eq!(read(&again, id).await.unwrap().len(), expected);
        }
        let findings: Vec<_> = again.maintenance.verify().try_collect().await.unwrap();
        assert_eq!(findings, [], "after {requests} requests");
        again.wal.drop_timeline(id).await.unwrap();
        assert_eq!(again.wal.state(id).await.unwrap(), None);
        for collection in [schema::TIMELINES, schema::COMMITS, schema::VERSIONS, schema::PIECES] {
            assert_eq!(count(&beneath, collection).await, 0, "{collection}");
        }
        assert_eq!(again.wal.drop_timeline(id).await.unwrap(), Reclaimed::default());
        if let Some(Ok(freed)) = done {
            assert_eq!(freed.commits, 4);
            assert!(freed.versions > 9 && freed.bytes > 36_000_000, "{freed:?}");
            ended = true;
            break;
        }
    }
    assert!(ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_timeline_may_be_begun_again_and_others_stay() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let mut chain = super::Chain::new();
    let mut other = super::Chain::new();
    for chain in [&mut chain, &mut other] {
        chain.write(&backend, vec![super::put(rawdoc! { "_id": 1 })]).await;
    }
    backend.wal.drop_timeline(chain.timeline.id).await.unwrap();
    assert_eq!(backend.wal.timelines().await.unwrap(), [other.timeline.id]);
    let mut anew = super::Chain { head: argon_core::model::Head::EMPTY, ..chain };
    let commit = anew.write(&backend, vec![super::put(rawdoc! { "_id": 2 })]).await;
    assert_eq!(read(&backend, anew.timeline.id).await.unwrap(), [commit]);
}
