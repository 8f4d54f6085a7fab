//! Copies on disk spare requests, and are never trusted.

use std::fs;
use std::path::Path;

use argon_core::storage::CacheOptions;
use tempfile::TempDir;

use super::*;

fn cached(directory: &Path) -> OpenOptions {
    let cache = CacheOptions { directory: directory.to_owned(), most_bytes: 10_000_000 };
    OpenOptions { cache: Some(cache), ..options() }
}

async fn open_cached(stub: &StubS3, directory: &Path) -> Backend {
    opener().open(&url(stub, ""), &cached(directory), &environment(&Arc::default())).await.unwrap()
}

fn gets(stub: &StubS3) -> usize {
    let requests = stub.requests();
    requests.iter().filter(|r| r.method == "GET" && !r.key.is_empty()).count()
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let stores = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    stores
        .flat_map(|store| fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path()))
        .collect()
}

#[tokio::test]
async fn what_was_read_once_is_not_fetched_again() {
    let (stub, directory) = (StubS3::start(), TempDir::new().unwrap());
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let written = chain.grow(&*backend.wal, 5).await;
    let chunk = vec![7; 1000];
    backend.snapshots.put_chunk(Digest::of(&chunk), chunk.clone()).await.unwrap();
    backend.refs.compare_and_set("a", None, Some(vec![1])).await.unwrap();
    for round in 0..4 {
        let backend = open_cached(&stub, directory.path()).await;
        stub.requests();
        check(&backend, &chain, &written).await;
        let found = backend.snapshots.get_chunk(Digest::of(&chunk)).await.unwrap();
        assert_eq!(found, Some(chunk.clone()));
        assert_eq!(backend.refs.list("").await.unwrap().len(), 1);
        let expected = if round == 1 { 0 } else { 7 };
        match round {
            0 | 2 | 3 => assert_eq!(gets(&stub), expected, "round {round}"),
            _ => assert_eq!(gets(&stub), expected, "nothing is fetched again"),
        }
        match round {
            // Damaged copies are fetched anew, and those that are gone, too.
            1 => {
                for file in files(directory.path()) {
                    fs::write(file, "damaged").unwrap();
                }
            }
            2 => fs::remove_dir_all(directory.path()).unwrap(),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_ref_that_was_changed_is_fetched_again() {
    let (stub, directory) = (StubS3::start(), TempDir::new().unwrap());
    let (one, other) = (create(&stub).await, open_cached(&stub, directory.path()).await);
    let mut version = None;
    for round in 0..3_u8 {
        let swap = one.refs.compare_and_set("a", version.as_ref(), Some(vec![round])).await;
        let argon_core::storage::CasResult::Done(done) = swap.unwrap() else { panic!("{round}") };
        version = done;
        let listed = other.refs.list("").await.unwrap();
        assert_eq!(listed[0].1.value, [round]);
    }
}
