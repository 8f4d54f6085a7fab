//! The reflog: each of its entries, and each state that they name.

use argon_core::model::{BranchName, Lsn, Message, Origin};
use argon_core::reflog::{self, BranchPosition, Cause, Entry, Line};
use argon_core::{Branch, ErrorKind, Project, restore};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::named_request;
use crate::fsck::{Damage, Kind};
use crate::make::{branch as name, collection};
use crate::pins::{commit, pin, resolve};
use crate::subject::first_branch;

pub(crate) fn cases() -> Vec<Case> {
    cases!["reflog":
        a_new_branch_has_its_creation,
        a_run_of_writes_is_one_entry_and_an_import_its_own,
        every_movement_is_an_entry_and_every_state_reads_as_it_was,
        entries_follow_each_other_without_a_gap,
        a_renamed_branch_keeps_its_past,
        a_deleted_branch_has_a_past_and_comes_back,
        the_last_of_several_deletions_counts,
        movements_beyond_those_of_the_record_are_found_in_backups,
        a_branch_that_never_was_is_not_found,
        a_backup_has_the_past_of_its_branch,
        a_reflog_ends_where_commits_were_collected,
    ]
}

async fn entries(project: &Project, of: &BranchName) -> Vec<Entry> {
    let lines: Vec<Line> = reflog::read(project, of).await.unwrap().try_collect().await.unwrap();
    let entries: Vec<Entry> = lines
        .into_iter()
        .map(|line| match line {
            Line::Entry(entry) => entry,
            Line::End(why) => panic!("all is known of these branches: {why}"),
        })
        .collect();
    for (number, entry) in (0..).zip(&entries) {
        assert_eq!(entry.number, number);
    }
    for pair in entries.windows(2) {
        assert_eq!(pair[0].from, pair[1].to, "{entries:#?}");
    }
    assert_eq!(entries.last().unwrap().from, BranchPosition::Nowhere);
    entries
}

/// The entries in words, newest first.
async fn words(branch: &Branch) -> Vec<String> {
    let entries = entries(branch.project(), branch.name()).await;
    entries
        .into_iter()
        .map(|entry| match entry.cause {
            Cause::Moved(why) => why,
            Cause::Writes(commits, message) => format!("{commits} commits, last {message}"),
            Cause::Commit(origin, message) => format!("{origin:?} {message}"),
        })
        .collect()
}

async fn documents(branch: &Branch, revision: &str) -> u64 {
    let state = resolve(branch, revision).await.unwrap();
    match state.collection(&collection("c")) {
        Ok(found) => found.count().await.unwrap(),
        Err(_) => 0,
    }
}

async fn import(branch: &Branch, message: &str) {
    let mut request = named_request(branch, message);
    request.set_origin(Origin::Import { source: "file".to_owned() });
    request.set_message(Message::new(message).unwrap());
    branch.commit(request).await.unwrap().committed().unwrap();
}

async fn fork(branch: &Branch, called: &str) -> Branch {
    let head = branch.head().await.unwrap();
    branch.project().create_branch(&name(called), &head, Some(branch.name())).await.unwrap()
}

async fn a_new_branch_has_its_creation(subject: Subject) {
    let (place, main) = subject.branch().await;
    assert_eq!(words(&main).await, ["created with the project"]);
    commit(&main, "1").await;
    place.clock.set(50);
    let fork = fork(&main, "fork").await;
    let entries = entries(fork.project(), fork.name()).await;
    assert_eq!(entries.len(), 1, "the commits of its parent are not its own");
    assert_eq!(
        (entries[0].at, entries[0].actor.as_str()),
        (crate::environment::time(50), "tester")
    );
    let point = main.head().await.unwrap().view().point().unwrap();
    assert_eq!(
        (entries[0].from, entries[0].to),
        (BranchPosition::Nowhere, BranchPosition::At(point))
    );
    assert_eq!(entries[0].cause, Cause::Moved("created from main".to_owned()));
}

