//! Stores as earlier versions wrote them: the layout row by row, and whole directories that must
//! still open. After a change of the format on purpose, `ARGON_WRITE_GOLDEN=1 cargo test -p
//! argon-backends golden` writes those of the new version; those of the old ones stay.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use argon_core::model::{Actor, BranchName, CollectionName, ProjectName};
use argon_core::storage::{Capabilities, OpenOptions, StoreInfo, StoreUrl};
use argon_core::write::CollectionChange;
use argon_core::{Clock, Environment, Ids, Result, Store};
use bson::{DateTime, rawdoc};

use crate::engines::MemoryEngine;
use crate::ordered::engine::{Direction, Engine};
use crate::ordered::{self, FORMAT};

struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> DateTime {
        DateTime::from_millis(1_700_000_000_000 + self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

struct Counting(AtomicU8);

impl Ids for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// The same for every run.
pub(crate) fn environment() -> Environment {
    Environment::new(Arc::new(Ticking(AtomicI64::new(0))), Arc::new(Counting(AtomicU8::new(1))))
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

fn writing() -> bool {
    std::env::var_os("ARGON_WRITE_GOLDEN").is_some()
}

/// Something of everything that a store can hold.
pub(crate) async fn fill(store: &Store) -> Result<()> {
    let project = store.create_project(&ProjectName::new("shop")?).await?;
    let main = project.branch(&BranchName::new("main")?).await?;
    let users = main.collection(&CollectionName::new("users")?);
    for id in 1..=3 {
        users.insert(rawdoc! { "_id": id, "name": "Ada", "n": [1.5, null, "x"] }).await?;
    }
    users.put(rawdoc! { "_id": "large", "text": "y".repeat(40_000) }).await?;
    users.delete(&argon_core::key::Key::of(&2.into())?).await?;
    let fork = BranchName::new("fork")?;
    let fork = project.create_branch(&fork, &main.head().await?, Some(main.name())).await?;
    fork.change_collection(CollectionChange::Rename {
        from: CollectionName::new("users")?,
        to: CollectionName::new("people")?,
    })
    .await?;
    let past = main.at(argon_core::model::Lsn::new(2)).await?;
    argon_core::restore::reset(&main, &past).await?;
    Ok(())
}

/// Adds entries of indexes: of the head and of the past, on a timeline and on a fork of it.
async fn fill_indexes(store: &Store) -> Result<()> {
    let project = store.project(&ProjectName::new("shop")?).await?;
    let main = project.branch(&BranchName::new("main")?).await?;
    let users = CollectionName::new("users")?;
    main.create_index(&users, bson::doc! { "key": { "n": 1 } }, &main.request()).await?;
    let named = bson::doc! { "key": { "name": -1 }, "sparse": true };
    main.create_index(&users, named, &main.request()).await?;
    main.collection(&users).put(rawdoc! { "_id": 1, "name": "Grace", "n": [2] }).await?;
    main.collection(&users).put(rawdoc! { "_id": "x".repeat(600), "name": "Joan" }).await?;
    let indexed = BranchName::new("indexed")?;
    let fork = project.create_branch(&indexed, &main.head().await?, Some(main.name())).await?;
    fork.collection(&users).put(rawdoc! { "_id": 1, "name": "Mary" }).await?;
    main.drop_index(&users, "n_1", &main.request()).await?;
    Ok(())
}

/// The digests of all collections of all branches.
pub(crate) async fn digests(store: &Store) -> Result<String> {
    let project = store.project(&ProjectName::new("shop")?).await?;
    let mut out = String::new();
    for info in project.branches().await? {
        let head = project.branch(&info.name).await?.head().await?;
        writeln!(out, "{} {}", info.name, info.head.digest).ok();
        for collection in head.collections() {
            let digest = head.collection(&collection.name)?.digest().await?;
            writeln!(out, "{} {} {digest}", info.name, collection.name).ok();
        }
    }
    Ok(out)
}

fn compare(name: &str, found: &str) {
    let path = golden(name);
    if writing() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "{} differs", path.display());
}

fn dump(engine: &dyn Engine) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut out = String::new();
    engine
        .visit(&[0], &[0xff], Direction::Ascending, &mut |key, value| {
            let shown = &value[..value.len().min(400)];
            writeln!(out, "{} {} {} {}", key[0] as char, hex(&key[1..]), value.len(), hex(shown))
                .ok();
            ControlFlow::Continue(())
        })
        .unwrap();
    out
}

#[tokio::test]
async fn the_rows_of_a_store_do_not_change_between_versions() {
    let engine = Arc::new(MemoryEngine::new());
    let info = StoreInfo {
        engine: "memory".into(),
        format: FORMAT,
        id: String::new(),
        created: None,
        location: String::new(),
        recovered: None,
    };
    let capabilities = Capabilities { durable: false, shared: false };
    let backend =
        ordered::backend(engine.clone(), info, capabilities, environment(), None).unwrap();
    let store = Store::new(backend, environment(), Actor::new("ada").unwrap());
    fill(&store).await.unwrap();
    fill_indexes(&store).await.unwrap();
    compare(&format!("memory-{FORMAT}-rows.txt"), &dump(&*engine));
    compare(&format!("memory-{FORMAT}-digests.txt"), &digests(&store).await.unwrap());
}

/// A store directory in one file: for each file its path and content, each on its own length.
mod archive {
    use super::{Path, fs};

    pub(super) fn pack(root: &Path) -> Vec<u8> {
        let mut out = Vec::new();
        add(root, root, &mut out);
        zstd::bulk::compress(&out, 19).unwrap()
    }

    fn add(root: &Path, directory: &Path, out: &mut Vec<u8>) {
        let mut entries: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                add(root, &path, out);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            for bytes in [name.into_bytes(), fs::read(&path).unwrap()] {
                out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                out.extend_from_slice(&bytes);
            }
        }
    }

    pub(super) fn unpack(packed: &[u8], root: &Path) {
        let all = zstd::bulk::decompress(packed, 256 << 20).unwrap();
        let mut rest = &all[..];
        while !rest.is_empty() {
            let name = String::from_utf8(take(&mut rest).to_vec()).unwrap();
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, take(&mut rest)).unwrap();
        }
    }

    fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
        let (length, after) = rest.split_first_chunk().unwrap();
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
        let (bytes, after) = after.split_at(length);
        *rest = after;
        bytes
    }
}

