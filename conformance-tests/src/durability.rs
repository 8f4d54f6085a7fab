//! What was acknowledged is there after opening again.

use argon_core::model::Lsn;
use argon_core::storage::{Append, Backend, CasResult};
use argon_core::write::CollectionChange;
use argon_core::{log, restore, snapshot};
use futures::TryStreamExt;

use crate::Subject;
use crate::case::{Case, cases};
use crate::concurrency::{by_message, named_request};
use crate::make::{Chain, branch, collection, deletion, document_of_size, everything, put};
use crate::subject::{StoreLocation, first_branch};

pub(crate) fn cases() -> Vec<Case> {
    cases!["durability":
        every_commit_is_there_after_opening_again,
        a_seal_is_there_after_opening_again,
        a_timeline_sealed_before_its_first_commit_keeps_its_base,
        refs_are_there_after_opening_again,
        versions_of_refs_do_not_come_again_after_opening,
        snapshots_are_there_after_opening_again,
        projects_branches_and_protection_are_there_after_opening_again,
        a_store_goes_on_after_every_opening,
        what_is_written_by_many_is_there_though_nobody_closed_the_store,
        large_documents_are_there_after_opening_again,
    ]
    .into_iter()
    .map(|case| Case { durable: true, ..case })
    .collect()
}

/// Closes a backend and opens it again.
async fn again(place: &StoreLocation, backend: Backend) -> Backend {
    drop(backend);
    place.open().await
}

async fn every_commit_is_there_after_opening_again(subject: Subject) {
    let (place, mut backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    let mut written = Vec::new();
    for count in [1, 1, 50, 1, 600] {
        written.extend(chain.grow(&*backend.wal, count).await.iter().cloned());
        written.push(chain.write(&*backend.wal, vec![deletion(1), put(5, "x")]).await);
        backend = again(&place, backend).await;
        let state = backend.wal.state(chain.id()).await.unwrap().unwrap();
        assert_eq!((state.timeline, state.head), (chain.timeline, chain.head));
        let read: Vec<_> = backend.wal.read(chain.id(), everything()).try_collect().await.unwrap();
        assert!(read == written, "{} of {} commits are there", read.len(), written.len());
    }
}

async fn a_seal_is_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mut chain = Chain::root(1);
    chain.grow(&*backend.wal, 3).await;
    backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
    let backend = again(&place, backend).await;
    let state = backend.wal.state(chain.id()).await.unwrap().unwrap();
    assert_eq!((state.head, state.sealed), (chain.head, true));
    let (timeline, head) = (chain.timeline, chain.head);
    let answer = backend.wal.append(&timeline, &head, chain.many(1), None).await.unwrap();
    assert_eq!(answer, Append::Sealed(head));
}

async fn a_timeline_sealed_before_its_first_commit_keeps_its_base(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let mut parent = Chain::root(1);
    parent.grow(&*backend.wal, 3).await;
    let fork = parent.fork(2);
    backend.wal.seal(&fork.timeline, &fork.head).await.unwrap();
    let backend = again(&place, backend).await;
    let state = backend.wal.state(fork.id()).await.unwrap().unwrap();
    assert_eq!((state.timeline, state.head, state.sealed), (fork.timeline, fork.head, true));
}

async fn refs_are_there_after_opening_again(subject: Subject) {
    let (place, mut backend) = subject.backend().await;
    for round in 0..3_u8 {
        for name in ["a", "a/b"] {
            let current = backend.refs.get(name).await.unwrap().map(|stored| stored.version);
            let value = Some(vec![round]);
            backend.refs.compare_and_set(name, current.as_ref(), value).await.unwrap();
        }
        let before = backend.refs.list("").await.unwrap();
        backend = again(&place, backend).await;
        assert_eq!(backend.refs.list("").await.unwrap(), before, "values and versions");
    }
    let version = backend.refs.get("a").await.unwrap().unwrap().version;
    let removed = backend.refs.compare_and_set("a", Some(&version), None).await.unwrap();
    assert_eq!(removed, CasResult::Done(None));
    let backend = again(&place, backend).await;
    assert_eq!(backend.refs.get("a").await.unwrap(), None);
    assert_eq!(backend.refs.list("").await.unwrap().len(), 1);
}

async fn versions_of_refs_do_not_come_again_after_opening(subject: Subject) {
    let (place, mut backend) = subject.backend().await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..4 {
        let swap = backend.refs.compare_and_set("a", None, Some(b"same".to_vec())).await.unwrap();
        let CasResult::Done(Some(version)) = swap else { panic!("the ref is there: {swap:?}") };
        assert!(seen.insert(version.clone()), "an old version came again");
        backend.refs.compare_and_set("a", Some(&version), None).await.unwrap();
        backend = again(&place, backend).await;
    }
}

