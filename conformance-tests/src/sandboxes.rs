//! Sandboxes: they end when nobody uses them, and never under the hands of one who does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use argon_core::model::{Actor, BranchName, Commit, Head, Lsn, ProjectName, Timeline};
use argon_core::sandbox::{self, Outcome, Swept};
use argon_core::storage::{Append, Backend, IndexChanges, Wal};
use argon_core::{Branch, Clock, Environment, ErrorKind, Hint, Project, Result, Store, restore};
use async_trait::async_trait;
use bson::DateTime;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::{by_message, named_request};
use crate::environment::{SeededIds, time};
use crate::layer::{Layer, Layered};
use crate::make::{branch as name, collection};
use crate::pins::{commit, pin, resolve};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["sandboxes":
        a_sandbox_is_a_branch_until_its_time_is_over,
        a_sandbox_gets_a_name_of_its_own,
        a_commit_of_its_own_prolongs_a_sandbox,
        an_extended_sandbox_lives_from_then_on,
        a_clock_that_is_set_while_a_process_runs_ends_no_sandbox_early,
        a_sandbox_past_its_time_takes_no_commit_until_it_is_extended,
        a_kept_sandbox_is_a_branch_like_others,
        a_kept_sandbox_may_get_another_name,
        a_discarded_sandbox_is_kept_as_a_backup,
        an_ordinary_branch_is_no_sandbox,
        a_dry_run_removes_nothing,
        a_sandbox_that_is_pinned_or_protected_stays,
        a_sandbox_stays_one_through_a_reset,
        a_backup_of_a_sandbox_is_none,
        a_writer_before_the_seal_keeps_its_sandbox,
        an_extension_during_a_sweep_keeps_the_sandbox,
        a_first_commit_that_a_sweep_follows_at_once_is_there_once,
        writers_beside_sweeps_are_told_or_lose_nothing,
    ]
}

const TTL: Duration = Duration::from_secs(1);

async fn made(main: &Branch, called: &str) -> Branch {
    let (head, name) = (main.head().await.unwrap(), sandbox::full_name(called).unwrap());
    let made = sandbox::create(main.project(), &head, main.name(), Some(&name), TTL).await;
    made.unwrap().0
}

async fn end(branch: &Branch) -> Option<DateTime> {
    branch.info().await.unwrap().ends
}

async fn sweep(project: &Project) -> Vec<Swept> {
    sandbox::sweep(project, false).await.unwrap()
}

