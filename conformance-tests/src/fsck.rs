//! Proving a store: silence about a sound one, and the right words about a damaged one.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::fsck::{Report, fsck};
use argon_core::model::{
    Change, Commit, Digest, Document, Image, Lsn, PinName, TimelineId, Touched,
};
use argon_core::pins::NewPin;
use argon_core::snapshot::{self, Manifest};
use argon_core::storage::{
    Backend, CasResult, CommitStream, Direction, HeaderStream, TimelineState, Wal,
};
use argon_core::{Branch, Result, restore};
use async_trait::async_trait;
use bson::rawdoc;
use futures::{StreamExt, TryStreamExt, future};

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::named_request;
use crate::layer::{Layer, Layered};
use crate::make::{branch as name, collection};
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["fsck":
        a_sound_store_has_no_problems,
        an_altered_document_is_found_with_those_who_read_it,
        a_missing_commit_is_found,
        a_missing_chunk_is_found_and_mended,
        a_snapshot_of_another_state_is_found_and_mended,
        a_snapshot_without_one_of_its_collections_is_found_and_mended,
        a_snapshot_of_a_timeline_that_is_not_there_is_found,
        a_wrong_snapshot_is_found_without_an_index_too,
        a_damaged_branch_record_is_found,
        a_branch_whose_base_is_not_in_the_log_is_found,
        pins_and_plans_are_looked_at,
        a_damaged_head_is_one_problem,
        a_check_beside_writers_finds_nothing,
    ]
}

async fn check(place: &StoreLocation, backend: &Backend, rebuild: bool) -> Report {
    fsck(&place.store(backend.clone()), rebuild, &|_| {}).await.unwrap()
}

async fn commit(branch: &Branch, message: &str) {
    branch.commit(named_request(branch, message)).await.unwrap().committed().unwrap();
}

/// A store with a branch of five commits, and forks of it at 2 and at 5.
async fn sample(subject: &Subject) -> (StoreLocation, Backend, Branch) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    for message in ["1", "2", "3", "4", "5"] {
        commit(&main, message).await;
    }
    for lsn in [2, 5] {
        let from = main.at(Lsn::new(lsn)).await.unwrap();
        let called = name(&format!("from/{lsn}"));
        let fork = main.project().create_branch(&called, &from, Some(main.name())).await.unwrap();
        commit(&fork, "own").await;
    }
    (place, backend, main)
}

async fn a_sound_store_has_no_problems(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    snapshot::create(&main.at(Lsn::new(3)).await.unwrap()).await.unwrap();
    restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    commit(&main, "after").await;
    let report = check(&place, &backend, false).await;
    assert_eq!(report.problems, []);
    assert_eq!((report.projects, report.branches, report.snapshots), (1, 4, 1));
    assert_eq!((report.timelines, report.commits), (4, 5 + 1 + 1 + 1));
    assert_eq!(report.images, 1 + 8 * 3, "the collection itself, and three documents a commit");
}

async fn an_altered_document_is_found_with_those_who_read_it(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    for (lsn, readers) in [
        (2, vec!["shop/from/2", "shop/from/5", "shop/main"]),
        (4, vec!["shop/from/5", "shop/main"]),
    ] {
        let damage = Damage { timeline, lsn: Lsn::new(lsn), kind: Kind::Altered };
        let report = check(&place, &damage.to(&backend), false).await;
        assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
        let problem = &report.problems[0];
        assert!(problem.what.contains(&format!("commit {lsn} ")), "{}", problem.what);
        assert!(problem.what.contains(&format!("\"{lsn}/0\"")), "{}", problem.what);
        assert_eq!(problem.affects, readers);
    }
}

async fn a_missing_commit_is_found(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    for (lsn, readers) in [(1, 3), (3, 2), (5, 2)] {
        let damage = Damage { timeline, lsn: Lsn::new(lsn), kind: Kind::Missing };
        let report = check(&place, &damage.to(&backend), false).await;
        assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
        let problem = &report.problems[0];
        assert!(problem.what.contains(&format!("commit {lsn} ")), "{}", problem.what);
        assert_eq!(problem.affects.len(), readers, "{:?}", problem.affects);
    }
}

/// Plants a manifest, and checks that it is found, that a check alone mends nothing, and that a
/// rebuild does.
async fn found_and_mended(place: &StoreLocation, backend: &Backend, planted: &Manifest) {
    backend.snapshots.put_manifest(planted).await.unwrap();
    for rebuild in [false, false, true] {
        let report = check(place, backend, rebuild).await;
        assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
        let problem = &report.problems[0];
        assert!(problem.what.contains(&format!("LSN {}", planted.point.lsn)), "{}", problem.what);
        assert_eq!(problem.repaired, rebuild);
    }
    assert_eq!(check(place, backend, false).await.problems, []);
}