async fn snapshots_are_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    main.commit(named_request(&main, "1")).await.unwrap();
    let manifest = snapshot::create(&main.head().await.unwrap()).await.unwrap();
    drop(main);
    let backend = again(&place, backend).await;
    assert_eq!(backend.snapshots.list().await.unwrap(), [manifest.point]);
    let at = manifest.point;
    let found = backend.snapshots.latest_manifest(at.timeline, at.lsn).await.unwrap().unwrap();
    assert_eq!(found, manifest);
    for chunk in manifest.chunks() {
        let bytes = backend.snapshots.get_chunk(chunk.digest).await.unwrap().unwrap();
        snapshot::decode_chunk(chunk.digest, &bytes).unwrap();
    }
    backend.snapshots.remove_manifest(at).await.unwrap();
    let backend = again(&place, backend).await;
    assert_eq!(backend.snapshots.list().await.unwrap(), []);
}

async fn projects_branches_and_protection_are_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let project = place.project(backend.clone()).await;
    let main = first_branch(&project).await;
    main.commit(named_request(&main, "1")).await.unwrap();
    let create = CollectionChange::Create { name: collection("made") };
    main.change_collection(create).await.unwrap();
    let head = main.head().await.unwrap();
    project.create_branch(&branch("side"), &head, Some(main.name())).await.unwrap();
    project.create_branch(&branch("old"), &head, None).await.unwrap();
    project.rename_branch(&branch("old"), &branch("new")).await.unwrap();
    project.set_protected(&branch("side"), true).await.unwrap();
    restore::reset(&main, &main.at(Lsn::new(1)).await.unwrap()).await.unwrap();
    let before = project.branches().await.unwrap();
    drop((project, main, head));
    let backend = again(&place, backend).await;
    let project = place.project_again(backend).await;
    assert_eq!(project.branches().await.unwrap(), before);
    let side = project.branch(&branch("side")).await.unwrap().head().await.unwrap();
    let names: Vec<_> = side.collections().map(|info| info.name.to_string()).collect();
    assert_eq!(names, ["c", "made"]);
}

async fn a_store_goes_on_after_every_opening(subject: Subject) {
    let (place, mut backend) = subject.backend().await;
    drop(place.project(backend.clone()).await);
    for round in 0..6_u64 {
        let main = first_branch(&place.project_again(backend.clone()).await).await;
        main.commit(named_request(&main, &round.to_string())).await.unwrap();
        let head = main.head().await.unwrap();
        assert_eq!(head.lsn().get(), round + 1);
        let headers: Vec<_> = log::headers(&head).try_collect().await.unwrap();
        assert_eq!(headers.len() as u64, round + 1);
        drop((main, head));
        backend = again(&place, backend).await;
    }
    let report = argon_core::fsck::fsck(&place.store(backend), false, &|_| {}).await.unwrap();
    assert_eq!((report.problems, report.commits), (vec![], 6));
}

async fn what_is_written_by_many_is_there_though_nobody_closed_the_store(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let mut writers = Vec::new();
    for writer in 0..16 {
        let main = main.clone();
        writers.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..1000 {
                let name = format!("{writer}/{round}");
                let answer = main.commit(named_request(&main, &name)).await;
                acknowledged.push((name, answer.unwrap().committed().unwrap()));
                if round == writer {
                    break;
                }
            }
            acknowledged
        }));
    }
    drop((main, backend));
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let main = first_branch(&place.project_again(place.open().await).await).await;
    assert_eq!(by_message(&main).await, acknowledged.into_iter().collect());
}

async fn large_documents_are_there_after_opening_again(subject: Subject) {
    let (place, backend) = subject.backend().await;
    let main = first_branch(&place.project(backend.clone()).await).await;
    let users = main.collection(&collection("c"));
    let documents: Vec<_> = [20_000, 1_000_000, argon_core::model::MAX_DOCUMENT_BYTES]
        .into_iter()
        .zip(0..)
        .map(|(size, id)| document_of_size(id, size))
        .collect();
    for (_, document) in &documents {
        users.insert(document.as_raw()).await.unwrap();
    }
    drop((main, users));
    let backend = again(&place, backend).await;
    let main = first_branch(&place.project_again(backend).await).await;
    for (key, document) in documents {
        let found = main.collection(&collection("c")).get(&key).await.unwrap();
        assert!(found == Some(document), "the document with _id {key} came back changed");
    }
}
