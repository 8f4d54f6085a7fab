//! Passwords: where they are taken from, and that they are never shown.

use std::fs;

use crate::support::{Place, Run, has};

const SECRET: &str = "s3cret";

/// URLs with a password of which none leads to a store.
const URLS: [&str; 13] = [
    "mongodb://ada:s3cret@127.0.0.1:1/shop?serverSelectionTimeoutMS=50",
    "mongodb://ada:s3cret@127.0.0.1:1/shop?noSuchOption=s",
    "mongodb://ada:s3cret@/shop",
    "mongodb://ada:s3cret/@127.0.0.1:1/a b",
    "mongodb://ada:%s3cret@127.0.0.1:99999/shop",
    "mongodb+srv://ada:s3cret@nowhere.invalid/shop",
    "s3://ada:s3cret@bucket/prefix?no_such_option=1",
    "oracle://ada:s3cret@host/shop",
    "mongodb:/ada:s3cret@127.0.0.1:1/shop",
    "legacy+file:old?queue=mongodb://ada:s3cret@127.0.0.1:1/q",
    "legacy+file:old?queue=mongodb%3A%2F%2Fada%3As3cret%40127.0.0.1%3A1%2Fq",
    "s3://bucket/prefix?endpoint=http://ada:s3cret@127.0.0.1:1",
    "ADA:s3cret@host",
];

fn with(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = place.command(arguments);
    command.envs(variables.iter().copied()).env("RUST_BACKTRACE", "1");
    command.output().unwrap().into()
}

#[track_caller]
fn assert_hidden(run: &Run, what: &str) {
    assert_ne!(run.code, Some(0), "{what}: {run:?}");
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(!shown.contains(SECRET), "{what}: {run:#?}");
    assert!(!shown.contains("panicked"), "{what}: {run:#?}");
}

#[test]
fn no_error_shows_the_password_of_a_url() {
    let place = Place::empty();
    for url in URLS {
        let option = format!("--store={url}");
        for arguments in [
            &["status", "--store", url][..],
            &["status", &option],
            &["status", "--store", url, "-o", "json"],
            &["init", url],
            &["init", url, "--existing"],
            &["doctor", url],
            &["doctor", url, "-o", "json"],
            &["status", url],
            &["doctor", "a", url],
            &["--stroe", url, "status"],
            &["fsck", "--store", url, "--lock-timeout", url],
        ] {
            let arguments = [arguments, &["--lock-timeout", "0.05"]].concat();
            assert_hidden(&place.run(&arguments), &format!("{arguments:?}"));
        }
        let environment = [("ARGON_STORE", url)];
        for arguments in [["status", "-q"], ["init", "-q"], ["doctor", "-q"], ["fsck", "--no"]] {
            let arguments = [&arguments[..], &["--lock-timeout", "0.05"]].concat();
            assert_hidden(&with(&place, &arguments, &environment), &format!("{url} {arguments:?}"));
        }
        place.file("url", format!("{url}\n"));
        let arguments = ["status", "--store-file", "url", "--lock-timeout", "0.05"];
        assert_hidden(&with(&place, &arguments, &[]), url);
    }
}

#[test]
fn no_error_shows_a_password_that_the_environment_gives() {
    let place = Place::empty();
    for url in ["mongodb://ada@127.0.0.1:1/shop", "mongodb://127.0.0.1:1/shop", "oracle:x"] {
        for arguments in [["status", "-q"], ["doctor", "-q"], ["init", "-q"]] {
            let arguments = [&arguments[..], &["--lock-timeout", "0.05"]].concat();
            let variables = [("ARGON_STORE", url), ("ARGON_STORE_PASSWORD", SECRET)];
            assert_hidden(&with(&place, &arguments, &variables), url);
        }
    }
}

