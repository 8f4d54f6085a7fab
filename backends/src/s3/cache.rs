//! Copies on disk of objects that never change.
//!
//! A directory of the user's choice, shared by stores and processes, holds a folder for each store, with
//! a file for each copy, named by a hash of its key. A file begins with the BLAKE3 digest of the rest.
//! Every read checks the digest; a damaged file is removed and the object fetched again. A file is
//! written under another name, and renamed when it is complete. Copies are not synced to disk: a lost
//! copy costs one request.

use std::fs::{self, File, FileTimes};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use argon_core::model::Digest;
use argon_core::storage::CacheOptions;

const DIGEST_BYTES: usize = 32;

/// A cleanup removes the least recently used copies until they take this share of the allowed bytes, in
/// eighths.
const KEPT: u64 = 7;

/// The ending of the names of incomplete files.
const TEMPORARY: &str = "new";

/// The copies of one store. Clones share it.
#[derive(Clone)]
pub(super) struct Cache(Arc<Inner>);

struct Inner {
    options: CacheOptions,
    folder: PathBuf,
    /// The bytes of the whole directory at the last count, and those added since.
    bytes: AtomicU64,
    /// The bytes that may be added before the next count: other processes add to the directory too.
    uncounted: AtomicU64,
    off: AtomicBool,
    /// The number of the next incomplete file.
    written: AtomicU64,
    process: String,
}

impl Cache {
    /// The copies of the store with this identity; `process` is text that no other process uses.
    pub(super) fn new(options: &CacheOptions, store: &str, process: String) -> Self {
        Self(Arc::new(Inner {
            options: options.clone(),
            folder: options.directory.join(store),
            bytes: AtomicU64::new(0),
            uncounted: AtomicU64::new(0),
            off: AtomicBool::new(false),
            written: AtomicU64::new(0),
            process,
        }))
    }

    /// An undamaged copy, if one exists.
    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        if self.0.off.load(Ordering::Relaxed) {
            return None;
        }
        let path = self.0.path(key);
        tokio::task::spawn_blocking(move || read(&path)).await.ok().flatten()
    }

    /// Keeps a copy, if possible. The caller need not wait for it.
    pub(super) async fn put(&self, key: &str, bytes: &[u8]) {
        let inner = self.0.clone();
        let size = bytes.len() as u64;
        if inner.off.load(Ordering::Relaxed) || size > inner.options.most_bytes / 4 {
            return;
        }
        let (path, bytes) = (inner.path(key), bytes.to_vec());
        let written = tokio::task::spawn_blocking(move || inner.write(&path, &bytes));
        // It fails only when the program ends.
        let _ = written.await;
    }
}

impl Cache {
    /// Removes a copy.
    pub(super) async fn remove(&self, key: &str) {
        let path = self.0.path(key);
        // It may not be there.
        let _ = tokio::task::spawn_blocking(move || fs::remove_file(path)).await;
    }
}

impl Inner {
    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(Digest::of(key.as_bytes()).to_string())
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        if let Err(error) = self.try_write(path, bytes)
            && !self.off.swap(true, Ordering::Relaxed)
        {
            let directory = self.options.directory.display();
            tracing::warn!(%directory, %error, "the cache can't be written and is not used any more");
        }
    }

    fn try_write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let size = (bytes.len() + DIGEST_BYTES) as u64;
        self.make_room(size)?;
        fs::create_dir_all(&self.folder)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.{TEMPORARY}", self.process));
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(Digest::of(bytes).as_bytes())?;
            file.write_all(bytes)?;
            drop(file);
            fs::rename(&temporary, path)
        })();
        match written {
            Ok(()) => {
                self.bytes.fetch_add(size, Ordering::Relaxed);
                Ok(())
            }
            // The directory may be removed at any time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                Err(error)
            }
        }
    }

    /// Removes copies, of all stores, if `more` bytes would exceed the limit.
    fn make_room(&self, more: u64) -> io::Result<()> {
        let most = self.options.most_bytes;
        let counted = self
            .uncounted
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        if counted.is_ok() && self.bytes.load(Ordering::Relaxed) + more <= most {
            return Ok(());
        }
        let mut files = copies(&self.options.directory)?;
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        if bytes + more > most {
            files.sort_by_key(|file| file.used);
            for file in files {
                if bytes + more <= most / 8 * KEPT {
                    break;
                }
                // Another process may have been faster.
                let _ = fs::remove_file(&file.path);
                bytes -= file.bytes;
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        self.uncounted.store(most / 16, Ordering::Relaxed);
        Ok(())
    }
}

/// The content of a file. A damaged file is removed.
fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let sound = bytes
        .split_first_chunk::<DIGEST_BYTES>()
        .is_some_and(|(digest, content)| Digest::of(content).as_bytes() == digest);
    if !sound {
        tracing::warn!(path = %path.display(), "a copy in the cache is damaged and is removed");
        let _ = fs::remove_file(path);
        return None;
    }
    touch(path);
    bytes.drain(..DIGEST_BYTES);
    Some(bytes)
}

