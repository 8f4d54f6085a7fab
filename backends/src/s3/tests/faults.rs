//! Lost requests, lost answers, and answers that say nothing: nothing is lost, nothing is done twice.

use argon_core::ErrorKind;
use argon_core::model::Point;
use argon_core::snapshot::Manifest;
use argon_core::storage::{CasResult, RefVersion};
use argon_test_servers::stub_s3::Reaction;

use super::*;
use crate::s3::reference::Reference;

/// What may happen to a request that is to succeed in the end.
const REACTIONS: [Reaction; 8] = [
    Reaction::LoseRequest,
    Reaction::LoseAnswer,
    Reaction::AnswerAfter(500, "InternalError"),
    Reaction::AnswerAfter(503, "ServiceUnavailable"),
    Reaction::Answer(500, "InternalError"),
    Reaction::Answer(503, "SlowDown"),
    Reaction::Answer(409, "ConditionalRequestConflict"),
    Reaction::Answer(400, "BadDigest"),
];

async fn swap(
    backend: &Backend,
    expected: Option<&RefVersion>,
    value: Option<&[u8]>,
) -> Option<RefVersion> {
    match backend.refs.compare_and_set("a", expected, value.map(<[u8]>::to_vec)).await.unwrap() {
        CasResult::Done(version) => version,
        moved @ CasResult::Moved(_) => panic!("{moved:?}"),
    }
}

/// Every kind of write; all must come out as if nothing had happened.
async fn write_everything(backend: &Backend) {
    let mut chain = Chain::new(1);
    let written = chain.grow(&*backend.wal, 3).await;
    let sealed = backend.wal.seal(&chain.timeline, &chain.head).await.unwrap();
    assert_eq!(sealed, Append::Done);
    assert_eq!(read(&*backend.wal, &chain, 1..=9).await, written);

    let first = swap(backend, None, Some(b"1")).await.unwrap();
    let second = swap(backend, Some(&first), Some(b"2")).await.unwrap();
    assert_eq!(swap(backend, Some(&second), None).await, None);
    let third = swap(backend, None, Some(b"3")).await.unwrap();
    let stored = backend.refs.get("a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.value), (third, b"3".to_vec()));

    backend.snapshots.put_chunk(Digest::of(b"chunk"), b"chunk".to_vec()).await.unwrap();
    let point = Point { timeline: chain.timeline.id, lsn: Lsn::new(3) };
    let created = DateTime::from_millis(0);
    let manifest = Manifest { point, created, collections: Vec::new() };
    backend.snapshots.put_manifest(&manifest).await.unwrap();
    let found = backend.snapshots.latest_manifest(point.timeline, Lsn::new(9)).await.unwrap();
    assert_eq!(found, Some(manifest));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_request_is_lost_nothing_is_lost_and_nothing_done_twice() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    stub.requests();
    write_everything(&backend).await;
    let count = stub.requests().len();
    let objects = stub.names("").len();
    assert!(count >= 13, "{count} requests");
    for reaction in REACTIONS {
        let rounds = (0..count).map(|number| {
            let reaction = reaction.clone();
            async move {
                let stub = StubS3::start();
                let backend = create(&stub).await;
                stub.requests();
                let name = format!("{reaction:?} of request {number}");
                stub.script(move |request| (request.number == number).then(|| reaction.clone()));
                write_everything(&backend).await;
                assert_eq!(stub.names("").len(), objects, "{name}");
                let retries = backend.network.as_ref().unwrap().traffic().retries;
                assert!(retries > 0 || stub.requests().len() > count, "{name} was not noticed");
            }
        });
        futures::future::join_all(rounds).await;
    }
}

#[tokio::test]
async fn a_server_that_never_says_leaves_it_open_and_one_that_refuses_does_not() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 2).await;
    let before = chain.clone();
    for (reaction, kind) in [
        (Reaction::Answer(503, "SlowDown"), ErrorKind::Unavailable),
        (Reaction::Answer(500, "InternalError"), ErrorKind::Unavailable),
        (Reaction::Answer(403, "AccessDenied"), ErrorKind::Denied),
        (Reaction::Answer(400, "InvalidRequest"), ErrorKind::Invalid),
        (Reaction::LoseRequest, ErrorKind::Indeterminate),
    ] {
        let failing = reaction.clone();
        stub.script(move |request| (request.method == "PUT").then(|| failing.clone()));
        let mut next = before.clone();
        let error = next.try_append(&*backend.wal).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{reaction:?}: {error:?}");
    }
    stub.behave();
    let mut next = before.clone();
    assert_eq!(next.try_append(&*backend.wal).await.unwrap(), Append::Done);
}

#[tokio::test]
async fn a_412_after_a_lost_answer_is_looked_into() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 1).await;
    // The answer is lost, and so is what is read back, so the same segment is sent again.
    let mut lost = 0;
    stub.script(move |request| {
        let reaction = match (request.method.as_str(), lost) {
            ("PUT", 0) => Reaction::LoseAnswer,
            ("GET", 1) => Reaction::Answer(403, "AccessDenied"),
            _ => return None,
        };
        lost += 1;
        Some(reaction)
    });
    assert_eq!(chain.try_append(&*backend.wal).await.unwrap(), Append::Done);
    assert_eq!(read(&*backend.wal, &chain, 1..=9).await.len(), 2);
}

#[tokio::test]
async fn a_swap_whose_answer_was_lost_is_found_behind_the_swaps_of_others() {
    let stub = StubS3::start();
    let ours = create(&stub).await;
    let first = swap(&ours, None, Some(b"1")).await.unwrap();
    let theirs = |stored: &[u8]| {
        let ours = Reference::decode("a", stored).unwrap();
        assert_eq!(ours.value.as_deref(), Some(&b"2"[..]));
        Reference::after(Some(&ours), [9; 16], Some(b"3".to_vec())).encode()
    };
    let mut sent = false;
    stub.script(move |request| {
        let first = request.is_put_to("refs/") && !std::mem::replace(&mut sent, true);
        first.then_some(Reaction::LoseAnswerAnd(theirs))
    });
    let version = swap(&ours, Some(&first), Some(b"2")).await.unwrap();
    let now = ours.refs.get("a").await.unwrap().unwrap();
    assert_eq!(now.value, b"3");
    assert_ne!(now.version, version, "it is not there any more");
    let late = ours.refs.compare_and_set("a", Some(&version), Some(b"4".to_vec())).await.unwrap();
    assert_eq!(late, CasResult::Moved(Some(now)));
}

#[tokio::test]
async fn a_large_object_is_one_request_that_is_sent_again_if_it_fails() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let bytes: Vec<u8> = (0..20 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    let digest = Digest::of(&bytes);
    stub.requests();
    let mut failed = false;
    stub.script(move |request| {
        (request.is_put_to("chunks/") && !std::mem::replace(&mut failed, true))
            .then_some(Reaction::Answer(500, "InternalError"))
    });
    backend.snapshots.put_chunk(digest, bytes.clone()).await.unwrap();
    assert!(backend.snapshots.get_chunk(digest).await.unwrap() == Some(bytes));
    assert_eq!(stub.open_uploads(), 0);
    let writes: Vec<_> = stub.requests().into_iter().filter(|r| r.method != "GET").collect();
    assert!(writes.iter().all(|write| write.is_put_to("chunks/") && write.query.len() < 2));
    assert_eq!(writes.len(), 2, "the whole object, twice");
}
