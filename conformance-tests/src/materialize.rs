//! Reads by a backend's own index against reads from the log alone.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon_core::key::Key;
use argon_core::model::{CollectionId, Digest, Document, Image, Lsn, Point, TimelineId, View};
use argon_core::plan::{Plan, Rules};
use argon_core::snapshot::{self, Manifest};
use argon_core::storage::{
    Backend, KeyRange, Materialize, Predicate, Reclaimed, Snapshots, Version, VersionStamp,
    VersionStream,
};
use argon_core::write::Precondition;
use argon_core::{Error, ErrorKind, Hint, LogMaterializer, ReplayLimits, Result};
use async_trait::async_trait;
use bson::raw::RawDocument;
use bson::rawdoc;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::Subject;
use crate::case::{Case, block_on, cases};
use crate::environment::Random;
use crate::make::{collection, document, key};
use crate::plans::{USERS, fork, put};
use crate::semantics::{Machine, for_programs};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = cases!["materialize":
        all_readers_agree_on_many_versions_of_many_documents,
        a_view_reads_the_same_while_others_write,
        a_predicate_selects_documents_of_any_size_and_its_error_ends_the_scan,
        a_predicate_that_selects_nothing_lets_other_tasks_run,
        a_version_that_is_not_found_where_a_commit_wrote_it_ends_a_diff_and_a_merge,
    ];
    cases.push(Case {
        area: "materialize",
        name: "all_readers_agree_on_random_programs",
        run: all_readers_agree_on_random_programs,
        durable: false,
    });
    cases
}

/// Finds no version of documents from one position on, as an index does whose rows are damaged.
struct Forgetful {
    inner: Arc<dyn Materialize>,
    from: AtomicU64,
}

#[async_trait]
impl Materialize for Forgetful {
    async fn get(&self, view: &View, id: CollectionId, key: &Key) -> Result<Option<Version>> {
        self.inner.get(view, id, key).await
    }

    async fn get_many(
        &self,
        view: &View,
        id: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<Version>>> {
        let mut found = Vec::new();
        for key in keys {
            let mut images = self.inner.history(view, id, &key);
            let mut newest = None;
            while let Some((lsn, image)) = images.try_next().await? {
                if lsn.get() < self.from.load(Ordering::SeqCst) {
                    newest = image.into_document().map(|document| Version { lsn, document });
                    break;
                }
            }
            found.push(newest);
        }
        Ok(found)
    }

    async fn stamps(
        &self,
        view: &View,
        id: CollectionId,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<VersionStamp>>> {
        self.inner.stamps(view, id, keys).await
    }

    fn scan(&self, view: &View, id: CollectionId, range: KeyRange) -> VersionStream {
        self.inner.scan(view, id, range)
    }

    fn history(
        &self,
        view: &View,
        id: CollectionId,
        key: &Key,
    ) -> BoxStream<'static, Result<(Lsn, Image)>> {
        self.inner.history(view, id, key)
    }
}

async fn a_version_that_is_not_found_where_a_commit_wrote_it_ends_a_diff_and_a_merge(
    subject: Subject,
) {
    let (place, backend) = subject.backend().await;
    let inner = backend.materialize.clone().unwrap_or_else(|| {
        Arc::new(LogMaterializer::new(backend.wal.clone(), backend.snapshots.clone()))
    });
    let index = Arc::new(Forgetful { inner, from: AtomicU64::new(u64::MAX) });
    let backend = Backend { materialize: Some(index.clone()), ..backend };
    let main = first_branch(&place.project(backend).await).await;
    for id in 1..=3 {
        put(&main, rawdoc! { "_id": id, "n": 0 }).await;
    }
    let side = fork(&main, "side").await;
    let before = side.head().await.unwrap();
    put(&side, rawdoc! { "_id": 1, "n": 1 }).await;
    put(&side, rawdoc! { "_id": 4, "n": 1 }).await;
    side.collection(&collection(USERS)).delete(&key(2)).await.unwrap();
    let theirs = side.head().await.unwrap();
    let plan = Plan::merge(&main, "side", &theirs, Rules::default()).await.unwrap();
    let changes = async || -> Result<usize> {
        let diff = argon_core::diff::diff(&before, &theirs).await?;
        let documents: Vec<_> = diff.documents().try_collect().await?;
        Ok(documents.len())
    };
    assert_eq!(changes().await.unwrap(), 3);
    plan.compute().await.unwrap();
    let first = before.lsn().get() + 1;
    for from in first..first + 3 {
        index.from.store(from, Ordering::SeqCst);
        for error in [changes().await.err().unwrap(), plan.compute().await.err().unwrap()] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert_eq!(error.hint(), Some(Hint::CheckStore), "{error}");
        }
    }
}