async fn a_run_of_writes_is_one_entry_and_an_import_its_own(subject: Subject) {
    let (_place, main) = subject.branch().await;
    for message in ["1", "2", "3"] {
        commit(&main, message).await;
    }
    import(&main, "4").await;
    import(&main, "5").await;
    commit(&main, "6").await;
    assert_eq!(
        words(&main).await,
        [
            "1 commits, last 6",
            "Import { source: \"file\" } 5",
            "Import { source: \"file\" } 4",
            "3 commits, last 3",
            "created with the project"
        ]
    );
    for (revision, expected) in
        [("@{0}", 6), ("@{1}", 5), ("main@{2}", 4), ("@{3}", 3), ("@{4}", 0)]
    {
        assert_eq!(documents(&main, revision).await, 3 * expected, "{revision}");
    }
    assert_eq!(documents(&main, "main@{1}~1").await, 12);
    let error = resolve(&main, "main@{5}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("5 entries"), "{error}");
}

async fn every_movement_is_an_entry_and_every_state_reads_as_it_was(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let mut seen = vec![main.head().await.unwrap()];
    for (round, target) in [(0, 1), (1, 0), (2, 1)] {
        for part in 0..2 {
            commit(&main, &format!("{round}.{part}")).await;
        }
        seen.push(main.head().await.unwrap());
        if round == 1 {
            import(&main, "imported").await;
            seen.push(main.head().await.unwrap());
        }
        restore::reset(&main, &main.at(Lsn::new(target)).await.unwrap()).await.unwrap();
        seen.push(main.head().await.unwrap());
    }
    main.project().set_protected(main.name(), true).await.unwrap();
    seen.push(main.head().await.unwrap());
    assert_eq!(entries(main.project(), main.name()).await.len(), seen.len());
    for (number, expected) in seen.iter().rev().enumerate() {
        let state = resolve(&main, &format!("main@{{{number}}}")).await.unwrap();
        assert_eq!(state.view(), expected.view(), "main@{{{number}}}");
    }
}

async fn entries_follow_each_other_without_a_gap(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let side = fork(&main, "side").await;
    commit(&side, "1").await;
    commit(&main, "other").await;
    restore::reset(&side, &main.head().await.unwrap()).await.unwrap();
    commit(&side, "2").await;
    assert_eq!(
        words(&side).await,
        ["1 commits, last 2", "reset to LSN 1", "1 commits, last 1", "created from main"]
    );
}

async fn a_renamed_branch_keeps_its_past(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let trunk = main.project().rename_branch(main.name(), &name("trunk")).await.unwrap();
    commit(&trunk, "2").await;
    assert_eq!(
        words(&trunk).await,
        ["1 commits, last 2", "renamed from main", "1 commits, last 1", "created with the project"]
    );
    assert_eq!(documents(&trunk, "trunk@{1}").await, 3);
}

async fn a_deleted_branch_has_a_past_and_comes_back(subject: Subject) {
    let (_place, main) = subject.branch().await;
    let project = main.project();
    let side = fork(&main, "side").await;
    commit(&side, "1").await;
    restore::reset(&side, &main.head().await.unwrap()).await.unwrap();
    commit(&side, "2").await;
    project.delete_branch(side.name()).await.unwrap();
    // One of another branch, whose name goes on.
    let deeper = fork(&main, "side/deeper").await;
    project.delete_branch(deeper.name()).await.unwrap();
    let found = entries(project, side.name()).await;
    assert_eq!(found[0].cause, Cause::Moved("deleted".to_owned()));
    assert_eq!((found[0].to, found.len()), (BranchPosition::Nowhere, 5));
    let error = resolve(&main, "side@{0}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for (number, expected) in [(1, 3), (2, 0), (3, 3), (4, 0)] {
        assert_eq!(documents(&main, &format!("side@{{{number}}}")).await, expected, "{number}");
    }
    let before = resolve(&main, "side@{1}").await.unwrap();
    let back = project.create_branch(side.name(), &before, None).await.unwrap();
    commit(&back, "3").await;
    assert_eq!(documents(&back, "side").await, 6);
}

async fn the_last_of_several_deletions_counts(subject: Subject) {
    let (place, main) = subject.branch().await;
    for round in 1..=12 {
        // Of some, the backups bear one time and are numbered.
        place.clock.set(if round < 6 { round } else { 6 });
        let side = fork(&main, "side").await;
        for part in 0..round {
            commit(&side, &part.to_string()).await;
        }
        main.project().delete_branch(side.name()).await.unwrap();
        assert_eq!(documents(&main, "side@{1}").await, 3 * u64::try_from(round).unwrap());
    }
}

async fn movements_beyond_those_of_the_record_are_found_in_backups(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "first").await;
    let first = main.head().await.unwrap();
    // More than a record holds; in memory, where it is quick, more than two hold.
    let resets: u64 = if subject.capabilities().durable { 70 } else { 140 };
    for round in 0..resets {
        commit(&main, &format!("{round}")).await;
        restore::reset(&main, &first).await.unwrap();
    }
    let found = entries(main.project(), main.name()).await;
    // Each round is a reset and a run of writes; the first commit is in the run of the first round.
    assert_eq!(found.len() as u64, 2 * resets + 1);
    assert_eq!(documents(&main, &format!("main@{{{}}}", 2 * resets)).await, 0);
    let last = resolve(&main, &format!("main@{{{}}}", 2 * resets - 1)).await.unwrap();
    assert_eq!(last.lsn().get(), 2);
    let renamed = main.project().rename_branch(main.name(), &name("trunk")).await.unwrap();
    let after = entries(main.project(), renamed.name()).await;
    assert_eq!(after.len(), found.len() + 1, "under another name too");
}

async fn a_branch_that_never_was_is_not_found(subject: Subject) {
    let (_place, main) = subject.branch().await;
    pin(&main, "v1", &main.head().await.unwrap()).await.unwrap();
    let error = reflog::read(main.project(), &name("nothing")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("branches: main"), "{error}");
    let error = resolve(&main, "nothing@{1}").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

async fn a_backup_has_the_past_of_its_branch(subject: Subject) {
    let (_place, main) = subject.branch().await;
    commit(&main, "1").await;
    let empty = main.at(Lsn::ZERO).await.unwrap();
    let backup = restore::reset(&main, &empty).await.unwrap().backup;
    let kept = main.project().branch(&backup).await.unwrap();
    assert_eq!(
        words(&kept).await,
        ["reset to LSN 0", "1 commits, last 1", "created with the project"]
    );
    assert_eq!(documents(&main, &format!("{backup}@{{0}}")).await, 3);
}

async fn a_reflog_ends_where_commits_were_collected(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    for message in ["1", "2"] {
        commit(&main, message).await;
    }
    import(&main, "3").await;
    commit(&main, "4").await;
    let timeline = main.head().await.unwrap().view().point().unwrap().timeline;
    for (lsn, left) in [(1, 3), (2, 2), (3, 1), (4, 0)] {
        let damage = Damage { timeline, lsn: Lsn::new(lsn), kind: Kind::Collected };
        let project = place.project_again(damage.to(&backend)).await;
        let lines: Vec<Line> =
            reflog::read(&project, main.name()).await.unwrap().try_collect().await.unwrap();
        assert_eq!(lines.len(), left + 1, "{lines:#?}");
        assert!(matches!(lines[left], Line::End(_)), "{lines:#?}");
        let error = reflog::state(&project, main.name(), 3).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