async fn gone(project: &Project, name: &BranchName) -> bool {
    match project.branch(name).await {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

async fn a_sandbox_is_a_branch_until_its_time_is_over(subject: Subject) {
    let (place, main) = subject.branch().await;
    commit(&main, "1").await;
    place.clock.set(0);
    let project = main.project();
    let sandbox = made(&main, "try").await;
    assert_eq!((sandbox.name().as_str(), end(&sandbox).await), ("sandbox/try", Some(time(1000))));
    assert_eq!(sandbox.head().await.unwrap().view(), main.head().await.unwrap().view());
    let listed = sandbox::list(project).await.unwrap();
    assert_eq!(listed, [sandbox.info().await.unwrap()]);
    assert_eq!(end(&main).await, None);
    place.clock.set(999);
    assert_eq!(sweep(project).await, []);
    place.clock.set(1000);
    let swept = sweep(project).await;
    assert_eq!((swept.len(), &swept[0].name, swept[0].ended), (1, sandbox.name(), time(1000)));
    let Outcome::Removed(backup) = &swept[0].outcome else { panic!("{swept:?}") };
    assert!(gone(project, sandbox.name()).await);
    let kept = project.branch(backup).await.unwrap();
    assert_eq!(kept.head().await.unwrap().view(), main.head().await.unwrap().view());
    let late = sandbox.commit(named_request(&sandbox, "late")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "a writer is told");
    assert_eq!(sweep(project).await, []);
    assert_eq!(project.branches().await.unwrap().len(), 2, "main and the backup");
}

async fn a_sandbox_gets_a_name_of_its_own(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let head = main.head().await.unwrap();
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let made = sandbox::create(main.project(), &head, main.name(), None, TTL).await.unwrap().0;
        let digits = made.name().as_str().strip_prefix("sandbox/").unwrap().to_owned();
        assert!(digits.len() == 8 && digits.bytes().all(|c| c.is_ascii_hexdigit()), "{digits}");
        names.insert(digits);
    }
    assert_eq!(names.len(), 10);
    let taken = sandbox::full_name(names.first().unwrap()).unwrap();
    let again = sandbox::create(main.project(), &head, main.name(), Some(&taken), TTL).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let never = sandbox::create(main.project(), &head, main.name(), None, Duration::ZERO).await;
    assert_eq!(never.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(sandbox::full_name("sandbox/x").unwrap(), sandbox::full_name("x").unwrap());
}

async fn a_commit_of_its_own_prolongs_a_sandbox(subject: Subject) {
    let (place, main) = subject.branch().await;
    place.clock.set(0);
    let sandbox = made(&main, "try").await;
    place.clock.set(900);
    commit(&main, "of main").await;
    assert_eq!(end(&sandbox).await, Some(time(1000)), "a commit of its parent is not its own");
    place.clock.set(950);
    commit(&sandbox, "own").await;
    assert_eq!(end(&sandbox).await, Some(time(1950)));
    place.clock.set(1949);
    assert_eq!(sweep(main.project()).await, []);
    place.clock.set(1950);
    assert_eq!(sweep(main.project()).await.len(), 1);
}

async fn an_extended_sandbox_lives_from_then_on(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    let project = main.project();
    place.clock.set(2000);
    let extended = sandbox::extend(project, sandbox.name(), None).await.unwrap();
    assert_eq!((extended, end(&sandbox).await), (time(3000), Some(time(3000))));
    let longer = Some(Duration::from_secs(5));
    assert_eq!(sandbox::extend(project, sandbox.name(), longer).await.unwrap(), time(7000));
    place.clock.set(6999);
    assert_eq!(sweep(project).await, []);
    commit(&sandbox, "1").await;
    assert_eq!(end(&sandbox).await, Some(time(11_999)), "the new length counts from a commit too");
}

/// The clock of a machine, which somebody may set while time passes.
struct Machine {
    shows: AtomicI64,
    ran: AtomicU64,
}

impl Clock for Machine {
    fn now(&self) -> DateTime {
        time(self.shows.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.ran.load(Ordering::SeqCst))
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

async fn a_clock_that_is_set_while_a_process_runs_ends_no_sandbox_early(subject: Subject) {
    const YEAR: i64 = 365 * 24 * 3_600_000;
    let (_place, backend) = subject.backend().await;
    let clock = Arc::new(Machine { shows: AtomicI64::new(0), ran: AtomicU64::new(0) });
    let environment = Environment::new(clock.clone(), Arc::new(SeededIds::new(1)));
    let store = Store::new(backend, environment, Actor::new("ada").unwrap());
    let project = store.create_project(&ProjectName::new("shop").unwrap()).await.unwrap();
    let main = first_branch(&project).await;
    commit(&main, "1").await;
    let (swept, written) = (made(&main, "swept").await, made(&main, "written").await);
    clock.shows.store(YEAR, Ordering::SeqCst);
    clock.ran.store(999, Ordering::SeqCst);
    assert_eq!(sweep(&project).await, [], "set forward");
    commit(&written, "it takes commits").await;
    clock.ran.store(1_000, Ordering::SeqCst);
    let over = sweep(&project).await;
    assert_eq!(over.iter().map(|swept| &swept.name).collect::<Vec<_>>(), [swept.name()]);
    clock.shows.store(-YEAR, Ordering::SeqCst);
    let made = made(&main, "made").await;
    assert_eq!(end(&made).await, Some(time(2_000)), "set back");
}

async fn a_sandbox_past_its_time_takes_no_commit_until_it_is_extended(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    place.clock.set(1001);
    let late = sandbox.commit(named_request(&sandbox, "late")).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Denied);
    let branch = "sandbox/try".to_owned();
    assert_eq!(late.hint(), Some(Hint::ExtendSandbox { branch }), "{late}");
    assert_eq!(end(&sandbox).await, Some(time(1000)), "it is over as before");
    sandbox::extend(main.project(), sandbox.name(), None).await.unwrap();
    commit(&sandbox, "2").await;
    assert_eq!(end(&sandbox).await, Some(time(2001)));
}

async fn a_kept_sandbox_is_a_branch_like_others(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    let kept = sandbox::keep(main.project(), sandbox.name(), None).await.unwrap();
    place.clock.set(1_000_000);
    assert_eq!(sweep(main.project()).await, []);
    assert_eq!((kept.name(), end(&kept).await), (sandbox.name(), None));
    commit(&sandbox, "2").await;
    assert_eq!(by_message(&kept).await.len(), 2);
}

async fn a_kept_sandbox_may_get_another_name(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    let project = main.project();
    let taken = sandbox::keep(project, sandbox.name(), Some(main.name())).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    let kept = sandbox::keep(project, sandbox.name(), Some(&name("good"))).await.unwrap();
    place.clock.set(1_000_000);
    assert_eq!(sweep(project).await, []);
    assert!(gone(project, sandbox.name()).await);
    commit(&kept, "2").await;
    assert_eq!(by_message(&kept).await.len(), 2);
}

async fn a_discarded_sandbox_is_kept_as_a_backup(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    let project = main.project();
    let backup = sandbox::discard(project, sandbox.name()).await.unwrap();
    assert!(gone(project, sandbox.name()).await);
    assert_eq!(by_message(&project.branch(&backup).await.unwrap()).await.len(), 1);
    let protected = made(&main, "safe").await;
    project.set_protected(protected.name(), true).await.unwrap();
    let denied = sandbox::discard(project, protected.name()).await.unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Denied);
}

async fn an_ordinary_branch_is_no_sandbox(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let project = main.project();
    let errors = [
        sandbox::extend(project, main.name(), None).await.err(),
        sandbox::keep(project, main.name(), None).await.err(),
        sandbox::discard(project, main.name()).await.err(),
    ];
    for error in errors {
        assert_eq!(error.unwrap().kind(), ErrorKind::Invalid);
    }
    let nowhere = sandbox::discard(project, &name("sandbox/x")).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    assert_eq!(sandbox::list(project).await.unwrap(), []);
    commit(&main, "1").await;
}

async fn a_dry_run_removes_nothing(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    place.clock.set(1000);
    for _ in 0..2 {
        let swept = sandbox::sweep(main.project(), true).await.unwrap();
        assert_eq!(swept.iter().map(|one| &one.outcome).collect::<Vec<_>>(), [&Outcome::Due]);
    }
    commit(&sandbox, "it goes on").await;
}

async fn a_sandbox_that_is_pinned_or_protected_stays(subject: Subject) {
    let (place, main) = subject.branch().await;
    commit(&main, "1").await;
    let project = main.project();
    let (pinned, protected, parents) =
        (made(&main, "a").await, made(&main, "b").await, made(&main, "c").await);
    commit(&pinned, "2").await;
    pin(&pinned, "v1", &pinned.head().await.unwrap()).await.unwrap();
    pin(&parents, "v0", &parents.head().await.unwrap()).await.unwrap();
    project.set_protected(protected.name(), true).await.unwrap();
    place.clock.set(1_000_000);
    let swept = sweep(project).await;
    let outcomes: Vec<&Outcome> = swept.iter().map(|one| &one.outcome).collect();
    assert_eq!(outcomes[..2], [&Outcome::Pinned("v1".to_owned()), &Outcome::Protected]);
    assert!(matches!(outcomes[2], Outcome::Removed(_)), "that pin is of a state of main");
    assert_eq!(outcomes.len(), 3);
    project.delete_pin(&crate::pins::pin_name("v1")).await.unwrap();
    assert!(matches!(sweep(project).await[0].outcome, Outcome::Removed(_)));
}

async fn a_sandbox_stays_one_through_a_reset(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    restore::reset(&sandbox, &main.head().await.unwrap()).await.unwrap();
    assert_eq!(end(&sandbox).await, Some(time(1000)));
    place.clock.set(1000);
    assert!(matches!(sweep(main.project()).await[0].outcome, Outcome::Removed(_)));
}

async fn a_backup_of_a_sandbox_is_none(subject: Subject) {
    let (place, main) = subject.branch().await;
    let sandbox = made(&main, "try").await;
    commit(&sandbox, "1").await;
    let backup = sandbox::discard(main.project(), sandbox.name()).await.unwrap();
    assert_eq!(end(&main.project().branch(&backup).await.unwrap()).await, None);
    place.clock.set(1_000_000);
    assert_eq!(sweep(main.project()).await, []);
    assert_eq!(resolve(&main, backup.as_str()).await.unwrap().lsn().get(), 1);
}

/// Does something the moment before a timeline is sealed, once it is set to.
#[derive(Clone)]
struct Interrupted {
    inner: Arc<dyn Wal>,
    when: When,
    set: Arc<AtomicBool>,
    act: Arc<dyn Fn() -> futures::future::BoxFuture<'static, ()> + Send + Sync>,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    BeforeSeal,
    AfterAppend,
}

impl Interrupted {
    async fn act(&self, now: When) {
        if now == self.when && self.set.swap(false, Ordering::SeqCst) {
            (self.act)().await;
        }
    }
}

#[async_trait]
impl Layer for Interrupted {
    fn beneath(&self) -> &dyn Wal {
        &*self.inner
    }

    async fn append(
        &self,
        timeline: &Timeline,
        head: &Head,
        commits: Arc<[Commit]>,
        entries: Option<Arc<IndexChanges>>,
    ) -> Result<Append> {
        let done = self.inner.append(timeline, head, commits, entries).await;
        self.act(When::AfterAppend).await;
        done
    }

    async fn seal(&self, timeline: &Timeline, head: &Head) -> Result<Append> {
        self.act(When::BeforeSeal).await;
        self.inner.seal(timeline, head).await
    }
}

/// A sandbox that is over, and what a sweep of it comes to if `act` is done just before the seal
/// through another store.
async fn swept_while(
    subject: &Subject,
    act: impl Fn(Branch) -> futures::future::BoxFuture<'static, ()> + Send + Sync + Clone + 'static,
) -> (crate::subject::StoreLocation, Branch, Outcome) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let theirs = made(&main, "try").await;
    commit(&theirs, "1").await;
    let set = Arc::new(AtomicBool::new(false));
    let other = theirs.clone();
    let wal = Interrupted {
        inner: backend.wal.clone(),
        when: When::BeforeSeal,
        set: set.clone(),
        act: Arc::new(move || act(other.clone())),
    };
    let sweeping = place.project_again(Backend { wal: Arc::new(Layered(wal)), ..backend }).await;
    place.clock.set(1000);
    set.store(true, Ordering::SeqCst);
    let swept = sweep(&sweeping).await;
    assert_eq!(swept.len(), 1);
    (place, theirs, swept[0].outcome.clone())
}

async fn a_writer_before_the_seal_keeps_its_sandbox(subject: Subject) {
    let write = |branch: Branch| -> futures::future::BoxFuture<'static, ()> {
        Box::pin(async move { commit(&branch, "just in time").await })
    };
    let (place, sandbox, outcome) = swept_while(&subject, write).await;
    assert_eq!(outcome, Outcome::InUse);
    let messages: Vec<String> = by_message(&sandbox).await.into_keys().collect();
    assert_eq!(messages, ["1", "just in time"]);
    commit(&sandbox, "and on").await;
    assert_eq!(end(&sandbox).await, Some(time(2000)));
    assert_eq!(sandbox.project().branches().await.unwrap().len(), 2, "there is no backup");
    place.clock.set(2000);
    assert!(matches!(sweep(sandbox.project()).await[0].outcome, Outcome::Removed(_)));
}

