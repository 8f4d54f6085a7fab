//! Documents and conflicts in an editor.

use crate::support::{Place, Run, has};

/// Runs with an editor that is a command of `sed` on the file.
fn run_with_editor(place: &Place, editor: &str, arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.env("VISUAL", editor).env("TMPDIR", place.path("")).output().unwrap().into()
}

fn shop() -> Place {
    let place = Place::with_project("sled");
    let ada =
        r#"{"_id":"ada","n":{"$numberLong":"5"},"d":2.0,"at":{"$date":"2026-07-07T09:00:00Z"}}"#;
    place.ok(&["put", "-c", "users", ada]);
    place
}

#[test]
fn an_edited_document_is_committed_and_every_value_keeps_its_type() {
    let place = shop();
    let run =
        run_with_editor(&place, "sed -i s/2.0/2.5/", &["edit", "-c", "users", "ada", "-m", "more"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    has(&run.stderr, &["committed as LSN 2 of main"]);
    assert_eq!(
        place.ok(&["get", "-c", "users", "ada", "--canonical"]).trim(),
        r#"{"_id":"ada","n":{"$numberLong":"5"},"d":{"$numberDouble":"2.5"},"at":{"$date":{"$numberLong":"1783414800000"}}}"#
    );
    has(&place.ok(&["log", "-n", "1"]), &["more"]);
    for editor in ["true", "truncate -s 0"] {
        let run = run_with_editor(&place, editor, &["edit", "-c", "users", "ada"]);
        assert_eq!(run.code, Some(0));
        has(&run.stderr, &["nothing changed: no commit was made"]);
    }
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 2);
    let failed = run_with_editor(&place, "false", &["edit", "-c", "users", "ada"]);
    assert_eq!(failed.code, Some(6));
    has(&failed.stderr, &["the editor 'false' ended with", "VISUAL or EDITOR"]);
    place.fails(3, &["edit", "-c", "users", "nobody"]);
}

#[test]
fn a_text_that_is_no_document_is_kept_and_can_be_edited_again() {
    let place = shop();
    let run = run_with_editor(&place, "sed -i s/2.0/2.5,,/", &["edit", "-c", "users", "ada"]);
    assert_eq!(run.code, Some(2));
    has(&run.stderr, &["the text is no valid document", "line 4", "the text is in "]);
    let path = run.stderr.lines().find_map(|line| line.split("the text is in ").nth(1)).unwrap();
    has(&run.stderr, &[&format!("--file {path} --if-lsn 1")]);
    let arguments = ["edit", "-c", "users", "ada", "--file", path, "--if-lsn", "1"];
    let run = run_with_editor(&place, "sed -i s/,,*/,/", &arguments);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    has(&place.ok(&["get", "-c", "users", "ada"]), &["\"d\":2.5"]);
    std::fs::remove_file(path).unwrap();

    let run = run_with_editor(&place, "sed -i s/ada/eva/", &["edit", "-c", "users", "ada"]);
    assert_eq!(run.code, Some(2));
    has(&run.stderr, &["must stay \"ada\""]);
}

#[test]
fn the_store_is_free_while_the_editor_is_open_and_who_was_faster_wins() {
    let place = shop();
    let argon = env!("CARGO_BIN_EXE_argon");
    let editor =
        format!("{argon} put -c users -q '{{\"_id\":\"ada\",\"n\":7}}' && sed -i s/2.0/2.5/");
    let run = run_with_editor(&place, &editor, &["edit", "-c", "users", "ada"]);
    assert_eq!(run.code, Some(5), "{}", run.stderr);
    has(
        &run.stderr,
        &["was changed by commit 2, after LSN 1", r#"now: {"_id":"ada","n":7}"#, "the text is in "],
    );
    assert_eq!(place.ok(&["get", "-c", "users", "ada"]), "{\"_id\":\"ada\",\"n\":7}\n");
}

#[test]
fn conflicts_of_a_plan_are_decided_in_the_editor() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1,"a":1,"b":1}"#]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"a":2,"b":2}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":1,"a":3,"b":3}"#, "-b", "try"]);
    let preview = place.run(&["merge", "preview", "try", "--into", "main", "-o", "json", "--stat"]);
    let plan = preview.stdout.split("\"id\": \"").nth(1).unwrap().split('"').next().unwrap();

    let run = run_with_editor(&place, "true", &["merge", "resolve", plan, "--edit"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    has(&run.stderr, &["no conflict was decided"]);
    let run = run_with_editor(
        &place,
        "sed -i 's/\"take\": \"\"/\"take\": \"mine\"/'",
        &["merge", "resolve", plan, "--edit"],
    );
    assert_eq!(run.code, Some(2));
    has(&run.stderr, &["conflict 1: invalid \"take\" 'mine'", "the text is in "]);
    let editor =
        "sed -i '0,/\"take\": \"\"/s//\"take\": \"theirs\"/; 0,/\"take\": \"\"/s//\"value\": 9/'";
    let run = run_with_editor(&place, editor, &["merge", "resolve", plan, "--edit"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    has(&run.stderr, &["0 conflicts left", "argon merge apply"]);
    place.ok(&["merge", "apply", plan]);
    assert_eq!(place.ok(&["get", "-c", "users", "1"]), "{\"_id\":1,\"a\":3,\"b\":9}\n");
}
