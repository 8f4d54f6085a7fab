//! What is damaged in a store of the ordered layout is never given for data: every value of a store
//! that holds something of everything is changed, and then everything is read.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::ops::ControlFlow;
use std::sync::Arc;

use argon_core::model::{Actor, ProjectName};
use argon_core::storage::{Capabilities, KeyRange, StoreInfo};
use argon_core::{ErrorKind, Result, Store};
use futures::TryStreamExt;

use crate::engines::MemoryEngine;
use crate::golden::{digests, environment, fill};
use crate::ordered;
use crate::ordered::engine::{Direction, Engine, Write};

fn opened(engine: &Arc<MemoryEngine>) -> Result<Store> {
    let info = StoreInfo {
        engine: "memory".into(),
        format: ordered::FORMAT,
        id: String::new(),
        created: None,
        location: String::new(),
        recovered: None,
    };
    let capabilities = Capabilities { durable: false, shared: false };
    let backend = ordered::backend(engine.clone(), info, capabilities, environment(), None)?;
    Ok(Store::new(backend, environment(), Actor::new("ada")?))
}

/// All that a reader may be given: documents, histories, the log with its documents.
async fn everything(engine: &Arc<MemoryEngine>) -> Result<String> {
    let store = opened(engine)?;
    let mut out = digests(&store).await?;
    let project = store.project(&ProjectName::new("shop")?).await?;
    for info in project.branches().await? {
        let head = project.branch(&info.name).await?.head().await?;
        for collection in head.collections() {
            let view = head.collection(&collection.name)?;
            let found: Vec<_> = view.scan_range(KeyRange::default()).try_collect().await?;
            for (key, _) in &found {
                let history: Vec<_> = view.history(key).try_collect().await?;
                out += &format!("{key:?} {history:?} {:?}\n", view.get(key).await?);
            }
        }
        let headers: Vec<_> = argon_core::log::headers(&head).try_collect().await?;
        out += &format!("{headers:?} {:?}\n", argon_core::log::last_commit(&head).await?);
    }
    Ok(out)
}

fn rows(engine: &MemoryEngine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    engine
        .visit(&[0], &[0xff], Direction::Ascending, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn set(engine: &MemoryEngine, key: &[u8], value: Vec<u8>) {
    engine.apply(vec![Write::Put { key: key.to_vec(), value }]).unwrap();
}

#[tokio::test]
async fn a_changed_byte_anywhere_ends_the_read_and_is_never_given_for_data() {
    let engine = Arc::new(MemoryEngine::new());
    let store = opened(&engine).unwrap();
    fill(&store).await.unwrap();
    let right = everything(&engine).await.unwrap();
    let mut named = 0;
    for (key, value) in rows(&engine) {
        let places = [0, 1, 4, 6, value.len() / 2, value.len().saturating_sub(1)];
        for at in places.into_iter().filter(|at| *at < value.len()) {
            let mut changed = value.clone();
            changed[at] ^= 0x10;
            set(&engine, &key, changed);
            match everything(&engine).await {
                Ok(found) => assert_eq!(found, right, "{key:?} {at}"),
                Err(error) => {
                    named += 1;
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{key:?} {at}: {error:?}");
                }
            }
            if let Ok(store) = opened(&engine) {
                let report = argon_core::fsck::fsck(&store, false, &|_| {}).await;
                let sees = report.map_or(true, |report| !report.problems.is_empty());
                assert!(sees, "{} {at}", key[0] as char);
            }
        }
        set(&engine, &key, value);
    }
    assert_eq!(everything(&engine).await.unwrap(), right);
    assert!(named > 100, "{named}");
}
