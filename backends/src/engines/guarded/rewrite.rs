//! Compaction by writing all that an engine holds to new files, which then take the place of the old.
//!
//! Neither engine removes every trace of what was deleted from its files: sled writes over a segment
//! when it needs one, fjall keeps its last journal. New files hold what is live, and nothing else.
//!
//! They are made in `data.new`, beside `data`, compared with it, and exchanged with it in one step.
//! Where a file system can't do that, `data` is called `data.old` for a moment; if the process ends in
//! it, the next open puts it back ([`put_back`]). Whatever else is found in these two places is not
//! needed once `data` can be opened.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use argon_core::{Error, ErrorKind, Result};

use super::slot::{Slot, or_closed};
use super::{Guarded, KeepAlive, OpenEngine, retold};
use crate::engines::{files, recovery};
use crate::ordered::engine::{Direction, Engine, FIRST_UNUSED_KEY};

/// An engine of one kind and where it has its files.
#[derive(Clone)]
pub(super) struct Files {
    pub(super) name: &'static str,
    pub(super) directory: PathBuf,
    pub(super) open: OpenEngine,
}

/// What an engine holds, as far as two are compared.
#[derive(Debug, Default, PartialEq, Eq)]
struct Contents {
    rows: u64,
    checksum: u32,
}

impl Files {
    /// Writes what the engine in `slot` holds to new files, and puts an engine over these in its place.
    /// Nothing else may write to it meanwhile; reads go on, and wait for the moment of the exchange.
    ///
    /// # Errors
    /// None is `Indeterminate`: whatever happens, each row is as before. The slot is empty if the old
    /// files could not be opened again either.
    pub(super) fn rewrite(&self, slot: &Arc<Slot>, held: Option<&KeepAlive>) -> Result<()> {
        let new = beside(&self.directory, "new");
        let rewritten = self.rewrite_into(&new, slot, held);
        // What is there by now is half of a copy, or the old files, unless neither could be opened.
        let removed = if slot.is_empty() { Ok(()) } else { remove(&new) };
        rewritten.map_err(|error| match error.kind() {
            ErrorKind::Indeterminate => retold(ErrorKind::Unavailable, &error),
            _ => error,
        })?;
        removed.map_err(|error| files::io_error("remove the old files in", &new, error))
    }

    fn rewrite_into(&self, new: &Path, slot: &Arc<Slot>, held: Option<&KeepAlive>) -> Result<()> {
        let failed = |error| files::io_error("make", new, error);
        if self.directory.is_symlink() {
            return Err(Error::unsupported(format!(
                "{} is a symbolic link, and can't be exchanged; link the store's directory instead",
                self.directory.display()
            )));
        }
        remove(new).map_err(failed)?;
        fs::create_dir(new).map_err(failed)?;
        let files = Self { directory: new.to_owned(), ..self.clone() };
        let copy = Guarded::over(files.clone(), held.cloned())?;
        let from = slot.clone();
        copy.call(ErrorKind::Unavailable, "filling", move |copy| {
            or_closed(from.with(|engine| copy.fill(engine)))
        })?;
        copy.close()?;
        let copy = Guarded::over(files, held.cloned())?;
        if contents(&copy)? != or_closed(slot.with(contents))? {
            return Err(Error::internal(format!(
                "what was written to {} is not what was read; nothing was changed",
                new.display()
            )));
        }
        copy.close()?;
        keep_copies(&self.directory, new).and_then(|()| sync_all(new)).map_err(failed)?;
        self.exchange(new, slot)
    }

    /// Puts the new files in the place of the old, which are in the place of the new then.
    fn exchange(&self, new: &Path, slot: &Arc<Slot>) -> Result<()> {
        let failed = |error| files::io_error("exchange the files of", &self.directory, error);
        drop(slot.take());
        let opened = exchange(&self.directory, new).map_err(failed).and_then(|()| {
            let opened = (self.open)(&self.directory);
            opened.or_else(|error| exchange(&self.directory, new).map_err(failed).and(Err(error)))
        });
        let (engine, exchanged) = match opened {
            Ok(engine) => (engine, Ok(())),
            // An engine would make a directory that is not there.
            Err(error) if !self.directory.is_dir() => return Err(error),
            Err(error) => ((self.open)(&self.directory)?, Err(error)),
        };
        slot.put(engine);
        exchanged
    }
}

/// Gives the directory of an engine its name back if an exchange was cut off in its midst. Call it before
/// the engine is opened, with the store locked.
pub(super) fn put_back(directory: &Path) -> Result<()> {
    if !is_cut_off(directory) {
        return Ok(());
    }
    fs::rename(beside(directory, "old"), directory)
        .and_then(|()| sync_parent(directory))
        .map_err(|error| files::io_error("put back", directory, error))
}

/// Removes what a compaction has left beside the directory of an engine. Call it after that was opened:
/// until then, what is left may be all that can be.
pub(super) fn remove_leftovers(directory: &Path) -> io::Result<()> {
    remove(&beside(directory, "old"))?;
    remove(&beside(directory, "new"))
}

/// Whether the engine's files are in `data.old`, where an exchange that was cut off has left them.
pub(crate) fn is_cut_off(directory: &Path) -> bool {
    !directory.exists() && beside(directory, "old").exists()
}

fn contents(engine: &dyn Engine) -> Result<Contents> {
    let mut contents = Contents::default();
    engine.visit(&[], FIRST_UNUSED_KEY, Direction::Ascending, &mut |key, value| {
        contents.add(key, value);
        ControlFlow::Continue(())
    })?;
    Ok(contents)
}

impl Contents {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows += 1;
        let lengths = (key.len() as u64) << 32 | value.len() as u64;
        for bytes in [&lengths.to_le_bytes()[..], key, value] {
            self.checksum = crc32c::crc32c_append(self.checksum, bytes);
        }
    }
}

/// Makes all files below a directory durable, and their names.
fn sync_all(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    files::sync_directory(directory)
}

/// Copies what recovery has cut off and kept.
fn keep_copies(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == recovery::COPY)
            && let Some(name) = path.file_name()
        {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// `data.new` for `data`.
fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut name = directory.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    name.into()
}

/// Removes a directory, durably, if it is there.
fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Ok(()) => sync_parent(directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_parent(directory: &Path) -> io::Result<()> {
    directory.parent().map_or(Ok(()), files::sync_directory)
}

/// Exchanges two directories, durably; if it fails, they are as before.
fn exchange(directory: &Path, new: &Path) -> io::Result<()> {
    swap(directory, new)?;
    sync_parent(directory).or_else(|error| swap(directory, new).and(Err(error)))
}

fn swap(directory: &Path, new: &Path) -> io::Result<()> {
    match swap_at_once(directory, new) {
        Err(error) if is_unsupported(&error) => swap_by_renaming(directory, new),
        swapped => swapped,
    }
}

fn swap_by_renaming(directory: &Path, new: &Path) -> io::Result<()> {
    let old = beside(directory, "old");
    fs::rename(directory, &old)?;
    fs::rename(new, directory).or_else(|error| fs::rename(&old, directory).and(Err(error)))?;
    fs::rename(&old, new).or_else(|error| {
        fs::rename(directory, new)?;
        fs::rename(&old, directory).and(Err(error))
    })
}

#[cfg(target_os = "linux")]
fn swap_at_once(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn swap_at_once(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the file system, or the system, can't exchange names.
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

#[cfg(test)]
#[cfg(feature = "sled")]
#[cfg(feature = "fjall")]
mod tests;
