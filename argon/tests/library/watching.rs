//! Watches of branches and collections.

use std::time::Duration;

use argon::mask::{CollectionPolicy, FieldPolicy, MaskPolicy, Transform};
use argon::model::{Actor, BranchName, Image};
use argon::prelude::*;
use argon::restore::reset;
use argon::storage::{OpenOptions, StoreUrl};
use argon::watch::{WatchFrom, WatchStream, WatchedChange, WatchedCommit};
use argon::{Error, ErrorKind};
use bson::Document;

use super::main_branch;

/// Longer than any wait of a watcher.
const LONG: Duration = Duration::from_secs(20);

async fn next(commits: &mut WatchStream) -> WatchedCommit {
    let next = tokio::time::timeout(LONG, commits.try_next()).await;
    next.expect("in time").unwrap().expect("a watch does not end")
}

async fn end(commits: &mut WatchStream) -> Error {
    let next = tokio::time::timeout(LONG, commits.try_next()).await;
    let error = next.expect("in time").unwrap_err();
    assert!(commits.next().await.is_none(), "the error is the end");
    error
}

/// Makes a commit.
async fn put(branch: &Branch, id: i32) {
    branch.collection_of::<Document>("users").unwrap().put(doc! { "_id": id }).await.unwrap();
}

async fn lsns(commits: &mut WatchStream, count: usize) -> Vec<u64> {
    let mut lsns = Vec::new();
    for _ in 0..count {
        lsns.push(next(commits).await.meta.lsn.get());
    }
    lsns
}

#[tokio::test]
async fn commits_come_with_their_changes_by_name() {
    let main = main_branch().await;
    let users = main.collection_of::<Document>("users").unwrap();
    users.insert(doc! { "_id": 1, "name": "Ada" }).await.unwrap();
    users.delete(1).await.unwrap();

    let mut commits = main.watch(Lsn::ZERO).await.unwrap();
    let first = next(&mut commits).await;
    assert_eq!((first.meta.lsn, first.meta.actor.as_str()), (Lsn::new(1), "ada"));
    assert_eq!(Some(first.point), main.at(1).await.unwrap().view().point());
    let [
        WatchedChange::Collection { info, dropped: false },
        WatchedChange::Document { collection, id, image },
    ] = &first.changes[..]
    else {
        panic!("{:?}", first.changes)
    };
    assert_eq!((info.name.as_str(), collection.as_str()), ("users", "users"));
    let Image::Document(document) = image else { panic!("{image:?}") };
    assert_eq!(document.as_bytes(), rawdoc! { "_id": 1, "name": "Ada" }.as_bytes());

    let second = next(&mut commits).await;
    let deleted = WatchedChange::Document {
        collection: collection.clone(),
        id: id.clone(),
        image: Image::Deleted,
    };
    assert_eq!(second.changes, [deleted]);
}

#[tokio::test]
async fn a_watch_waits_for_new_commits_and_continues_from_a_token() {
    let main = main_branch().await;
    put(&main, 1).await;
    let mut commits = main.watch(WatchFrom::Head).await.unwrap();
    let writer = main.clone();
    let write = async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        put(&writer, 2).await;
        put(&writer, 3).await;
    };
    let (seen, ()) = tokio::join!(next(&mut commits), write);
    assert_eq!(seen.meta.lsn, Lsn::new(2));
    drop(commits);

    put(&main, 4).await;
    let token = seen.point.to_string();
    let point: Point = token.parse().unwrap();
    let mut again = main.watch(point).await.unwrap();
    assert_eq!(lsns(&mut again, 2).await, [3, 4]);
}

#[tokio::test]
async fn a_fork_has_the_commits_of_its_parent() {
    let main = main_branch().await;
    put(&main, 1).await;
    put(&main, 2).await;
    let fork = main.fork("fork").await.unwrap();
    let mut commits = fork.watch(Lsn::from(1)).await.unwrap();
    put(&main, 3).await;
    put(&fork, 4).await;
    let ids: Vec<_> = [next(&mut commits).await, next(&mut commits).await]
        .into_iter()
        .map(|commit| match &commit.changes[0] {
            WatchedChange::Document { id, .. } => Bson::from(id),
            WatchedChange::Collection { .. } => panic!("{commit:?}"),
        })
        .collect();
    assert_eq!(ids, [Bson::Int32(2), Bson::Int32(4)]);
}

#[tokio::test]
async fn a_reset_ends_a_watch_after_the_commits_before_it() {
    let main = main_branch().await;
    for id in 1..=3 {
        put(&main, id).await;
    }
    let mut behind = main.watch(Lsn::from(1)).await.unwrap();
    let mut waiting = main.watch(WatchFrom::Head).await.unwrap();
    let token = main.at(3).await.unwrap().view().point().unwrap();
    let move_back = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        reset(&main, &main.at(1).await.unwrap()).await.unwrap();
    };
    let (error, ()) = tokio::join!(end(&mut waiting), move_back);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().starts_with("branch 'main' was reset from LSN 3"), "{error}");

    assert_eq!(lsns(&mut behind, 2).await, [2, 3]);
    assert_eq!(end(&mut behind).await.kind(), ErrorKind::Conflict);

    // LSNs repeat after a reset; the timeline of the token shows that.
    put(&main, 7).await;
    put(&main, 8).await;
    let error = main.watch(token).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(lsns(&mut main.watch(Lsn::from(1)).await.unwrap(), 2).await, [2, 3]);
}

