//! Compaction beside readers and writers, cut off anywhere.

use argon_test_servers::stub_s3::Reaction;

use super::*;

const HOUR: i64 = 3600;

fn segments(stub: &StubS3) -> usize {
    stub.names("/log/").len()
}

fn packs(stub: &StubS3) -> usize {
    stub.names("/packs/").len()
}

#[tokio::test]
async fn a_compacted_timeline_reads_the_same_and_has_few_objects() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let reader = open(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*backend.wal, 20).await;
    check(&reader, &chain, &written).await;
    backend.maintenance.compact().await.unwrap();
    backend.maintenance.compact().await.unwrap();
    assert_eq!((segments(&stub), packs(&stub)), (20, 1), "nothing is removed at once");
    check(&reader, &chain, &written).await;
    stub.pass(HOUR + 2);
    backend.maintenance.compact().await.unwrap();
    assert_eq!((segments(&stub), packs(&stub)), (1, 1), "the newest shows the head");
    for reader in [&reader, &backend, &open(&stub).await] {
        check(reader, &chain, &written).await;
    }
    written.extend(chain.grow(&*backend.wal, 5).await);
    check(&reader, &chain, &written).await;
    for _ in 0..2 {
        backend.maintenance.compact().await.unwrap();
        stub.pass(HOUR + 2);
    }
    assert_eq!((segments(&stub), packs(&stub)), (1, 1), "the small pack was taken up");
    check(&open(&stub).await, &chain, &written).await;
}

#[tokio::test]
async fn packs_grow_so_that_there_are_few() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = Vec::new();
    for _ in 0..24 {
        written.extend(chain.grow(&*backend.wal, 10).await);
        backend.maintenance.compact().await.unwrap();
        stub.pass(HOUR + 2);
    }
    backend.maintenance.compact().await.unwrap();
    assert!(packs(&stub) <= 8, "{:?}", stub.names("/packs/"));
    check(&open(&stub).await, &chain, &written).await;
}

#[tokio::test]
async fn a_compaction_that_is_cut_off_after_any_step_changes_nothing_that_is_read() {
    for steps in 0..14 {
        let stub = StubS3::start();
        let backend = create(&stub).await;
        let mut chain = Chain::new(1);
        let mut written = chain.grow(&*backend.wal, 6).await;
        backend.maintenance.compact().await.unwrap();
        stub.pass(HOUR + 2);
        written.extend(chain.grow(&*backend.wal, 6).await);
        let mut left = steps;
        stub.script(move |request| {
            if matches!(request.method.as_str(), "PUT" | "DELETE") {
                if left == 0 {
                    return Some(Reaction::Answer(403, "AccessDenied"));
                }
                left -= 1;
            }
            None
        });
        let cut_off = backend.maintenance.compact().await.is_err();
        assert_eq!(cut_off, steps < 6, "a pack and five segments: {steps}");
        stub.behave();
        check(&backend, &chain, &written).await;
        check(&open(&stub).await, &chain, &written).await;
        written.extend(chain.grow(&*backend.wal, 1).await);
        for _ in 0..2 {
            stub.pass(HOUR + 2);
            backend.maintenance.compact().await.unwrap();
        }
        check(&open(&stub).await, &chain, &written).await;
        assert!(segments(&stub) <= 2, "one that is alone is not made a pack");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_writers_go_on_beside_compaction() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*backend.wal, 30).await;
    let (done, server) = (Arc::new(std::sync::atomic::AtomicBool::new(false)), stub.clone());
    let (compacting, until) = (open(&stub).await, done.clone());
    let compaction = tokio::spawn(async move {
        let mut rounds = 0;
        while !until.load(Ordering::SeqCst) || rounds < 3 {
            compacting.maintenance.compact().await.unwrap();
            server.pass(HOUR + 2);
            rounds += 1;
        }
    });
    let reader = open(&stub).await;
    for _ in 0..40 {
        written.extend(chain.grow(&*backend.wal, 3).await);
        check(&reader, &chain, &written).await;
    }
    done.store(true, Ordering::SeqCst);
    compaction.await.unwrap();
    check(&reader, &chain, &written).await;
    check(&open(&stub).await, &chain, &written).await;
}

#[tokio::test]
async fn a_reader_that_finds_an_object_gone_lists_again() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let written = chain.grow(&*backend.wal, 8).await;
    backend.maintenance.compact().await.unwrap();
    for part in ["/log/", "/packs/"] {
        let reader = open(&stub).await;
        let mut gone = false;
        stub.script(move |request| {
            let first = request.method == "GET" && request.key.contains(part);
            (first && !std::mem::replace(&mut gone, true))
                .then_some(Reaction::Answer(404, "NoSuchKey"))
        });
        assert_eq!(read(&*reader.wal, &chain, 1..=9).await, written, "{part}");
    }
}