/// Opens the golden store of an engine and a format, which is made anew if it is of the newest and
/// golden files are to be written; gives where it is and the store.
async fn golden_store(engine: &str, format: u32) -> (tempfile::TempDir, PathBuf, Store) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let url = StoreUrl::new(engine, root.to_str().unwrap());
    let (registry, options) = (crate::registry(), OpenOptions::default());
    let actor = Actor::new("ada").unwrap();
    let path = golden(&format!("{engine}-{format}.zst"));
    if writing() && format == FORMAT {
        let store = Store::create(&registry, &url, &options, environment(), actor.clone());
        let store = store.await.unwrap();
        fill(&store).await.unwrap();
        fill_indexes(&store).await.unwrap();
        drop(store);
        // The last task of the store may hold it a moment longer.
        drop(Store::open(&registry, &url, &options, environment(), actor.clone()).await.unwrap());
        fs::write(&path, archive::pack(&root)).unwrap();
        fs::remove_dir_all(&root).unwrap();
    }
    archive::unpack(&fs::read(&path).unwrap(), &root);
    let store = Store::open(&registry, &url, &options, environment(), actor).await.unwrap();
    (directory, root, store)
}

async fn opens(engine: &str, format: u32) {
    let (_directory, root, store) = golden_store(engine, format).await;
    let name = format!("{engine}-{format}-digests.txt");
    let found = digests(&store).await.unwrap();
    if format == FORMAT {
        compare(&name, &found);
    } else {
        assert_eq!(found, fs::read_to_string(golden(&name)).unwrap());
    }
    let report = argon_core::fsck::fsck(&store, false, &|_| {}).await.unwrap();
    assert_eq!(report.problems, []);
    assert_eq!(crate::inspect(&root).unwrap().format, format, "looking changes nothing");
}

#[tokio::test]
async fn a_sled_store_of_format_1_opens() {
    opens("sled", 1).await;
}

#[tokio::test]
async fn a_fjall_store_of_format_1_opens() {
    opens("fjall", 1).await;
}

#[tokio::test]
async fn a_sled_store_of_format_2_opens() {
    opens("sled", 2).await;
}

#[tokio::test]
async fn a_fjall_store_of_format_2_opens() {
    opens("fjall", 2).await;
}

#[tokio::test]
async fn a_sled_store_of_format_3_opens() {
    opens("sled", 3).await;
}

#[tokio::test]
async fn a_fjall_store_of_format_3_opens() {
    opens("fjall", 3).await;
}

#[tokio::test]
async fn a_store_of_format_1_that_is_written_to_is_of_the_newest_and_holds_both_kinds_of_values() {
    let (_directory, root, store) = golden_store("sled", 1).await;
    let project = store.project(&ProjectName::new("shop").unwrap()).await.unwrap();
    let main = project.branch(&BranchName::new("main").unwrap()).await.unwrap();
    let users = main.collection(&CollectionName::new("users").unwrap());
    users.put(rawdoc! { "_id": 1, "name": "new" }).await.unwrap();
    users.put(rawdoc! { "_id": "other", "text": "z".repeat(40_000) }).await.unwrap();
    assert_eq!(crate::inspect(&root).unwrap().format, FORMAT);
    let report = argon_core::fsck::fsck(&store, false, &|_| {}).await.unwrap();
    assert_eq!(report.problems, []);
}
