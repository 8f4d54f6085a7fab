//! An engine whose calls end, whatever happens in it.
//!
//! Both engines have threads of their own, and wait for them without a bound; they panic at errors of
//! the disk, also while they close. So whatever may wait (opening, writing, compaction, closing) runs
//! on a thread that the engine has for itself, while the caller watches it. A call that panics becomes
//! an error. A call that does not end is given up: the engine is left to that thread, with all that it
//! holds, its lock among it, until the process ends.
//!
//! Reads run where they are called, since they are short (see `ordered::blocking`). They wait for the
//! disk alone, and who waits for a command sees that one hangs ([`reads`]).

mod reads;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use argon_core::{Error, ErrorKind, Result};

use self::reads::READS;
pub use self::reads::ReadWatch;
use self::worker::{Ended, Patience, Worker};
use crate::disk;
use crate::ordered::engine::{Batch, Direction, Engine, Recovered, Visitor};
use crate::panics::{error_of_panic, note_trouble};

/// How an engine is opened in the directory that it has for itself.
pub(crate) type OpenEngine = fn(&Path) -> Result<Arc<dyn Engine>>;

/// What must not be let go of while the engine may still write.
pub(crate) type Held = Arc<dyn Send + Sync>;

/// An engine behind a thread of its own.
pub(crate) struct Guarded {
    name: &'static str,
    directory: PathBuf,
    /// `None` once it is closed.
    engine: Option<Arc<dyn Engine>>,
    worker: Worker,
    state: Mutex<State>,
    held: Option<Held>,
}

/// What has happened to the engine.
enum State {
    Working,
    /// A write failed, for this reason; nothing is written any more.
    Failed(Arc<Error>),
    /// A call did not end, for this reason.
    GivenUp(Arc<Error>),
}

impl Guarded {
    /// Opens the engine `name` in `directory`; `held` is let go of after it is closed.
    ///
    /// # Errors
    /// Those of `open`; `Unavailable` if the disk refuses, or the engine does not come to an end;
    /// `Corrupt` if it panics over what it reads.
    pub(crate) fn open(
        name: &'static str,
        directory: &Path,
        held: Option<Held>,
        open: OpenEngine,
    ) -> Result<Self> {
        let worker = Worker::start(name).map_err(|source| {
            Error::unavailable("no thread could be started").with_source(source)
        })?;
        let path = directory.to_owned();
        let ended = worker.run(&Patience::of_opening(directory), move || open(&path));
        let shown = directory.display();
        let engine = match ended {
            Ended::With(opened) => opened?,
            Ended::Panicked(message) => {
                return Err(error_of_panic(
                    &format!("the engine {name} failed as it opened {shown}"),
                    &message,
                ));
            }
            Ended::Not(cause) => {
                // Its thread may write yet.
                std::mem::forget(held);
                return Err(given_up(
                    ErrorKind::Unavailable,
                    &format!("opening the {name} store {shown}"),
                    cause,
                ));
            }
        };
        let state = Mutex::new(State::Working);
        let directory = directory.to_owned();
        Ok(Self { name, directory, engine: Some(engine), worker, state, held })
    }

    fn engine(&self) -> &dyn Engine {
        // It is taken only by `drop`.
        self.engine.as_deref().unwrap_or(&Closed)
    }

