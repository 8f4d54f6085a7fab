//! Two writers who both won, as a server without conditions lets them: what is left is found.

use argon_core::ErrorKind;

use super::*;

/// A segment of other commits, written on a server of its own.
async fn another(lsn: usize, commits: usize) -> (StubS3, Chain, Vec<Commit>) {
    let stub = StubS3::start();
    let backend = create(&stub).await;
    let mut chain = Chain::new(1);
    let mut written = chain.grow(&*backend.wal, lsn - 1).await;
    let before = chain.head;
    let batch: Vec<Commit> = (0..commits).map(|_| chain.next(10)).collect();
    let answer = backend.wal.append(&chain.timeline, &before, batch.clone().into(), None).await;
    assert_eq!(answer.unwrap(), Append::Done);
    written.extend(batch);
    (stub, chain, written)
}

#[tokio::test]
async fn a_segment_that_another_writer_wrote_over_is_found_where_the_next_follows() {
    let (stub, chain, _) = another(1, 1).await;
    let backend = open(&stub).await;
    chain.clone().grow(&*backend.wal, 4).await;
    assert_eq!(problems(&backend).await, [""; 0]);
    let (theirs, _, _) = another(3, 1).await;
    let name = &theirs.names("-3.seg")[0];
    stub.put(name, theirs.content(name));
    let found = problems(&open(&stub).await).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("-3.seg does not follow"), "{found:?}");
}

#[tokio::test]
async fn two_segments_that_claim_one_commit_are_found_and_not_read() {
    // One ends with commit 4, the other begins with commit 3.
    let (stub, chain, written) = another(2, 3).await;
    let backend = open(&stub).await;
    let written = [written, chain.clone().grow(&*backend.wal, 1).await].concat();
    check(&backend, &chain, &written).await;
    let (theirs, _, _) = another(3, 1).await;
    let name = &theirs.names("-3.seg")[0];
    stub.put(name, theirs.content(name));
    let backend = open(&stub).await;
    let found = problems(&backend).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let all = Lsn::new(1)..=Lsn::MAX;
    for direction in [Direction::Ascending, Direction::Descending] {
        let headers = backend.wal.read_headers(chain.timeline.id, all.clone(), direction);
        let headers: Result<Vec<_>> = headers.try_collect().await;
        assert_eq!(headers.unwrap_err().kind(), ErrorKind::Corrupt, "{direction:?}");
    }
    let read: Result<Vec<Commit>> = backend.wal.read(chain.timeline.id, all).try_collect().await;
    let error = read.unwrap_err();
    assert!(error.to_string().contains("two segments claim commit 3"), "{error}");
}

#[tokio::test]
async fn a_segment_in_the_place_of_a_pack_is_found_unless_it_holds_the_same() {
    let (stub, chain, _) = another(1, 1).await;
    let backend = open(&stub).await;
    chain.clone().grow(&*backend.wal, 6).await;
    backend.maintenance.compact().await.unwrap();
    assert_eq!(stub.names("/packs/").len(), 1);
    assert_eq!(problems(&backend).await, [""; 0], "the segments hold what the pack does");
    let (theirs, _, _) = another(3, 2).await;
    let name = &theirs.names("-3.seg")[0];
    stub.put(name, theirs.content(name));
    let found = problems(&open(&stub).await).await;
    assert!(matches!(&found[..], [one] if one.contains("claims commit 4")), "{found:?}");
}
