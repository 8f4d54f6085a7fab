use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use super::reads::Reads;
use super::*;
use crate::ordered::engine::Write;

/// What the engine of these tests does, told by the one byte of the key that is written.
const HANG: &[u8] = b"h";
const HANG_UNTIL_WOKEN: &[u8] = b"w";
const PANIC: &[u8] = b"p";
const PANIC_OVER_A_FULL_DISK: &[u8] = b"f";
const FAIL: &[u8] = b"e";

#[derive(Default)]
struct Broken {
    failed: AtomicBool,
    woken: Mutex<bool>,
    wake: Condvar,
    panic_at_close: bool,
}

impl Broken {
    fn wait(&self) {
        self.failed.store(true, Ordering::SeqCst);
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.wake.wait(woken).unwrap();
        }
    }
}

impl Engine for Broken {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(Some(key.to_vec()))
    }

    fn visit(&self, _: &[u8], _: &[u8], _: Direction, _: &mut Visitor<'_>) -> Result<()> {
        Ok(())
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        let Some(Write::Remove { key }) = batch.first() else { return Ok(()) };
        match &key[..] {
            HANG => loop {
                self.failed.store(true, Ordering::SeqCst);
                std::thread::park();
            },
            HANG_UNTIL_WOKEN => {
                self.wait();
                Err(Error::indeterminate("woken"))
            }
            PANIC => panic!("bytes that can't be"),
            PANIC_OVER_A_FULL_DISK => {
                panic!("{:?}", std::io::Error::from_raw_os_error(28))
            }
            FAIL => Err(Error::indeterminate("the first").with_source("the cause")),
            _ => Ok(()),
        }
    }

    fn disk_bytes(&self) -> Result<u64> {
        Ok(0)
    }

    fn fill(&self, _: &dyn Engine) -> Result<()> {
        self.apply(vec![Write::Remove { key: HANG.to_vec() }])
    }

    fn failure(&self) -> Option<Error> {
        *self.woken.lock().unwrap() = true;
        self.wake.notify_all();
        let failed = self.failed.load(Ordering::SeqCst);
        failed.then(|| Error::unavailable("the log can't be written").with_source("EIO"))
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        assert!(!self.panic_at_close, "the last sync failed (os error 5)");
    }
}

fn open(open: OpenEngine) -> Result<Guarded> {
    Guarded::open("broken", &std::env::temp_dir().join("argon-there-is-none"), None, open)
}

fn engine() -> Guarded {
    open(|_| Ok(Arc::new(Broken::default()))).unwrap()
}

fn write(engine: &Guarded, key: &[u8]) -> Error {
    engine.apply(vec![Write::Remove { key: key.to_vec() }]).unwrap_err()
}

#[test]
fn a_write_that_never_ends_is_in_doubt_with_the_reason_and_the_lock_stays() {
    let lock: Arc<()> = Arc::default();
    let held = lock.clone() as KeepAlive;
    let engine = Guarded::open("broken", Path::new("nowhere"), Some(held), |_| {
        Ok(Arc::new(Broken::default()))
    })
    .unwrap();
    let error = write(&engine, HANG);
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    assert!(error.in_full().contains("EIO"), "{error:?}");
    assert_eq!(write(&engine, b"later").kind(), ErrorKind::Unavailable);
    assert!(engine.get(b"key").is_ok(), "what is there can be read");
    drop(engine);
    assert_eq!(Arc::strong_count(&lock), 2, "its thread may write yet");
}

#[test]
fn a_read_that_hangs_is_seen_and_one_that_goes_on_is_not() {
    static OTHERS: Reads = Reads::new();
    static BYTES: AtomicU64 = AtomicU64::new(0);
    let mut watch = ReadWatch::of(&OTHERS, || BYTES.load(Ordering::Relaxed));
    let mut look = |times| (0..times).find_map(|_| watch.look());
    assert!(look(200).is_none(), "nothing is read");
    let reading = OTHERS.begin();
    assert!(look(ReadWatch::MOST_LOOKS - 1).is_none());
    BYTES.store(4096, Ordering::Relaxed);
    assert!(look(ReadWatch::MOST_LOOKS).is_none(), "something was read");
    drop(OTHERS.begin());
    assert!(look(ReadWatch::MOST_LOOKS).is_none(), "another read ended");
    assert_eq!(look(1).unwrap().kind(), ErrorKind::Unavailable);
    OTHERS.note_write();
    assert_eq!(look(1).unwrap().kind(), ErrorKind::Indeterminate);
    drop(reading);
    assert!(look(200).is_none());
}

#[test]
fn all_reads_of_an_engine_are_watched() {
    let engine = engine();
    let watched = |read: &dyn Fn()| {
        let before = READS.counts();
        read();
        let after = READS.counts();
        assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
    };
    watched(&|| drop(engine.get(b"key").unwrap()));
    let direction = Direction::Ascending;
    watched(&|| {
        engine.visit(b"a", b"b", direction, &mut |_, _| ControlFlow::Break(())).unwrap();
    });
    watched(&|| {
        engine.disk_bytes().unwrap();
    });
}

#[test]
fn a_write_that_can_be_woken_ends_with_its_own_error() {
    assert_eq!(write(&engine(), HANG_UNTIL_WOKEN).message(), "woken");
}

#[test]
fn a_compaction_that_never_ends_has_changed_nothing() {
    let lock: Arc<()> = Arc::default();
    let held = lock.clone() as KeepAlive;
    let store = tempfile::tempdir().unwrap();
    let engine = Guarded::open("broken", &store.path().join("data"), Some(held), |_| {
        Ok(Arc::new(Broken::default()))
    })
    .unwrap();
    assert_eq!(engine.compact().unwrap_err().kind(), ErrorKind::Unavailable);
    engine.apply(Vec::new()).unwrap();
    drop(engine);
    assert!(Arc::strong_count(&lock) > 1, "the thread of the second engine may write yet");
}

#[test]
fn a_write_that_panics_is_in_doubt_and_a_full_disk_is_named() {
    let engine = engine();
    let error = write(&engine, PANIC);
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    assert!(error.in_full().contains("bytes that can't be"), "{error:?}");
    let error = write(&self::engine(), PANIC_OVER_A_FULL_DISK);
    assert!(disk::full_disk(&error).is_some(), "{error:?}");
}

#[test]
fn a_write_after_one_that_failed_tells_the_first_reason() {
    let engine = engine();
    write(&engine, FAIL);
    let error = write(&engine, b"later");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.in_full().contains("the cause"), "{error:?}");
}

#[test]
fn an_engine_that_panics_as_it_opens_is_damaged_or_its_disk_is() {
    let error = open(|_| panic!("no such page")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = open(|_| panic!("Os {{ code: 28, kind: StorageFull }}")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn an_engine_that_panics_as_it_closes_is_told_of_and_harms_nobody() {
    crate::panics::take_troubles();
    let broken = |_: &Path| {
        let mut broken = Broken::default();
        broken.panic_at_close = true;
        Ok(Arc::new(broken) as Arc<dyn Engine>)
    };
    drop(open(broken).unwrap());
    let troubles = crate::panics::take_troubles();
    assert!(troubles.iter().any(|trouble| trouble.contains("os error 5")), "{troubles:?}");
}
