//! The examples, as executables that cargo built beside this test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The executable of an example: `NAME`, or `NAME-HASH` where cargo builds all targets as tests.
#[track_caller]
fn executable(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let is_it = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let suffix = stem.strip_prefix(name);
        let extension = path.extension().and_then(|extension| extension.to_str());
        suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('-'))
            && extension.unwrap_or_default() == std::env::consts::EXE_EXTENSION
    };
    let files = fs::read_dir(&directory).into_iter().flatten().map(|entry| entry.unwrap().path());
    let newest =
        files.filter(is_it).max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap());
    newest.unwrap_or_else(|| {
        panic!("no example '{name}' in {}; `cargo test -p argon` builds it", directory.display())
    })
}

#[track_caller]
fn output(name: &str) -> String {
    let output = Command::new(executable(name)).env("USER", "ada").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && errors.is_empty(), "{name}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn check(name: &str, expected: &[&str]) {
    let output = output(name);
    assert_eq!(output.lines().collect::<Vec<_>>(), expected, "{output}");
}

#[test]
fn the_quick_start_writes_queries_and_shows_the_log() {
    check(
        "quick_start",
        &[
            "inserted 3 users in commit 1",
            "  Ada is 36",
            "  Grace is 45",
            "Tim is 10 now",
            "marked 1 of 3 users",
            "the log of main:",
            "  3 by ada: 1 changed",
            "  2 by ada: 1 changed",
            "  1 by ada: 4 changed",
        ],
    );
}

#[test]
fn branches_are_merged_field_by_field_and_conflicts_are_named() {
    check(
        "branches_and_merge",
        &[
            "on main before: Lamp for 40 []",
            "on the branch: Lmap for 30 [\"sale\"]",
            "conflicts: 0",
            "merged in commit 3",
            "on main after: Lamp for 30 [\"sale\"]",
            "conflict in articles \"lamp\": price",
        ],
    );
}

#[test]
fn past_states_are_read_undone_and_restored() {
    check(
        "time_travel",
        &[
            "LSN 1: ada 100, grace 100",
            "LSN 2: ada 250, grace 100",
            "LSN 3: ada 0, grace 0",
            "LSN 4: ada 0, grace 7",
            "the undo of LSN 3 conflicts in \"grace\", which was changed since",
            "reset from LSN 5 to 2",
            "Some(Account { id: \"grace\", balance: 100 })",
            "the backup is at LSN 5",
            "Some(Account { id: \"ada\", balance: 250 })",
        ],
    );
}

#[test]
fn a_watcher_continues_where_it_was_and_is_told_of_a_reset() {
    check(
        "watcher",
        &[
            "LSN 1: the total is 20",
            "LSN 2: the total is 25",
            "LSN 3: the total is 35",
            "again from the token",
            "LSN 4: the total is 30",
            "LSN 5: the total is 31",
            "conflict: branch 'main' was reset from LSN 5 while it was watched, and is at LSN 1 now; \
             read the branch, and watch it from its head",
        ],
    );
}

#[test]
fn a_repository_books_a_seat_once() {
    let output = output("repository");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..2], ["1 booked, 2 refused", "row: front"], "{output}");
    assert!(lines[2].starts_with("conflict: the document with _id \"A1\""), "{output}");
}
