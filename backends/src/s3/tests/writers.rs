//! Many writers of one branch, each with a store of its own.

use std::collections::BTreeSet;

use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_core::{Store, log};

use super::stub::Stub;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_of_one_branch_lose_nothing_and_double_nothing() {
    let stub = Stub::start();
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
