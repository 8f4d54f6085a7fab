//! The directory of a local store.
//!
//! ```text
//! DIR/store.toml   what it is: format, id, engine, time of creation; written last by who makes the
//!                  store (`store.toml.new` until then), and again before the first write to a store of
//!                  an older format
//! DIR/lock         locked while the store is open; holds who has it, and is blanked on close
//! DIR/heads        what the last clean close saw; see the layout's witness
//! DIR/serve.sock   where the process that has it open lets others of the same user use it, if it does
//! DIR/config.toml  what is current for the command line; not ours
//! DIR/data/        the engine's files
//! DIR/data.new/    those that a compaction makes, or has replaced; `data.old` is left only by one
//!                  that was cut off where names can't be exchanged
//! ```

mod error;
mod lock;
mod manifest;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use argon_core::storage::UNFINISHED;
use argon_core::{Error, Hint, Result};
use bson::DateTime;

pub(crate) use self::lock::{LockState, look};
pub use self::manifest::StoreInfo;

use self::error::io_error;
use self::lock::{Holder, Lock};
use crate::engines::files;
use crate::engines::guarded::is_cut_off;

/// The engine's files.
const DATA: &str = "data";

/// What is left of the engine's files of a store that was never finished.
const ASIDE: &str = "data.unfinished.";

/// What the command keeps in a directory that names a store elsewhere, and that may become one itself.
const OF_THE_COMMAND: [&str; 3] = [".gitignore", "config.toml", "argon.toml"];

/// A store's directory, locked against every other process for as long as this lives.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    lock: Lock,
}

impl Directory {
    /// Begins to make `path` an empty store of `engine`, and everything above it that is missing. It
    /// becomes one by [`complete`](Self::complete), once the engine has made its files in
    /// [`data_path`](Self::data_path); until then the manifest has another name.
    ///
    /// A creation that was cut short by a crash is begun again; of two at once, one wins.
    ///
    /// # Errors
    /// `AlreadyExists` when it is a store or is being made one, `Invalid` when something else is
    /// in it, `Denied` without permission.
    pub(crate) fn create(path: &Path, engine: &str, id: [u8; 16], now: DateTime) -> Result<Self> {
        let failed = |error| io_error("create the store", path, error);
        create_directories(path).map_err(failed)?;
        // Looked at before the lock is made, so that a directory of someone else stays as it was.
        refuse_if_taken(path)?;
        let Some(lock) = Lock::try_acquire(path, now)? else { return Err(already_there(path)) };
        refuse_if_taken(path)?;
        clear(path).map_err(failed)?;
        manifest::prepare(path, &StoreInfo::new(id, engine, now)).map_err(failed)?;
        fs::create_dir_all(path.join(DATA)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), identity: identity(path), lock })
    }

    /// Makes the directory a store, durably.
    pub(crate) fn complete(&self) -> Result<()> {
        manifest::publish(&self.path)
            .map_err(|error| io_error("create the store", &self.path, error))
    }

    /// Opens and locks the store at `path`.
    ///
    /// When another process has it, waits for up to `lock_timeout`, blocking this thread; `None` once
    /// `instead` is true meanwhile.
    ///
    /// # Errors
    /// Those of [`inspect`]; `Invalid` when it is a store of another engine than `expected_engine`,
    /// `Unavailable` when it stays in use.
    pub(crate) fn open(
        path: &Path,
        expected_engine: &str,
        lock_timeout: Duration,
        now: DateTime,
        instead: impl FnMut() -> bool,
    ) -> Result<Option<Self>> {
        let info = inspect(path)?;
        if info.engine != expected_engine {
            let engine = &info.engine;
            return Err(Error::invalid(format!(
                "{0} is a {engine} store, not a {expected_engine} store; open it as {engine}:{0}",
                path.display()
            )));
        }
        let lock = Lock::acquire(path, lock_timeout, now, instead)?;
        Ok(lock.map(|lock| Self { path: path.to_owned(), identity: identity(path), lock }))
    }

    /// Where the engine keeps its files.
    pub(crate) fn data_path(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// Whether the path leads to this directory still, and to no other that was made there since.
    pub(crate) fn is_in_place(&self) -> bool {
        identity(&self.path) == self.identity
    }

    /// Who had the store before and did not close it, if so: it was killed, or lost power.
    pub(crate) fn unclean(&self) -> Option<&Holder> {
        self.lock.previous()
    }
}

/// Device and inode of a file or directory, where there are such numbers.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What is open can't be replaced there.
#[cfg(not(unix))]
pub(crate) fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// Notes durably that the store at `path` has values of the newest format, if it does not say so yet.
pub(crate) fn raise_format(path: &Path) -> Result<()> {
    match inspect(path)?.raised() {
        Some(info) => manifest::prepare(path, &info)
            .and_then(|()| manifest::publish(path))
            .map_err(|error| io_error("write to", path, error)),
        None => Ok(()),
    }
}

