//! What a store in a directory needs, looked at without opening it.

use std::path::Path;

use argon_core::storage::Diagnosis;
use argon_core::{Error, ErrorKind, Hint};

use crate::directory::{self, LockState};
use crate::engines::files;
use crate::relay;

/// Less free space than this is worth a word: an engine keeps old files until it has written the
/// new ones.
#[cfg(unix)]
const LITTLE_SPACE: u64 = 512 << 20;

/// Looks at the directory, and says whether the store may be opened to look further.
pub(super) fn look(path: &Path, engine: &str, library: &str) -> (Vec<Diagnosis>, bool) {
    let mut checks = Vec::new();
    let is_store = look_at_manifest(path, engine, library, &mut checks);
    if !is_store {
        return (checks, false);
    }
    let writable = is_writable(path);
    let space = look_at_space(path);
    let (lock, is_closed) = look_at_lock(path);
    let may_open = writable.is_none() && is_closed;
    checks.extend(writable);
    checks.extend(space);
    checks.push(lock);
    (checks, may_open)
}

/// Whether there is a store of this engine.
fn look_at_manifest(path: &Path, engine: &str, library: &str, checks: &mut Vec<Diagnosis>) -> bool {
    let shown = path.display();
    let info = match directory::inspect(path) {
        Ok(info) => info,
        Err(error) => {
            let remedy = (error.kind() == ErrorKind::NotFound)
                .then(|| Hint::CreateStore { url: Some(format!("{engine}:{shown}")) }.into());
            checks.push(Diagnosis::failed("directory", &error, remedy));
            return false;
        }
    };
    let id: String = info.id.iter().map(|byte| format!("{byte:02x}")).collect();
    let made = info.created.try_to_rfc3339_string().unwrap_or_default();
    checks
        .push(Diagnosis::good("directory", format!("{shown} is a store, made at {made}, id {id}")));
    if info.engine == engine {
        let format = info.format;
        checks.push(Diagnosis::good("engine", format!("{engine} ({library}), format {format}")));
        return true;
    }
    let found = &info.engine;
    let error = Error::invalid(format!("the store is of {found}, not of {engine}"));
    checks.push(Diagnosis::failed(
        "engine",
        &error,
        Some(format!("name it {found}:{shown}").into()),
    ));
    false
}

/// What forbids to write, if anything does.
#[cfg(unix)]
fn is_writable(path: &Path) -> Option<Diagnosis> {
    use rustix::fs::{Access, access};
    let data = path.join("data");
    let lock = path.join("lock");
    let needed = [path, &data, &lock];
    let (path, error) = needed.into_iter().filter(|path| path.exists()).find_map(|path| {
        access(path, Access::READ_OK | Access::WRITE_OK).err().map(|error| (path, error))
    })?;
    let shown = path.display();
    let error = files::io_error("write to", path, error.into());
    let remedy = format!("`ls -ld {shown}` shows whose it is; become that user, or chown it");
    Some(Diagnosis::failed("permission", &error, Some(remedy.into())))
}

/// There is no way to tell without writing.
#[cfg(not(unix))]
fn is_writable(_: &Path) -> Option<Diagnosis> {
    None
}

#[cfg(unix)]
fn look_at_space(path: &Path) -> Option<Diagnosis> {
    const CHECK: &str = "space";
    let volume = rustix::fs::statvfs(path).ok()?;
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    let found = format!("{} MiB free on the volume", free >> 20);
    let remedy = Hint::CompactStore;
    Some(match free {
        0 => Diagnosis::failed(CHECK, &Error::unavailable(found), Some(remedy.into())),
        _ if free < LITTLE_SPACE => Diagnosis::doubtful(CHECK, found, remedy),
        _ => Diagnosis::good(CHECK, found),
    })
}

#[cfg(not(unix))]
fn look_at_space(_: &Path) -> Option<Diagnosis> {
    None
}

