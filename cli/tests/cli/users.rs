//! Users of the server: where their passwords come from, and that they are shown nowhere.

use crate::support::{Place, Run, has};

const SECRET: &str = "s3cret";

/// All that a command prints, which succeeds.
#[track_caller]
fn said(place: &Place, arguments: &[&str], input: &str) -> String {
    let run = place.run_with(arguments, input);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout + &run.stderr
}

#[test]
fn a_password_comes_from_a_file_the_environment_or_standard_input_and_is_shown_nowhere() {
    let place = Place::with_project("sled");
    let file = place.file("password", format!("{SECRET}\n"));
    let create = ["user", "create", "ada", "--role", "read@shop", "--password-file", file];
    let mut shown = said(&place, &create, "");
    has(&shown, &["created user ada", "ada has read@shop"]);

    let bob = said(&place, &["user", "create", "bob", "--database", "shop"], SECRET);
    has(&bob, &["bob has no roles"]);

    let mut command = place.command(&["user", "create", "eve", "--role", "dbOwner@shop:try"]);
    let run: Run = command.env("ARGON_USER_PASSWORD", SECRET).output().unwrap().into();
    has(&run.stderr, &["eve has readWrite@shop:try, dbAdmin@shop:try, userAdmin@shop:try"]);

    let certificate = ["user", "create", "CN=billing,O=Example", "--certificate", "--role", "root"];
    place.ok(&certificate);
    shown += &place.ok(&["user", "list", "-o", "json"]);
    has(
        &shown,
        &[r#""user":"bob","database":"shop""#, r#""database":"$external""#, "SCRAM-SHA-256"],
    );
    assert!(!shown.contains(SECRET) && !shown.contains("salt"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_user_is_said_by_name() {
    let place = Place::with_project("sled");
    let create = |more: &[&str], password: &str| {
        let run = place.run_with(&[&["user", "create", "ada"], more].concat(), password);
        assert_ne!(run.code, Some(0), "{run:?}");
        assert!(password.is_empty() || !run.stderr.contains(password), "{run:?}");
        run.stderr
    };
    has(&create(&["--role", "clusterAdmin"], SECRET), &["role 'clusterAdmin' is not supported"]);
    has(&create(&["--role", "read"], SECRET), &["read@shop:try"]);
    has(&create(&["--database", "local"], SECRET), &["invalid database 'local'"]);
    has(&create(&[], ""), &["the password is empty"]);
    has(&create(&[], "a\u{7}b"), &["SASLprep"]);
    has(&create(&["--password", SECRET], ""), &["--password"]);
    assert_eq!(place.run_with(&["user", "create", "ada"], SECRET).code, Some(0));
    has(&create(&[], SECRET), &["user 'ada' already exists"]);
    has(&place.fails(3, &["user", "drop", "bob"]), &["unknown user 'bob' of database 'admin'"]);
}

#[test]
fn roles_are_granted_and_revoked() {
    let place = Place::with_project("sled");
    assert_eq!(place.run_with(&["user", "create", "ada"], SECRET).code, Some(0));
    let grant = ["user", "grant", "ada", "--role", "read@shop", "--role", "root@shop:try"];
    let granted = said(&place, &grant, "");
    has(&granted, &["ada has read@shop, root@shop:try"]);
    has(
        &said(&place, &["user", "revoke", "ada", "--role", "read@shop"], ""),
        &["ada has root@shop:try"],
    );
    assert_eq!(place.run_with(&["user", "passwd", "ada"], "another").code, Some(0));
    has(&said(&place, &["user", "drop", "ada"], ""), &["dropped user ada"]);
    assert_eq!(place.ok(&["user", "list", "-o", "jsonl"]), "");
}

#[test]
fn a_server_that_other_machines_reach_needs_users_and_tls() {
    let place = Place::with_project("sled");
    let refused = place.run(&["serve", "--listen", "0.0.0.0:0"]);
    has(&refused.stderr, &["--tls-cert", "--insecure"]);
    let run = place.run(&["serve", "--tls-cert", "a.pem"]);
    has(&run.stderr, &["--tls-key"]);
}
