//! The thread of an engine, and how long its calls are waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use argon_core::{Error, Result};

use super::slot::Slot;
use crate::engines::files;
use crate::panics::{self, Aborting, panic_message};

/// How often a call that is waited for is looked at.
const TICK: Duration = Duration::from_millis(50);

/// So many ticks a call may go on after its engine has failed: 3 seconds, in which it should notice.
const TICKS_AFTER_A_FAILURE: u32 = 60;

/// So many ticks a call may go on without a sign of work on the disk: one minute.
const TICKS_WITHOUT_A_SIGN: u32 = 1_200;

/// The same for closing, since all that was acknowledged is durable before: 10 seconds.
const TICKS_OF_CLOSING: u32 = 200;

/// So many ticks pass between two looks at the files.
const TICKS_PER_LOOK: u32 = 20;

type Job = Box<dyn FnOnce() + Send>;

/// What came of a call.
pub(super) enum Ended<T> {
    /// It gave its result.
    With(Result<T>),
    /// It panicked with this message.
    Panicked(String),
    /// It goes on, or its thread can't go on; why, if the engine says so.
    Not(Option<Error>),
}

/// A thread that runs one call after the other. It ends with the value, unless a call does not end.
pub(super) struct Worker {
    jobs: Sender<Job>,
    aborting: Arc<Aborting>,
}

impl Worker {
    pub(super) fn start(name: &str) -> std::io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let aborting = Arc::new(Aborting::default());
        let of_thread = aborting.clone();
        thread::Builder::new().name(format!("{name}-engine")).spawn(move || {
            panics::belongs_to(&of_thread);
            while let Ok(job) = todo.recv() {
                job();
            }
        })?;
        Ok(Self { jobs, aborting })
    }

    /// Runs a call, and waits for it as long as `patience` says.
    pub(super) fn run<T: Send + 'static>(
        &self,
        patience: &Patience,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Ended<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let job = Box::new(move || {
            let ended = match catch_unwind(AssertUnwindSafe(call)) {
                Ok(result) => Ended::With(result),
                Err(payload) => Ended::Panicked(panic_message(&*payload)),
            };
            // Whoever has given up does not want the answer.
            let _ = answer.send(ended);
        });
        if self.jobs.send(job).is_err() {
            return Ended::Not(None);
        }
        patience.wait(&answered, &self.aborting)
    }
}

/// How long a call is waited for: as long as the engine is well and there are signs of work.
pub(super) struct Patience {
    directory: PathBuf,
    engine: Option<Arc<Slot>>,
    /// Whether bytes that are read count as work.
    opening: bool,
    ticks_without_a_sign: u32,
}

impl Patience {
    pub(super) fn of(directory: &Path, engine: Option<Arc<Slot>>) -> Self {
        let ticks_without_a_sign = TICKS_WITHOUT_A_SIGN;
        Self { directory: directory.to_owned(), engine, opening: false, ticks_without_a_sign }
    }

    pub(super) fn of_closing(directory: &Path) -> Self {
        Self { ticks_without_a_sign: TICKS_OF_CLOSING, ..Self::of(directory, None) }
    }

    /// An engine that opens may have much to read before it writes.
    pub(super) fn of_opening(directory: &Path) -> Self {
        Self { opening: true, ..Self::of(directory, None) }
    }

    /// How the engine has failed in the background, if it has.
    pub(super) fn failure(&self) -> Option<Error> {
        self.engine.as_ref().and_then(|engine| engine.failure())
    }

    fn wait<T>(&self, answered: &Receiver<Ended<T>>, aborting: &Aborting) -> Ended<T> {
        let (mut ticks, mut without_a_sign, mut since_a_failure) = (0, 0, 0);
        let mut sign = 0;
        loop {
            match answered.recv_timeout(TICK) {
                Ok(ended) => return ended,
                Err(RecvTimeoutError::Disconnected) => return Ended::Not(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(message) = aborting.message() {
                return Ended::Panicked(message);
            }
            ticks += 1;
            without_a_sign += 1;
            if let Some(failure) = self.failure() {
                since_a_failure += 1;
                if since_a_failure > TICKS_AFTER_A_FAILURE {
                    return Ended::Not(Some(failure));
                }
            }
            if ticks % TICKS_PER_LOOK == 0 {
                let seen = self.sign();
                if seen != sign {
                    (sign, without_a_sign) = (seen, 0);
                }
            }
            if without_a_sign > self.ticks_without_a_sign {
                return Ended::Not(None);
            }
        }
    }

    /// A number that changes as the engine works.
    fn sign(&self) -> u64 {
        let written = files::change_of(&self.directory);
        if self.opening { written.wrapping_add(bytes_read()) } else { written }
    }
}

/// The bytes that this process has read, where the system tells.
pub(super) fn bytes_read() -> u64 {
    let Ok(counters) = std::fs::read_to_string("/proc/self/io") else { return 0 };
    let read = counters.lines().find_map(|line| line.strip_prefix("rchar: "));
    // Looking at this file is a little reading itself, always about as much.
    read.and_then(|bytes| bytes.trim().parse::<u64>().ok()).unwrap_or(0) >> 12
}