/// Which store is at `path`; takes no lock.
///
/// # Errors
/// `NotFound` when nothing is there, or what a creation that was cut short has left; `Invalid` when it is no store, `Unsupported` when a newer Argon
/// made it, `Corrupt` when its `store.toml` is damaged, `Denied` without permission.
pub fn inspect(path: &Path) -> Result<StoreInfo> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(no_store(path, "it is not a directory")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::not_found(format!(
                "there is no store at {}; check the path",
                path.display()
            ))
            .with_hint(Hint::CreateStore { url: None }));
        }
        Err(error) => return Err(io_error("open", path, error)),
    }
    if let Some(found) = manifest::read(path)?
        && !was_never_finished(path)
    {
        return Ok(found);
    }
    // Who goes on after a creation that was cut short makes the store, as if nothing were there.
    match refuse_if_taken(path) {
        Ok(()) => Err(Error::not_found(format!(
            "there is no store in {} yet: it is empty, or what made one was cut off",
            path.display()
        ))
        .with_hint(Hint::CreateStore { url: None })),
        Err(_) => Err(no_store(path, "it has no store.toml")),
    }
}

fn no_store(path: &Path, reason: &str) -> Error {
    Error::invalid(format!(
        "{} is not an Argon store: {reason}; check the path, or create a store in a new directory",
        path.display()
    ))
}

fn already_there(path: &Path) -> Error {
    Error::already_exists(format!(
        "there is a store at {} already; open it, or choose another path",
        path.display()
    ))
}

/// Creates the directory and those above it that are missing, for their owner alone, durably.
fn create_directories(path: &Path) -> io::Result<()> {
    // A relative path has no parent to sync.
    let path = std::path::absolute(path)?;
    let missing: Vec<_> = path.ancestors().take_while(|directory| !directory.is_dir()).collect();
    make_private(&path)?;
    missing.iter().filter_map(|created| created.parent()).try_for_each(files::sync_directory)
}

/// Creates directories for their owner alone: a store holds keys of masks, and what they hide.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Removes what a creation that was cut short has left, the engine's files among it; the directory was
/// found to hold nothing else.
fn clear(path: &Path) -> io::Result<()> {
    if path.join(manifest::FILE).exists() {
        set_aside(path)?;
    } else if path.join(DATA).exists() {
        fs::remove_dir_all(path.join(DATA))?;
    }
    files::sync_directory(path)
}

/// Takes a store out of the way that an older Argon has not finished making: it wrote the manifest
/// first. Nothing is removed, since nobody can be asked.
fn set_aside(path: &Path) -> io::Result<()> {
    let free =
        (1..=u32::MAX).map(|n| path.join(format!("{ASIDE}{n}"))).find(|aside| !aside.exists());
    if let Some(aside) = free {
        fs::rename(path.join(DATA), aside)?;
    }
    fs::remove_file(path.join(manifest::FILE))
}

/// Whether the manifest is there, and the engine never was: `data` lacks a file that the engine makes as
/// it opens, and nobody has ever closed the store, which would have left `heads`.
fn was_never_finished(path: &Path) -> bool {
    let length = |name: &str| match fs::metadata(path.join(DATA).join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        // What can't be looked at is there.
        found => Some(found.map_or(1, |metadata| metadata.len())),
    };
    let lacks = |name| length(name).is_none_or(|length| length == 0);
    let engine = manifest::read(path).ok().flatten().map(|info| info.engine);
    let is_bare = match engine.as_deref() {
        // Its data file is empty until the first write.
        Some("sled") => lacks("conf") || length("db").is_none(),
        Some("fjall") => lacks("version"),
        _ => false,
    };
    is_bare && !path.join("heads").exists() && !is_cut_off(&path.join(DATA))
}

/// Fails unless the directory is empty, or holds only what a creation cut short left behind.
fn refuse_if_taken(path: &Path) -> Result<()> {
    let failed = |error| io_error("read", path, error);
    let never_finished = was_never_finished(path);
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name == manifest::FILE && !never_finished {
            return Err(already_there(path));
        }
        let left_behind = if name == DATA {
            let began = || path.join(manifest::TEMPORARY_FILE).exists();
            let is_empty = fs::read_dir(path.join(DATA)).map_err(failed)?.next().is_none();
            if !(never_finished || is_empty || began()) && path.join(manifest::FILE).exists() {
                // Somebody else has just made it.
                return Err(already_there(path));
            }
            never_finished || is_empty || began()
        } else {
            name == lock::FILE
                || name == manifest::TEMPORARY_FILE
                || (name == manifest::FILE && never_finished)
                || OF_THE_COMMAND.iter().any(|known| name == *known)
                || [ASIDE, UNFINISHED].iter().any(|with| name.to_string_lossy().starts_with(with))
        };
        if !left_behind {
            return Err(Error::invalid(format!(
                "can't create a store in {}: {} is in it; choose a new or empty directory",
                path.display(),
                name.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
