//! Two processes at once.

use std::io::{BufRead, BufReader, Write};

use crate::support::{ENGINES, Place, has};

#[test]
fn a_store_that_is_in_use_is_waited_for_and_the_error_names_who_has_it() {
    for engine in ENGINES {
        let place = Place::with_project(engine);
        let mut holder = place.start(&["put", "-c", "users", "--each"]);
        let mut stdin = holder.stdin.take().unwrap();
        stdin.write_all(b"{\"_id\":1}\n").unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "1 1\n");

        let error = place.fails(6, &["status", "--lock-timeout", "0.2"]);
        has(&error, &[&format!("held by process {} (argon)", holder.id()), "waited 0.2 s"]);

        let waiting = place.start(&["count", "-c", "users"]);
        drop(stdin);
        assert!(holder.wait().unwrap().success());
        assert_eq!(waiting.wait_with_output().unwrap().stdout, b"1\n");
    }
}

#[test]
fn processes_that_take_turns_lose_nothing() {
    let place = Place::with_project("fjall");
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let place = &place;
            scope.spawn(move || {
                for n in 0..5 {
                    let document = format!(r#"{{"_id":"{writer}-{n}"}}"#);
                    place.ok(&["put", "-c", "users", &document, "--lock-timeout", "60"]);
                }
            });
        }
    });
    assert_eq!(place.ok(&["count", "-c", "users"]), "15\n");
    assert_eq!(place.ok(&["log", "-o", "jsonl"]).lines().count(), 15);
    place.ok(&["fsck"]);
}