#[tokio::test]
async fn a_reader_misses_commits_whose_segments_and_pack_are_not_there() {
    for first in [1, 2, 5, 8] {
        let stub = StubS3::start();
        let backend = create(&stub).await;
        let mut chain = Chain::new(1);
        chain.grow(&*backend.wal, 8).await;
        for lsn in 1..=first {
            stub.remove(&stub.names(&format!("-{lsn}.seg"))[0]);
        }
        let reader = open(&stub).await;
        let found = reader.wal.read(chain.timeline.id, Lsn::new(1)..=Lsn::MAX);
        let found: Result<Vec<Commit>> = found.try_collect().await;
        let headers = reader.wal.read_headers(
            chain.timeline.id,
            Lsn::new(1)..=Lsn::MAX,
            Direction::Descending,
        );
        let headers: Result<Vec<_>> = headers.try_collect().await;
        if first == 8 {
            assert_eq!((found.unwrap(), headers.unwrap()), (vec![], vec![]), "no timeline is left");
        } else {
            assert!(found.unwrap_err().to_string().contains("commit 1 "));
            assert!(headers.unwrap_err().to_string().contains("commit 1 "));
        }
    }
}

/// A writer that knows a head from before others went on, compacted, and freed the name after it.
async fn freed(stub: &StubS3) -> (Arc<SetClock>, Backend, Chain, Chain, Vec<Commit>) {
    let clock = Arc::new(SetClock::default());
    let stale = create_with(stub, "", &clock).await.unwrap();
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*stale.wal, 3).await;
    let known = chain.clone();
    let other = open(stub).await;
    written.extend(chain.grow(&*other.wal, 5).await);
    for _ in 0..2 {
        other.maintenance.compact().await.unwrap();
        stub.pass(HOUR + 2);
    }
    assert_eq!((segments(stub), packs(stub)), (1, 1));
    (clock, stale, known, chain, written)
}

#[tokio::test]
async fn a_writer_whose_knowledge_is_old_asks_again() {
    for passed in [HOUR + 2, HOUR / 4 + 1, -1] {
        let stub = StubS3::start();
        let (clock, stale, mut known, chain, written) = freed(&stub).await;
        clock.pass(passed);
        stub.requests();
        let answer = known.try_append(&*stale.wal).await.unwrap();
        assert_eq!(answer, Append::HeadMoved(chain.head), "after {passed} seconds");
        assert!(stub.requests().iter().all(|request| request.method != "PUT"));
        check(&stale, &chain, &written).await;
    }
}

#[tokio::test]
async fn an_append_that_came_too_late_is_taken_back() {
    let stub = StubS3::start();
    let (clock, stale, mut known, chain, written) = freed(&stub).await;
    // The machine sleeps while the request is on its way.
    stub.script(move |request| {
        if request.is_put_to("/log/") {
            clock.pass(HOUR + 2);
        }
        None
    });
    let answer = known.try_append(&*stale.wal).await.unwrap();
    assert_eq!(answer, Append::HeadMoved(chain.head));
    let methods: Vec<String> = stub.requests().into_iter().map(|request| request.method).collect();
    assert!(methods.contains(&"PUT".into()) && methods.contains(&"DELETE".into()), "{methods:?}");
    assert_eq!(segments(&stub), 1);
    check(&stale, &chain, &written).await;
}

#[tokio::test]
async fn an_append_that_came_too_late_and_stayed_is_never_read() {
    let stub = StubS3::start();
    // Nothing tells this writer that an hour has passed, which no clock does.
    let (_, stale, mut known, chain, written) = freed(&stub).await;
    assert_eq!(known.try_append(&*stale.wal).await.unwrap(), Append::Done);
    assert_eq!(segments(&stub), 2);
    let reader = open(&stub).await;
    check_reads(&reader, &chain, &written).await;
    let found = problems(&reader).await;
    assert!(matches!(&found[..], [one] if one.contains("claims commit 4")), "{found:?}");
    reader.maintenance.compact().await.unwrap();
    assert_eq!(segments(&stub), 1, "compaction removes it");
    check(&reader, &chain, &written).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_appends_are_compacted_without_being_asked() {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*backend.wal, 600).await;
    for _ in 0..500 {
        if packs(&stub) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(packs(&stub) > 0);
    written.extend(chain.grow(&*backend.wal, 1).await);
    check(&open(&stub).await, &chain, &written).await;
}
