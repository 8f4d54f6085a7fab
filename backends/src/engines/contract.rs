//! What every [`Engine`] owes, as tests that each implementation calls.

#[cfg(any(feature = "sled", feature = "fjall"))]
pub(crate) mod damage;
#[cfg(any(feature = "sled", feature = "fjall"))]
pub(crate) mod on_disk;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ordered::engine::{Batch, Direction, Engine, MAX_KEY_BYTES, MAX_VALUE_BYTES, Write};

/// A test for each case, over a fresh engine made by `$fresh`.
macro_rules! contract_tests {
    ($fresh:expr) => {
        $crate::engines::contract::contract_tests!($fresh;
            a_batch_puts_and_removes
            bounds_are_inclusive_and_exclusive
            visits_stop_when_the_visitor_breaks
            empty_and_inverted_ranges_show_nothing
            empty_values_and_largest_entries_come_back
            descending_visits_cross_runs_of_ff
            readers_see_whole_histories_while_a_writer_writes
            random_operations_agree_with_a_sorted_map
        );
    };
    ($fresh:expr; $($case:ident)*) => {
        $(#[test]
        fn $case() {
            $crate::engines::contract::$case(&*($fresh)());
        })*
    };
}

pub(crate) use contract_tests;

pub(crate) fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Write {
    Write::Put { key: key.into(), value: value.into() }
}

pub(crate) fn remove(key: impl Into<Vec<u8>>) -> Write {
    Write::Remove { key: key.into() }
}

/// Everything with `from <= key < to`, in the order shown.
fn entries(
    engine: &dyn Engine,
    from: &[u8],
    to: &[u8],
    direction: Direction,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut shown = Vec::new();
    engine
        .visit(from, to, direction, &mut |key, value| {
            shown.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    shown
}

fn keys(engine: &dyn Engine, from: &[u8], to: &[u8], direction: Direction) -> Vec<Vec<u8>> {
    entries(engine, from, to, direction).into_iter().map(|(key, _)| key).collect()
}

/// A small generator of numbers (`SplitMix64`), so that every run does the same.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).take(len).collect()
    }
}

pub(crate) fn a_batch_puts_and_removes(engine: &dyn Engine) {
    engine.apply(vec![put("a", "1"), put("b", "2"), remove("absent")]).unwrap();
    engine.apply(vec![remove("a"), put("b", "3"), put("c", "4")]).unwrap();
    let rows = entries(engine, b"a", b"z", Direction::Ascending);
    assert_eq!(rows, [(b"b".to_vec(), b"3".to_vec()), (b"c".to_vec(), b"4".to_vec())]);
    engine.apply(vec![]).unwrap();
}

pub(crate) fn bounds_are_inclusive_and_exclusive(engine: &dyn Engine) {
    engine.apply(["a", "b", "ba", "c", "d"].map(|key| put(key, key)).into()).unwrap();
    let up =
        |from: &str, to: &str| keys(engine, from.as_bytes(), to.as_bytes(), Direction::Ascending);
    assert_eq!(up("b", "d"), [&b"b"[..], b"ba", b"c"]);
    assert_eq!(up("aa", "bb"), [&b"b"[..], b"ba"]);
    assert_eq!(up("", "~").len(), 5);
    assert_eq!(up("e", "~").len(), 0);
    let mut down = keys(engine, b"b", b"d", Direction::Descending);
    assert_eq!(down, [&b"c"[..], b"ba", b"b"]);
    down = keys(engine, b"", b"bb", Direction::Descending);
    assert_eq!(down, [&b"ba"[..], b"b", b"a"]);
}

