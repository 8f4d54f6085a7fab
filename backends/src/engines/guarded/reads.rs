//! Whether a read of an engine hangs.
//!
//! Reads run where they are called, since another thread costs more than most of them. So a caller can't
//! give one up; but who waits for a whole command can see that a read has begun which does not end, and
//! end the process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use argon_core::Error;

/// How many reads have begun and ended in a process.
pub(super) struct Reads {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whether anything was written.
    wrote: AtomicBool,
}

/// All of this process.
pub(super) static READS: Reads = Reads::new();

impl Reads {
    pub(super) const fn new() -> Self {
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { begun, ended, wrote: AtomicBool::new(false) }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.begun.load(Ordering::Relaxed), self.ended.load(Ordering::Relaxed))
    }

    /// Counts a read as under way until the value is dropped.
    pub(super) fn begin(&self) -> Reading<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Reading(self)
    }

    pub(super) fn note_write(&self) {
        self.wrote.store(true, Ordering::Relaxed);
    }
}

/// A read that is under way.
pub(super) struct Reading<'a>(&'a Reads);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Looks, again and again, whether the reads of local stores in this process come to an end.
pub struct ReadWatch {
    reads: &'static Reads,
    bytes_read: fn() -> u64,
    sign: (u64, u64),
    looks_without_a_sign: u32,
}

impl Default for ReadWatch {
    fn default() -> Self {
        Self::of(&READS, super::worker::bytes_read)
    }
}

impl ReadWatch {
    /// So many looks a read may go on while none ends and nothing is read.
    pub const MOST_LOOKS: u32 = 60;

    pub(super) fn of(reads: &'static Reads, bytes_read: fn() -> u64) -> Self {
        Self { reads, bytes_read, sign: (0, 0), looks_without_a_sign: 0 }
    }

    /// Looks once, which is to be done every second. Gives the error for a read that has not ended for
    /// [`MOST_LOOKS`](Self::MOST_LOOKS): `Unavailable`, or `Indeterminate` if something was written, as
    /// nobody may have been told what came of that.
    pub fn look(&mut self) -> Option<Error> {
        let ended = self.reads.ended.load(Ordering::Relaxed);
        let hangs = self.reads.begun.load(Ordering::Relaxed) > ended;
        let sign = (ended, (self.bytes_read)());
        if !hangs || sign != self.sign {
            (self.sign, self.looks_without_a_sign) = (sign, 0);
            return None;
        }
        self.looks_without_a_sign += 1;
        if self.looks_without_a_sign < Self::MOST_LOOKS {
            return None;
        }
        let context = "reading the store did not come to an end, and was given up";
        let error = if self.reads.wrote.load(Ordering::Relaxed) {
            Error::indeterminate(context)
        } else {
            Error::unavailable(context)
        };
        Some(error.with_source("the disk or the engine does not answer"))
    }
}
