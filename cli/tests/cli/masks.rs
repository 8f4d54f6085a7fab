//! Masked branches, whichever way they are read.

use crate::support::{Place, has};

/// A project whose branch `masked` shows no name and no social security number, with a document of
/// its own.
fn masked() -> Place {
    let place = Place::with_project("sled");
    for revision in 1..=2 {
        let document =
            format!(r#"{{"_id":1,"name":"Ada {revision}","ssn":"078-05-1120","n":{revision}}}"#);
        place.ok(&["put", "-c", "users", &document]);
    }
    let policy = "[[collection]]\nname = 'users'\nfields = [\n\
                  { path = 'name', with = 'redact' }, { path = 'ssn', with = 'remove' }]";
    place.file("mask.toml", policy);
    place.ok(&["branch", "create", "masked", "--mask", "mask.toml"]);
    place.ok(&["put", "-b", "masked", "-c", "users", r#"{"_id":2,"name":"Own"}"#]);
    place
}

#[track_caller]
fn shows_no_original(text: &str) {
    assert!(!text.contains("Ada") && !text.contains("078-05"), "{text}");
}

#[test]
fn states_of_the_past_are_masked_too() {
    let place = masked();
    for revision in
        ["masked", "masked~1", "masked~2", "masked@1", "masked@{1}", "masked@2999-01-01"]
    {
        let documents = place.ok(&["find", "-c", "users", "--at", revision]);
        has(&documents, &["[redacted]"]);
        shows_no_original(&documents);
        shows_no_original(&place.ok(&["show", revision]));
    }
    let export = ["export", "--at", "masked~1", "-c", "users", "-"];
    let run = place.run(&export);
    shows_no_original(&run.stdout);
    shows_no_original(&place.ok(&["history", "-b", "masked", "-c", "users", "1"]));
    shows_no_original(&place.ok(&["blame", "-b", "masked", "-c", "users", "1"]));
}

#[test]
fn a_difference_from_the_branch_of_which_it_was_made_would_show_originals() {
    let place = masked();
    for arguments in [
        &["diff", "-b", "masked"][..],
        &["diff", "main", "masked"],
        &["diff", "masked", "main", "--stat"],
        &["diff", "main", "masked", "--patch"],
        &["diff", "main@1", "masked@1", "--fields"],
    ] {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(10), "{run:?}");
        has(&run.stderr, &["originals", "two states"]);
        shows_no_original(&run.stdout);
    }
    let own = place.ok(&["diff", "masked@1", "masked"]);
    has(&own, &["Own", "n: 1 → 2"]);
    shows_no_original(&own);
    shows_no_original(&place.ok(&["diff", "main", "masked", "--merge-base"]));
    place.ok(&["branch", "create", "fork", "--from", "masked~1"]);
    shows_no_original(&place.ok(&["diff", "fork", "masked"]));
    place.ok(&["branch", "create", "again", "--from", "main", "--mask", "mask.toml"]);
    let error = place.fails(10, &["diff", "again", "masked"]);
    has(&error, &["masks"]);
}

#[test]
fn a_field_whose_name_has_a_dot_is_masked_however_the_path_is_written() {
    let place = Place::with_project("fjall");
    let document = r#"{"_id":1,"a.b":"Ada","x":{"y.z":"Ada"},"n":1}"#;
    place.ok(&["put", "-c", "users", document]);
    for (at, fields) in ["'a.b', 'x.y.z'", "'a\\.b', 'x.y\\.z'"].iter().enumerate() {
        let rule = |path: &str| format!("{{ path = {path}, with = 'redact' }}");
        let rules: Vec<String> = fields.split(", ").map(rule).collect();
        let policy = format!("[[collection]]\nname = 'users'\nfields = [{}]", rules.join(", "));
        place.file("dots.toml", policy);
        let branch = format!("masked{at}");
        place.ok(&["branch", "create", &branch, "--mask", "dots.toml"]);
        let shown = place.ok(&["get", "-b", &branch, "-c", "users", "1"]);
        shows_no_original(&shown);
        has(&shown, &[r#""a.b":"[redacted]""#, r#""n":1"#]);
    }
    for path in ["items[0].n", "items.$.n", "e*mail"] {
        let policy = format!(
            "[[collection]]\nname = 'users'\nfields = [{{ path = '{path}', with = 'redact' }}]"
        );
        place.file("odd.toml", policy);
        let refused = place.fails(2, &["branch", "create", "odd", "--mask", "odd.toml"]);
        has(&refused, &["collection 'users' in the policy", path]);
    }
}
