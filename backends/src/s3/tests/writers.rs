//! Many writers of one branch, each with a store of its own.

use std::collections::BTreeSet;

use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_core::{Store, log};
use argon_test_servers::stub_s3::{Conditions, Quirks};

use super::*;

#[tokio::test]
async fn two_writers_of_large_commits_never_both_win_where_uploads_are_joined_unasked() {
    let quirks = Quirks { conditions: Conditions::IgnoredOfUploads, ..Quirks::default() };
    let stub = StubS3::with(quirks);
    let (one, other) = (create(&stub).await, open(&stub).await);
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*one.wal, 1).await;
    assert_eq!(read(&*other.wal, &chain, 1..=9).await.len(), 1);
    let (mut late, before) = (chain.clone(), chain.head);
    let (first, second) = (chain.large(17 * 1024 * 1024), late.large(17 * 1024 * 1024));
    let append = async |backend: &Backend, commit: &Commit| {
        backend.wal.append(&chain.timeline, &before, [commit.clone()].into(), None).await.unwrap()
    };
    let answers = futures::join!(append(&one, &first), append(&other, &second));
    let (winner, loser) = match answers {
        (Append::Done, loser) => (first, loser),
        (loser, Append::Done) => (second, loser),
        answers => panic!("{answers:?}"),
    };
    assert_eq!(loser, Append::HeadMoved(winner.head()));
    // A small commit that came first stands against a large one that comes late, too.
    chain.head = winner.head();
    written.push(winner);
    let (mut late, before) = (chain.clone(), chain.head);
    let large = late.large(17 * 1024 * 1024);
    written.extend(chain.grow(&*one.wal, 1).await);
    let answer = other.wal.append(&chain.timeline, &before, [large].into(), None).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
    assert!(read(&*open(&stub).await.wal, &chain, 1..=9).await == written);
    assert_eq!(problems(&one).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_of_one_branch_lose_nothing_and_double_nothing() {
    let stub = StubS3::start();
    let store =
        |backend| Store::new(backend, environment(&Arc::default()), Actor::new("tester").unwrap());
    let (project, main) = (ProjectName::new("shop").unwrap(), Store::FIRST_BRANCH);
    store(create(&stub).await).create_project(&project).await.unwrap();
    let writers = (0..16).map(|writer| {
        let (store, project) = (store, project.clone());
        let stub = stub.clone();
        tokio::spawn(async move {
            let project = store(open(&stub).await).project(&project).await.unwrap();
            let main = project.branch(&BranchName::new(main).unwrap()).await.unwrap();
            let things = main.collection(&CollectionName::new("things").unwrap());
            for round in 0..4 {
                things.insert(rawdoc! { "_id": format!("{writer}/{round}") }).await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let project = store(open(&stub).await).project(&project).await.unwrap();
    let main = project.branch(&BranchName::new(main).unwrap()).await.unwrap();
    let head = main.head().await.unwrap();
    let commits: Vec<_> = log::headers(&head).try_collect().await.unwrap();
    let written: BTreeSet<Key> = commits
        .iter()
        .flat_map(|commit| commit.changes.iter())
        .filter(|change| change.collection != CollectionId::CATALOG)
        .map(|change| change.key.clone())
        .collect();
    assert_eq!(written.len(), 64);
    assert_eq!(commits.len(), 64, "each commit once");
}