#[test]
fn a_password_on_the_command_line_brings_a_note_and_one_in_the_environment_does_not() {
    let place = Place::empty();
    let url = "oracle://ada:s3cret@host/shop";
    let note = "every user of this machine can see the password on the command line";
    has(&place.fails(9, &["status", "--store", url]), &["note: ", note, "ARGON_STORE_FILE"]);
    has(&place.fails(9, &["init", url]), &["note: ", note]);
    let harmless = place.fails(9, &["status", "--store", "oracle://ada@host/shop"]);
    assert!(!harmless.contains("note:"), "{harmless}");
    let run = with(&place, &["status"], &[("ARGON_STORE", url)]);
    assert!(!run.stderr.contains("note:"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_password_that_all_can_read_brings_a_note() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::empty();
    place.file("url", "oracle://ada:s3cret@host/shop\n");
    place.file("password", "s3cret\n");
    for (mode, exposed) in [(0o644, true), (0o640, false), (0o600, false)] {
        for file in ["url", "password"] {
            fs::set_permissions(place.path(file), fs::Permissions::from_mode(mode)).unwrap();
        }
        let url = with(&place, &["status"], &[("ARGON_STORE_FILE", "url")]);
        assert_eq!(url.stderr.contains("chmod 600 url"), exposed, "{url:?}");
        let variables = [("ARGON_STORE", "sled:x"), ("ARGON_STORE_PASSWORD_FILE", "password")];
        let password = with(&place, &["status"], &variables);
        assert_eq!(password.stderr.contains("chmod 600 password"), exposed, "{password:?}");
        let doctor = with(&place, &["doctor"], &variables);
        assert_eq!(doctor.stdout.contains("password   warning"), exposed, "{doctor:?}");
    }
}

#[test]
fn what_is_said_twice_is_refused() {
    let place = Place::with_project("sled");
    for (one, other) in
        [("ARGON_STORE", "ARGON_STORE_FILE"), ("ARGON_STORE_PASSWORD", "ARGON_STORE_PASSWORD_FILE")]
    {
        let run = with(&place, &["status"], &[(one, "sled:.argon"), (other, "x")]);
        assert_eq!(run.code, Some(2), "{run:?}");
        has(&run.stderr, &[one, other, "unset one"]);
    }
    place.fails(2, &["status", "--store", "sled:.argon", "--store-file", "x"]);
    // The command line goes before the environment, and an empty variable says nothing.
    let run = with(&place, &["status", "--store", ".argon"], &[("ARGON_STORE", "oracle:x")]);
    has(&run.stdout, &["project      shop", "named by     the command line"]);
    let run = with(&place, &["status"], &[("ARGON_STORE", ""), ("ARGON_STORE_FILE", "")]);
    has(&run.stdout, &["project      shop", "named by     the nearest .argon"]);
}

#[test]
fn a_store_is_named_by_the_first_line_of_a_file() {
    let place = Place::with_project("fjall");
    place.file("url", "fjall:.argon\nanother line\n");
    has(&place.ok(&["status", "--store-file", "url"]), &["project      shop", "named by     url"]);
    place.file("url", "\n");
    has(&place.fails(2, &["status", "--store-file", "url"]), &["the first line of url"]);
    place.fails(3, &["status", "--store-file", "nowhere"]);
    let named = with(&place, &["status"], &[("ARGON_STORE_FILE", "nowhere")]);
    assert_eq!(named.code, Some(3), "{named:?}");
}

#[test]
fn no_setting_takes_or_shows_a_secret() {
    let place = Place::empty();
    for url in URLS.iter().filter(|url| !url.contains(":%s3cret")) {
        for arguments in [
            &["store", "add", "old", url][..],
            &["config", "set", "store", url],
            &["config", "set", "legacy.store", url],
        ] {
            assert_hidden(&place.run(arguments), &format!("{arguments:?}"));
        }
    }
    place.file(
        "settings/argon/argon.toml",
        "[[alerts]]\nname = 'a'\nmetric = 'queue_waiting'\nop = '>'\nthreshold = 1\n\
         webhook = 'https://hooks.example/s3cret?token=s3cret'\n",
    );
    for arguments in
        [&["config", "list"][..], &["config", "list", "-o", "json"], &["config", "get", "alerts"]]
    {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.stdout.contains(SECRET), "{run:?}");
        has(&run.stdout, &["https://hooks.example/…"]);
    }
}

#[cfg(unix)]
#[test]
fn what_may_hold_a_secret_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_project("fjall");
    place.ok(&["init", "legacy+file:old"]);
    place.ok(&["store", "add", "prod", "mongodb://db.example/shop"]);
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    for directory in [".argon", "old", "settings/argon"] {
        assert_eq!(mode(directory), 0o700, "{directory}");
    }
    for file in ["settings/argon/argon.toml", ".argon/config.toml"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    assert_eq!(fs::read_to_string(place.path(".argon/.gitignore")).unwrap(), "*\n");
}

#[test]
fn an_s3_store_without_credentials_is_named_by_its_bucket_and_its_url() {
    let place = Place::empty();
    let none = place.path("none").display().to_string();
    let mut variables = vec![("AWS_EC2_METADATA_DISABLED", "true"), ("HOME", &none)];
    variables.extend([("AWS_CONFIG_FILE", &*none), ("AWS_SHARED_CREDENTIALS_FILE", &none)]);
    for (url, shown) in [
        ("s3://shop-data/prod?endpoint=http://127.0.0.1:1", "endpoint=http://127.0.0.1:1"),
        ("s3://shop-data/prod?region=eu-west-1", "s3://shop-data/prod?region=eu-west-1"),
    ] {
        let mut command = place.command(&["log", "--store", url]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        let run: Run = command.envs(variables.iter().copied()).output().unwrap().into();
        assert_hidden(&run, url);
        has(&run.stderr, &["bucket 'shop-data'", shown, "no credentials for S3 were found"]);
    }
}
