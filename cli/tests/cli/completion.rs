//! What a shell completes.

use std::io::{BufRead, BufReader, Write};

use crate::support::Place;

#[test]
fn names_of_the_store_are_completed_and_a_store_that_is_not_free_has_none() {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["pin", "create", "v1"]);
    assert_eq!(place.complete(&["argon", "switch", ""]), ["main", "try"]);
    assert_eq!(place.complete(&["argon", "find", "-c", "u"]), ["users"]);
    assert_eq!(
        place.complete(&["argon", "find", "-c", "users", "--at", ""]),
        ["main", "try", "v1"]
    );
    assert_eq!(place.complete(&["argon", "pin", "delete", ""]), ["v1"]);
    assert_eq!(place.complete(&["argon", "use", "s"]), ["shop"]);
    assert_eq!(place.complete(&["argon", "-p", "none", "switch", ""]), [""; 0]);

    let mut holder = place.start(&["put", "-c", "users", "--each"]);
    let mut stdin = holder.stdin.take().unwrap();
    stdin.write_all(b"{\"_id\":2}\n").unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(place.complete(&["argon", "switch", ""]), [""; 0]);
    drop(stdin);
    holder.wait().unwrap();
    assert_eq!(Place::empty().complete(&["argon", "switch", ""]), [""; 0]);
}