/// Whether the store is closed, so that it can be opened without recovering anything.
fn look_at_lock(path: &Path) -> (Diagnosis, bool) {
    const CHECK: &str = "lock";
    match directory::look(path) {
        Ok(LockState::Free) => (Diagnosis::good(CHECK, "free; the store was closed"), true),
        Ok(LockState::Left(holder)) => {
            let found = format!(
                "free, but {holder} did not close the store; the next command recovers it to its \
                 last durable commit"
            );
            (Diagnosis::doubtful(CHECK, found, Hint::CheckStore), false)
        }
        Ok(LockState::Held(holder)) => {
            let holder =
                holder.map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
            if let Ok(Some(_)) = relay::connect(path) {
                let found = format!("held by {holder}, through which others use the store");
                return (Diagnosis::good(CHECK, found), true);
            }
            let error = Error::unavailable(format!("the store is held by {holder}"));
            (Diagnosis::failed(CHECK, &error, Some(Hint::WaitForStore.into())), false)
        }
        Err(error) => {
            let error = files::io_error("look at the lock of", path, error);
            (Diagnosis::failed(CHECK, &error, None), false)
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sled")]
mod tests {
    use std::fs;
    use std::process::id;
    use std::time::Duration;

    use argon_core::storage::{Backend, Factory, Health, OpenOptions, StoreUrl};
    use tempfile::TempDir;

    use super::*;
    use crate::local::SLED;

    const CLOSED: [(&str, Health); 5] = [
        ("directory", Health::Good),
        ("engine", Health::Good),
        ("space", Health::Good),
        ("lock", Health::Good),
        ("opens", Health::Good),
    ];

    fn url(directory: &TempDir) -> StoreUrl {
        StoreUrl::new("sled", directory.path().join("store").to_string_lossy())
    }

    async fn store() -> (TempDir, Backend) {
        let directory = tempfile::tempdir().unwrap();
        let environment = crate::environment();
        let options = OpenOptions::default();
        let store = SLED.create(&url(&directory), &options, &environment).await.unwrap();
        (directory, store)
    }

    async fn diagnose(url: &StoreUrl) -> Vec<Diagnosis> {
        let options = OpenOptions { lock_timeout: Duration::ZERO, ..OpenOptions::default() };
        SLED.diagnose(url, &options, &crate::environment()).await
    }

    fn outcomes(checks: &[Diagnosis]) -> Vec<(&str, Health)> {
        checks.iter().map(|check| (check.check.as_str(), check.health)).collect()
    }

    /// The text of each; the lock's may end in blank lines, as many as its longest holder needed.
    fn own_files(directory: &TempDir) -> [String; 3] {
        ["store.toml", "lock", "heads"].map(|name| {
            let text = fs::read_to_string(directory.path().join("store").join(name));
            text.unwrap_or_default().trim_end().to_owned()
        })
    }

    #[tokio::test]
    async fn a_store_that_was_closed_is_in_order_and_stays_as_it_was() {
        let (directory, store) = store().await;
        drop(store);
        let before = own_files(&directory);
        let checks = diagnose(&url(&directory)).await;
        assert_eq!(outcomes(&checks), CLOSED, "{checks:#?}");
        assert_eq!(own_files(&directory), before);
        assert_eq!(outcomes(&diagnose(&url(&directory)).await), CLOSED, "the lock was let go");
    }

    #[tokio::test]
    async fn one_who_has_the_store_open_is_named() {
        let (directory, _store) = store().await;
        let before = own_files(&directory);
        let checks = diagnose(&url(&directory)).await;
        let lock = checks.last().unwrap();
        assert_eq!((lock.check.as_str(), lock.health), ("lock", Health::Failed), "{checks:#?}");
        assert!(lock.found.contains(&format!("held by process {}", id())), "{lock:?}");
        assert_eq!(own_files(&directory), before);
    }

    #[tokio::test]
    async fn a_store_that_was_not_closed_is_left_for_others_to_recover() {
        let (directory, store) = store().await;
        let signed = fs::read(directory.path().join("store/lock")).unwrap();
        drop(store);
        fs::write(directory.path().join("store/lock"), signed).unwrap();
        let before = own_files(&directory);
        let checks = diagnose(&url(&directory)).await;
        let lock = checks.last().unwrap();
        assert_eq!((lock.check.as_str(), lock.health), ("lock", Health::Doubtful), "{checks:#?}");
        assert_eq!(own_files(&directory), before);
    }

    #[tokio::test]
    async fn what_is_no_store_of_this_engine_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let checks = diagnose(&url(&directory)).await;
        assert_eq!(outcomes(&checks), [("directory", Health::Failed)]);
        let init = Hint::CreateStore { url: Some(url(&directory).to_string()) };
        assert_eq!(checks[0].remedy, Some(init.into()));
        assert!(!directory.path().join("store").exists());

        let (directory, store) = store().await;
        drop(store);
        let path = directory.path().join("store");
        let (checks, may_open) = look(&path, "fjall", "a crate");
        assert_eq!(
            (outcomes(&checks)[1], may_open),
            (("engine", Health::Failed), false),
            "{checks:#?}"
        );
        fs::write(path.join("store.toml"), "nonsense").unwrap();
        assert_eq!(outcomes(&diagnose(&url(&directory)).await), [("directory", Health::Failed)]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_store_without_permission_is_not_opened() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, store) = store().await;
        drop(store);
        let lock = directory.path().join("store/lock");
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o400)).unwrap();
        if fs::File::options().write(true).open(&lock).is_ok() {
            eprintln!("skipped: this user may write everything");
            return;
        }
        let checks = diagnose(&url(&directory)).await;
        assert_eq!(outcomes(&checks)[2], ("permission", Health::Failed), "{checks:#?}");
        assert!(outcomes(&checks).iter().all(|(check, _)| *check != "opens"), "{checks:#?}");
    }
}
