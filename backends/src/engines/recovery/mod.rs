//! What is looked at before and after an engine opens its log, so that no acknowledged batch is lost
//! in silence.
//!
//! Both engines take whatever they can't read near the end of their log for a torn tail, and cut it
//! off. Whether it is one, they can't tell; we can:
//!
//! - Batches are numbered. An engine's log is read before the engine opens it ([`Log::examine`]): a
//!   batch that can't be read, and others behind it that can, is damage, as no batch is begun before
//!   the one before is durable.
//! - The number of the last batch that was acknowledged is kept outside the log ([`acknowledged`]):
//!   a log that ends below it lost something.
//! - After a write that failed, the log is written and synced once more ([`unsynced`]).
//!
//! A log that lost something is not opened: that is `Corrupt`, at every attempt. What the engine would
//! cut off is copied beside it first. A person may go on with what is left by creating the file
//! `accept-loss` ([`ACCEPT`]).

mod acknowledged;
mod unsynced;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use argon_core::{Error, ErrorKind, Result};

use self::acknowledged::Acknowledged;
use self::unsynced::Mark;
use super::files;
use crate::disk::is_full;
use crate::ordered::engine::Recovered;

/// The file by which a person takes the loss that was reported.
const ACCEPT: &str = "accept-loss";

/// How the names of copies of what was cut off end.
pub(super) const COPY: &str = "cut";

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) file: PathBuf,
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// Whether parts that are zero may be holes, which nothing need be written to.
    pub(super) sparse: bool,
}

impl Extent {
    fn copy_to(&self, path: &Path) -> io::Result<()> {
        let mut from = File::open(&self.file)?;
        from.seek(SeekFrom::Start(self.offset))?;
        let mut to = File::create(path)?;
        io::copy(&mut from.take(self.bytes), &mut to)?;
        to.sync_all()
    }
}

/// An engine's log, as far as it must be understood without the engine.
pub(super) trait Log {
    /// The engine, for a person.
    const ENGINE: &'static str;

    /// Reads what the engine will read when it opens. Batches up to `acknowledged` were durable.
    fn examine(directory: &Path, acknowledged: u64) -> io::Result<Examined>;

    /// Cuts off the tail that begins at `bad`; the engine may do so itself.
    fn cut(bad: &Bad) -> io::Result<()>;

    /// What may have been written since the last sync.
    fn unsynced(directory: &Path) -> io::Result<Vec<Extent>>;
}

/// The length without the zeros at the end; quick where there is little else.
pub(super) fn used(bytes: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    static ZEROS: [u8; BLOCK] = [0; BLOCK];
    let blocks = bytes.chunks(BLOCK).rev();
    let zero = blocks.take_while(|block| **block == ZEROS[..block.len()]).count();
    let rest = (bytes.len().div_ceil(BLOCK) - zero).saturating_mul(BLOCK).min(bytes.len());
    let rest = &bytes[..rest];
    rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// What a log holds.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// The number of the last batch that is whole, if this part of the log shows one.
    pub(super) last: Option<u64>,
    /// Where it can't be read further.
    pub(super) bad: Option<Bad>,
    /// What a batch that never became whole added to the end of a file.
    pub(super) surplus: Option<Surplus>,
    /// What is to be written before the engine opens the log.
    pub(super) anchor: Option<Anchor>,
}

/// A few bytes of a file, within a sector, that must say what is true of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) file: PathBuf,
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

impl Anchor {
    fn write(&self) -> io::Result<()> {
        let mut file = File::options().write(true).open(&self.file)?;
        file.seek(SeekFrom::Start(self.offset))?;
        file.write_all(&self.bytes)?;
        file.sync_data()
    }
}

/// The end of a file that holds nothing but parts of a batch that never became whole. The engine
/// would write zeros over it, for which a full disk may have no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surplus {
    pub(super) file: PathBuf,
    /// The length of the file without it.
    pub(super) length: u64,
}

impl Surplus {
    /// Cuts it off, durably; that needs no room.
    fn remove(&self) -> io::Result<()> {
        let file = File::options().write(true).open(&self.file)?;
        file.set_len(self.length)?;
        file.sync_all()
    }
}

/// What can't be read at the end of a log, or in its midst.
#[derive(Debug)]
pub(super) struct Bad {
    /// From the first batch that can't be read on; not empty.
    pub(super) extents: Vec<Extent>,
    /// What proves that it was acknowledged, if anything does.
    pub(super) proof: Option<Proof>,
    /// Whether anything was certainly written here, or these may be leftovers of another life of
    /// the file's blocks.
    pub(super) written: bool,
    /// The highest number of a batch that is found behind it.
    pub(super) later: Option<u64>,
}

