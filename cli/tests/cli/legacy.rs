//! The legacy system by its users: every command on it, workers that are killed, and the way out.

use std::net::TcpListener;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::{Place, Random, answer_one, has};

/// A place whose store is a legacy one, with batches of so many changes.
fn place(changes: u32) -> Place {
    let place = Place::empty();
    place.ok(&["init", &format!("legacy+file:v2?batch_changes={changes}")]);
    place.ok(&["project", "create", "shop"]);
    place
}

fn import(place: &Place, documents: std::ops::Range<u32>) {
    let lines: String =
        documents.map(|id| format!("{{\"_id\":{id},\"text\":\"document {id}\"}}\n")).collect();
    place.file("users.jsonl", lines);
    place.ok(&["import", "users.jsonl", "--batch", "20", "--on-duplicate", "replace"]);
}

#[test]
fn commands_do_on_a_legacy_store_what_they_do_elsewhere() {
    let place = place(10);
    import(&place, 0..100);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-b", "try", "-c", "users", r#"{"_id":"new"}"#]);
    has(&place.ok(&["diff", "main", "try"]), &["+ {\"_id\":\"new\"}"]);
    place.ok(&["flush"]);
    has(&place.ok(&["workers", "stats"]), &["waiting   0 jobs", "given up  0 jobs"]);
    has(&place.ok(&["jobs", "list"]), &["sync-", "completed"]);
    has(&place.ok(&["get", "-b", "try", "-c", "users", "new"]), &["new"]);
    place.ok(&["merge", "preview", "try", "--into", "main"]);
    place.ok(&["undo", "-b", "try", "try~1..try"]);
    place.ok(&["restore", "reset", "main~1", "--yes"]);
    has(&place.ok(&["status"]), &["snapshot     none yet"]);
    place.ok(&["snapshot", "create"]);
    has(&place.ok(&["status"]), &["snapshot     LSN 4, ", " ago"]);
    place.ok(&["gc", "--retention", "0s", "--yes"]);
    place.ok(&["verify"]);
    place.ok(&["compact"]);
    has(&place.ok(&["fsck"]), &["no problems"]);
    has(&place.ok(&["branches", "stats", "main", "--store", ".argon"]), &["documents", "ratio"]);
}

#[test]
fn workers_that_are_killed_lose_and_double_nothing() {
    let mut random = Random::new();
    let place = place(5);
    let plain = Place::with_project("fjall");
    for round in 0..6_u32 {
        let documents = round * 40..round * 40 + 60;
        import(&place, documents.clone());
        import(&plain, documents);
        let mut workers = place.start(&["workers", "run"]);
        std::thread::sleep(Duration::from_millis(random.below(150)));
        workers.kill().unwrap();
        workers.wait().unwrap();
        assert_eq!(place.digests(&[]), plain.digests(&[]), "seed {}", random.seed);
    }
    place.ok(&["workers", "run", "--until-empty"]);
    has(&place.ok(&["workers", "stats"]), &["waiting   0 jobs", "running   0 jobs"]);
    assert_eq!(place.digests(&[]), plain.digests(&[]), "seed {}", random.seed);
    has(&place.ok(&["fsck"]), &["no problems"]);
}

#[test]
fn a_webhook_is_told_what_became_of_jobs_and_nothing_tells_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=t0ken", listener.local_addr().unwrap());
    let mut place = Place::empty();
    place.variables.push(("ARGON_WEBHOOK_URL", url));
    place.variables.push(("ARGON_WEBHOOK_SECRET", "s3cret".to_owned()));
    place.ok(&["init", "legacy+file:v2?batch_changes=5"]);
    place.ok(&["project", "create", "shop"]);
    let told = std::thread::spawn(move || answer_one(&listener));
    import(&place, 0..5);
    let log = place.run(&["workers", "run", "--until-empty", "--log-format", "json"]);
    let log = log.stdout + &log.stderr + &place.run(&["workers", "run", "--until-empty"]).stderr;
    let (head, body) = told.join().unwrap();
    has(&head.to_lowercase(), &["post /hook?token=t0ken", "x-argon-signature: sha256="]);
    let text = String::from_utf8_lossy(&body);
    has(&text, &["\"kind\":\"sync\"", "\"outcome\":\"completed\""]);
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(&body);
    let signature: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    has(&head, &[&signature]);
    let shown = place.ok(&["status", "-o", "json"]) + &place.ok(&["jobs", "list"]) + &log;
    let written = std::fs::read_to_string(place.path(".argon/url")).unwrap();
    assert!(!(shown + &written).contains("t0ken"));
}

