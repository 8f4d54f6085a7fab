//! The history of one store in another.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argon_core::model::{
    Actor, BranchName, Commit, Lsn, Message, PinName, ProjectName, TimelineId,
};
use argon_core::pins::NewPin;
use argon_core::storage::{Backend, CommitStream, Wal};
use argon_core::{Branch, ErrorKind, Hint, Project, Store, copy, gc, restore};
use async_trait::async_trait;
use bson::rawdoc;
use futures::{StreamExt, TryStreamExt};

use crate::Subject;
use crate::case::{Case, cases};
use crate::environment::seeded;
use crate::faulty::{Fault, Plan};
use crate::layer::{Layer, Layered};
use crate::make::{branch as name, collection};
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["copy":
        a_copy_has_the_same_branches_pins_and_documents,
        a_copy_that_is_cut_off_anywhere_goes_on_where_it_ended,
        a_second_copy_brings_only_what_has_come_since,
        a_target_that_has_gone_on_is_refused_before_anything_is_written,
        a_project_of_the_same_name_is_not_mixed_with_another,
        a_history_with_collected_commits_is_refused_whole,
        a_deleted_project_can_be_brought_back_in_the_copy,
        a_deleted_project_with_collected_commits_is_left_out_by_name,
        a_log_that_does_not_match_its_digests_is_not_copied,
    ]
}

fn shop() -> ProjectName {
    ProjectName::new("shop").unwrap()
}

async fn insert(branch: &Branch, ids: std::ops::RangeInclusive<i32>) {
    for id in ids {
        branch.collection(&collection("a")).insert(rawdoc! { "_id": id, "n": id }).await.unwrap();
    }
}

/// A project with a fork, a branch without commits of its own, a backup that is sealed, and a pin.
async fn history(project: &Project) -> Branch {
    let main = first_branch(project).await;
    insert(&main, 1..=6).await;
    let side =
        project.create_branch(&name("side"), &main.at(Lsn::new(4)).await.unwrap(), None).await;
    insert(&side.unwrap(), 10..=12).await;
    project.create_branch(&name("empty"), &main.head().await.unwrap(), None).await.unwrap();
    restore::reset(&main, &main.at(Lsn::new(3)).await.unwrap()).await.unwrap();
    insert(&main, 20..=21).await;
    let (pin, state) = (PinName::new("v1").unwrap(), main.head().await.unwrap());
    project
        .create_pin(&pin, &state, NewPin { branch: main.name(), note: "", key: None })
        .await
        .unwrap();
    main
}

async fn copied(source: &Store, target: &Store) -> argon_core::Result<copy::Report> {
    copy::plan(source, None).await?.run(target, &|_| ()).await
}

/// Everything of all branches that a reader sees.
async fn seen(store: &Store) -> Vec<String> {
    let project = store.project(&shop()).await.unwrap();
    let mut seen = Vec::new();
    for info in project.branches().await.unwrap() {
        let state = project.branch(&info.name).await.unwrap().head().await.unwrap();
        let digest = state.collection(&collection("a")).unwrap().digest().await.unwrap();
        seen.push(format!("{info:?} {digest}"));
    }
    seen.push(format!("{:?}", project.pins().await.unwrap()));
    seen
}

async fn source(subject: &Subject) -> (StoreLocation, Store, Branch) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend);
    let project = store.create_project(&shop()).await.unwrap();
    let main = history(&project).await;
    (place, store, main)
}

/// An empty store whose identities are others than those of the source.
async fn target(subject: &Subject) -> (StoreLocation, Store) {
    let (place, backend) = subject.backend().await;
    let store = stored(backend);
    (place, store)
}

fn stored(backend: Backend) -> Store {
    Store::new(backend, seeded(77), Actor::new("copier").unwrap())
}