pub(crate) fn visits_stop_when_the_visitor_breaks(engine: &dyn Engine) {
    engine.apply((0..100).map(|i| put([i], [i])).collect()).unwrap();
    for (direction, expected) in
        [(Direction::Ascending, [10, 11, 12]), (Direction::Descending, [89, 88, 87])]
    {
        let mut shown = Vec::new();
        engine
            .visit(&[10], &[90], direction, &mut |key, _| {
                shown.push(key[0]);
                if shown.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
        assert_eq!(shown, expected);
    }
}

pub(crate) fn empty_and_inverted_ranges_show_nothing(engine: &dyn Engine) {
    engine.apply(["a", "b", "c"].map(|key| put(key, key)).into()).unwrap();
    for direction in [Direction::Ascending, Direction::Descending] {
        for (from, to) in [("b", "b"), ("c", "a"), ("", ""), ("bb", "c"), ("a", "")] {
            assert!(keys(engine, from.as_bytes(), to.as_bytes(), direction).is_empty());
        }
    }
}

pub(crate) fn empty_values_and_largest_entries_come_back(engine: &dyn Engine) {
    let mut numbers = Numbers(1);
    let longest = [vec![0xff; MAX_KEY_BYTES], numbers.bytes(MAX_KEY_BYTES)];
    let largest = numbers.bytes(MAX_VALUE_BYTES);
    let batch = longest.iter().map(|key| put(&key[..], &largest[..]));
    engine.apply(batch.chain([put("empty", "")]).collect()).unwrap();
    assert_eq!(engine.get(b"empty").unwrap().as_deref(), Some(&b""[..]));
    for key in &longest {
        assert_eq!(engine.get(key).unwrap().as_ref(), Some(&largest));
    }
    assert_eq!(engine.get(b"absent").unwrap(), None);
}

/// Many versions of each document under inverted numbers, where plain sled 0.34.7 panics.
pub(crate) fn descending_visits_cross_runs_of_ff(engine: &dyn Engine) {
    let key = |document: u8, version: u64| [&[document][..], &(!version).to_be_bytes()].concat();
    let mut shuffled: Vec<_> =
        (0..60).flat_map(|document| (0..60).map(move |version| key(document, version))).collect();
    let mut numbers = Numbers(4);
    shuffled.sort_by_cached_key(|_| numbers.next());
    for chunk in shuffled.chunks(100) {
        engine.apply(chunk.iter().map(|key| put(&key[..], "")).collect()).unwrap();
    }
    let mut expected = shuffled;
    expected.sort();
    assert_eq!(keys(engine, &[], &[0xff], Direction::Ascending), expected);
    expected.reverse();
    assert_eq!(keys(engine, &[], &[0xff], Direction::Descending), expected);
    for document in 1..60 {
        let shown = keys(engine, &[], &[document], Direction::Descending);
        assert_eq!(shown[0], key(document - 1, 0));
    }
}

/// The writer overwrites all keys in every batch; an entry that is always there is never missed.
pub(crate) fn readers_see_whole_histories_while_a_writer_writes(engine: &dyn Engine) {
    const KEYS: u8 = 200;
    let write = |round: u8| {
        engine.apply((0..KEYS).map(|key| put([key], [round])).collect()).unwrap();
    };
    write(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for direction in [Direction::Ascending, Direction::Descending] {
            let done = &done;
            scope.spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let shown = keys(engine, &[0], &[0xff], direction);
                    assert_eq!(shown.len(), usize::from(KEYS));
                    let round = engine.get(&[7]).unwrap().unwrap()[0];
                    assert!(round >= last, "an overwritten value came back");
                    last = round;
                }
            });
        }
        (1..=40).for_each(write);
        done.store(true, Ordering::Relaxed);
    });
}

pub(crate) fn random_operations_agree_with_a_sorted_map(engine: &dyn Engine) {
    let mut numbers = Numbers(2);
    let mut model = BTreeMap::new();
    for round in 0..150 {
        let batch = random_batch(&mut numbers);
        for write in &batch {
            match write {
                Write::Put { key, value } => model.insert(key.clone(), value.clone()),
                Write::Remove { key } => model.remove(key),
            };
        }
        engine.apply(batch).unwrap();
        let (from, to) = (random_key(&mut numbers), random_key(&mut numbers));
        let mut expected: Vec<_> = model
            .iter()
            .filter(|(key, _)| (&from..&to).contains(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        assert_eq!(entries(engine, &from, &to, Direction::Ascending), expected, "round {round}");
        expected.reverse();
        assert_eq!(entries(engine, &from, &to, Direction::Descending), expected, "round {round}");
        assert_eq!(engine.get(&from).unwrap(), model.get(&from).cloned());
    }
}

/// Short keys of few distinct bytes, so that they meet, share prefixes and have runs of `0xff`.
fn random_key(numbers: &mut Numbers) -> Vec<u8> {
    let len = 1 + numbers.below(8);
    (0..len).map(|_| [0, 1, 0xfe, 0xff, 0xff, 0xff][numbers.below(6)]).collect()
}

fn random_batch(numbers: &mut Numbers) -> Batch {
    let writes = numbers.below(60);
    let keys: BTreeSet<Vec<u8>> = (0..writes).map(|_| random_key(numbers)).collect();
    keys.into_iter()
        .map(|key| {
            if numbers.below(3) == 0 {
                return remove(key);
            }
            let len = numbers.below(40);
            put(key, numbers.bytes(len))
        })
        .collect()
}
