//! Collections of values.

use std::sync::atomic::{AtomicU32, Ordering};

use argon::ErrorKind;
use argon::key::Key;
use argon::prelude::*;

use super::main_branch;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    #[serde(rename = "_id")]
    id: i32,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default)]
    logins: i64,
}

fn user(id: i32, name: &str) -> User {
    User { id, name: name.to_owned(), email: None, logins: 0 }
}

#[tokio::test]
async fn values_are_inserted_read_replaced_and_deleted() {
    let main = main_branch().await;
    let users = main.collection_of::<User>("users").unwrap();
    assert_eq!(users.get(1).await.unwrap(), None, "the collection does not exist yet");
    users.insert(user(1, "Ada")).await.unwrap();
    users.put(&user(2, "Grace")).await.unwrap();
    users.replace(user(2, "Joan")).await.unwrap();
    assert_eq!(users.get(2).await.unwrap(), Some(user(2, "Joan")));
    let all: Vec<_> = users.scan().await.unwrap().try_collect().await.unwrap();
    assert_eq!(all, [user(1, "Ada"), user(2, "Joan")]);

    let error = users.insert(user(1, "Tim")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(users.replace(user(3, "Tim")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(users.delete(1).await.unwrap().is_some());
    assert!(users.delete(1).await.unwrap().is_none());
}

#[tokio::test]
async fn many_values_are_one_commit_or_none() {
    let main = main_branch().await;
    let users = main.collection_of::<User>("users").unwrap();
    let (keys, receipt) = users.insert_many([user(2, "Grace"), user(1, "Ada")]).await.unwrap();
    assert_eq!(keys, [2, 1].map(|id| Key::of(&id.into()).unwrap()), "in the order given");
    assert_eq!((receipt.lsn, receipt.changed), (Lsn::new(1), 2));

    let error = users.insert_many(&[user(3, "Joan"), user(1, "Tim")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(users.get(3).await.unwrap(), None, "nothing was written");
    let error = users.insert_many(Vec::<User>::new()).await.unwrap_err();
    assert_eq!(error.message(), "no documents to insert: expected at least one");
    let twice = users.insert_many([user(7, "Tim"), user(7, "Tom")]).await.unwrap_err();
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists, "{twice}");
}

#[tokio::test]
async fn an_id_is_generated_and_found_again() {
    let users = main_branch().await.collection_of::<bson::Document>("users").unwrap();
    let (key, _) = users.insert(doc! { "name": "Ada" }).await.unwrap();
    let found = users.get(&key).await.unwrap().unwrap();
    assert_eq!(Bson::from(key), Bson::from(found.get_object_id("_id").unwrap()));
}

#[tokio::test]
async fn an_update_keeps_unknown_fields_and_stored_types() {
    let users = main_branch().await.collection_of::<User>("users").unwrap();
    let stored = rawdoc! { "_id": 1, "theme": { "dark": true }, "name": "Ada", "logins": 5_i32 };
    users.raw().insert(stored).await.unwrap();
    let ada = users
        .update(1, |user| {
            user.logins += 1;
            user.email = Some("ada@example.org".into());
        })
        .await
        .unwrap();
    assert_eq!(ada.logins, 6);
    let now = users.raw().get(&Key::of(&1.into()).unwrap()).await.unwrap().unwrap();
    let expected = rawdoc! {
        "_id": 1, "theme": { "dark": true }, "name": "Ada", "logins": 6_i32,
        "email": "ada@example.org",
    };
    assert_eq!(now.as_bytes(), expected.as_bytes(), "{now:?}");
}

#[tokio::test]
async fn an_update_without_effect_makes_no_commit() {
    let main = main_branch().await;
    let users = main.collection_of::<User>("users").unwrap();
    users.raw().insert(rawdoc! { "_id": 1, "name": "Ada" }).await.unwrap();
    users.update(1, |user| user.name = "Ada".into()).await.unwrap();
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(1));
}

#[tokio::test]
async fn an_update_that_can_not_be_is_refused_with_its_reason() {
    let main = main_branch().await;
    let users = main.collection_of::<User>("users").unwrap();
    let missing = users.update(9, |_| {}).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(missing.message(), "collection 'users' has no document with _id 9");

    users.insert(user(1, "Ada")).await.unwrap();
    let moved = users.update(1, |user| user.id = 2).await.unwrap_err();
    assert!(moved.message().contains("changes its _id to 2"), "{moved}");
    users.raw().insert(rawdoc! { "_id": 5, "title": "no user" }).await.unwrap();
    for error in [users.update(5, |_| {}).await.unwrap_err(), users.get(5).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().contains("missing field `name`"), "{error}");
        assert!(error.message().contains("_id 5 of collection 'users'"), "{error}");
    }

    let refused = users.try_update(1, |_| Err(argon::Error::denied("not today"))).await;
    assert_eq!(refused.unwrap_err().message(), "not today");
    assert_eq!(main.head().await.unwrap().lsn(), Lsn::new(2), "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_updates_are_all_applied() {
    const WRITERS: i64 = 8;
    const EACH: i64 = 10;
    let users = main_branch().await.collection_of::<User>("users").unwrap();
    users.insert(user(1, "Ada")).await.unwrap();
    let writers = (0..WRITERS).map(|_| {
        let users = users.clone();
        tokio::spawn(async move {
            for _ in 0..EACH {
                users.update(1, |user| user.logins += 1).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(users.get(1).await.unwrap().unwrap().logins, WRITERS * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_computed_again_after_a_lost_race_and_not_for_ever() {
    let users = main_branch().await.collection_of::<User>("users").unwrap();
    users.insert(user(1, "Ada")).await.unwrap();
    let calls = AtomicU32::new(0);
    let other = users.clone();
    // Another writer is faster each time: it commits between the read and the write.
    let lost = users
        .update(1, |user| {
            calls.fetch_add(1, Ordering::Relaxed);
            user.name.push('!');
            let name = format!("{} {}", user.name, calls.load(Ordering::Relaxed));
            let other = other.clone();
            let commit = async move { other.update(1, |user| user.name = name.clone()).await };
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(commit)).unwrap();
        })
        .await;
    let error = lost.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("by others on every attempt"), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 32, "as often as the policy says");
}

#[tokio::test]
async fn a_document_that_is_replaced_must_be_the_one_that_was_read() {
    let users = main_branch().await.collection_of::<User>("users").unwrap();
    users.insert(user(1, "Ada")).await.unwrap();
    let read = users.version(1).await.unwrap().unwrap();
    users.replace_if(user(1, "Grace"), read.changed_by).await.unwrap();
    let error = users.replace_if(user(1, "Joan"), read.changed_by).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn past_states_are_read_as_values() {
    let main = main_branch().await;
    let users = main.collection_of::<User>("users").unwrap();
    users.insert(user(1, "Ada")).await.unwrap();
    users.update(1, |user| user.name = "Grace".into()).await.unwrap();
    let past = main.at(1).await.unwrap().collection_of::<User>("users").unwrap();
    assert_eq!(past.get(1).await.unwrap(), Some(user(1, "Ada")));
    let all: Vec<_> = past.scan().try_collect().await.unwrap();
    assert_eq!((all.len() as u64, past.count().await.unwrap()), (1, 1));
    assert_eq!(past.find_one(doc! { "name": "Ada" }).await.unwrap(), Some(user(1, "Ada")));
    let error = main.at(1).await.unwrap().collection_of::<User>("cars").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
