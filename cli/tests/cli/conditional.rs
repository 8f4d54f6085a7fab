//! Writes that hold only if nobody else wrote meanwhile.

use crate::support::{Place, has};

#[test]
fn a_write_with_the_lsn_of_a_read_fails_with_what_is_there_now() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":"ada","n":1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":"ada","n":2}"#]);
    for command in [
        &["put", "-c", "users", r#"{"_id":"ada","n":9}"#, "--if-lsn", "1"][..],
        &["update", "-c", "users", "{_id: \"ada\"}", "{$set: {n: 9}}", "--if-lsn", "1"],
        &["delete", "-c", "users", "--id", "ada", "--if-lsn", "1"],
        &["delete", "-c", "users", "{}", "--if-lsn", "1"],
    ] {
        let error = place.fails(5, command);
        has(&error, &["_id \"ada\"", "by commit 2, after LSN 1", r#"now: {"_id":"ada","n":2}"#]);
        let json = place.fails(5, &[command, &["-o", "json"]].concat());
        has(
            &json,
            &[r#""kind":"conflict""#, r#""lsn":2"#, r#""document":"{\"_id\":\"ada\",\"n\":2}""#],
        );
    }
    place.ok(&["update", "-c", "users", "{_id: \"ada\"}", "{$set: {n: 3}}", "--if-lsn", "2"]);
    place.ok(&["put", "-c", "users", r#"{"_id":"ada","n":4}"#, "--if-lsn", "3"]);
    place.ok(&["delete", "-c", "users", "--id", "ada", "--if-lsn", "4"]);
    place.fails(5, &["put", "-c", "users", r#"{"_id":"ada"}"#, "--if-lsn", "4"]);
    place.ok(&["put", "-c", "users", r#"{"_id":"ada"}"#, "--if-lsn", "5"]);
    has(
        &place.fails(3, &["put", "-c", "users", "{}", "--if-lsn", "99"]),
        &["LSN 99 does not exist"],
    );
    place.fails(2, &["put", "-c", "users", "{}", "--if-lsn", "1", "--if-absent"]);
}
