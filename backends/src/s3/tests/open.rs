//! Which servers are taken, and what is said of the others.

use std::time::{Duration, Instant};

use argon_core::ErrorKind;
use argon_core::storage::{CasResult, Certificate, Health, Remedy};
use argon_test_servers::stub_s3::{Conditions, Quirks, Reaction};

use super::*;
use crate::s3::diagnose::diagnose;

#[tokio::test]
async fn a_server_that_ignores_conditions_is_refused_and_nothing_is_left() {
    let quirks = Quirks { conditions: Conditions::Ignored, ..Quirks::default() };
    let stub = StubS3::with(quirks);
    let error = create_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("If-"), "{error}");
    assert_eq!(stub.names(""), [""; 0]);

    let sound = StubS3::start();
    create(&sound).await;
    let identity = sound.content("prefix/argon.json");
    stub.put("prefix/argon.json", identity.clone());
    let error = open_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(stub.names(""), ["prefix/argon.json"]);
    assert_eq!(stub.content("prefix/argon.json"), identity);
}

#[tokio::test]
async fn the_probe_of_a_sound_server_leaves_nothing_and_open_takes_two_round_trips() {
    let stub = StubS3::start();
    create(&stub).await;
    let identity = stub.content("prefix/argon.json");
    stub.requests();
    open(&stub).await;
    assert_eq!(stub.names(""), ["prefix/argon.json"]);
    assert_eq!(stub.content("prefix/argon.json"), identity);
    let methods: Vec<String> = stub.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET", "PUT", "PUT"]);
}

#[tokio::test]
async fn a_server_that_takes_etags_without_quotes_is_served() {
    let stub = StubS3::with(Quirks { wants_unquoted: true, ..Quirks::default() });
    let backend = create(&stub).await;
    let mut version = None;
    for round in 0..4_u8 {
        let swap = backend.refs.compare_and_set("a", version.as_ref(), Some(vec![round])).await;
        let CasResult::Done(Some(next)) = swap.unwrap() else { panic!("round {round}") };
        version = Some(next);
    }
    assert_eq!(backend.refs.get("a").await.unwrap().unwrap().value, [3]);
}

#[tokio::test]
async fn a_server_that_lists_in_another_order_is_found_out() {
    let stub = StubS3::with(Quirks { lists_backwards: true, ..Quirks::default() });
    let backend = create(&stub).await;
    for name in ["a", "b"] {
        backend.refs.compare_and_set(name, None, Some(vec![])).await.unwrap();
    }
    let error = backend.refs.list("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_bucket_in_another_region_is_named() {
    let stub = StubS3::start();
    stub.script(|_| {
        Some(Reaction::AnswerWith(301, "PermanentRedirect", "x-amz-bucket-region: eu-west-1"))
    });
    let error = open_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("region=eu-west-1"), "{error}");
}

