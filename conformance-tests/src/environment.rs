//! A clock and randomness that repeat themselves.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use argon_core::{Clock, Ids};
use bson::DateTime;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A clock that stands where it was set.
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    /// The time at which a new clock stands: 2026-01-01T00:00:00Z.
    pub(crate) const START: i64 = 1_767_225_600_000;

    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(Self::START))
    }

    /// Sets it to `millis` after [`START`](Self::START).
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(Self::START + millis, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> DateTime {
        DateTime::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// The time `millis` after the start of a [`SetClock`].
pub(crate) fn time(millis: i64) -> DateTime {
    DateTime::from_millis(SetClock::START + millis)
}

/// Identifiers that are the same in every run.
pub(crate) struct SeededIds(AtomicU64);

impl SeededIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(Random::STEP, Ordering::Relaxed);
            chunk.copy_from_slice(&Random::mix(state).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A small generator of random numbers: `SplitMix64` (Steele, Lea and Flood, "Fast Splittable
/// Pseudorandom Number Generators", 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

    /// A generator for one use, named by `stream`; what it gives depends on `ARGON_TEST_SEED` too.
    pub(crate) fn new(stream: u64) -> Self {
        Self(Self::mix(seed() ^ stream))
    }

    fn mix(state: u64) -> u64 {
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        Self::mix(self.0)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of `items`, which is not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let at = self.below(items.len() as u64);
        &items[usize::try_from(at).unwrap()]
    }
}

/// The seed of all random cases: `ARGON_TEST_SEED`, or 0.
pub(crate) fn seed() -> u64 {
    from_environment("ARGON_TEST_SEED").unwrap_or(0)
}

/// How many random cases to try where `usual` is enough for every day: times `ARGON_TEST_CASES`.
pub(crate) fn cases(usual: u32) -> u32 {
    let times = from_environment("ARGON_TEST_CASES").unwrap_or(1);
    usual.saturating_mul(u32::try_from(times).unwrap_or(u32::MAX))
}

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is '{text}', which is no number")))
}

/// An environment that stands still and draws from `seed`.
pub(crate) fn seeded(seed: u64) -> argon_core::Environment {
    argon_core::Environment::new(
        std::sync::Arc::new(SetClock::new()),
        std::sync::Arc::new(SeededIds::new(seed)),
    )
}

/// Runs `check` on random values; the one that fails is made as small as possible. Tests with different
/// `stream`s get different ones.
pub(crate) fn for_random<T: std::fmt::Debug>(
    stream: u8,
    usual: u32,
    values: &impl Strategy<Value = T>,
    check: impl Fn(T),
) {
    let mut bytes = [stream; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config {
        cases: cases(usual),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let result = TestRunner::new_with_rng(config, rng).run(values, |value| {
        check(value);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("with ARGON_TEST_SEED={}: {failure}", seed());
    }
}
