use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::*;
use crate::engines::contract::{put, remove as removal};
use crate::engines::{FjallEngine, SledEngine};

const ENGINES: [(&str, OpenEngine); 2] = [
    ("sled", |path| Ok(Arc::new(SledEngine::open(path)?))),
    ("fjall", |path| Ok(Arc::new(FjallEngine::open(path)?))),
];

/// What the tests delete.
const DELETED: &[u8] = b"text-that-was-deleted";

fn data(store: &TempDir) -> PathBuf {
    store.path().join("data")
}

fn open((name, open): (&'static str, OpenEngine), store: &TempDir) -> Guarded {
    Guarded::open(name, &data(store), None, open).unwrap()
}

fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// An engine with 2,000 rows, half of which were deleted again.
fn filled(engine: (&'static str, OpenEngine), store: &TempDir) -> Guarded {
    let filled = open(engine, store);
    for round in 0..20_u32 {
        let rows = (0..100).map(|row| {
            let text: &[u8] = if row % 2 == 0 { b"kept" } else { DELETED };
            put(key(round * 100 + row), [text, &key(row)].concat())
        });
        filled.apply(rows.collect()).unwrap();
    }
    filled
        .apply((0..2_000).filter(|row| row % 2 == 1).map(|row| removal(key(row))).collect())
        .unwrap();
    filled
}

fn assert_filled(engine: &Guarded) {
    let mut rows = 0;
    engine
        .visit(&[0], FIRST_UNUSED_KEY, Direction::Ascending, &mut |found, value| {
            assert_eq!(found, key(rows * 2));
            assert_eq!(value, [b"kept", &key(rows * 2 % 100)[..]].concat());
            rows += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(rows, 1_000);
}

/// Whether some bytes are in any file below a directory.
fn occurs(bytes: &[u8], directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return occurs(bytes, &path);
        }
        fs::read(&path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}

fn names(store: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(store.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn nothing_of_what_was_deleted_is_left_and_all_else_is_there() {
    for engine in ENGINES {
        let store = tempfile::tempdir().unwrap();
        let filled = filled(engine, &store);
        assert!(occurs(DELETED, store.path()), "{}: the search finds what is there", engine.0);
        filled.compact().unwrap();
        assert!(!occurs(DELETED, store.path()), "{}", engine.0);
        assert_filled(&filled);
        filled.apply(vec![put(key(5_000), "later")]).unwrap();
        filled.apply(vec![removal(key(5_000))]).unwrap();
        filled.compact().unwrap();
        drop(filled);
        assert!(!occurs(DELETED, store.path()), "{}", engine.0);
        assert!(!occurs(b"later", store.path()), "{}", engine.0);
        assert_filled(&open(engine, &store));
        assert_eq!(names(&store), ["data"]);
    }
}

#[test]
fn reads_and_writes_go_on_meanwhile() {
    for engine in ENGINES {
        let store = tempfile::tempdir().unwrap();
        let filled = filled(engine, &store);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    assert!(filled.get(&key(8)).unwrap().is_some());
                    assert_eq!(filled.get(&key(9)).unwrap(), None);
                }
            });
            let writer = scope.spawn(|| {
                let mut written = 0;
                while !done.load(Ordering::Relaxed) {
                    filled.apply(vec![put(key(10_000 + written), "new")]).unwrap();
                    written += 1;
                }
                written
            });
            for _ in 0..3 {
                filled.compact().unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
            for number in 0..writer.join().unwrap() {
                assert!(filled.get(&key(10_000 + number)).unwrap().is_some(), "{number}");
            }
        });
    }
}

#[test]
fn a_compaction_that_was_cut_off_is_undone_by_the_next_open() {
    for engine in ENGINES {
        let store = tempfile::tempdir().unwrap();
        drop(filled(engine, &store));
        let (new, old) = (beside(&data(&store), "new"), beside(&data(&store), "old"));
        fs::create_dir(&new).unwrap();
        fs::write(new.join("half"), "of a copy").unwrap();
        assert_filled(&open(engine, &store));
        // Where names can't be exchanged, between the two that are changed.
        fs::rename(data(&store), &old).unwrap();
        assert!(is_cut_off(&data(&store)));
        fs::create_dir(&new).unwrap();
        assert_filled(&open(engine, &store));
        // And after them.
        fs::create_dir(&old).unwrap();
        assert_filled(&open(engine, &store));
        assert_eq!(names(&store), ["data"]);
    }
}

#[test]
fn what_recovery_has_cut_off_and_kept_stays() {
    let store = tempfile::tempdir().unwrap();
    let filled = filled(ENGINES[0], &store);
    fs::write(data(&store).join("db-10.cut"), "a tail").unwrap();
    filled.compact().unwrap();
    assert_eq!(fs::read(data(&store).join("db-10.cut")).unwrap(), b"a tail");
}

#[test]
fn what_can_not_be_opened_again_is_put_back() {
    let store = tempfile::tempdir().unwrap();
    let opens_old_files: OpenEngine = |path| {
        if path.ends_with("data") && !path.join("old").exists() {
            return Err(Error::unavailable("no such luck"));
        }
        Ok(Arc::new(SledEngine::open(path)?))
    };
    fs::create_dir(data(&store)).unwrap();
    fs::write(data(&store).join("old"), "").unwrap();
    let filled = filled(("sled", opens_old_files), &store);
    let error = filled.compact().unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "no such luck"));
    assert_filled(&filled);
    filled.apply(vec![put(key(1), "x")]).unwrap();
    assert_eq!(names(&store), ["data"]);
}

#[test]
fn names_are_exchanged_in_either_way() {
    let store = tempfile::tempdir().unwrap();
    let (one, other) = (store.path().join("one"), store.path().join("other"));
    for (directory, name) in [(&one, "1"), (&other, "2")] {
        fs::create_dir(directory).unwrap();
        fs::write(directory.join(name), "").unwrap();
    }
    exchange(&one, &other).unwrap();
    assert!(one.join("2").exists() && other.join("1").exists());
    swap_by_renaming(&one, &other).unwrap();
    assert!(one.join("1").exists() && other.join("2").exists());
    fs::remove_dir_all(&other).unwrap();
    assert!(swap_by_renaming(&one, &other).is_err());
    assert!(one.join("1").exists(), "nothing has changed");
}
