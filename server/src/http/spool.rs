//! Exported files that wait for those who read them part by part.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::Error;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::problem::Problem;

/// The most files that are kept, and for how long after they were last read.
const MOST: usize = 16;
const KEPT: Duration = Duration::from_mins(10);

/// A temporary file, which is removed when nobody reads it any more.
pub(super) struct Spooled {
    path: PathBuf,
    _directory: TempDir,
}

/// The files by their tags.
#[derive(Default)]
pub(super) struct Exports(Mutex<Vec<Kept>>);

struct Kept {
    tag: String,
    file: Arc<OnceCell<Arc<Spooled>>>,
    used: Instant,
}

impl Spooled {
    /// A file that is not there yet, in a directory that only this user reads.
    pub(super) fn new() -> Result<Self, Problem> {
        let failed = |error: std::io::Error| {
            Error::unavailable("a temporary file can't be made").with_source(error)
        };
        let directory = tempfile::tempdir().map_err(failed)?;
        Ok(Self { path: directory.path().join("export"), _directory: directory })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Exports {
    /// The file of a tag. Whoever asks first writes it, and the others wait; if that one goes away, the next does.
    pub(super) async fn get(
        &self,
        tag: &str,
        make: impl AsyncFnOnce() -> Result<Spooled, Problem>,
    ) -> Result<Arc<Spooled>, Problem> {
        let cell = self.cell(tag);
        let file = cell.get_or_try_init(async || Ok::<_, Problem>(Arc::new(make().await?))).await?;
        Ok(file.clone())
    }

    fn cell(&self, tag: &str) -> Arc<OnceCell<Arc<Spooled>>> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.used.elapsed() < KEPT);
        let now = Instant::now();
        if let Some(known) = kept.iter_mut().find(|kept| kept.tag == tag) {
            known.used = now;
            return known.file.clone();
        }
        if kept.len() >= MOST
            && let Some(oldest) = (0..kept.len()).min_by_key(|place| kept[*place].used)
        {
            kept.swap_remove(oldest);
        }
        let file = Arc::<OnceCell<_>>::default();
        kept.push(Kept { tag: tag.to_owned(), file: file.clone(), used: now });
        file
    }

    /// Removes the files that nobody has read for a while.
    pub(super) fn expire(&self) {
        self.kept().retain(|kept| kept.used.elapsed() < KEPT);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