async fn a_missing_chunk_is_found_and_mended(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let mut manifest = snapshot::create(&main.head().await.unwrap()).await.unwrap();
    for chunks in &mut manifest.collections {
        chunks.chunks[0].digest = Digest::of(b"lost");
    }
    found_and_mended(&place, &backend, &manifest).await;
}

async fn a_snapshot_of_another_state_is_found_and_mended(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let earlier = snapshot::create(&main.at(Lsn::new(2)).await.unwrap()).await.unwrap();
    let point = main.at(Lsn::new(4)).await.unwrap().view().point().unwrap();
    found_and_mended(&place, &backend, &Manifest { point, ..earlier }).await;
}

async fn a_snapshot_without_one_of_its_collections_is_found_and_mended(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    main.collection(&collection("other")).insert(rawdoc! { "_id": 1 }).await.unwrap();
    let mut manifest = snapshot::create(&main.head().await.unwrap()).await.unwrap();
    manifest.collections.pop().unwrap();
    found_and_mended(&place, &backend, &manifest).await;
}

async fn a_snapshot_of_a_timeline_that_is_not_there_is_found(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let mut manifest = snapshot::create(&main.head().await.unwrap()).await.unwrap();
    manifest.point.timeline = TimelineId::from_bytes([9; 16]);
    backend.snapshots.put_manifest(&manifest).await.unwrap();
    let report = check(&place, &backend, false).await;
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
}

async fn a_wrong_snapshot_is_found_without_an_index_too(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let earlier = snapshot::create(&main.at(Lsn::new(2)).await.unwrap()).await.unwrap();
    let point = main.at(Lsn::new(4)).await.unwrap().view().point().unwrap();
    let backend = Backend { materialize: None, ..backend };
    found_and_mended(&place, &backend, &Manifest { point, ..earlier }).await;
}

/// Writes over the record of a branch; gives back what it was.
async fn overwrite(backend: &Backend, branch: &str, value: Vec<u8>) -> Vec<u8> {
    overwrite_ref(backend, "branch/", branch, value).await
}

/// Writes over the record whose name begins and ends so; gives back what it was.
pub(crate) async fn overwrite_ref(
    backend: &Backend,
    begin: &str,
    end: &str,
    value: Vec<u8>,
) -> Vec<u8> {
    let refs = backend.refs.list(begin).await.unwrap();
    let (reference, stored) =
        refs.into_iter().find(|(reference, _)| reference.ends_with(end)).unwrap();
    let swap = backend.refs.compare_and_set(&reference, Some(&stored.version), Some(value)).await;
    assert!(matches!(swap.unwrap(), CasResult::Done(_)));
    stored.value
}

async fn a_damaged_branch_record_is_found(subject: Subject) {
    let (place, backend, _main) = sample(&subject).await;
    let record = overwrite(&backend, "/from/2", b"no record".to_vec()).await;
    let report = check(&place, &backend, true).await;
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].affects, ["shop/from/2"]);
    assert!(!report.problems[0].repaired, "a ref is not derived from anything");
    overwrite(&backend, "/from/2", record).await;
    assert_eq!(check(&place, &backend, false).await.problems, []);
}

async fn a_branch_whose_base_is_not_in_the_log_is_found(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let from = main.at(Lsn::new(3)).await.unwrap();
    main.project().create_branch(&name("unwritten"), &from, None).await.unwrap();
    let record = overwrite(&backend, "/unwritten", Vec::new()).await;
    let mut record: bson::Document = bson::deserialize_from_slice(&record).unwrap();
    let base = record.get_document_mut("base").unwrap();
    base.insert("digest", Digest::of(b"another history").to_string());
    overwrite(&backend, "/unwritten", bson::serialize_to_vec(&record).unwrap()).await;
    let report = check(&place, &backend, false).await;
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].affects, ["shop/unwritten"]);
}

async fn pins_and_plans_are_looked_at(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let project = main.project();
    let (head, at) = (main.head().await.unwrap(), name("main"));
    let new = NewPin { branch: &at, note: "", key: None };
    project.create_pin(&PinName::new("v1").unwrap(), &head, new).await.unwrap();
    let report = check(&place, &backend, false).await;
    assert_eq!((report.pins, report.problems.len()), (1, 0), "{:?}", report.problems);

    let pin = overwrite_ref(&backend, "pin/", "/v1", Vec::new()).await;
    let mut wrong: bson::Document = bson::deserialize_from_slice(&pin).unwrap();
    let state = wrong.get_document_mut("state").unwrap();
    state.insert("digest", Digest::of(b"another history").to_string());
    overwrite_ref(&backend, "pin/", "/v1", bson::serialize_to_vec(&wrong).unwrap()).await;
    let plan = b"no plan".to_vec();
    let reference = format!("plan/{}/00000000", project_id(&backend).await);
    let made = backend.refs.compare_and_set(&reference, None, Some(plan)).await;
    assert!(matches!(made.unwrap(), CasResult::Done(_)));
    let report = check(&place, &backend, false).await;
    assert_eq!((report.plans, report.problems.len()), (1, 2), "{:?}", report.problems);
    assert_eq!(report.problems[0].affects, ["shop/v1"]);
}