async fn an_extension_during_a_sweep_keeps_the_sandbox(subject: Subject) {
    let extend = |branch: Branch| -> futures::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            sandbox::extend(branch.project(), branch.name(), None).await.unwrap();
        })
    };
    let (_place, sandbox, outcome) = swept_while(&subject, extend).await;
    assert_eq!(outcome, Outcome::InUse);
    assert_eq!(end(&sandbox).await, Some(time(2000)));
    commit(&sandbox, "and on").await;
    assert_eq!(sandbox.project().branches().await.unwrap().len(), 2, "there is no backup");
    let documents = sandbox.head().await.unwrap().collection(&collection("c")).unwrap();
    assert_eq!(documents.count().await.unwrap(), 6);
}

async fn a_first_commit_that_a_sweep_follows_at_once_is_there_once(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    made(&main, "try").await;
    let (sweeping, clock) = (main.project().clone(), place.clock.clone());
    let set = Arc::new(AtomicBool::new(true));
    let wal = Interrupted {
        inner: backend.wal.clone(),
        when: When::AfterAppend,
        set: set.clone(),
        act: Arc::new(move || {
            let (sweeping, clock) = (sweeping.clone(), clock.clone());
            Box::pin(async move {
                clock.set(10_000);
                assert!(matches!(sweep(&sweeping).await[0].outcome, Outcome::Removed(_)));
            })
        }),
    };
    let writing = place.project_again(Backend { wal: Arc::new(Layered(wal)), ..backend }).await;
    let theirs = writing.branch(&name("sandbox/try")).await.unwrap();
    let committed = theirs.commit(named_request(&theirs, "1")).await.unwrap();
    assert_eq!(committed.committed().unwrap().lsn, Lsn::new(1));
    let backups = main.project().branches().await.unwrap();
    let backup = backups.iter().find(|info| info.name.is_backup()).unwrap();
    let backup = main.project().branch(&backup.name).await.unwrap();
    assert_eq!(by_message(&backup).await.len(), 1);
}

async fn writers_beside_sweeps_are_told_or_lose_nothing(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let other = place.project_again(backend).await;
    for round in 0..subject.scaled(20, 5) {
        place.clock.set(round * 10_000);
        let theirs = made(&main, &format!("try/{round}")).await;
        place.clock.set(round * 10_000 + 1000);
        let writer = tokio::spawn(async move {
            for number in 0..3 {
                match theirs.commit(named_request(&theirs, &number.to_string())).await {
                    Ok(outcome) => drop(outcome.committed().unwrap()),
                    Err(error) if error.kind() == ErrorKind::NotFound => return (number, theirs),
                    Err(error) => panic!("{error:?}"),
                }
            }
            (3, theirs)
        });
        let swept = sweep(&other).await;
        let (written, theirs) = writer.await.unwrap();
        let there = match swept.first().map(|swept| &swept.outcome) {
            Some(Outcome::Removed(backup)) => other.branch(backup).await.unwrap(),
            _ => {
                assert_eq!(written, 3, "who was told has lost its sandbox");
                sandbox::discard(main.project(), theirs.name()).await.unwrap();
                continue;
            }
        };
        assert_eq!(by_message(&there).await.len(), written, "what was acknowledged is there");
    }
}
