use std::fs;

use super::*;

const LOCK: &str = "# for people\n\nversion: 1\nproject: \"shop\"\nbranch: \"main\"\ncollection: \"users\"\nlsn: 3\ndigest: \"5f\"\n";

#[test]
fn a_lock_file_that_is_written_is_read_and_gives_the_parameters_of_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.argon");
    fs::write(&file, LOCK).unwrap();
    let lock = Lock::read(&file).unwrap();
    assert_eq!((lock.revision().as_str(), lock.lsn), ("main@3", 3));
    let other = directory.path().join("people.argon");
    Lock { lsn: 4, ..lock.clone() }.write(&other).unwrap();
    assert_eq!(Lock::read(&other).unwrap(), Lock { lsn: 4, ..lock });
    fs::create_dir(directory.path().join(".argon")).unwrap();
    assert_eq!(lock_files(directory.path()).unwrap(), [other, file]);
    let parameters = fs::read_to_string(directory.path().join("argon.yaml")).unwrap();
    let expected = "people:\n  rev: \"main@4\"\n  project: \"shop\"\n  collection: \"users\"\nusers:\n  rev: \"main@3\"\n";
    assert!(parameters.contains(expected), "{parameters}");
}

#[test]
fn a_lock_file_that_says_the_same_is_not_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.argon");
    fs::write(&file, LOCK).unwrap();
    let lock = Lock::read(&file).unwrap();
    lock.write(&file).unwrap();
    let parameters = directory.path().join("argon.yaml");
    let written =
        || [&file, &parameters].map(|file| fs::metadata(file).unwrap().modified().unwrap());
    let before = written();
    std::thread::sleep(std::time::Duration::from_millis(20));
    lock.write(&file).unwrap();
    assert_eq!(written(), before);
}

#[test]
fn what_is_no_lock_file_is_refused_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.argon");
    for (from, to, words) in [
        ("version: 1", "version: 2", "expected version 1"),
        ("version: 1", "", "expected version 1"),
        ("lsn: 3", "lsn: x", "invalid line 'lsn: x'"),
        ("lsn: 3", "lsn: \"3\"", "expected u64"),
        ("lsn: 3", "lsn: -1", "expected u64"),
        ("digest: \"5f\"", "digest: 5", "expected a string"),
        ("digest: \"5f\"", "nothing", "invalid line 'nothing'"),
        ("branch: \"main\"", "", "missing field `branch`"),
        ("branch: \"main\"", "branch: null", "expected a string"),
    ] {
        fs::write(&file, LOCK.replace(from, to)).unwrap();
        let error = Lock::read(&file).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("users.argon"), "{error}");
    }
    fs::remove_file(&file).unwrap();
    assert!(Lock::read(&file).unwrap_err().to_string().contains("can't read"));
}