    fn place(&self) -> String {
        format!("the {} store {}", self.name, self.directory.display())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if an earlier call did not end well, with the reason of that one.
    fn must_be_working(&self) -> Result<()> {
        let (State::Failed(cause) | State::GivenUp(cause)) = &*self.state() else { return Ok(()) };
        let context = format!("{} takes no writes since one failed; open it again", self.place());
        Err(Error::unavailable(context).with_source(cause.clone()))
    }

    /// Runs a call that may wait on the engine's thread. An error that it ends with otherwise is of
    /// `kind`; `doing` says what is done, as in "a write to".
    fn call<T: Send + 'static>(
        &self,
        kind: ErrorKind,
        doing: &str,
        call: impl FnOnce(&dyn Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.must_be_working()?;
        let Some(engine) = self.engine.clone() else { return Err(closed()) };
        let patience = Patience::of(&self.directory, self.engine.clone());
        let place = self.place();
        match self.worker.run(&patience, move || call(&*engine)) {
            Ended::With(Ok(made)) => Ok(made),
            Ended::With(Err(error)) => {
                if error.kind() == ErrorKind::Indeterminate || patience.failure().is_some() {
                    self.failed(&error, patience.failure());
                }
                Err(error)
            }
            Ended::Panicked(message) => {
                let cause = error_of_panic(&format!("{doing} {place} failed"), &message);
                let is_damage =
                    cause.kind() == ErrorKind::Corrupt && kind != ErrorKind::Indeterminate;
                let kind = if is_damage { ErrorKind::Corrupt } else { kind };
                let error = retold(kind, &cause);
                *self.state() = State::Failed(Arc::new(cause));
                Err(error)
            }
            Ended::Not(cause) => {
                let error = given_up(kind, &format!("{doing} {place}"), cause);
                *self.state() = State::GivenUp(Arc::new(retold(kind, &error)));
                Err(error)
            }
        }
    }

    /// Remembers the first failure, since what comes after only tells that there was one.
    fn failed(&self, error: &Error, below: Option<Error>) {
        let cause = below.unwrap_or_else(|| retold(error.kind(), error));
        let mut state = self.state();
        if matches!(*state, State::Working) {
            *state = State::Failed(Arc::new(cause));
        }
    }
}

impl Engine for Guarded {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let _reading = READS.begin();
        self.engine().get(key)
    }

    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        let _reading = READS.begin();
        self.engine().visit(from, to, direction, visitor)
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        READS.note_write();
        self.call(ErrorKind::Indeterminate, "a write to", move |engine| engine.apply(batch))
    }

    fn disk_bytes(&self) -> Result<u64> {
        let _reading = READS.begin();
        self.engine().disk_bytes()
    }

    /// What is compacted reads as before, so nothing is changed if it fails.
    fn compact(&self) -> Result<()> {
        let compacted = self.call(ErrorKind::Unavailable, "compacting", Engine::compact);
        compacted.map_err(|error| match error.kind() {
            ErrorKind::Indeterminate => retold(ErrorKind::Unavailable, &error),
            _ => error,
        })
    }

    fn failure(&self) -> Option<Error> {
        self.engine().failure()
    }

    fn recovered(&self) -> Option<&Recovered> {
        self.engine.as_deref().and_then(Engine::recovered)
    }
}

/// Closes the engine on its thread, before what is held is let go of. All that was acknowledged is
/// durable before; so trouble on the way is told, and is no error.
impl Drop for Guarded {
    fn drop(&mut self) {
        let (engine, held) = (self.engine.take(), self.held.take());
        let abandoned = matches!(*self.state(), State::GivenUp(_));
        if abandoned {
            std::mem::forget((engine, held));
            return;
        }
        let patience = Patience::of_closing(&self.directory);
        let trouble = match self.worker.run(&patience, move || {
            drop(engine);
            Ok(())
        }) {
            Ended::With(_) => None,
            Ended::Panicked(message) => Some(error_of_panic("closing it failed", &message)),
            Ended::Not(cause) => {
                std::mem::forget(held);
                Some(given_up(ErrorKind::Unavailable, "it", cause))
            }
        };
        if let Some(trouble) = trouble {
            let place = self.place();
            note_trouble(format!(
                "{place} was not closed well; all that was acknowledged is durable: {}",
                trouble.in_full()
            ));
        }
    }
}

/// What is there after the engine is closed: nothing.
struct Closed;

impl Engine for Closed {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(closed())
    }

    fn visit(&self, _: &[u8], _: &[u8], _: Direction, _: &mut Visitor<'_>) -> Result<()> {
        Err(closed())
    }

    fn apply(&self, _: Batch) -> Result<()> {
        Err(closed())
    }

    fn disk_bytes(&self) -> Result<u64> {
        Err(closed())
    }

    fn compact(&self) -> Result<()> {
        Err(closed())
    }
}

fn closed() -> Error {
    Error::internal("the store is closed")
}

/// The error for a call that did not come to an end.
fn given_up(kind: ErrorKind, what: &str, cause: Option<Error>) -> Error {
    let error = Error::new(kind, format!("{what} did not come to an end, and was given up"));
    match cause {
        Some(cause) => error.with_source(cause),
        None => error.with_source("the disk or the engine does not answer"),
    }
}

/// The same error once more, perhaps of another kind.
fn retold(kind: ErrorKind, error: &Error) -> Error {
    let again = Error::new(kind, error.context());
    if let Some(full) = disk::full_disk(error) {
        return again.with_source(full);
    }
    let causes: Vec<String> = error.causes().map(ToString::to_string).collect();
    if causes.is_empty() { again } else { again.with_source(causes.join(": ")) }
}

#[cfg(test)]
mod tests;
