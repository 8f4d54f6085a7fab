use std::fs;

use argon_core::storage::{Backend, OpenOptions, StoreUrl};
use tempfile::tempdir;

async fn create(url: &StoreUrl) -> Backend {
    let (registry, options) = (crate::registry(), OpenOptions::default());
    registry.factory(url).unwrap().create(url, &options, &crate::environment()).await.unwrap()
}

async fn set(backend: &Backend, name: &str) {
    backend.refs.compare_and_set(name, None, Some(vec![1])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_moved_away_writes_nothing_into_the_one_at_its_path() {
    let engines = [("sled", cfg!(feature = "sled")), ("fjall", cfg!(feature = "fjall"))];
    for (engine, _) in engines.into_iter().filter(|(_, is_built)| *is_built) {
        let temporary = tempdir().unwrap();
        let path = temporary.path().join("store");
        let url = StoreUrl::new(engine, path.to_string_lossy());
        let moved = create(&url).await;
        set(&moved, "of-the-first").await;
        fs::rename(&path, temporary.path().join("moved")).unwrap();
        let second = create(&url).await;
        set(&second, "of-the-second").await;
        drop(second);
        let before = fs::read(path.join("heads")).unwrap();
        drop(moved);
        assert_eq!(fs::read(path.join("heads")).unwrap(), before, "{engine}");
        let (registry, options) = (crate::registry(), OpenOptions::default());
        let factory = registry.factory(&url).unwrap();
        factory.open(&url, &options, &crate::environment()).await.unwrap();
    }
}