async fn a_copy_has_the_same_branches_pins_and_documents(subject: Subject) {
    let (_from, source, main) = source(&subject).await;
    let (_to, store) = target(&subject).await;
    let before = seen(&source).await;
    let plan = copy::plan(&source, Some(&shop())).await.unwrap();
    assert_eq!(plan.present_in(&store).await.unwrap(), 0);
    let report = plan.run(&store, &|_| ()).await.unwrap();
    assert_eq!(report.commits, plan.extent().commits);
    assert_eq!(report.branches.len() as u64, plan.extent().branches);
    assert_eq!(seen(&store).await, before);
    assert_eq!(seen(&source).await, before, "the source is as it was");
    // The copy is a store like any other: it takes commits, and its past can be read.
    let again = first_branch(&store.project(&shop()).await.unwrap()).await;
    insert(&again, 30..=31).await;
    assert_eq!(again.head().await.unwrap().lsn().get(), main.head().await.unwrap().lsn().get() + 2);
    assert!(fsck(&store).await.is_empty());
}

async fn fsck(store: &Store) -> Vec<argon_core::fsck::Problem> {
    argon_core::fsck::fsck(store, false, &|_| ()).await.unwrap().problems
}

async fn a_copy_that_is_cut_off_anywhere_goes_on_where_it_ended(subject: Subject) {
    let (_from, source, _) = source(&subject).await;
    let before = seen(&source).await;
    let steps = subject.scaled(14, 5);
    for cut in 0..steps {
        for fault in [Fault::Before, Fault::LostAnswer, Fault::LostCall] {
            let (_to, backend) = subject.backend().await;
            let plan = Plan::new();
            plan.next(std::iter::repeat_n(Fault::None, cut).chain([fault]));
            let store = stored(plan.decorate(backend));
            if copied(&source, &store).await.is_err() {
                let shown = store.projects().await.unwrap();
                assert!(shown.is_empty(), "a part is shown after {cut} {fault:?}: {shown:?}");
                copied(&source, &store).await.unwrap();
            }
            assert_eq!(seen(&store).await, before, "{cut} {fault:?}");
        }
    }
}

async fn a_second_copy_brings_only_what_has_come_since(subject: Subject) {
    let (_from, source, main) = source(&subject).await;
    let (_to, store) = target(&subject).await;
    let first = copied(&source, &store).await.unwrap();
    let again = copied(&source, &store).await.unwrap();
    assert_eq!((again.commits, again.refs, again.present), (0, 0, first.commits));
    insert(&main, 40..=42).await;
    let since = copied(&source, &store).await.unwrap();
    assert_eq!((since.commits, since.refs), (3, 0));
    assert_eq!(seen(&store).await, seen(&source).await);
}

async fn a_target_that_has_gone_on_is_refused_before_anything_is_written(subject: Subject) {
    let (_from, source, main) = source(&subject).await;
    let (_to, store) = target(&subject).await;
    copied(&source, &store).await.unwrap();
    insert(&main, 40..=42).await;
    let there = first_branch(&store.project(&shop()).await.unwrap()).await;
    insert(&there, 50..=50).await;
    let before = seen(&store).await;
    let plan = copy::plan(&source, None).await.unwrap();
    assert_eq!(plan.present_in(&store).await.unwrap_err().kind(), ErrorKind::Conflict);
    let error = plan.run(&store, &|_| ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("diverged in the target"), "{error}");
    assert_eq!(seen(&store).await, before);
}

async fn a_project_of_the_same_name_is_not_mixed_with_another(subject: Subject) {
    let (_from, source, _) = source(&subject).await;
    let (_to, store) = target(&subject).await;
    store.create_project(&shop()).await.unwrap();
    let error = copied(&source, &store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("a different project 'shop'"), "{error}");
    let main = BranchName::new(Store::FIRST_BRANCH).unwrap();
    let branches = store.project(&shop()).await.unwrap().branches().await.unwrap();
    assert_eq!(branches.iter().map(|info| &info.name).collect::<Vec<_>>(), [&main]);
}

