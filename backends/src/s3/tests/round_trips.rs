//! How many requests things take.

use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_core::storage::SnapshotPolicy;
use argon_core::write::Precondition;
use argon_core::{Branch, Store, snapshot};
use argon_test_servers::stub_s3::Request;

use super::*;

async fn branch(backend: Backend) -> Branch {
    let store = Store::new(backend, environment(&Arc::default()), Actor::new("tester").unwrap());
    let name = ProjectName::new("shop").unwrap();
    let project = match store.project(&name).await {
        Ok(project) => project,
        Err(_) => store.create_project(&name).await.unwrap(),
    };
    project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap()
}

fn shown(requests: &[Request]) -> Vec<String> {
    requests.iter().map(|request| format!("{} {}", request.method, request.key)).collect()
}

#[tokio::test]
async fn an_append_by_a_writer_that_knows_the_head_is_one_request() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 1).await;
    stub.requests();
    chain.grow(&*backend.wal, 10).await;
    let requests = stub.requests();
    assert_eq!(requests.len(), 10, "{:?}", shown(&requests));
}

#[tokio::test]
async fn commits_in_turn_share_the_write_of_a_segment() {
    let stub = StubS3::start();
    let backend = Backend { snapshot_policy: SnapshotPolicy::BY_HAND, ..create(&stub).await };
    let main = branch(backend).await;
    let things = CollectionName::new("things").unwrap();
    main.collection(&things).insert(rawdoc! { "_id": 0 }).await.unwrap();
    let requests = (1..=50).map(|id| {
        let mut request = main.request();
        let (key, document) = Document::checked(rawdoc! { "_id": id }).unwrap();
        request.put(things.clone(), key, document, Precondition::Any).unwrap();
        request
    });
    stub.requests();
    let outcomes = main.commit_in_turn(requests.collect()).await;
    assert_eq!(outcomes.len(), 50);
    let requests = stub.requests();
    assert_eq!(requests.len(), 1, "{:?}", shown(&requests));
    assert!(requests[0].is_put_to("/log/"), "{:?}", shown(&requests));
    assert_eq!(main.head().await.unwrap().lsn().get(), 51);
}

#[tokio::test]
async fn a_new_ref_is_one_request_and_a_known_head_one_listing() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 3).await;
    stub.requests();
    backend.refs.compare_and_set("branch/x", None, Some(vec![1])).await.unwrap();
    assert_eq!(stub.requests().len(), 1);
    backend.wal.state(chain.timeline.id).await.unwrap();
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn a_point_read_after_a_snapshot_fetches_one_chunk_and_lists_only_what_is_above() {
    let stub = StubS3::start();
    let main = branch(create(&stub).await).await;
    let things = main.collection(&CollectionName::new("things").unwrap());
    for id in 0..30 {
        things.insert(rawdoc! { "_id": id, "text": "some text" }).await.unwrap();
    }
    snapshot::create(&main.head().await.unwrap()).await.unwrap();
    for id in 30..33 {
        things.insert(rawdoc! { "_id": id, "text": "some text" }).await.unwrap();
    }
    let main = branch(open(&stub).await).await;
    let state = main.head().await.unwrap();
    stub.requests();
    let things = state.collection(&CollectionName::new("things").unwrap()).unwrap();
    assert!(things.get(&key(5)).await.unwrap().is_some());
    let requests = stub.requests();
    let chunks = requests.iter().filter(|request| request.key.contains("/chunks/")).count();
    assert_eq!(chunks, 1, "{:?}", shown(&requests));
    assert!(requests.len() <= 2, "{:?}", shown(&requests));
}

#[tokio::test]
async fn every_write_carries_checksums_of_its_whole_body() {
    let stub = StubS3::start();
    let more = "&sse=aws:kms&sse_kms_key_id=k1";
    let backend = create_with(&stub, more, &Arc::default()).await.unwrap();
    Chain::new(1).grow(&*backend.wal, 1).await;
    backend.refs.compare_and_set("a", None, Some(vec![1])).await.unwrap();
    let large: Vec<u8> = vec![1; 17 * 1024 * 1024];
    backend.snapshots.put_chunk(Digest::of(&large), large).await.unwrap();
    let requests = stub.requests();
    let mut encrypted = 0;
    for request in requests.iter().filter(|request| request.method == "PUT") {
        let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
        assert_eq!(header("x-amz-checksum-crc32").len(), 8, "{request:?}");
        assert_eq!(header("x-amz-content-sha256").len(), 64, "{request:?}");
        assert_eq!(header("content-encoding"), "", "{request:?}");
        let by_kms = header("x-amz-server-side-encryption") == "aws:kms"
            && header("x-amz-server-side-encryption-aws-kms-key-id") == "k1";
        assert_eq!(by_kms, !request.query.contains_key("partNumber"), "{request:?}");
        encrypted += usize::from(by_kms);
    }
    assert!(encrypted >= 5, "{encrypted}");
}

#[tokio::test]
async fn the_headers_of_a_large_segment_are_read_without_its_documents() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let before = chain.head;
    let commits: Vec<Commit> = (0..6).map(|_| chain.noise(1024 * 1024)).collect();
    backend.wal.append(&chain.timeline, &before, commits.clone().into(), None).await.unwrap();
    let reader = open(&stub).await;
    let received = |backend: &Backend| backend.network.as_ref().unwrap().traffic().received;
    let none = received(&reader);
    let id = chain.timeline.id;
    let headers = reader.wal.read_headers(id, Lsn::new(1)..=Lsn::new(9), Direction::Descending);
    assert_eq!(headers.try_collect::<Vec<_>>().await.unwrap().len(), 6);
    assert!(received(&reader) - none < 200_000, "{}", received(&reader) - none);
    assert!(read(&*reader.wal, &chain, 4..=4).await == commits[3..4]);
    assert!(received(&reader) - none < 1_500_000, "{}", received(&reader) - none);
    check(&reader, &chain, &commits).await;
}

/// More than the log that is kept in memory lies above the last snapshot.
#[tokio::test]
async fn a_writer_with_preconditions_reads_back_nothing_that_it_wrote() {
    const MOST_OF_LOG: usize = 64 << 20;
    let stub = StubS3::start();
    let backend =
        create_with(&stub, "&snapshot_bytes=0&snapshot_commits=0", &Arc::default()).await.unwrap();
    let main = branch(backend).await;
    let things = CollectionName::new("things").unwrap();
    let text = "x".repeat(8 << 20);
    let insert = |id: i32| {
        let mut request = main.request();
        let (key, document) = Document::checked(rawdoc! { "_id": id, "text": &*text }).unwrap();
        request.put(things.clone(), key, document, Precondition::Absent).unwrap();
        request
    };
    let documents = i32::try_from(2 * MOST_OF_LOG / text.len()).unwrap();
    // The second commit looks for a snapshot.
    for id in 0..2 {
        main.commit(insert(id)).await.unwrap().committed().unwrap();
    }
    stub.requests();
    for id in 2..documents {
        main.commit(insert(id)).await.unwrap().committed().unwrap();
    }
    let requests = stub.requests();
    assert!(requests.iter().all(|request| request.is_put_to("/log/")), "{:?}", shown(&requests));
    let again = main.commit(insert(1)).await.unwrap();
    assert!(matches!(again, argon_core::write::Outcome::Conflict(_)), "{again:?}");
}
