//! `argon.toml`, `argon config` and names of stores.

use std::fs;

use crate::support::{Place, has};

/// The user's file of a place.
const USER: &str = "settings/argon/argon.toml";

fn value(place: &Place, key: &str) -> String {
    place.ok(&["config", "get", key, "-o", "table"]).trim().to_owned()
}

#[test]
fn the_store_the_user_the_environment_and_the_options_are_heard_in_that_order() {
    let mut place = Place::with_project("sled");
    let origin = |place: &Place| {
        let listed = place.ok(&["config", "list", "--show-origin", "-o", "table"]);
        let line = listed.lines().find(|line| line.starts_with("retention")).unwrap().to_owned();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(origin(&place), "7d default");
    place.file(".argon/argon.toml", "\nretention = \"3d\"\n");
    assert_eq!(origin(&place), "3d store: .argon/argon.toml:2");
    place.ok(&["config", "set", "retention", "4d"]);
    has(&origin(&place), &["4d user: ", "argon.toml:1"]);
    place.variables.push(("ARGON_RETENTION", "5d".to_owned()));
    assert_eq!(origin(&place), "5d environment: ARGON_RETENTION");
    has(&place.ok(&["gc", "--dry-run", "-o", "table"]), &["a retention of 5d"]);
    has(&place.ok(&["gc", "--dry-run", "--retention", "6d"]), &["a retention of 6d"]);
    place.variables.push(("ARGON_OUTPUT", "json".to_owned()));
    has(&place.ok(&["config", "get", "output"]), &["\"environment: ARGON_OUTPUT\""]);
    has(&place.ok(&["config", "get", "output", "-o", "jsonl"]), &["\"option: --output\""]);
}

#[test]
fn a_setting_changes_without_the_comments_and_the_order_of_its_file() {
    let place = Place::empty();
    place.file(
        USER,
        "# mine\noutput = \"json\" # for scripts\n\n[cache]\n# large\nsize = \"1MiB\"\n",
    );
    place.ok(&["config", "set", "cache.size", "2MiB"]);
    place.ok(&["config", "set", "output", "table"]);
    place.ok(&["config", "set", "metrics.enabled", "false"]);
    let text = fs::read_to_string(place.path(USER)).unwrap();
    has(
        &text,
        &["# mine\noutput = \"table\" # for scripts\n\n[cache]\n# large\nsize = \"2MiB\"\n"],
    );
    has(&text, &["[metrics]\nenabled = false\n"]);
    place.ok(&["config", "unset", "cache.size"]);
    assert_eq!(value(&place, "cache.size"), "1GiB");
    has(&place.fails(3, &["config", "unset", "cache.size"]), &["is not set in"]);
}

#[test]
fn a_key_that_is_not_known_is_refused_with_its_line_and_the_nearest_name() {
    let place = Place::empty();
    place.file(USER, "output = \"json\"\n[cache]\nsiez = \"1MiB\"\n");
    let error = place.fails(2, &["config", "list"]);
    has(&error, &["argon.toml:3: unknown setting 'cache.siez'; did you mean 'cache.size'?"]);
    place.file(USER, "");
    has(&place.fails(2, &["config", "set", "retension", "1d"]), &["did you mean 'retention'?"]);
    has(&place.fails(2, &["config", "get", "zzz"]), &["argon config list"]);
}

#[test]
fn a_value_of_another_type_is_refused_where_it_stands() {
    let mut place = Place::empty();
    for (text, parts) in [
        ("retention = \"soon\"", ["argon.toml:1: retention should be a duration", "\"soon\""]),
        ("\n[metrics]\nenabled = \"yes\"", ["argon.toml:3: metrics.enabled", "true or false"]),
        ("[cache]\nsize = true", ["argon.toml:2: cache.size should be a size", "true"]),
        ("output = ", ["argon.toml:1 is not TOML", ""]),
        ("[[alerts]]\nname = \"x\"", ["argon.toml:1: alerts should be tables", "metric"]),
        ("[health]\nbacklog = -1", ["argon.toml:2: health.backlog", "from 0 on"]),
    ] {
        place.file(USER, text);
        has(&place.fails(2, &["config", "list"]), &parts);
    }
    place.file(USER, "");
    has(&place.fails(2, &["config", "set", "health.backlog", "many"]), &["a whole number"]);
    place.variables.push(("ARGON_CACHE_SIZE", "big".to_owned()));
    has(&place.fails(2, &["config", "list"]), &["ARGON_CACHE_SIZE (cache.size) should be a size"]);
}

#[test]
fn rules_of_alerts_are_read() {
    let place = Place::empty();
    let rule = "[[alerts]]\nname = \"queue\"\nmetric = \"backlog\"\nop = \">\"\nthreshold = 10\n\
                for = \"5m\"\nseverity = \"critical\"\nwebhook = \"https://h/x\"\nsecret_env = \"S\"\n";
    place.file(USER, rule);
    has(&place.ok(&["config", "get", "alerts"]), &["queue", "5m"]);
}

#[test]
fn a_password_has_no_place_in_a_configuration_and_is_not_repeated() {
    let place = Place::empty();
    let url = "mongodb://ada:s3cret@db/shop";
    for arguments in [
        ["store", "add", "prod", url],
        ["config", "set", "store", url],
        ["config", "set", "legacy.store", "ADA:s3cret@db"],
    ] {
        let error = place.fails(2, &arguments);
        has(&error, &["without a password", "ARGON_STORE_PASSWORD"]);
        assert!(!error.contains("s3cret"), "{error}");
    }
    for text in [
        "store = \"mongodb://ada:s3cret@db/shop\"",
        "[stores]\nx = \"s3://a:s3cret@b\"",
        "store = \"mongodb://ada:s3cret@db/shop",
    ] {
        place.file(USER, text);
        let error = place.fails(2, &["status"]);
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_store_is_found_by_its_name_from_anywhere() {
    let mut place = Place::empty();
    place.ok(&["store", "add", "here", "fjall:data"]);
    place.ok(&["--store", "here", "init"]);
    place.ok(&["--store", "here", "project", "create", "shop"]);
    has(&place.ok(&["store", "list", "-o", "jsonl"]), &["\"name\":\"here\"", "fjall:/"]);
    has(&place.fails(4, &["store", "add", "here", "sled:x"]), &["argon store remove here"]);
    has(&place.fails(2, &["store", "add", "a/b", "sled:x"]), &["'a/b'"]);
    let status = place.ok(&["--store", "here", "status"]);
    has(&status, &["named by     the name 'here' in the command line", "shop"]);
    place.variables.push(("ARGON_STORE", "here".to_owned()));
    has(&place.ok(&["status"]), &["the name 'here' in ARGON_STORE"]);
    place.variables.clear();
    place.ok(&["config", "set", "store", "here"]);
    has(&place.ok(&["status"]), &["the name 'here' in the setting 'store'"]);
    place.ok(&["init"]);
    has(&place.ok(&["status"]), &["the nearest .argon"]);
    place.ok(&["store", "remove", "here"]);
    has(&place.fails(3, &["store", "remove", "here"]), &["unknown store name 'here'"]);
    // Without the name, it is a directory.
    place.fails(3, &["--store", "here", "status"]);
}

#[test]
fn what_names_the_store_is_not_for_the_file_of_the_store() {
    let place = Place::with_project("sled");
    place.file(".argon/argon.toml", "store = \"other\"\n");
    has(&place.fails(2, &["status"]), &[".argon/argon.toml:1: 'store'", "user's file"]);
    place.file(".argon/argon.toml", "");
    has(&place.fails(2, &["config", "set", "store", "x", "--store-level"]), &["--user"]);
    place.ok(&["config", "set", "retention", "9d", "--store-level"]);
    has(&fs::read_to_string(place.path(".argon/argon.toml")).unwrap(), &["retention = \"9d\""]);
}
