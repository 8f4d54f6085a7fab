//! Commands of git and of MongoDB's tools, which name what to use here.

use crate::support::{Place, has};

#[test]
fn a_command_of_git_names_the_one_that_does_it_here() {
    let place = Place::empty();
    for (command, advice) in [
        ("checkout", "`argon switch BRANCH`"),
        ("commit", "every write is a commit"),
        ("add", "nothing is staged"),
        ("revert", "`argon undo LSN`"),
        ("reset", "`argon restore reset REV`"),
        ("tag", "`argon pin create NAME"),
        ("push", "`argon migrate SOURCE TARGET`"),
        ("pull", "`argon merge BRANCH`"),
        ("fetch", "`argon apply FILE`"),
        ("clone", "`argon init URL --existing`"),
        ("stash", "`argon switch -c NAME`"),
        ("rebase", "`argon cherry-pick REV"),
        ("mongodump", "`argon export DIR`"),
    ] {
        let error = place.fails(2, &[command, "-m", "x"]);
        has(&error, &[&format!("error: unknown command '{command}'"), "hint:", advice]);
        let error = place.fails(2, &["-p", "shop", command]);
        has(&error, &[advice]);
        has(&place.fails(2, &["help", command]), &[advice]);
    }
    let json = place.fails(2, &["commit", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["error"]["kind"], "invalid");
    has(json["error"]["hint"].as_str().unwrap(), &["`argon put`"]);
    // What is known nowhere is what clap says of it.
    has(&place.fails(2, &["swich"]), &["unrecognized subcommand 'swich'", "switch"]);
}

#[test]
fn arguments_of_git_name_the_command_that_takes_them() {
    let place = Place::empty();
    for (arguments, advice) in [
        (&["branch", "try"][..], "`argon branch create try`"),
        (&["branch", "-d", "try"], "`argon branch delete NAME`"),
        (&["branch", "-m", "a", "b"], "`argon branch rename FROM TO`"),
        (&["restore", "main~1"], "`argon restore reset 'main~1'`"),
        (&["diff", "--staged"], "nothing is staged"),
    ] {
        has(&place.fails(2, arguments), &["error: unknown argument", advice]);
    }
    let secret = place.fails(2, &["branch", "mongodb://ada:s3@db/shop"]);
    assert!(!secret.contains("s3@"), "{secret}");
}