/// Every way to read a backend, by name. `little` is how many bytes those with little memory have.
fn readers(backend: &Backend, little: usize) -> Vec<(&'static str, Arc<dyn Materialize>)> {
    let limits = ReplayLimits { log: little, chunks: little, manifests: little };
    let with_little =
        |snapshots| Arc::new(LogMaterializer::with_limits(backend.wal.clone(), snapshots, limits));
    let from_log = |snapshots| LogMaterializer::new(backend.wal.clone(), snapshots);
    let mut readers: Vec<(&'static str, Arc<dyn Materialize>)> = vec![
        ("the log alone", Arc::new(from_log(Arc::new(NoSnapshots)))),
        ("log and snapshots", Arc::new(from_log(backend.snapshots.clone()))),
        ("the log with little memory", with_little(Arc::new(NoSnapshots))),
        ("log and snapshots with little memory", with_little(backend.snapshots.clone())),
    ];
    readers.extend(backend.materialize.clone().map(|native| ("the backend's index", native)));
    readers
}

/// Whether a document is one of two thirds.
fn is_selected(document: &RawDocument, salt: u64) -> bool {
    let bytes = document.as_bytes().iter().map(|byte| u64::from(*byte));
    bytes.sum::<u64>() % 3 != salt
}

/// Asks all readers the same, with some keys of `keys`, and compares the answers.
async fn agree(
    readers: &[(&'static str, Arc<dyn Materialize>)],
    view: &View,
    collection: CollectionId,
    keys: &[Key],
    random: &mut Random,
) {
    let mut some: Vec<Key> = keys.iter().filter(|_| random.one_in(3)).cloned().collect();
    some.sort_unstable();
    let bound = |random: &mut Random| (!random.one_in(4)).then(|| random.pick(keys).clone());
    let range = KeyRange { from: bound(random), to: bound(random) };
    let one = random.pick(keys).clone();
    let mut expected = None;
    for (name, reader) in readers {
        let stamps = reader.stamps(view, collection, some.clone()).await.unwrap();
        let many = reader.get_many(view, collection, some.clone()).await.unwrap();
        let scanned: Vec<_> =
            reader.scan(view, collection, range.clone()).try_collect().await.unwrap();
        let salt = random.below(3);
        let predicate: Predicate = Arc::new(move |document| Ok(is_selected(document, salt)));
        let selected = reader.scan_with(view, collection, range.clone(), predicate);
        let selected: Vec<_> = selected.try_collect().await.unwrap();
        let matching =
            scanned.iter().filter(|(_, version)| is_selected(version.document.as_raw(), salt));
        assert!(selected.iter().eq(matching), "{name}: a predicate in {range:?}");
        let history: Vec<_> = reader.history(view, collection, &one).try_collect().await.unwrap();
        let single = reader.get(view, collection, &one).await.unwrap();
        assert!(scanned.is_sorted_by(|a, b| a.0 < b.0), "{name}: a scan is in key order");
        assert!(scanned.iter().all(|(key, _)| range.contains(key)), "{name}: {range:?}");
        let stamped = many.iter().map(|version| version.as_ref().map(|version| version.lsn));
        let stamps = stamps.iter().map(|stamp| stamp.map(|stamp| stamp.lsn));
        assert!(stamps.eq(stamped), "{name}: stamps and versions say the same");
        let answers = (many, scanned, history, single);
        match &expected {
            None => expected = Some(answers),
            Some(expected) => {
                let place = format!("{name}, {view:?}, collection {collection}");
                assert_eq!(answers.3, expected.3, "{place}: one document, {one}");
                assert!(answers.0 == expected.0, "{place}: many documents, {some:?}");
                assert!(answers.1 == expected.1, "{place}: the scan of {range:?}");
                assert_eq!(answers.2, expected.2, "{place}: the history of {one}");
            }
        }
    }
}

fn all_readers_agree_on_random_programs(subject: &Subject) {
    let keys: Vec<Key> = (-1..8).map(key).collect();
    for_programs(subject.scaled(8, 2), 40, |program| {
        block_on(async {
            let mut machine = Machine::new(subject).await;
            for step in &program.steps {
                machine.step(step).await;
            }
            let mut random = Random::new(3);
            // Some of this is room for nothing, some for a part, some for all.
            let readers = readers(&machine.backend, *random.pick(&[0, 700, 3000, 20_000]));
            for _ in 0..10 {
                let Some(state) = machine.some_state().await else { return };
                for info in state.collections() {
                    agree(&readers, state.view(), info.id, &keys, &mut random).await;
                }
            }
        });
    });
}

async fn all_readers_agree_on_many_versions_of_many_documents(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mut random = Random::new(17);
    let mut branch = first_branch(&place.project(backend.clone()).await).await;
    let documents: i32 = subject.scaled(5000, 500);
    let keys: Vec<Key> = (-1..=documents).map(key).collect();
    let readers = readers(&backend, subject.scaled(400_000, 40_000));
    for commit in 0..subject.scaled(60, 30) {
        let mut request = branch.request();
        // Some commits touch everything, some a few documents that get many versions.
        let all = u64::from(documents.unsigned_abs());
        let (count, most) = *random.pick(&[(all / 7, all), (20, all), (6, 10), (3, 3)]);
        for _ in 0..count {
            let (key, document) = document(random.below(most).cast_signed(), &format!("{commit}"));
            if random.one_in(4) {
                request.delete(collection("c"), key, Precondition::Any);
            } else {
                request.put(collection("c"), key, document, Precondition::Any).unwrap();
            }
        }
        branch.commit(request).await.unwrap();
        let head = branch.head().await.unwrap();
        if random.one_in(10) && head.lsn() > Lsn::ZERO {
            snapshot::create(&head).await.unwrap();
        }
        if random.one_in(12) {
            let from = branch.at(Lsn::new(random.below(head.lsn().get() + 1))).await.unwrap();
            let name = crate::make::branch(&format!("fork/{commit}"));
            branch = branch.project().create_branch(&name, &from, None).await.unwrap();
        }
        // Readers that have read before go on from what they know.
        if random.one_in(8) {
            let view = branch.head().await.unwrap().view().clone();
            let id = branch.head().await.unwrap().collection(&collection("c")).unwrap().info().id;
            agree(&readers, &view, id, &keys, &mut random).await;
        }
    }
    let head = branch.head().await.unwrap();
    for _ in 0..subject.scaled(12, 6) {
        let view = head.view().at(Lsn::new(random.below(head.lsn().get() + 1)));
        let collection = head.collection(&collection("c")).unwrap().info().id;
        agree(&readers, &view, collection, &keys, &mut random).await;
    }
}

async fn a_predicate_selects_documents_of_any_size_and_its_error_ends_the_scan(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let documents: i32 = subject.scaled(3000, 300);
    let large = |id: i32| id % 100 == 7;
    let with = |id: i32, n: i32| {
        rawdoc! { "_id": id, "n": n, "text": "x".repeat(if large(id) { 40_000 } else { 10 }) }
    };
    let mut request = main.request();
    for id in 0..documents {
        let (key, document) = Document::checked(with(id, id % 10)).unwrap();
        request.put(collection(USERS), key, document, Precondition::Any).unwrap();
    }
    main.commit(request).await.unwrap();
    let side = fork(&main, "side").await;
    // Neither a deletion nor a document that does not match lets the one below through. A document
    // that is hidden, such as the first, is no error of the scan.
    for id in [7, 17, 107] {
        put(&side, with(id, 0)).await;
    }
    side.collection(&collection(USERS)).delete(&key(27)).await.unwrap();
    put(&side, with(28, 7)).await;
    put(&side, with(1, 0)).await;
    let is_seven = |document: &RawDocument| document.get_i32("n").is_ok_and(|n| n == 7);
    let is_zero = |document: &RawDocument| document.get_i32("n").is_ok_and(|n| n == 0);
    let expected = |of_side: bool| {
        (0..documents).filter(move |id| match (of_side, id) {
            (true, 7 | 17 | 107 | 27) => false,
            (true, 28) => true,
            (_, id) => id % 10 == 7,
        })
    };
    for (branch, of_side) in [(&main, false), (&side, true)] {
        let view = branch.head().await.unwrap().collection(&collection(USERS)).unwrap();
        let ids = |versions: Vec<(Key, Version)>| -> Vec<i32> {
            let ids = versions.iter().map(|(_, found)| found.document.as_raw().get_i32("_id"));
            ids.map(Result::unwrap).collect()
        };
        let found = view.scan_with(Arc::new(move |document| Ok(is_seven(document))));
        let expected: Vec<i32> = expected(of_side).collect();
        assert_eq!(ids(found.try_collect().await.unwrap()), expected);
        // The documents before the one with the error are returned first.
        for fails_at in [expected[0], 0, 150] {
            let mut found = view.scan_with(Arc::new(move |document| {
                if document.get_i32("_id").is_ok_and(|id| id == fails_at) {
                    return Err(Error::unsupported("a predicate that fails"));
                }
                if of_side && document.get_i32("_id").is_ok_and(|id| id == 1) && !is_zero(document)
                {
                    return Err(Error::internal("the document is hidden"));
                }
                Ok(is_seven(document))
            }));
            let mut before = Vec::new();
            let error = loop {
                match found.try_next().await {
                    Ok(version) => before.push(version.expect("the scan must fail")),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let expected = expected.iter().take_while(|id| **id < fails_at);
            assert!(ids(before).iter().eq(expected), "{fails_at}");
        }
    }
}

async fn a_predicate_that_selects_nothing_lets_other_tasks_run(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let reads_in_place = backend.materialize.is_some() && !backend.capabilities.shared;
    let main = first_branch(&place.project(backend).await).await;
    let mut request = main.request();
    for id in 0..3000 {
        let (key, document) = document(id, "text");
        request.put(collection(USERS), key, document, Precondition::Any).unwrap();
    }
    main.commit(request).await.unwrap();
    let side = fork(&main, "side").await;
    put(&side, rawdoc! { "_id": 1 }).await;
    for branch in [&main, &side] {
        let view = branch.head().await.unwrap().collection(&collection(USERS)).unwrap();
        let asked = Arc::new(AtomicU64::new(0));
        let here = Arc::new(AtomicU64::new(0));
        let (counted, counted_here) = (asked.clone(), here.clone());
        let caller = std::thread::current().id();
        let mut found = view.scan_with(Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            if std::thread::current().id() == caller {
                counted_here.fetch_add(1, Ordering::SeqCst);
            }
            Ok(false)
        }));
        let first = futures::poll!(found.next());
        if reads_in_place {
            assert!(first.is_pending());
            let here = here.load(Ordering::SeqCst);
            assert!(here < 2000, "{here} documents were read on the thread of a caller");
        }
        assert!(found.try_collect::<Vec<_>>().await.unwrap().is_empty());
        assert!(asked.load(Ordering::SeqCst) >= 3000);
    }
}

async fn a_view_reads_the_same_while_others_write(subject: Subject) {
    let (_place, branch) = subject.branch().await;
    let users = branch.collection(&collection("c"));
    // More than a page of MongoDB's.
    let documents = subject.scaled(3000, 700);
    let mut request = branch.request();
    for id in 0..documents {
        let (key, document) = document(id, "before");
        request.put(collection("c"), key, document, Precondition::Any).unwrap();
    }
    branch.commit(request).await.unwrap();
    let state = branch.head().await.unwrap();
    let view = state.collection(&collection("c")).unwrap();
    let digest = view.digest().await.unwrap();
    let mut scan = view.scan();
    let first = scan.try_next().await.unwrap();
    for id in (0..documents).step_by(100) {
        users.delete(&key(id)).await.unwrap();
        users.put(bson::rawdoc! { "_id": id + 10_000 }).await.unwrap();
        users.put(bson::rawdoc! { "_id": id + 1, "text": "after" }).await.unwrap();
    }
    let rest: Vec<_> = scan.try_collect().await.unwrap();
    assert!(first.is_some());
    assert_eq!(
        i64::try_from(rest.len()).unwrap() + 1,
        documents,
        "a scan shows the view as it was when it began"
    );
    assert!(rest.iter().all(|document| document.as_raw().get_str("text").unwrap() == "before"));
    assert_eq!(view.digest().await.unwrap(), digest);
}

/// Snapshots of nothing.
pub(crate) struct NoSnapshots;

#[async_trait]
impl Snapshots for NoSnapshots {
    async fn put_chunk(&self, _: Digest, _: Vec<u8>) -> Result<()> {
        Ok(())
    }

    async fn get_chunk(&self, _: Digest) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    async fn put_manifest(&self, _: &Manifest) -> Result<()> {
        Ok(())
    }

    async fn latest_manifest(&self, _: TimelineId, _: Lsn) -> Result<Option<Manifest>> {
        Ok(None)
    }

    async fn list(&self) -> Result<Vec<Point>> {
        Ok(Vec::new())
    }

    async fn remove_manifest(&self, _: Point) -> Result<()> {
        Ok(())
    }

    async fn sweep_chunks(&self, _: &HashSet<Digest>, _: bool) -> Result<Reclaimed> {
        Ok(Reclaimed::default())
    }
}
