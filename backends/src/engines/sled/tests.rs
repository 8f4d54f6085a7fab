use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use argon_core::ErrorKind;
use tempfile::tempdir;

use super::log::Segments;
use super::room::{Disk, Room};
use super::{Opening, SledEngine};
use crate::disk::full_disk;
use crate::engines::contract::damage::{copy, damage_tests, trials};
use crate::engines::contract::on_disk::{OnDisk, persistence_tests};
use crate::engines::contract::{Numbers, contract_tests};
use crate::ordered::engine::{Batch, Engine, MAX_KEY_BYTES, MAX_VALUE_BYTES, Write};

contract_tests!(|| OnDisk::new(SledEngine::open));
persistence_tests!(SledEngine::open);
damage_tests!(SledEngine::open, "db");

fn put(key: &[u8], value: &[u8]) -> Write {
    Write::Put { key: key.to_vec(), value: value.to_vec() }
}

#[test]
fn every_batch_is_in_the_file_when_it_is_synced_and_synced_when_it_is_acknowledged() {
    let directory = tempdir().unwrap();
    let data = directory.path().join("db");
    let round = Arc::new(AtomicUsize::new(0));
    let syncs = Arc::new(AtomicUsize::new(0));
    let marker = |round: usize| format!("marker of round {round}!").into_bytes();
    let sync = {
        let (round, syncs) = (round.clone(), syncs.clone());
        move |_: &fs::File| {
            let marker = marker(round.load(Ordering::SeqCst));
            let written = fs::read(&data)?;
            assert!(written.windows(marker.len()).any(|window| window == marker));
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let engine = SledEngine::open_with_sync(directory.path(), Box::new(sync)).unwrap();
    for i in 1..=5 {
        round.store(i, Ordering::SeqCst);
        engine.apply(vec![put(b"key", &marker(i))]).unwrap();
        assert_eq!(syncs.load(Ordering::SeqCst), i);
    }
}

#[test]
fn after_a_failed_sync_writes_are_refused_and_reads_go_on() {
    let directory = tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let sync = {
        let broken = broken.clone();
        move |_: &fs::File| {
            if broken.load(Ordering::SeqCst) { Err(io::Error::other("injected")) } else { Ok(()) }
        }
    };
    let engine = SledEngine::open_with_sync(directory.path(), Box::new(sync)).unwrap();
    engine.apply(vec![put(b"before", b"1")]).unwrap();
    broken.store(true, Ordering::SeqCst);
    let error = engine.apply(vec![put(b"during", b"2")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Indeterminate);
    broken.store(false, Ordering::SeqCst);
    let error = engine.apply(vec![put(b"after", b"3")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(engine.get(b"before").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(engine.get(b"after").unwrap(), None);
    drop(engine);
    let mark = directory.path().join("unsynced");
    assert!(mark.exists(), "the next open must write the log again");
    let engine = SledEngine::open(directory.path()).unwrap();
    assert!(!mark.exists());
    engine.apply(vec![put(b"after", b"3")]).unwrap();
}

/// A disk that is full while it is told so.
struct Filled(Arc<AtomicBool>);

impl Disk for Filled {
    fn free(&self, _: &fs::File) -> io::Result<(u64, u64)> {
        Ok(if self.0.load(Ordering::SeqCst) { (0, 0) } else { (1 << 20, 1 << 40) })
    }

    fn blocks(&self, metadata: &fs::Metadata) -> u64 {
        metadata.len()
    }

    fn allocate(&self, _: &fs::File, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_batch_without_room_is_refused_before_it_is_begun_and_made_when_there_is_room() {
    let directory = tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let room = Room::on(Box::new(Filled(full.clone())));
    let sync = Box::new(fs::File::sync_data);
    let engine = SledEngine::open_with(directory.path(), sync, room).unwrap();
    engine.apply(vec![put(b"key", b"1")]).unwrap();
    full.store(true, Ordering::SeqCst);
    let length = || fs::metadata(directory.path().join("db")).unwrap().len();
    let before = length();
    let error = engine.apply(vec![put(b"key", b"2")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(full_disk(&error).is_some(), "{error:?}");
    assert_eq!((engine.get(b"key").unwrap().as_deref(), length()), (Some(&b"1"[..]), before));
    assert!(!directory.path().join("unsynced").exists());
    full.store(false, Ordering::SeqCst);
    engine.apply(vec![put(b"key", b"3")]).unwrap();
    assert_eq!(engine.get(b"key").unwrap().as_deref(), Some(&b"3"[..]));
}

/// What a session reads may make sled rewrite pages, which it syncs as it closes.
#[test]
fn a_sync_that_fails_as_the_store_is_closed_leaves_the_mark() {
    let directory = tempdir().unwrap();
    SledEngine::open(directory.path()).unwrap().apply(vec![put(b"key", b"1")]).unwrap();
    let sync = |_: &fs::File| Err(io::Error::other("injected"));
    let engine = SledEngine::open_with_sync(directory.path(), Box::new(sync)).unwrap();
    engine.tree.insert("unsynced", "write").unwrap();
    drop(engine);
    assert!(directory.path().join("unsynced").exists());
}

#[test]
fn a_snapshot_that_was_not_finished_does_not_keep_a_store_from_opening() {
    let directory = tempdir().unwrap();
    SledEngine::open(directory.path()).unwrap().apply(vec![put(b"key", b"value")]).unwrap();
    fs::write(directory.path().join("snap.00000000FFFFFFFF.generating"), "half").unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    assert_eq!(engine.get(b"key").unwrap().as_deref(), Some(&b"value"[..]));
}

#[test]
fn a_damaged_snapshot_is_corrupt() {
    let directory = tempdir().unwrap();
    for value in [b"1", b"2"] {
        SledEngine::open(directory.path()).unwrap().apply(vec![put(b"key", value)]).unwrap();
    }
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap.") {
            let mut bytes = fs::read(&path).unwrap();
            bytes[0] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    let error = SledEngine::open(directory.path()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn an_engine_can_be_opened_as_soon_as_it_is_dropped() {
    let directory = tempdir().unwrap();
    for round in 0..100_u8 {
        let engine = SledEngine::open(directory.path()).unwrap();
        engine.apply(vec![put(&[round], &[round; 300])]).unwrap();
    }
}

fn blobs(directory: &Path) -> usize {
    fs::read_dir(directory.join("blobs")).unwrap().count()
}

/// The longest keys, alike but for their last bytes or not at all, or nothing but `0xff`.
fn longest_key(numbers: &mut Numbers) -> Vec<u8> {
    let distinct = [2, 8, MAX_KEY_BYTES][numbers.below(3)];
    let fill = [0, 0xff][numbers.below(2)];
    let mut key = vec![fill; MAX_KEY_BYTES - distinct];
    key.extend(numbers.bytes(distinct));
    key
}

#[test]
fn the_largest_entries_in_any_order_never_become_blobs() {
    let directory = tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut numbers = Numbers(7);
    let mut keys = BTreeSet::new();
    // Full leaves, overwritten in place.
    for _ in 0..30 {
        let key = longest_key(&mut numbers);
        let again = keys.iter().nth(numbers.below(keys.len().max(1))).cloned();
        let value = numbers.bytes(MAX_VALUE_BYTES);
        let batch = again.iter().chain([&key]).map(|key| put(key, &value)).collect();
        keys.insert(key);
        engine.apply(batch).unwrap();
    }
    // The pieces of one document of 16 MiB, in one batch.
    let value = numbers.bytes(MAX_VALUE_BYTES);
    let pieces: Batch = (0..1_024).map(|_| put(&longest_key(&mut numbers), &value)).collect();
    keys.extend(pieces.iter().map(|write| match write {
        Write::Put { key, .. } | Write::Remove { key } => key.clone(),
    }));
    engine.apply(pieces).unwrap();
    assert_eq!(blobs(directory.path()), 0);
    // Leaves that are merged into neighbours which are nearly full.
    for chunk in keys.iter().cloned().collect::<Vec<_>>().chunks(100) {
        let kept = |key: &Vec<u8>| key[MAX_KEY_BYTES - 1].is_multiple_of(8);
        let removed = chunk.iter().filter(|key| !kept(key));
        engine.apply(removed.map(|key| Write::Remove { key: key.clone() }).collect()).unwrap();
        engine
            .apply(chunk.iter().filter(|key| kept(key)).map(|k| put(k, &value)).collect())
            .unwrap();
    }
    assert_eq!(blobs(directory.path()), 0);
}

#[test]
fn inner_nodes_of_the_longest_keys_never_become_blobs() {
    let directory = tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut numbers = Numbers(8);
    for _ in 0..40 {
        let batch = (0..200).map(|_| {
            let mut key = vec![0xff; MAX_KEY_BYTES - 4];
            key.extend(numbers.bytes(4));
            put(&key, b"")
        });
        engine.apply(batch.collect()).unwrap();
    }
    assert_eq!(blobs(directory.path()), 0);
}

/// Without help, sled keeps some 3 KiB of garbage for each row of a large batch.
#[test]
fn large_batches_do_not_pile_up_garbage_in_memory() {
    let resident = || {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let directory = tempfile::tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut numbers = Numbers(7);
    let mut batch = || -> Batch {
        let keys: BTreeSet<u64> = (0..2_000).map(|_| numbers.next() % 20_000).collect();
        keys.into_iter().map(|key| put(&key.to_be_bytes(), &numbers.bytes(280))).collect()
    };
    engine.apply(batch()).unwrap();
    let before = resident();
    for _ in 0..200 {
        engine.apply(batch()).unwrap();
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 200 << 20, "grown by {} MiB", grown >> 20);
}

/// Batches of 40 values of 16 KiB, over the same 80 keys: a segment of the log every three of them,
/// and after some time segments are used again.
struct LongSession {
    numbers: Numbers,
    content: BTreeMap<u8, Vec<u8>>,
}

impl LongSession {
    fn write(&mut self, engine: &SledEngine) {
        let first = u8::try_from(self.numbers.below(40)).unwrap();
        let batch: BTreeMap<u8, Vec<u8>> =
            (first..first + 40).map(|key| (key, self.numbers.bytes(MAX_VALUE_BYTES))).collect();
        engine.apply(batch.iter().map(|(key, value)| put(&[*key], value)).collect()).unwrap();
        self.content.extend(batch);
    }

    fn is_in(&self, engine: &SledEngine) -> bool {
        (0..80).all(|key| engine.get(&[key]).unwrap().as_ref() == self.content.get(&key))
    }
}

#[test]
fn a_write_in_flight_at_the_end_of_a_long_session_is_cut_off_whatever_of_it_is_there() {
    let directory = tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut session = LongSession { numbers: Numbers(3), content: BTreeMap::new() };
    let mut chance = Numbers(5);
    for _ in 0..10 {
        session.write(&engine);
    }
    for round in 0..trials() / 5 {
        let image = tempdir().unwrap();
        copy(directory.path(), image.path());
        let before = LongSession { numbers: Numbers(0), content: session.content.clone() };
        session.write(&engine);
        let written = fs::read(directory.path().join("db")).unwrap();
        let mut torn = fs::read(image.path().join("db")).unwrap();
        torn.resize(written.len(), 0);
        let headers_too = chance.below(2) == 0;
        for at in (0..written.len()).step_by(512) {
            let sector = at..(at + 512).min(written.len());
            let is_header = at % super::SEGMENT_BYTES == 0;
            if chance.below(3) > 0 && (headers_too || !is_header) {
                torn[sector.clone()].copy_from_slice(&written[sector]);
            }
        }
        fs::write(image.path().join("db"), torn).unwrap();
        if chance.below(2) == 0 {
            // As after a power cut, when it may be anything that it ever was.
            fs::remove_file(image.path().join("acknowledged")).unwrap();
        }
        let torn = SledEngine::open(image.path()).unwrap_or_else(|e| panic!("{round}: {e}"));
        assert!(before.is_in(&torn) || session.is_in(&torn), "round {round}");
    }
}

/// Sled writes zeros over the segments of a write in flight, and where it can't make a snapshot then, for
/// want of room, the next open reads the same log again. Of those segments some were in use before; that
/// these are free nobody says but the headers of those behind them.
#[test]
fn segments_that_were_used_again_by_a_write_in_flight_are_no_damage_once_they_are_given_up() {
    let directory = tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut numbers = Numbers(7);
    let mut batch = || -> BTreeMap<u8, Vec<u8>> {
        (0..240).map(|key| (key, numbers.bytes(MAX_VALUE_BYTES))).collect()
    };
    let write = |content: &BTreeMap<u8, Vec<u8>>| {
        engine.apply(content.iter().map(|(key, value)| put(&[*key], value)).collect()).unwrap();
    };
    let mut content = batch();
    write(&content);
    for round in 0..8 {
        let image = tempdir().unwrap();
        copy(directory.path(), image.path());
        let data = image.path().join("db");
        let before = fs::read(&data).unwrap();
        let next = batch();
        write(&next);
        let mut torn = fs::read(directory.path().join("db")).unwrap();
        let mut in_flight = Vec::new();
        for (at, segment) in torn.chunks_mut(super::SEGMENT_BYTES).enumerate() {
            let at = at * super::SEGMENT_BYTES;
            if before.get(at..at + 20) != Some(&segment[..20]) {
                segment[20..].fill(0);
                in_flight.push(at..at + 20);
            } else if segment[..20] != [0; 20] {
                // Where the disk is slow, a segment is begun long before those below it are written.
                segment[12..20].copy_from_slice(&i64::MAX.to_le_bytes());
                let checksum = !crc32fast::hash(&segment[4..20]);
                segment[..4].copy_from_slice(&checksum.to_le_bytes());
            }
        }
        fs::write(&data, &torn).unwrap();
        // The headers are read once, or never.
        if round % 2 == 0 {
            let opening = Opening::before::<Segments>(image.path());
            drop(opening.unwrap_or_else(|e| panic!("{round}: {e}")));
        }
        let mut given_up = fs::read(&data).unwrap();
        let length = given_up.len();
        in_flight.into_iter().filter(|header| header.end <= length).for_each(|header| {
            given_up[header].fill(0);
        });
        fs::write(&data, given_up).unwrap();
        let opened = SledEngine::open(image.path()).unwrap_or_else(|e| panic!("{round}: {e}"));
        for (key, value) in &content {
            assert!(opened.get(&[*key]).unwrap().as_ref() == Some(value), "{round}: {key}");
        }
        content = next;
    }
}

/// Sled passes over the rest of a segment in which it can't read something.
#[test]
fn damage_in_the_midst_of_a_long_session_is_refused_or_means_nothing() {
    let directory = tempdir().unwrap();
    let engine = SledEngine::open(directory.path()).unwrap();
    let mut session = LongSession { numbers: Numbers(3), content: BTreeMap::new() };
    for _ in 0..12 {
        session.write(&engine);
    }
    let killed = tempdir().unwrap();
    copy(directory.path(), killed.path());
    drop(engine);
    let whole = fs::read(killed.path().join("db")).unwrap();
    let mut refused = 0;
    for segment in 0..whole.len() / super::SEGMENT_BYTES {
        // Its header, or somewhere in it.
        let at = [6, super::SEGMENT_BYTES / 3][segment % 2];
        let image = tempdir().unwrap();
        copy(killed.path(), image.path());
        let mut bytes = whole.clone();
        bytes[segment * super::SEGMENT_BYTES + at] ^= 1;
        fs::write(image.path().join("db"), bytes).unwrap();
        match SledEngine::open(image.path()) {
            Ok(engine) => assert!(session.is_in(&engine), "byte {at} of segment {segment}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 1, "{refused}");
    assert!(session.is_in(&SledEngine::open(killed.path()).unwrap()));
}