/// Marks a file as used.
#[expect(clippy::disallowed_methods, reason = "other programs set the times of files, too")]
fn touch(path: &Path) {
    let times = FileTimes::new().set_modified(SystemTime::now());
    // A file that can't be touched is removed earlier.
    let _ = File::options().append(true).open(path).and_then(|file| file.set_times(times));
}

/// A file of the cache.
struct Copy {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

/// The copies of all stores in a directory, incomplete ones included.
fn copies(directory: &Path) -> io::Result<Vec<Copy>> {
    let mut found = Vec::new();
    for folder in entries(directory)? {
        if !folder.file_type()?.is_dir() {
            continue;
        }
        for entry in entries(&folder.path())? {
            // Another process may have removed it.
            let Ok(data) = entry.metadata() else { continue };
            let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            found.push(Copy { path: entry.path(), bytes: data.len(), used });
        }
    }
    Ok(found)
}

/// The entries of a directory; none if it does not exist.
fn entries(directory: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.filter_map(Result::ok).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Returns the bytes of the copies in a directory, if it can be written or created. Leaves it unchanged.
pub(super) fn check(directory: &Path) -> io::Result<u64> {
    let existing = directory.ancestors().find(|part| part.exists());
    let existing = existing.ok_or(io::ErrorKind::NotFound)?;
    let probe = existing.join(format!(".argon-doctor-{}.{TEMPORARY}", std::process::id()));
    File::create(&probe)?;
    fs::remove_file(&probe)?;
    Ok(copies(directory)?.iter().map(|copy| copy.bytes).sum())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn cache(directory: &TempDir, store: &str, most_bytes: u64) -> Cache {
        let options = CacheOptions { directory: directory.path().join("cache"), most_bytes };
        Cache::new(&options, store, format!("{store}-test"))
    }

    fn only_file(directory: &TempDir) -> PathBuf {
        let copies = copies(&directory.path().join("cache")).unwrap();
        assert_eq!(copies.len(), 1);
        copies[0].path.clone()
    }

    #[tokio::test]
    async fn a_copy_comes_back_to_every_process_of_its_store_alone() {
        let directory = TempDir::new().unwrap();
        let (one, other) = (cache(&directory, "a", 1000), cache(&directory, "a", 1000));
        one.put("key", b"content").await;
        assert_eq!(other.get("key").await.as_deref(), Some(&b"content"[..]));
        assert_eq!(other.get("another key").await, None);
        assert_eq!(cache(&directory, "b", 1000).get("key").await, None);
    }

    #[tokio::test]
    async fn a_damaged_copy_is_removed() {
        let directory = TempDir::new().unwrap();
        let cache = cache(&directory, "a", 1000);
        for damage in [b"".to_vec(), b"short".to_vec(), [7; 100].to_vec()] {
            cache.put("key", b"content").await;
            let path = only_file(&directory);
            fs::write(&path, damage).unwrap();
            assert_eq!(cache.get("key").await, None);
            assert!(!path.exists());
        }
        cache.put("key", b"content").await;
        assert!(cache.get("key").await.is_some());
    }

    #[tokio::test]
    async fn the_bound_is_kept_and_what_was_used_last_stays() {
        let directory = TempDir::new().unwrap();
        let (a, b) = (cache(&directory, "a", 10_000), cache(&directory, "b", 10_000));
        a.put("used", &[1; 1000]).await;
        for number in 0..40_u32 {
            b.put(&number.to_string(), &[2; 1000]).await;
            a.put(&number.to_string(), &[3; 1000]).await;
            std::thread::sleep(std::time::Duration::from_millis(5));
            assert!(a.get("used").await.is_some(), "after {number}");
            let bytes = check(&directory.path().join("cache")).unwrap();
            assert!(bytes <= 10_000 + 2 * 1100, "{bytes} bytes after {number}");
        }
        a.put("too large", &[0; 5000]).await;
        assert_eq!(a.get("too large").await, None);
    }

    #[tokio::test]
    async fn a_directory_that_is_removed_or_can_not_be_made_is_no_error() {
        let directory = TempDir::new().unwrap();
        let cache_a = cache(&directory, "a", 1000);
        cache_a.put("key", b"content").await;
        fs::remove_dir_all(directory.path().join("cache")).unwrap();
        assert_eq!(cache_a.get("key").await, None);
        cache_a.put("key", b"content").await;
        assert!(cache_a.get("key").await.is_some());
        fs::remove_dir_all(directory.path().join("cache")).unwrap();
        fs::write(directory.path().join("cache"), "a file").unwrap();
        let cache_b = cache(&directory, "b", 1000);
        cache_b.put("key", b"content").await;
        assert_eq!(cache_b.get("key").await, None);
        assert!(cache_b.0.off.load(Ordering::Relaxed));
    }
}