#[test]
fn the_number_of_workers_is_kept_and_has_bounds() {
    let place = place(5);
    has(&place.fails(2, &["workers", "scale", "21"]), &["1 to 20"]);
    place.ok(&["workers", "scale", "7"]);
    has(&place.ok(&["workers", "stats"]), &["workers   7"]);
    let other = Place::with_project("fjall");
    has(&other.fails(9, &["workers", "stats"]), &["has no queue", "legacy"]);
}

#[test]
fn a_delta_that_is_gone_or_damaged_is_named_by_fsck() {
    let place = place(5);
    import(&place, 0..60);
    place.ok(&["flush"]);
    let folder = place.path("v2/projects/shop/branches/main/deltas");
    let mut deltas: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    deltas.sort();
    let mut bytes = std::fs::read(&deltas[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&deltas[0], bytes).unwrap();
    std::fs::remove_file(&deltas[1]).unwrap();
    let run = place.run(&["fsck"]);
    assert_eq!(run.code, Some(8), "{run:#?}");
    let said = run.stdout + &run.stderr;
    has(&said, &["does not match its checksum", "is missing", ".delta"]);
}

#[test]
fn a_migration_gives_the_same_digests_and_goes_on_after_it_was_cut_off() {
    let mut random = Random::new();
    let place = place(5);
    import(&place, 0..400);
    place.ok(&["branch", "create", "try"]);
    place.ok(&["put", "-b", "try", "-c", "users", r#"{"_id":"new"}"#]);
    place.ok(&["restore", "reset", "main~2", "--yes"]);
    place.ok(&["pin", "create", "v1"]);
    let source = format!("legacy+file:{}", place.path("v2").display());
    let dry = place.ok(&["migrate", &source, "sled:new", "--dry-run"]);
    has(&dry, &["would copy", "commits"]);
    assert!(!place.path("new").exists(), "a dry run makes nothing");
    // As one that was killed at once leaves it.
    std::fs::create_dir(place.path("new")).unwrap();
    for _ in 0..3 {
        let mut cut = place.start(&["migrate", &source, "sled:new"]);
        std::thread::sleep(Duration::from_millis(random.below(120)));
        cut.kill().unwrap();
        cut.wait().unwrap();
    }
    let done = place.run(&["migrate", &source, "sled:new"]);
    assert_eq!(done.code, Some(0), "seed {}: {done:#?}", random.seed);
    place.ok(&["migrate", &source, "sled:new"]);
    for branch in ["main", "try"] {
        let copy = place.digests(&["--store", "sled:new", "-p", "shop", "--at", branch]);
        assert_eq!(place.digests(&["-p", "shop", "--at", branch]), copy, "{branch}");
    }
    has(&place.ok(&["fsck", "--store", "sled:new"]), &["no problems"]);
    place.ok(&["put", "--store", "sled:new", "-p", "shop", "-c", "users", r#"{"_id":"more"}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id":"other"}"#]);
    place.fails(5, &["migrate", &source, "sled:new"]);
}

#[test]
fn a_queue_that_is_missing_is_not_made_anew() {
    let place = place(5);
    import(&place, 0..20);
    std::fs::rename(place.path("v2/queue"), place.path("away")).unwrap();
    let error = place.fails(8, &["count", "-c", "users"]);
    has(&error, &["the queue of the legacy store", "only it has the branches", "queue="]);
    assert!(!place.path("v2/queue").exists());
    std::fs::rename(place.path("away"), place.path("v2/queue")).unwrap();
    has(&place.ok(&["count", "-c", "users"]), &["20"]);
}