#[tokio::test]
async fn a_rename_and_a_deletion_end_a_watch() {
    let main = main_branch().await;
    put(&main, 1).await;
    let project = main.project();
    for change in ["rename", "delete"] {
        let branch = main.fork("a").await.unwrap();
        put(&branch, 2).await;
        let mut commits = branch.watch(WatchFrom::Head).await.unwrap();
        if change == "rename" {
            let (from, to) = (BranchName::new("a").unwrap(), BranchName::new("b").unwrap());
            project.rename_branch(&from, &to).await.unwrap();
        } else {
            project.delete_branch(branch.name()).await.unwrap();
        }
        let error = end(&mut commits).await;
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let expected = match change {
            "rename" => "branch 'a' was renamed to 'b' while it was watched",
            _ => "branch 'a' was deleted while it was watched",
        };
        assert_eq!(error.message(), expected);
    }
}

#[tokio::test]
async fn a_branch_that_is_read_only_for_a_while_is_followed() {
    let main = main_branch().await;
    put(&main, 1).await;
    let mut commits = main.watch(WatchFrom::Head).await.unwrap();
    main.project().set_read_only(main.name(), true).await.unwrap();
    let write = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        main.project().set_read_only(main.name(), false).await.unwrap();
        put(&main, 2).await;
    };
    let (seen, ()) = tokio::join!(next(&mut commits), write);
    assert_eq!(seen.meta.lsn, Lsn::new(2));
}

#[tokio::test]
async fn a_position_that_does_not_exist_is_refused() {
    let main = main_branch().await;
    put(&main, 1).await;
    let error = main.watch(Lsn::from(2)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), "LSN 2 does not exist on branch 'main'; its last LSN is 1");
}

#[tokio::test]
async fn commits_of_other_processes_are_found_by_asking() {
    // Two stores over one backend share nothing but the backend, as two processes do.
    let (url, options) = (StoreUrl::new("memory", ""), OpenOptions::default());
    let (environment, registry) = (argon::environment(), argon::registry());
    let factory = registry.factory(&url).unwrap();
    let mut backend = factory.create(&url, &options, &environment).await.unwrap();
    backend.capabilities.shared = true;
    let [ours, theirs] = ["ada", "grace"]
        .map(|name| Store::new(backend.clone(), environment.clone(), Actor::new(name).unwrap()));
    let main = ours.create_project("shop").await.unwrap().branch("main").await.unwrap();
    let same = theirs.project("shop").await.unwrap().branch("main").await.unwrap();

    let mut commits = main.watch(WatchFrom::Head).await.unwrap();
    let write = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        put(&same, 1).await;
    };
    let (seen, ()) = tokio::join!(next(&mut commits), write);
    assert_eq!(seen.meta.actor.as_str(), "grace");

    let moved = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        reset(&same, &same.at(Lsn::ZERO).await.unwrap()).await.unwrap();
    };
    let (error, ()) = tokio::join!(end(&mut commits), moved);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_masked_branch_is_watched_through_its_mask() {
    let main = main_branch().await;
    let users = main.collection_of::<Document>("users").unwrap();
    users.insert(doc! { "_id": 1, "name": "Ada" }).await.unwrap();
    let field = FieldPolicy { path: "name".into(), with: Transform::Redact, fake: None };
    let users =
        CollectionPolicy { name: "users".into(), fields: vec![field], ..Default::default() };
    let policy = MaskPolicy { collections: vec![users], ..Default::default() };
    let (name, head) = (BranchName::new("shared").unwrap(), main.head().await.unwrap());
    let shared = main.project().create_masked_branch(&name, &head, None, policy).await.unwrap();

    let mut commits = shared.watch(Lsn::ZERO).await.unwrap();
    let commit = next(&mut commits).await;
    assert!(!format!("{commit:?}").contains("Ada"), "{commit:?}");
    assert!(format!("{commit:?}").contains("[redacted]"), "{commit:?}");
}

#[tokio::test]
async fn a_collection_is_watched_by_its_name() {
    let main = main_branch().await;
    let users = main.collection_of::<Document>("users").unwrap();
    let mut changes = users.watch(WatchFrom::Head).await.unwrap();
    main.collection_of::<Document>("cars").unwrap().insert(doc! { "_id": 7 }).await.unwrap();
    users.insert_many([doc! { "_id": 1 }, doc! { "_id": 2 }]).await.unwrap();
    users.delete(1).await.unwrap();
    for expected in [(1, true, 2), (2, true, 2), (1, false, 3)] {
        let change = changes.try_next().await.unwrap().unwrap();
        let Bson::Int32(id) = Bson::from(&change.id) else { panic!("{change:?}") };
        assert_eq!((id, change.value.is_some(), change.point.lsn.get()), expected);
    }
}
