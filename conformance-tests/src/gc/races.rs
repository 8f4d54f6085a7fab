//! What others do while a collection runs.

use std::sync::Arc;

use argon_core::gc::collect;
use argon_core::model::Lsn;
use argon_core::{Branch, ErrorKind, Project, restore};
use bson::rawdoc;
use futures::TryStreamExt;
use tokio::sync::Notify;

use super::{NOTHING, Stage, kept_for, version};
use crate::Subject;
use crate::case::{Case, cases};
use crate::faulty::{Fault, Plan};
use crate::hooked::{Hooks, Moment};
use crate::make::{branch as name, collection, key};

pub(super) fn cases() -> Vec<Case> {
    cases!["gc":
        a_writer_whose_timeline_is_gone_goes_on_where_its_branch_is,
        readers_and_writers_go_on_during_collections,
        a_branch_of_an_old_state_beside_collections_is_whole_or_refused,
        a_state_to_which_a_branch_is_reset_while_refs_are_listed_is_kept,
        of_two_collectors_neither_takes_what_the_other_has_yet_to_list,
        a_branch_of_a_state_whose_timeline_was_dropped_is_refused,
        a_head_that_was_collected_right_after_it_was_seen_is_refused,
    ]
}

/// The project as another process knows it, whose open states the collection does not know.
async fn elsewhere(stage: &Stage) -> Project {
    stage.place.project_again(stage.backend.clone()).await
}

async fn create(project: &Project, called: &str, branch: &Branch, lsn: u64) {
    let state = branch.at(Lsn::new(lsn)).await.unwrap();
    project.create_branch(&name(called), &state, None).await.unwrap();
}

async fn a_writer_whose_timeline_is_gone_goes_on_where_its_branch_is(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=4).await;
    let project = stage.main.project();
    let (head, first) =
        (stage.main.head().await.unwrap(), stage.main.at(Lsn::new(1)).await.unwrap());
    let unwritten = project.create_branch(&name("unwritten"), &head, None).await.unwrap();
    // Another process, which knows both branches and has written to one of them.
    let elsewhere = stage.place.project_again(stage.backend.clone()).await;
    let stale = elsewhere.branch(stage.main.name()).await.unwrap();
    stage.write(&stale, 5..=6).await;
    let stale_unwritten = elsewhere.branch(&name("unwritten")).await.unwrap();
    restore::reset(&stage.main, &first).await.unwrap();
    restore::reset(&unwritten, &first).await.unwrap();
    drop((head, first));
    stage.place.clock.set(60_000);
    let report = stage.collect_beside_others(NOTHING).await;
    let dropped = report.timelines.iter().any(|timeline| timeline.dropped);
    assert!(dropped || !stage.drops_at_once(), "{report:?}");
    assert_eq!(version(&stale_unwritten.head().await.unwrap()).await, 1);
    for branch in [&stale, &stale_unwritten] {
        stage.write(branch, 100..=100).await;
        let seen = project.branch(branch.name()).await.unwrap().head().await.unwrap();
        assert_eq!((version(&seen).await, seen.lsn().get()), (100, 2));
    }
    stage.check().await;
}

async fn readers_and_writers_go_on_during_collections(subject: Subject) {
    let stage = Stage::new(&subject).await;
    let rounds = subject.scaled(200, 12);
    stage.write(&stage.main, 1..=2).await;
    let writer = {
        let main = stage.main.clone();
        tokio::spawn(async move {
            for number in 0..rounds {
                let things = main.collection(&collection("c"));
                things.put(rawdoc! { "_id": 1, "version": number }).await.unwrap();
                things.put(rawdoc! { "_id": 2 + number % 7, "version": number }).await.unwrap();
                if number % 5 == 0 {
                    things.delete(&key(2 + (number + 3) % 7)).await.unwrap();
                }
            }
        })
    };
    let reader = {
        let main = stage.main.clone();
        tokio::spawn(async move {
            let mut last = 0;
            while last < rounds - 1 {
                let head = main.head().await.unwrap();
                let view = head.collection(&collection("c")).unwrap();
                let scanned: Vec<_> = view.scan().try_collect().await.unwrap();
                let digest = view.digest().await.unwrap();
                assert!(!scanned.is_empty());
                last = version(&head).await;
                assert_eq!(view.digest().await.unwrap(), digest, "a state does not change");
                tokio::task::yield_now().await;
            }
        })
    };
    while !writer.is_finished() {
        stage.collect_beside_others(NOTHING).await;
    }
    writer.await.unwrap();
    reader.await.unwrap();
    stage.collect_beside_others(NOTHING).await;
    assert_eq!(version(&stage.main.head().await.unwrap()).await, rounds - 1);
    stage.check().await;
}

