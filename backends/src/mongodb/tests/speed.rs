//! The requests that operations take. `benches` measures their time.

use argon_core::model::{BranchName, CollectionName};
use argon_core::storage::StoreUrl;
use argon_test_servers::FaultProxy;
use bson::rawdoc;

use super::{branch_again, create, new_branch, open, server};

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_costs_one_write_and_a_point_read_two_requests_at_most() {
    let Some(server) = server() else { return };
    let database = super::database();
    let sound: StoreUrl = server.url(&database).parse().unwrap();
    let branch = new_branch(create(&sound).await).await;
    let name = CollectionName::new("c").unwrap();
    for id in 0..5 {
        branch.collection(&name).put(rawdoc! { "_id": id }).await.unwrap();
    }
    let proxy = FaultProxy::start(server.address()).unwrap();
    let url: StoreUrl = server.url_by(proxy.addr(), &database).parse().unwrap();
    let main = branch_again(open(&url).await).await;
    let state = main.head().await.unwrap();
    proxy.reset();
    let side = BranchName::new("side").unwrap();
    let side = main.project().create_branch(&side, &state, None).await.unwrap();
    let asked = proxy.counts().requests;
    let (reads, writes): (Vec<_>, Vec<_>) = asked.into_iter().partition(|name| *name == "find");
    assert_eq!(writes, ["insert"], "one write of one ref");
    // The project and a pin of the name, at the same time as the write; afterwards, whether the state
    // was collected meanwhile, and if nothing was of its timeline, whether that is there.
    assert_eq!(reads.len(), 4);
    side.collection(&name).put(rawdoc! { "_id": 9 }).await.unwrap();
    let state = side.head().await.unwrap();
    let view = state.collection(&name).unwrap();
    for (id, requests) in [(9, 1), (3, 2), (77, 2)] {
        proxy.reset();
        let key = argon_core::key::Key::of(&id.into()).unwrap();
        assert_eq!(view.get(&key).await.unwrap().is_some(), id != 77);
        assert_eq!(proxy.counts().requests, vec!["find"; requests], "the document {id}");
    }
    proxy.reset();
    side.collection(&name).put(rawdoc! { "_id": 10 }).await.unwrap();
    let appended = proxy.counts().requests;
    assert_eq!(appended, ["bulkWrite", "commitTransaction"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_durable_append_takes_two_requests_and_one_more_for_many_documents() {
    let Some(server) = server() else { return };
    let database = super::database();
    let sound: StoreUrl = server.url(&database).parse().unwrap();
    create(&sound).await;
    let proxy = FaultProxy::start(server.address()).unwrap();
    let url: StoreUrl = server.url_by(proxy.addr(), &database).parse().unwrap();
    let documents = |count: i32| -> Vec<_> {
        (0..count).map(|id| super::put(rawdoc! { "_id": id, "count": count })).collect()
    };
    let few: &[&str] = &["bulkWrite", "commitTransaction"];
    let many: &[&str] = &["bulkWrite", "insert", "commitTransaction"];
    let backend = open(&url).await;
    let mut chain = super::Chain::new();
    for (count, expected) in [(1, few), (1, few), (50, few), (1000, many)] {
        proxy.reset();
        chain.write(&backend, documents(count)).await;
        assert_eq!(proxy.counts().requests, expected, "{count} documents");
    }
    let older = super::open_older(&url).await;
    proxy.reset();
    chain.write(&older, documents(2)).await;
    let one_by_one = ["update", "insert", "insert", "commitTransaction"];
    assert_eq!(proxy.counts().requests, one_by_one, "a server without bulkWrite");
}
