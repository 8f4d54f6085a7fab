//! A server that asks who is there.

#![cfg(feature = "mongodb")]

use argon_test_servers::{MongoServer, server_or_skip};

use crate::support::{Place, Run, has};

const PASSWORD: &str = "s3cretOfAda";

#[track_caller]
fn assert_hidden(run: &Run) {
    assert!(!format!("{run:?}").contains(PASSWORD), "{run:#?}");
}

#[test]
fn a_password_is_taken_from_the_environment_and_kept_nowhere() {
    let server = MongoServer::start_with_user("ada", PASSWORD);
    let Some(server) = server_or_skip("passwords", server) else { return };
    let mut place = Place::empty();
    let whole = server.url("shop");
    let without = whole.replace(&format!(":{PASSWORD}@"), "@");
    assert_ne!(whole, without);

    place.variables = vec![("ARGON_STORE", whole.clone())];
    let made = place.run(&["init"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    has(&made.stderr, &[".argon/url names it, without the password", "ARGON_STORE_PASSWORD_FILE"]);
    assert_hidden(&made);
    let kept = std::fs::read_to_string(place.path(".argon/url")).unwrap();
    assert_eq!(kept.trim(), without);

    place.variables.clear();
    let refused = place.run(&["status"]);
    assert_eq!(refused.code, Some(10), "{refused:?}");
    for (password, code) in [(PASSWORD, 0), ("wrong", 10)] {
        place.variables = vec![("ARGON_STORE_PASSWORD", password.to_owned())];
        for arguments in [&["status"][..], &["status", "-o", "json"]] {
            let run = place.run(arguments);
            assert_eq!(run.code, Some(code), "{run:?}");
            assert_hidden(&run);
        }
        place.file("password", format!("{password}\n"));
        place.variables = vec![("ARGON_STORE_PASSWORD_FILE", "password".to_owned())];
        assert_eq!(place.run(&["status"]).code, Some(code));
        let doctor = place.run(&["doctor"]);
        assert_eq!(doctor.code, Some(if code == 0 { 0 } else { 11 }), "{doctor:?}");
        assert_hidden(&doctor);
    }
    place.variables.clear();
    let wrong = whole.replace(PASSWORD, "wr0ng");
    let run = place.run(&["status", "--store", &wrong]);
    assert_eq!(run.code, Some(10), "{run:?}");
    assert!(!format!("{run:?}").contains("wr0ng"), "{run:#?}");
    has(&run.stderr, &["note: every user of this machine can see the password"]);
}