/// What proves that a batch was acknowledged which can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// A whole batch behind it: none is begun before the one before is durable.
    Later,
    /// It lies in a part of the log that was finished before others were begun.
    Finished,
}

/// The first half of opening: before the engine.
#[derive(Debug)]
pub(super) struct Opening {
    engine: &'static str,
    directory: PathBuf,
    accepted: bool,
    acknowledged: Acknowledged,
    mark: Mark,
    /// The number that the engine must come to.
    needed: u64,
    copies: Vec<PathBuf>,
    /// Whether the copies stay, whatever the engine comes to.
    keep: bool,
    cut: Option<Extent>,
}

impl Opening {
    /// Looks at the log in `directory`, and cuts off a torn tail.
    ///
    /// # Errors
    /// `Corrupt` when batches are damaged that were acknowledged; the files are as they were then.
    pub(super) fn before<L: Log>(directory: &Path) -> Result<Self> {
        let failed = |error| files::io_error("examine the log in", directory, error);
        let mark = Mark::read(directory);
        let mut opening = Self {
            engine: L::ENGINE,
            directory: directory.to_owned(),
            accepted: directory.join(ACCEPT).exists(),
            acknowledged: Acknowledged::read(directory).map_err(failed)?,
            mark,
            needed: 0,
            copies: Vec::new(),
            keep: false,
            cut: None,
        };
        opening.needed = opening.acknowledged.number();
        if opening.mark.is_set() {
            let extents = L::unsynced(directory).map_err(failed)?;
            unsynced::rewrite(&extents)
                .map_err(|error| files::io_error("write again the log in", directory, error))?;
        }
        let Examined { last, bad, surplus, anchor } =
            L::examine(directory, opening.needed).map_err(failed)?;
        let is_torn = bad.as_ref().is_none_or(|bad| bad.proof.is_none());
        if let Some(bad) = bad {
            opening.judge::<L>(last, &bad)?;
        }
        if let Some(anchor) = anchor.filter(|_| is_torn) {
            match anchor.write() {
                // Where files are never written in place, that takes room.
                Err(error) if is_full(error.kind()) => {
                    tracing::warn!(%error, "how far the log is durable could not be noted in it");
                }
                written => written
                    .map_err(|error| files::io_error("write to the log in", directory, error))?,
            }
        }
        if let Some(surplus) = surplus.filter(|_| is_torn) {
            surplus
                .remove()
                .map_err(|error| files::io_error("cut the log in", directory, error))?;
        }
        Ok(opening)
    }

    fn judge<L: Log>(&mut self, last: Option<u64>, bad: &Bad) -> Result<()> {
        let holds_all = last.is_some_and(|last| last >= self.needed);
        // While the witness is exact, batches that it does not know can't have been acknowledged, even
        // if they came to the disk in another order than they were written.
        let unknown = bad.proof == Some(Proof::Later)
            && bad.later.is_some()
            && holds_all
            && self.acknowledged.is_exact();
        let lost = (bad.proof.is_some() && !unknown) || (last.is_some() && !holds_all);
        if lost && !self.accepted {
            return Err(self.damaged(&bad.extents[0]));
        }
        if !unknown {
            self.needed = self.needed.max(bad.later.map_or(0, |later| later.saturating_sub(1)));
        }
        self.keep = unknown;
        // Whether something is lost is only known once the engine is open, and has cut it off.
        if lost || unknown || last.is_none() {
            match self.copy(&bad.extents) {
                Err(error) if self.accepted => {
                    return Err(files::io_error("copy what is cut off in", &self.directory, error));
                }
                Err(error) => tracing::warn!(%error, "the end of the log could not be copied"),
                Ok(()) => {}
            }
        }
        L::cut(bad).map_err(|error| files::io_error("cut the log in", &self.directory, error))?;
        self.cut = bad.written.then(|| bad.extents[0].clone());
        Ok(())
    }

    /// Copies what will be cut off to files of its own.
    fn copy(&mut self, extents: &[Extent]) -> io::Result<()> {
        for extent in extents {
            let name = extent.file.file_name().unwrap_or_default().to_string_lossy();
            let path = self.directory.join(format!("{name}-{}.{COPY}", extent.offset));
            if let Err(error) = extent.copy_to(&path) {
                // A part of it is of no use, and takes room.
                let _ = fs::remove_file(&path);
                return Err(error);
            }
            self.copies.push(path);
        }
        files::sync_directory(&self.directory)
    }

