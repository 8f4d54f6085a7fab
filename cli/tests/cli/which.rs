//! docs/WHICH.md: every command of its table runs as it stands.

use std::fs;
use std::path::Path;

use crate::support::{Place, has};

/// The store of the deprecated commands.
const LEGACY: &str = "legacy+file:old";

/// The cells of the table of commands, row by row.
fn rows() -> Vec<[String; 2]> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/WHICH.md");
    let page = fs::read_to_string(page).unwrap();
    let table = page.split("| old | new |").nth(1).unwrap();
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            let commands = cells.map(|cell| cell.trim().trim_matches('`').to_owned());
            <[String; 2]>::try_from(commands.collect::<Vec<_>>()).unwrap()
        })
        .collect()
}

/// A commit for the page's project, which some commands look back at.
fn put(place: &Place) {
    place.ok(&["put", "-p", "shop", "-b", "main", "-c", "users", "{}"]);
}

#[test]
fn every_command_of_the_page_runs_as_it_stands() {
    let rows = rows();
    assert!(rows.len() > 15, "the table is not found: {rows:?}");
    for column in [0, 1] {
        let place = Place::empty();
        place.ok(&["init"]);
        place.ok(&["init", LEGACY]);
        place.ok(&["config", "set", "legacy.store", LEGACY]);
        if column == 0 {
            // The old names are of two stores: that of `legacy.store`, and the primary one.
            place.ok(&["project", "create", "shop"]);
            put(&place);
        }
        for row in &rows {
            let words: Vec<&str> = row[column].split(' ').collect();
            assert_eq!(words[0], "argon", "{row:?}");
            let run = place.run(&words[1..]);
            assert_eq!(run.code, Some(0), "{row:?}: {run:#?}");
            let is_deprecated = matches!(words[1], "projects" | "branches");
            assert_eq!(run.stderr.contains("is deprecated"), is_deprecated, "{row:?}: {run:#?}");
            if words[1..] == ["project", "create", "shop"] {
                put(&place);
            }
        }
    }
}

#[test]
fn the_reminder_says_what_to_use_and_can_be_silenced() {
    let mut place = Place::empty();
    has(&place.fails(2, &["projects", "list"]), &["legacy.store", "argon config set legacy.store"]);
    place.ok(&["init", LEGACY]);
    place.ok(&["config", "set", "legacy.store", LEGACY]);
    let said = place.run(&["projects", "list", "-q"]).stderr;
    has(&said, &["`argon projects` is deprecated: use `argon project list`", "argon migrate"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    place.variables.push(("ARGON_NO_DEPRECATION", "1".to_owned()));
    assert_eq!(place.run(&["projects", "list", "-q"]).stderr, "");
}