/// The id of the one project, as it stands in the names of refs.
async fn project_id(backend: &Backend) -> String {
    let refs = backend.refs.list("branch/").await.unwrap();
    refs[0].0.split('/').nth(1).unwrap().to_owned()
}

/// A head far above the commits that there are, as a flipped bit makes it.
async fn a_damaged_head_is_one_problem(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    let far = Arc::new(Layered(FarHead { inner: backend.wal.clone(), timeline }));
    let report = check(&place, &Backend { wal: far, ..backend }, false).await;
    let of_the_log = report.problems.iter().filter(|problem| problem.what.contains("commits"));
    assert_eq!(of_the_log.count(), 1, "{:?}", report.problems);
}

struct FarHead {
    inner: Arc<dyn Wal>,
    timeline: TimelineId,
}

#[async_trait]
impl Layer for FarHead {
    fn beneath(&self) -> &dyn Wal {
        &*self.inner
    }

    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let mut state = self.inner.state(timeline).await?;
        if let Some(state) = state.as_mut().filter(|_| timeline == self.timeline) {
            state.head.lsn = Lsn::new(1 << 40);
        }
        Ok(state)
    }
}

async fn a_check_beside_writers_finds_nothing(subject: Subject) {
    let (place, backend, main) = sample(&subject).await;
    let writer = tokio::spawn(async move {
        for round in 0..40 {
            commit(&main, &format!("beside {round}")).await;
            if round % 10 == 5 {
                let past = main.at(Lsn::new(3)).await.unwrap();
                restore::reset(&main, &past).await.unwrap();
                snapshot::create(&main.head().await.unwrap()).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        assert_eq!(check(&place, &backend, false).await.problems, []);
    }
    writer.await.unwrap();
}

/// A commit that is not given as it was written.
#[derive(Clone, Copy)]
pub(crate) struct Damage {
    pub(crate) timeline: TimelineId,
    pub(crate) lsn: Lsn,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Altered,
    Missing,
    /// It and those before it were collected as garbage, which is no damage.
    Collected,
}

impl Damage {
    pub(crate) fn to(self, backend: &Backend) -> Backend {
        Backend {
            wal: Arc::new(Layered(Damaged { inner: backend.wal.clone(), damage: self })),
            ..backend.clone()
        }
    }

    fn collects(self, timeline: TimelineId, lsn: Lsn) -> bool {
        self.kind == Kind::Collected && timeline == self.timeline && lsn <= self.lsn
    }

    fn apply(self, timeline: TimelineId, mut commit: Commit) -> Option<Commit> {
        if self.collects(timeline, commit.meta.lsn) {
            return None;
        }
        if (timeline, commit.meta.lsn) != (self.timeline, self.lsn) {
            return Some(commit);
        }
        if self.kind == Kind::Missing {
            return None;
        }
        let last = commit.changes.last_mut().expect("the trials' commits have changes");
        *last = Change { image: altered(&last.image), ..last.clone() };
        Some(commit)
    }
}

/// The image with one byte of its text flipped.
fn altered(image: &Image) -> Image {
    let Image::Document(document) = image else { panic!("the trials delete nothing") };
    let mut bytes = document.as_bytes().to_vec();
    let text = bytes.len() - 3;
    bytes[text] ^= 1;
    Image::Document(Document::from_stored(bytes).unwrap())
}

struct Damaged {
    inner: Arc<dyn Wal>,
    damage: Damage,
}

#[async_trait]
impl Layer for Damaged {
    fn beneath(&self) -> &dyn Wal {
        &*self.inner
    }

    async fn state(&self, timeline: TimelineId) -> Result<Option<TimelineState>> {
        let mut state = self.inner.state(timeline).await?;
        if let Some(state) = &mut state
            && self.damage.collects(timeline, self.damage.lsn)
        {
            state.floor = self.damage.lsn;
        }
        Ok(state)
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let damage = self.damage;
        let commits = self.inner.read(timeline, range);
        commits.try_filter_map(move |commit| future::ok(damage.apply(timeline, commit))).boxed()
    }

    fn read_headers(
        &self,
        timeline: TimelineId,
        range: RangeInclusive<Lsn>,
        direction: Direction,
    ) -> HeaderStream {
        let damage = self.damage;
        let headers = self.inner.read_headers(timeline, range, direction);
        let there = move |commit: &Commit<Touched>| {
            future::ready(!damage.collects(timeline, commit.meta.lsn))
        };
        headers.try_filter(there).boxed()
    }
}