#[tokio::test]
async fn a_server_that_stalls_ends_in_an_error() {
    let stub = StubS3::start();
    create(&stub).await;
    stub.script(|_| Some(Reaction::Stall));
    let options = OpenOptions { lock_timeout: Duration::from_millis(500), ..options() };
    #[expect(clippy::disallowed_methods, reason = "it is measured")]
    let began = Instant::now();
    let opened = opener().open(&url(&stub, ""), &options, &environment(&Arc::default())).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_store_that_may_only_be_read_opens_and_refuses_writes() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let written = chain.grow(&*backend.wal, 3).await;
    stub.script(|request| {
        (request.method == "PUT").then_some(Reaction::Answer(403, "AccessDenied"))
    });
    let backend = open(&stub).await;
    assert_eq!(read(&*backend.wal, &chain, 1..=9).await, written);
    let error = chain.try_append(&*backend.wal).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let error = backend.refs.compare_and_set("a", None, Some(vec![])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_store_is_not_made_where_something_is() {
    let stub = StubS3::start();
    let error = open_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    create(&stub).await;
    let error = create_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    stub.remove("prefix/argon.json");
    stub.put("prefix/photo.jpg", vec![1]);
    let error = create_with(&stub, "", &Arc::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    stub.remove("prefix/photo.jpg");
    stub.put("prefix2/photo.jpg", vec![1]);
    create(&stub).await;
}

#[tokio::test]
async fn objects_that_do_not_belong_are_found() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 3).await;
    backend.refs.compare_and_set("a", None, Some(vec![1])).await.unwrap();
    let findings = async || {
        let found: Vec<_> = backend.maintenance.verify().try_collect().await.unwrap();
        found.into_iter().map(|finding| finding.problem).collect::<Vec<_>>()
    };
    assert_eq!(findings().await, [""; 0]);
    stub.put("prefix/photo.jpg", vec![1]);
    stub.put("prefix/refs/b", vec![1]);
    let found = findings().await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("photo.jpg") && found[1].contains("refs/b"), "{found:?}");
    stub.remove("prefix/photo.jpg");
    stub.remove("prefix/refs/b");
    let second = stub.names("-2.seg");
    stub.remove(&second[0]);
    let found = findings().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("does not follow"), "{found:?}");
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_leaves_nothing() {
    let stub = StubS3::start();
    let look = async |stub: &StubS3| {
        let clock = Arc::new(SetClock::default());
        let found = diagnose(&opener(), &url(stub, ""), &options(), &environment(&clock)).await;
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
        let bad = found.into_iter().filter(|found| found.health != Health::Good);
        bad.map(|found| (found.check, found.health)).collect::<Vec<_>>()
    };
    assert_eq!(look(&stub).await, [("store".to_owned(), Health::Doubtful)]);
    create(&stub).await;
    assert_eq!(look(&stub).await, []);
    assert_eq!(stub.names(""), ["prefix/argon.json"]);
    stub.pass(120);
    assert_eq!(look(&stub).await, [("clock".to_owned(), Health::Doubtful)]);
    stub.pass(-120);
    stub.script(|request| {
        (request.method == "DELETE").then_some(Reaction::Answer(403, "AccessDenied"))
    });
    assert_eq!(look(&stub).await, [("right to remove".to_owned(), Health::Failed)]);
    stub.script(|_| Some(Reaction::Answer(403, "InvalidAccessKeyId")));
    assert_eq!(look(&stub).await, [("bucket".to_owned(), Health::Failed)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_lets_writers_race_and_says_how_often_two_won() {
    for (conditions, wants_unquoted) in
        [(Conditions::LookedAtEarly, false), (Conditions::Kept, false), (Conditions::Kept, true)]
    {
        let stub = StubS3::with(Quirks { conditions, wants_unquoted, ..Quirks::default() });
        create(&stub).await;
        let found =
            diagnose(&opener(), &url(&stub, ""), &options(), &environment(&Arc::default())).await;
        let raced = found.iter().find(|found| found.check == "writers at once").unwrap();
        if conditions == Conditions::LookedAtEarly {
            assert_eq!(raced.health, Health::Failed);
            for part in ["of 8 rounds with If-None-Match", "of 8 rounds with If-Match"] {
                assert!(raced.found.contains(part), "{raced:?}");
            }
            let Some(Remedy::Text(remedy)) = &raced.remedy else { panic!("{raced:?}") };
            assert!(remedy.contains("docs/S3.md"), "{remedy}");
        } else {
            assert_eq!(raced.health, Health::Good, "{raced:?}");
        }
        assert_eq!(stub.names(""), ["prefix/argon.json"], "nothing is left");
    }
}

#[tokio::test]
async fn errors_name_the_bucket_and_the_server() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    chain.grow(&*backend.wal, 1).await;
    let url = url(&stub, "");
    let endpoint = url.rest().split("endpoint=").nth(1).unwrap().split('&').next().unwrap();
    let place = format!("s3://bucket/prefix at {endpoint}");
    for reaction in [
        Reaction::Answer(404, "NoSuchBucket"),
        Reaction::Answer(403, "AccessDenied"),
        Reaction::Answer(503, "SlowDown"),
        Reaction::LoseRequest,
    ] {
        stub.script(move |_| Some(reaction.clone()));
        let listed = backend.wal.state(TimelineId::from_bytes([2; 16])).await.unwrap_err();
        let written = chain.clone().try_append(&*backend.wal).await.unwrap_err();
        for error in [listed, written] {
            assert!(error.to_string().contains(&place), "{error}");
        }
    }
    stub.behave();
    let ignoring = StubS3::with(Quirks { conditions: Conditions::Ignored, ..Quirks::default() });
    let error = create_with(&ignoring, "", &Arc::default()).await.unwrap_err();
    assert!(error.to_string().contains("s3://bucket/prefix at http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn the_clock_of_the_server_is_compared_with_that_of_the_machine() {
    let stub = StubS3::start();
    let clock = Arc::default();
    let backend = create_with(&stub, "", &clock).await.unwrap();
    let ahead = async || {
        let servers = backend.network.as_ref().unwrap().servers().await.unwrap();
        let [server] = servers.as_slice() else { panic!("{servers:?}") };
        assert_eq!(server.certificate, Certificate::NotUsed);
        assert!(server.address.starts_with("127.0.0.1:"), "{server:?}");
        server.clock_ahead.unwrap()
    };
    assert_eq!(ahead().await, 0);
    stub.pass(10);
    assert_eq!(ahead().await, 10_000);
    clock.pass(30);
    assert_eq!(ahead().await, -19_001, "a second is shown until the next begins");
}
