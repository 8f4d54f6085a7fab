use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Duration;

use argon_core::{Error, ErrorKind, Hint, Result};
use bson::DateTime;
use tempfile::{TempDir, tempdir};

use super::{Directory, inspect};

const ID: [u8; 16] = *b"0123456789abcdef";
const NOW: DateTime = DateTime::from_millis(1_700_000_000_000);

/// Makes a store as a factory does, with something for the engine's files.
fn create(path: &Path) -> Result<()> {
    let directory = Directory::create(path, "sled", ID, NOW)?;
    for name in ["conf", "db"] {
        fs::write(directory.data_path().join(name), "an engine's").unwrap();
    }
    directory.complete()
}

fn open(path: &Path) -> Result<Directory> {
    Ok(Directory::open(path, "sled", Duration::from_millis(50), NOW, || false)?.unwrap())
}

/// A temporary directory and a store in it.
fn store() -> (TempDir, PathBuf) {
    let temporary = tempdir().unwrap();
    let path = temporary.path().join("store");
    create(&path).unwrap();
    (temporary, path)
}

#[track_caller]
fn assert_error(error: &Error, kind: ErrorKind, path: &Path, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    for part in parts.iter().copied().chain([path.to_str().unwrap()]) {
        assert!(error.message().contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn a_created_store_can_be_inspected_and_opened() {
    let temporary = tempdir().unwrap();
    let path = temporary.path().join("missing/parents/store");
    create(&path).unwrap();
    let info = inspect(&path).unwrap();
    assert_eq!((info.id, &info.engine[..], info.created), (ID, "sled", NOW));
    let directory = open(&path).unwrap();
    assert!(directory.data_path().is_dir());
    assert_eq!(directory.unclean(), None);
}

#[test]
fn the_manifest_is_what_the_documentation_says() {
    let (_temporary, path) = store();
    assert_eq!(
        fs::read_to_string(path.join("store.toml")).unwrap(),
        "format = 3\nid = \"30313233343536373839616263646566\"\nengine = \"sled\"\n\
         created = \"2023-11-14T22:13:20Z\"\n"
    );
}

#[test]
fn a_store_is_not_created_twice() {
    let (_temporary, path) = store();
    assert_error(&create(&path).unwrap_err(), ErrorKind::AlreadyExists, &path, &["open it"]);
}

#[test]
fn a_store_is_not_created_among_other_files() {
    let temporary = tempdir().unwrap();
    fs::write(temporary.path().join("notes.txt"), "mine").unwrap();
    let error = create(temporary.path()).unwrap_err();
    assert_error(&error, ErrorKind::Invalid, temporary.path(), &["notes.txt", "empty"]);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1, "it was left as it was");
}

#[test]
fn a_creation_cut_short_is_made_good() {
    let temporary = tempdir().unwrap();
    fs::create_dir(temporary.path().join("data")).unwrap();
    fs::write(temporary.path().join("lock"), "pid = 1").unwrap();
    fs::write(temporary.path().join("store.toml.new"), "form").unwrap();
    create(temporary.path()).unwrap();
    open(temporary.path()).unwrap();
}

#[test]
fn a_creation_cut_short_in_the_engine_is_begun_again() {
    let temporary = tempdir().unwrap();
    let begun = Directory::create(temporary.path(), "sled", ID, NOW).unwrap();
    fs::write(begun.data_path().join("conf"), "half").unwrap();
    drop(begun);
    let error = open(temporary.path()).unwrap_err();
    assert_error(&error, ErrorKind::NotFound, temporary.path(), &["yet"]);
    assert_eq!(error.hint(), Some(Hint::CreateStore { url: None }));
    let again = Directory::create(temporary.path(), "sled", ID, NOW).unwrap();
    assert_eq!(fs::read_dir(again.data_path()).unwrap().count(), 0, "nothing is left of the first");
    for file in ["conf", "db"] {
        fs::write(again.data_path().join(file), "whole").unwrap();
    }
    again.complete().unwrap();
    drop(again);
    open(temporary.path()).unwrap();
}

/// An older Argon wrote the manifest first.
#[test]
fn a_manifest_without_an_engine_is_no_store_yet_and_nothing_of_it_is_lost() {
    for (engine, left) in [("sled", "conf"), ("fjall", "0.jnl")] {
        let temporary = tempdir().unwrap();
        Directory::create(temporary.path(), engine, ID, NOW).unwrap().complete().unwrap();
        fs::write(temporary.path().join("data").join(left), "left").unwrap();
        assert_eq!(inspect(temporary.path()).unwrap_err().kind(), ErrorKind::NotFound);
        create(temporary.path()).unwrap();
        open(temporary.path()).unwrap();
        let aside = temporary.path().join("data.unfinished.1").join(left);
        assert_eq!(fs::read(aside).unwrap(), b"left");
    }
}

#[test]
fn a_store_that_was_closed_is_one_whatever_its_engine_has_lost() {
    let (_temporary, path) = store();
    fs::write(path.join("heads"), "seen").unwrap();
    fs::remove_file(path.join("data/db")).unwrap();
    inspect(&path).unwrap();
    assert_eq!(create(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[cfg(unix)]
#[test]
fn a_store_stays_locked_when_the_file_is_removed() {
    let (_temporary, path) = store();
    let holder = open(&path).unwrap();
    fs::remove_file(path.join("lock")).unwrap();
    assert_eq!(open(&path).unwrap_err().kind(), ErrorKind::Unavailable);
    drop(holder);
    open(&path).unwrap();
}

#[test]
fn of_two_creators_one_wins() {
    let temporary = tempdir().unwrap();
    let path = temporary.path().join("store");
    let start = Barrier::new(2);
    let create = || {
        start.wait();
        create(&path).map_err(|error| error.kind())
    };
    let mut results = std::thread::scope(|scope| {
        [scope.spawn(create), scope.spawn(create)].map(|thread| thread.join().unwrap())
    });
    results.sort_by_key(Result::is_err);
    assert_eq!(results, [Ok(()), Err(ErrorKind::AlreadyExists)]);
}

#[test]
fn what_is_no_store_is_refused_by_what_it_is() {
    let temporary = tempdir().unwrap();
    let missing = temporary.path().join("missing");
    let error = open(&missing).unwrap_err();
    assert_error(&error, ErrorKind::NotFound, &missing, &["there is no store"]);
    assert_eq!(error.hint(), Some(Hint::CreateStore { url: None }));
    // As a creation that was cut short leaves it.
    let error = open(temporary.path()).unwrap_err();
    assert_error(&error, ErrorKind::NotFound, temporary.path(), &["yet"]);
    assert_eq!(error.hint(), Some(Hint::CreateStore { url: None }));
    fs::write(temporary.path().join("notes.txt"), "").unwrap();
    let error = open(temporary.path()).unwrap_err();
    assert_error(&error, ErrorKind::Invalid, temporary.path(), &["no store.toml"]);
    let file = temporary.path().join("file");
    fs::write(&file, "").unwrap();
    assert_error(&open(&file).unwrap_err(), ErrorKind::Invalid, &file, &["not a directory"]);
}

#[test]
fn a_store_of_another_engine_names_the_url_to_use() {
    let (_temporary, path) = store();
    let error = Directory::open(&path, "fjall", Duration::ZERO, NOW, || false).unwrap_err();
    let url = format!("open it as sled:{}", path.display());
    assert_error(&error, ErrorKind::Invalid, &path, &["is a sled store", &url]);
}

#[test]
fn other_formats_and_damage_are_told_apart() {
    let (_temporary, path) = store();
    let manifest = path.join("store.toml");
    let good = fs::read_to_string(&manifest).unwrap();
    for (text, kind, part) in [
        (good.replace("format = 3", "format = 7\nnew = true"), ErrorKind::Unsupported, "format 7"),
        (good.replace("format = 3", "format = 0"), ErrorKind::Unsupported, "format 0"),
        (good.replace("id = \"30", "id = \"zz"), ErrorKind::Corrupt, "hexadecimal"),
        (good.replace("2023-11", "2023-99"), ErrorKind::Corrupt, "damaged"),
        (good.replace("format", "from"), ErrorKind::Corrupt, "missing field `format`"),
        (String::new(), ErrorKind::Corrupt, "damaged"),
    ] {
        fs::write(&manifest, text).unwrap();
        assert_error(&open(&path).unwrap_err(), kind, &path, &[part]);
    }
    fs::write(&manifest, [0xff, 0xfe]).unwrap();
    assert_error(&open(&path).unwrap_err(), ErrorKind::Corrupt, &path, &["damaged"]);
}

#[test]
fn a_store_of_format_1_opens_and_is_of_the_newest_once_that_is_noted() {
    let (_temporary, path) = store();
    let manifest = path.join("store.toml");
    let new = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, new.replace("format = 3", "format = 1")).unwrap();
    assert_eq!(inspect(&path).unwrap().format, 1);
    drop(open(&path).unwrap());
    assert_eq!(inspect(&path).unwrap().format, 1, "nothing was written");
    super::raise_format(&path).unwrap();
    super::raise_format(&path).unwrap();
    assert_eq!(fs::read_to_string(&manifest).unwrap(), new);
}

#[test]
fn a_store_in_use_names_its_holder() {
    let (_temporary, path) = store();
    let _holder = open(&path).unwrap();
    let pid = format!("process {} (", std::process::id());
    let parts = [&pid[..], "since 2023-11-14T22:13:20Z", "waited 0.05 s"];
    let error = open(&path).unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, &path, &parts);
    assert_eq!(error.hint(), Some(Hint::WaitForStore));
    inspect(&path).unwrap();
}

#[test]
fn a_lock_is_waited_for() {
    let (_temporary, path) = store();
    let holder = open(&path).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(60));
            drop(holder);
        });
        let second =
            Directory::open(&path, "sled", Duration::from_mins(1), NOW, || false).unwrap().unwrap();
        assert_eq!(second.unclean(), None);
    });
}