/// A source whose first commits were collected.
async fn collected_source(subject: &Subject) -> (StoreLocation, Store) {
    let (place, source, main) = source(subject).await;
    place.clock.set(1_000_000_000);
    insert(&main, 60..=64).await;
    place.clock.set(2_000_000_000);
    insert(&main, 70..=71).await;
    let options = gc::Options { retention: std::time::Duration::from_hours(1), dry_run: false };
    gc::collect(&source, &options).await.unwrap();
    (place, source)
}

async fn a_history_with_collected_commits_is_refused_whole(subject: Subject) {
    let (_from, source) = collected_source(&subject).await;
    let error = match copy::plan(&source, None).await {
        Err(error) => error,
        // A backend that removes whole objects may have kept all of the log.
        Ok(plan) => {
            let (_to, store) = target(&subject).await;
            plan.run(&store, &|_| ()).await.unwrap();
            assert_eq!(seen(&store).await, seen(&source).await);
            return;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.hint(), Some(Hint::ExportState), "{error}");
}

async fn a_deleted_project_can_be_brought_back_in_the_copy(subject: Subject) {
    let (_from, source, _) = source(&subject).await;
    let before = seen(&source).await;
    let other = source.create_project(&ProjectName::new("other").unwrap()).await.unwrap();
    insert(&first_branch(&other).await, 1..=2).await;
    source.delete_project(&shop()).await.unwrap();
    let (_to, store) = target(&subject).await;
    let plan = copy::plan(&source, None).await.unwrap();
    assert_eq!((plan.extent().projects, plan.extent().deleted), (1, 1));
    let report = plan.run(&store, &|_| ()).await.unwrap();
    assert_eq!((report.deleted, plan.left_out()), (vec![shop()], &[][..]));
    assert_eq!(
        store.deleted_projects().await.unwrap(),
        source.deleted_projects().await.unwrap(),
        "it is a deleted one there too"
    );
    assert_eq!(store.project(&shop()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(copied(&source, &store).await.unwrap().refs, 0, "a second copy");
    store.undelete_project(&shop(), None).await.unwrap();
    assert_eq!(seen(&store).await, before);
    assert!(fsck(&store).await.is_empty());
    let chosen = copy::plan(&source, Some(other.name())).await.unwrap();
    assert_eq!(chosen.extent().deleted, 0);
}

async fn a_deleted_project_with_collected_commits_is_left_out_by_name(subject: Subject) {
    let (_from, source) = collected_source(&subject).await;
    let whole = copy::plan(&source, None).await.is_ok();
    source.delete_project(&shop()).await.unwrap();
    let plan = copy::plan(&source, None).await.unwrap();
    // A backend that removes whole objects may have kept all of the log.
    let left_out = if whole { vec![] } else { vec![shop()] };
    assert_eq!(plan.left_out(), left_out);
    let (_to, store) = target(&subject).await;
    let report = plan.run(&store, &|_| ()).await.unwrap();
    assert_eq!(report.deleted.is_empty(), !whole);
}

/// A log of which the second commit of every timeline has another message than was written.
struct Altered(Arc<dyn Wal>);

#[async_trait]
impl Layer for Altered {
    fn beneath(&self) -> &dyn Wal {
        &*self.0
    }

    fn read(&self, timeline: TimelineId, range: RangeInclusive<Lsn>) -> CommitStream {
        let alter = |mut commit: Commit| {
            if commit.meta.lsn == Lsn::new(2) {
                commit.meta.message = Message::new("altered").unwrap();
            }
            commit
        };
        self.0.read(timeline, range).map_ok(alter).boxed()
    }
}

async fn a_log_that_does_not_match_its_digests_is_not_copied(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let store = place.store(backend.clone());
    history(&store.create_project(&shop()).await.unwrap()).await;
    let wal: Arc<dyn Wal> = Arc::new(Layered(Altered(backend.wal.clone())));
    let altered = place.store(Backend { wal, ..backend });
    let (_to, target) = target(&subject).await;
    let error = copied(&altered, &target).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("commit 2 of the source"), "{error}");
    assert!(target.projects().await.unwrap().is_empty());
}
