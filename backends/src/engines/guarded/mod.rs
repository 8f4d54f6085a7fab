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
mod rewrite;
mod slot;
mod worker;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::{Error, ErrorKind, Result};

use self::reads::READS;
pub use self::reads::ReadWatch;
pub(crate) use self::rewrite::is_cut_off;
use self::rewrite::{Files, put_back, remove_leftovers};
use self::slot::{Slot, closed, or_closed};
use self::worker::{Ended, Patience, Worker};
use crate::disk;
use crate::ordered::engine::{Batch, Direction, Engine, Recovered, Visitor};
use crate::panics::{error_of_panic, note_trouble};

/// How an engine is opened in the directory that it has for itself.
pub(crate) type OpenEngine = fn(&Path) -> Result<Arc<dyn Engine>>;

/// What must not be let go of while the engine may still write.
pub(crate) type KeepAlive = Arc<dyn Send + Sync>;

/// An engine behind a thread of its own.
pub(crate) struct Guarded {
    files: Files,
    slot: Arc<Slot>,
    recovered: Option<Recovered>,
    worker: Worker,
    /// Held by the call that runs on the worker, until what came of it is in `state`.
    turn: Mutex<()>,
    state: Mutex<State>,
    held: Option<KeepAlive>,
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
        held: Option<KeepAlive>,
        open: OpenEngine,
    ) -> Result<Self> {
        put_back(directory)?;
        let opened = Self::over(Files { name, directory: directory.to_owned(), open }, held)?;
        if let Err(error) = remove_leftovers(directory) {
            tracing::warn!("what a compaction left beside {} stays: {error}", directory.display());
        }
        Ok(opened)
    }

    /// Opens the engine over its files as they are.
    fn over(files: Files, held: Option<KeepAlive>) -> Result<Self> {
        let name = files.name;
        let worker = Worker::start(name).map_err(|source| {
            Error::unavailable("no thread could be started").with_source(source)
        })?;
        let (path, open) = (files.directory.clone(), files.open);
        let ended = worker.run(&Patience::of_opening(&path.clone()), move || open(&path));
        let shown = files.directory.display();
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
        let recovered = engine.recovered().cloned();
        let (slot, state) = (Slot::new(engine), Mutex::new(State::Working));
        Ok(Self { files, slot, recovered, worker, turn: Mutex::default(), state, held })
    }

    /// Reads from the engine; while its files are exchanged, waits.
    fn read<T>(&self, call: impl FnOnce(&dyn Engine) -> Result<T>) -> Result<T> {
        const POLL: Duration = Duration::from_millis(5);
        loop {
            if let Some(engine) = &*self.slot.read() {
                let _reading = READS.begin();
                return call(&**engine);
            }
            match &*self.state() {
                State::Working => {}
                State::Failed(cause) | State::GivenUp(cause) => {
                    let context = format!("{} could not be opened again", self.place());
                    return Err(Error::unavailable(context).with_source(cause.clone()));
                }
            }
            std::thread::sleep(POLL);
        }
    }

    fn place(&self) -> String {
        format!("the {} store {}", self.files.name, self.files.directory.display())
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
        let patience = Patience::of(&self.files.directory, Some(self.slot.clone()));
        self.call_with(&patience, kind, doing, |slot| or_closed(slot.with(call)))
    }

    fn call_with<T: Send + 'static>(
        &self,
        patience: &Patience,
        kind: ErrorKind,
        doing: &str,
        call: impl FnOnce(&Arc<Slot>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.must_be_working()?;
        let slot = self.slot.clone();
        let place = self.place();
        match self.worker.run(patience, move || call(&slot)) {
            Ended::With(Ok(made)) => Ok(made),
            Ended::With(Err(error)) => {
                let has_failed = patience.failure().is_some() || self.slot.is_empty();
                if error.kind() == ErrorKind::Indeterminate || has_failed {
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
        self.read(|engine| engine.get(key))
    }

    fn visit(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        visitor: &mut Visitor<'_>,
    ) -> Result<()> {
        self.read(|engine| engine.visit(from, to, direction, visitor))
    }

    fn apply(&self, batch: Batch) -> Result<()> {
        READS.note_write();
        self.call(ErrorKind::Indeterminate, "a write to", move |engine| engine.apply(batch))
    }

    fn disk_bytes(&self) -> Result<u64> {
        self.read(Engine::disk_bytes)
    }

    /// Nothing of what was removed is left in the files. It takes the room of what is live besides.
    /// What is compacted reads as before, so nothing is changed if it fails.
    fn compact(&self) -> Result<()> {
        let Some(parent) = self.files.directory.parent() else { return Err(closed()) };
        // What is written is beside the engine's directory, and much is read before.
        let patience = Patience::of_opening(parent);
        let (files, held) = (self.files.clone(), self.held.clone());
        self.call_with(&patience, ErrorKind::Unavailable, "compacting", move |slot| {
            files.rewrite(slot, held.as_ref())
        })
    }

    fn failure(&self) -> Option<Error> {
        self.slot.failure()
    }

    fn recovered(&self) -> Option<&Recovered> {
        self.recovered.as_ref()
    }
}

impl Guarded {
    /// Closes the engine on its thread, before what is held is let go of. All that was acknowledged is
    /// durable before.
    ///
    /// # Errors
    /// Those of a call that failed before, after which nothing is known to be on its way any more.
    fn close(mut self) -> Result<()> {
        self.must_be_working()?;
        self.shut()
    }

    fn shut(&mut self) -> Result<()> {
        let (slot, held) = (self.slot.clone(), self.held.take());
        if matches!(*self.state(), State::GivenUp(_)) {
            std::mem::forget((slot, held));
            return Ok(());
        }
        let patience = Patience::of_closing(&self.files.directory);
        match self.worker.run(&patience, move || {
            drop(slot.take());
            Ok(())
        }) {
            Ended::With(_) => Ok(()),
            Ended::Panicked(message) => Err(error_of_panic("closing it failed", &message)),
            Ended::Not(cause) => {
                std::mem::forget((self.slot.clone(), held));
                Err(given_up(ErrorKind::Unavailable, "it", cause))
            }
        }
    }
}

/// Trouble on the way is told, and is no error.
impl Drop for Guarded {
    fn drop(&mut self) {
        let is_given_up = matches!(*self.state(), State::GivenUp(_));
        if !is_given_up && self.slot.is_empty() {
            return;
        }
        if let Err(trouble) = self.shut() {
            let place = self.place();
            note_trouble(format!(
                "{place} was not closed well; all that was acknowledged is durable: {}",
                trouble.in_full()
            ));
        }
    }
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
    let again = Error::new(kind, error.message());
    if let Some(full) = disk::full_disk(error) {
        return again.with_source(full);
    }
    let causes: Vec<String> = error.causes().map(ToString::to_string).collect();
    if causes.is_empty() { again } else { again.with_source(causes.join(": ")) }
}

#[cfg(test)]
mod tests;