async fn a_branch_of_an_old_state_beside_collections_is_whole_or_refused(subject: Subject) {
    for round in 0..subject.scaled(20, 2) {
        let stage = Stage::new(&subject).await;
        stage.write(&stage.main, 1..=12).await;
        let elsewhere = elsewhere(&stage).await;
        let creator = tokio::spawn(async move {
            let main = elsewhere.branch(&name("main")).await.unwrap();
            let mut made = Vec::new();
            for lsn in 1..=11 {
                let Ok(state) = main.at(Lsn::new(lsn)).await else { continue };
                for _ in 0..(round + i32::try_from(lsn).unwrap()) % 5 {
                    tokio::task::yield_now().await;
                }
                match elsewhere.create_branch(&name(&format!("b{lsn}")), &state, None).await {
                    Ok(_) => made.push(lsn),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
                }
            }
            made
        });
        let other = stage.place.store(stage.backend.clone());
        for _ in 0..3 {
            let options = kept_for(NOTHING);
            let second = collect(&other, &options);
            let first = Box::pin(stage.collect_beside_others(NOTHING));
            futures::future::join(first, second).await.1.unwrap();
        }
        let made = creator.await.unwrap();
        stage.collect_beside_others(NOTHING).await;
        let branches = stage.main.project().branches().await.unwrap();
        assert_eq!(branches.len(), made.len() + 1);
        for lsn in made {
            let branch = stage.main.project().branch(&name(&format!("b{lsn}"))).await.unwrap();
            assert_eq!(version(&branch.head().await.unwrap()).await, i32::try_from(lsn).unwrap());
        }
        stage.check().await;
    }
}

async fn a_state_to_which_a_branch_is_reset_while_refs_are_listed_is_kept(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let (hooks, plan) = (Hooks::new(), Plan::new());
    let stage = Stage::over(place, hooks.decorate(backend.clone())).await;
    stage.write(&stage.main, 1..=6).await;
    let project = stage.place.project_again(plan.decorate(backend)).await;
    let main = project.branch(stage.main.name()).await.unwrap();
    let state = main.at(Lsn::new(2)).await.unwrap();
    let done = Arc::new(Notify::new());
    hooks.at(Moment::Changing("kept/"), {
        let (done, plan) = (done.clone(), plan.clone());
        async move {
            // The hold, the seal and the backup are made; the branch is not moved yet.
            plan.next([Fault::None, Fault::None, Fault::None, Fault::Held]);
            tokio::spawn(async move {
                restore::reset(&main, &state).await.unwrap();
                done.notify_one();
            });
            plan.all_met().await;
        }
    });
    hooks.at(Moment::Listed("branch/"), async move {
        plan.release();
        done.notified().await;
    });
    stage.collect_beside_others(NOTHING).await;
    assert!(hooks.all_met());
    let fresh = elsewhere(&stage).await.branch(stage.main.name()).await.unwrap();
    assert_eq!(version(&fresh.head().await.unwrap()).await, 2);
    stage.check().await;
}

async fn of_two_collectors_neither_takes_what_the_other_has_yet_to_list(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let hooks = Hooks::new();
    let stage = Stage::over(place, hooks.decorate(backend.clone())).await;
    stage.write(&stage.main, 1..=6).await;
    let maker = stage.place.project_again(backend.clone()).await;
    let other = stage.place.store(backend);
    // Made and confirmed before the first collector writes down what is kept.
    hooks.at(Moment::Changing("kept/"), async move {
        let main = maker.branch(&name("main")).await.unwrap();
        create(&maker, "made", &main, 3).await;
    });
    // The first has written it down, and has not listed what is held.
    hooks.at(Moment::Changed("kept/"), async move {
        collect(&other, &kept_for(NOTHING)).await.unwrap();
    });
    stage.collect_beside_others(NOTHING).await;
    assert!(hooks.all_met());
    for project in [stage.main.project(), &elsewhere(&stage).await] {
        let made = project.branch(&name("made")).await.unwrap();
        assert_eq!(version(&made.head().await.unwrap()).await, 3);
        let main = project.branch(&name("main")).await.unwrap();
        assert_eq!(main.at(Lsn::new(4)).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    stage.check().await;
}

async fn a_branch_of_a_state_whose_timeline_was_dropped_is_refused(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=3).await;
    let project = stage.main.project();
    create(project, "fork", &stage.main, 3).await;
    stage.write(&project.branch(&name("fork")).await.unwrap(), 4..=6).await;
    let elsewhere = elsewhere(&stage).await;
    let fork = elsewhere.branch(&name("fork")).await.unwrap();
    let old = fork.at(Lsn::new(5)).await.unwrap();
    project.delete_branch(&name("fork")).await.unwrap();
    stage.collect_beside_others(NOTHING).await;
    stage.collect_beside_others(NOTHING).await;
    let error = elsewhere.create_branch(&name("late"), &old, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert_eq!(project.branches().await.unwrap().len(), 1);
    stage.check().await;
}

async fn a_head_that_was_collected_right_after_it_was_seen_is_refused(subject: Subject) {
    let stage = Stage::new(&subject).await;
    stage.write(&stage.main, 1..=2).await;
    // Where only one process has the store open, what it has open is kept.
    let shared = stage.backend.capabilities.shared;
    let project = if shared { elsewhere(&stage).await } else { stage.main.project().clone() };
    let seen = project.branch(stage.main.name()).await.unwrap().head().await.unwrap();
    stage.write(&stage.main, 3..=4).await;
    stage.collect_beside_others(NOTHING).await;
    match project.create_branch(&name("made"), &seen, None).await {
        Ok(made) => {
            assert!(!shared);
            assert_eq!(version(&made.head().await.unwrap()).await, 2);
        }
        Err(error) => assert_eq!((error.kind(), shared), (ErrorKind::NotFound, true)),
    }
    // What a branch that was refused leaves in the log goes.
    stage.collect_beside_others(NOTHING).await;
    stage.check().await;
}
