//! Numbers of sessions, and replies of retryable writes that are not kept any more.

use argon_core::model::Lsn;
use bson::raw::RawDocumentBuf;
use bson::rawdoc;

use super::*;
use crate::testing::{Client, TestServer};

/// Pushes out the replies that are kept.
fn push_out(server: &TestServer) {
    let large: RawDocumentBuf = rawdoc! { "x": "x".repeat(16 * 1024 * 1024) };
    for _ in 0..10 {
        drop(server.shared.sessions.replies.keep(large.clone()));
    }
    let kept: Vec<_> =
        (0..10).map(|_| server.shared.sessions.replies.keep(large.clone())).collect();
    assert!(kept[0].body().is_none() && kept[9].body().is_some());
}

fn retryable(mut command: Document, number: i64) -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] };
    command.extend(doc! { "lsid": { "id": id }, "txnNumber": number });
    command
}

/// A reply without what each has of its own time.
async fn run(client: &Client, command: Document) -> Document {
    let mut reply = client.run("shop", command).await;
    for field in ["operationTime", "$clusterTime"] {
        reply.remove(field);
    }
    reply
}

async fn lsn(server: &TestServer) -> Lsn {
    let project = server.store().project("shop").await.unwrap();
    project.branch("main").await.unwrap().head().await.unwrap().lsn()
}

#[tokio::test]
async fn a_reply_that_is_not_kept_is_made_again_from_the_commit() {
    let server = TestServer::new().await;
    let client = server.client("root", &["root"]).await;
    let insert =
        doc! { "insert": "boats", "documents": [{ "_id": 1, "n": 1 }, { "_id": 2, "n": 1 }] };
    let increment = doc! { "$inc": { "n": 1 } };
    let all = doc! { "q": {}, "u": increment.clone(), "multi": true };
    let upsert = doc! { "q": { "n": 9 }, "u": { "$set": { "n": 9 } }, "upsert": true };
    for (command, number) in [
        insert,
        doc! { "update": "boats", "updates": [all, upsert] },
        doc! { "findAndModify": "boats", "query": { "_id": 1 }, "update": increment, "new": true },
        doc! { "delete": "boats", "deletes": [{ "q": { "_id": 2 }, "limit": 1 }] },
    ]
    .into_iter()
    .zip(1..)
    {
        let first = run(&client, retryable(command.clone(), number)).await;
        let before = lsn(&server).await;
        for _ in 0..2 {
            push_out(&server);
            assert_eq!(run(&client, retryable(command.clone(), number)).await, first, "{command}");
            assert_eq!(lsn(&server).await, before, "{command} was applied again");
        }
    }
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_is_not_applied_again() {
    let server = TestServer::new().await;
    let client = server.client("root", &["root"]).await;
    client.run("shop", doc! { "insert": "boats", "documents": [{ "_id": 1 }] }).await;
    let update =
        doc! { "update": "boats", "updates": [{ "q": { "n": 1 }, "u": { "$set": { "x": 1 } } }] };
    assert_eq!(client.code("shop", retryable(update.clone(), 1)).await, 0);
    // It has no commit, which would tell what it did.
    push_out(&server);
    client.run("shop", doc! { "insert": "boats", "documents": [{ "_id": 2, "n": 1 }] }).await;
    let before = lsn(&server).await;
    assert_eq!(client.code("shop", retryable(update, 1)).await, 217);
    assert_eq!(lsn(&server).await, before);
}

#[test]
fn numbers_of_a_session_only_grow() {
    let mut state = SessionState::default();
    state.advance(0).unwrap();
    state.work = Work::Written(Replies::default().keep(rawdoc! {}));
    state.advance(0).unwrap();
    assert!(matches!(state.work, Work::Written(_)));
    state.advance(7).unwrap();
    assert!(matches!(state.work, Work::None));
    assert_eq!(state.advance(6).unwrap_err().code(), 225);
}

#[test]
fn a_transaction_ends_after_its_lifetime() {
    let mut open = OpenTransaction::begin(Timestamp { time: 1, increment: 1 });
    assert!(!open.has_expired());
    let Some(since) = Instant::now().checked_sub(LIFETIME) else { return };
    open.since = since;
    let mut state = SessionState { number: Some(1), work: Work::Open(Box::new(open)) };
    state.abort_expired();
    assert!(matches!(state.work, Work::Aborted));
}