/// Not a test by itself: what the next test runs in another process.
#[test]
fn child_that_holds_a_store_until_it_is_killed() {
    let Some(path) = std::env::var_os("ARGON_TEST_HOLD_STORE") else { return };
    let path = PathBuf::from(path);
    let _holder = open(&path).unwrap();
    File::create(path.with_extension("held")).unwrap();
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn the_lock_of_a_killed_process_is_free_and_the_next_holder_is_told() {
    let (_temporary, path) = store();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["child_that_holds_a_store_until_it_is_killed", "--nocapture"])
        .env("ARGON_TEST_HOLD_STORE", &path)
        .spawn()
        .unwrap();
    while !path.with_extension("held").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "the child ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    let error = open(&path).unwrap_err();
    let pid = format!("process {} (", child.id());
    assert_error(&error, ErrorKind::Unavailable, &path, &[&pid]);
    child.kill().unwrap();
    child.wait().unwrap();
    let directory = open(&path).unwrap();
    assert_eq!(directory.unclean().map(|holder| holder.pid), Some(child.id()));
    drop(directory);
    assert_eq!(open(&path).unwrap().unclean(), None, "a clean close leaves no holder");
}

#[cfg(unix)]
#[test]
fn without_permission_it_is_denied() {
    use std::os::unix::fs::PermissionsExt;

    let (temporary, path) = store();
    for (unreadable, mode) in [(path.join("store.toml"), 0o000), (path.join("lock"), 0o000)] {
        fs::set_permissions(&unreadable, fs::Permissions::from_mode(mode)).unwrap();
        if File::open(&unreadable).is_ok() {
            eprintln!("not checked: this user (root) may read everything");
            return;
        }
        let error = open(&path).unwrap_err();
        assert_error(&error, ErrorKind::Denied, &path, &["permissions"]);
        fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let other = temporary.path().join("other");
    assert_error(&create(&other).unwrap_err(), ErrorKind::Denied, &other, &["permissions"]);
    fs::set_permissions(temporary.path(), fs::Permissions::from_mode(0o700)).unwrap();
}