    /// Compares what the engine came to with what it must hold; the second half of opening.
    ///
    /// # Errors
    /// `Corrupt` when batches are gone that were acknowledged.
    pub(super) fn after(mut self, found: u64) -> Result<Safeguard> {
        if found < self.needed && !self.accepted {
            return Err(self.missing(found));
        }
        let settled = if self.accepted { self.accept(found) } else { self.forget_copies() };
        settled
            .and_then(|()| self.mark.clear())
            .map_err(|error| files::io_error("settle the recovery of", &self.directory, error))?;
        let recovered = self.recovered();
        Ok(Safeguard { acknowledged: self.acknowledged, mark: self.mark, recovered })
    }

    fn accept(&mut self, found: u64) -> io::Result<()> {
        self.acknowledged.reset(found)?;
        fs::remove_file(self.directory.join(ACCEPT))?;
        files::sync_directory(&self.directory)
    }

    /// Nothing that was acknowledged was in them.
    fn forget_copies(&mut self) -> io::Result<()> {
        if self.keep {
            return Ok(());
        }
        self.copies.drain(..).try_for_each(fs::remove_file)
    }

    fn recovered(&self) -> Option<Recovered> {
        let place = |cut: &Extent| format!("byte {} of {}", cut.offset, cut.file.display());
        let report = match (&self.cut, self.accepted) {
            (None, false) => return None,
            (Some(cut), false) => format!(
                "the log was cut off at {}: a write that had begun there was never acknowledged{}",
                place(cut),
                self.kept()
            ),
            (_, true) => {
                format!("the loss was accepted: the store goes on with what is left{}", self.kept())
            }
        };
        Some(Recovered { report, loss_accepted: self.accepted })
    }

    fn kept(&self) -> String {
        match &self.copies[..] {
            [] => String::new(),
            [first, ..] => format!("; what was cut off is kept in {}", first.display()),
        }
    }

    fn damaged(&self, at: &Extent) -> Error {
        Error::corrupt(format!(
            "the log of the {} store {} is damaged at byte {} of {}, and what follows was \
             acknowledged; nothing was changed: {}",
            self.engine,
            self.directory.display(),
            at.offset,
            at.file.display(),
            self.remedy()
        ))
    }

    fn missing(&self, found: u64) -> Error {
        Error::corrupt(format!(
            "the log of the {} store {} ends at write {found}, but {} were acknowledged: the files \
             were damaged and the engine cut off what it could not read{}; {}",
            self.engine,
            self.directory.display(),
            self.needed,
            self.kept(),
            self.remedy()
        ))
    }

    fn remedy(&self) -> String {
        format!(
            "bring the store back from a copy, or create the file {} to go on with what is left",
            self.directory.join(ACCEPT).display()
        )
    }
}

/// What an open engine holds on to.
#[derive(Debug)]
pub(super) struct Safeguard {
    acknowledged: Acknowledged,
    mark: Mark,
    recovered: Option<Recovered>,
}

impl Safeguard {
    /// Begins a write: unless it is [done](Attempt::done), the store is marked.
    pub(super) fn attempt(&self) -> Attempt<'_> {
        Attempt { guard: self, done: false }
    }

    /// Whether a write failed, so that the end of the log may not be on the disk.
    #[cfg(feature = "fjall")]
    pub(super) fn has_failed(&self) -> bool {
        self.mark.is_set()
    }

    /// What opening did.
    pub(super) fn recovered(&self) -> Option<&Recovered> {
        self.recovered.as_ref()
    }
}

/// A write on its way. However it ends, by an error or by a panic, the next open knows.
#[must_use]
pub(super) struct Attempt<'a> {
    guard: &'a Safeguard,
    done: bool,
}

impl Attempt<'_> {
    /// The batch of this number is durable.
    pub(super) fn done(self, number: u64) {
        if let Err(error) = self.guard.acknowledged.set(number) {
            tracing::warn!(%error, "what was acknowledged could not be noted");
        }
        self.synced();
    }

    /// All that was written is durable, and there was no batch.
    pub(super) fn synced(mut self) {
        self.done = true;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.guard.mark.set();
        }
    }
}

/// Marks a store whose engine could not be opened, if that may have been a sync that failed.
pub(super) fn mark_unopened(directory: &Path, error: &Error) {
    if directory.is_dir() && error.kind() == ErrorKind::Unavailable {
        Mark::read(directory).set();
    }
}
