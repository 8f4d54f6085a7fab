//! Stores with data in them, and the bare engine over a copy of their files.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use argon_backends::raw::{Direction, Engine};
use argon_core::key::Key;
use argon_core::model::Lsn;
use argon_core::{Branch, Store};

use crate::subject::Subject;
use crate::{Result, layout};

/// Where in a store's directory the engine has its files.
const ENGINE_FILES: &str = "data";

/// A store that was filled and opened again, next to the bare engine over a copy of its files: the
/// floor of a read is the engine's own read of the very same bytes.
pub struct Filled {
    /// The store.
    pub store: Store,
    /// The branch `main`, which has the data.
    pub branch: Branch,
    /// The bare engine; `None` for a store without files.
    pub bare: Option<Bare>,
}

impl std::fmt::Debug for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filled").field("branch", &self.branch).finish_non_exhaustive()
    }
}

impl Filled {
    /// Closes the store `name`, of which `branch` must be the last handle, copies its files, and
    /// opens both.
    pub async fn from(subject: &Subject, name: &str, store: Store, branch: Branch) -> Result<Self> {
        if !subject.engine.on_disk() {
            return Ok(Self { store, branch, bare: None });
        }
        drop((store, branch));
        // A task of the writers may hold the store for a moment longer; to open it is to wait.
        drop(subject.open(name).await?);
        let copy = copy_engine_files(subject, name)?;
        let (store, branch) = subject.open(name).await?;
        let bare = Some(Bare(subject.engine.open_bare(&copy)?));
        Ok(Self { store, branch, bare })
    }
}

/// Copies the files of the engine of a closed store; gives the directory of the copy.
pub fn copy_engine_files(subject: &Subject, name: &str) -> Result<std::path::PathBuf> {
    let copy = subject.path(&format!("{name}-bare"));
    copy_directory(&subject.path(name).join(ENGINE_FILES), &copy)?;
    Ok(copy)
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, target) = (entry?, |entry: &fs::DirEntry| to.join(entry.file_name()));
        if entry.metadata()?.is_dir() {
            copy_directory(&entry.path(), &target(&entry))?;
        } else {
            fs::copy(entry.path(), target(&entry))?;
        }
    }
    Ok(())
}

/// A bare engine that holds what a store wrote.
pub struct Bare(pub Arc<dyn Engine>);

impl Bare {
    /// The document under this key as of `lsn` on the timeline with this short number, by one
    /// seek: what a point read can't do without.
    pub fn read(&self, timeline: u8, key: &Key, lsn: Lsn) -> Result<Option<Vec<u8>>> {
        let from = layout::version_key(timeline, key, lsn);
        let to = layout::version_key(timeline, key, Lsn::ZERO);
        let mut found = None;
        self.0.visit(&from, &to, Direction::Ascending, &mut |_, value| {
            found = Some(value.to_vec());
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Copies the values of the first `most` versions, as a scan must; gives how many there were.
    pub fn scan(&self, most: usize) -> Result<usize> {
        let (from, to) = layout::all_versions(0);
        let mut values: Vec<Vec<u8>> = Vec::new();
        self.0.visit(&from, &to, Direction::Ascending, &mut |_, value| {
            values.push(value.to_vec());
            if values.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(values.len())
    }

    /// Copies all commits of a timeline; gives how many there were.
    pub fn commits(&self, timeline: u8) -> Result<usize> {
        let from = layout::commit_key(timeline, Lsn::ZERO);
        let to = layout::commit_key(timeline, Lsn::MAX);
        let mut values: Vec<Vec<u8>> = Vec::new();
        self.0.visit(&from, &to, Direction::Ascending, &mut |_, value| {
            values.push(value.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(values.len())
    }
}
