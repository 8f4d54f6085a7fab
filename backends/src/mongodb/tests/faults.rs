//! A server whose connection breaks at any step and comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argon_core::model::{CollectionName, Document, Lsn, Message};
use argon_core::storage::{Append, CasResult, StoreUrl};
use argon_core::write::Precondition;
use argon_core::{Branch, ErrorKind, log};
use argon_test_servers::{Fault, FaultProxy, MongoServer, server_or_skip};
use bson::rawdoc;
use futures::TryStreamExt;

use super::{Chain, branch_again, cases, create, new_branch, open, open_older, put, server, url};

/// Commits one document whose `_id` is the commit's message.
async fn commit(branch: &Branch, name: &str) -> Result<Lsn, ErrorKind> {
    let mut request = branch.request();
    request.set_message(Message::new(name).unwrap());
    let (key, document) = Document::checked(rawdoc! { "_id": name }).unwrap();
    request.put(CollectionName::new("c").unwrap(), key, document, Precondition::Any).unwrap();
    let outcome = branch.commit(request).await.map_err(|error| error.kind())?;
    Ok(outcome.committed().unwrap().lsn)
}

/// The commits of a branch by message, after checking that their positions are dense and that none
/// is there twice.
pub(super) async fn by_message(branch: &Branch) -> BTreeMap<String, Lsn> {
    let head = branch.head().await.unwrap();
    let commits: Vec<_> = log::headers(&head).try_collect().await.unwrap();
    let mut found = BTreeMap::new();
    for (commit, lsn) in commits.iter().zip((1..=head.lsn().get()).rev()) {
        assert_eq!(commit.meta.lsn.get(), lsn, "positions are dense");
        let name = commit.meta.message.to_string();
        assert_eq!(found.insert(name.clone(), commit.meta.lsn), None, "{name} is there twice");
    }
    assert_eq!(found.len() as u64, head.lsn().get());
    found
}

/// Writes until `stop` is set; returns the acknowledged commits, and those with an unknown outcome.
async fn write_until(
    branch: Branch,
    writer: usize,
    stop: Arc<AtomicBool>,
) -> (BTreeMap<String, Lsn>, BTreeSet<String>) {
    let (mut acknowledged, mut unsure) = (BTreeMap::new(), BTreeSet::new());
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        let name = format!("{writer}/{round}");
        round += 1;
        match commit(&branch, &name).await {
            Ok(lsn) => drop(acknowledged.insert(name, lsn)),
            Err(ErrorKind::Indeterminate) => drop(unsure.insert(name)),
            Err(kind) => assert_eq!(kind, ErrorKind::Unavailable),
        }
    }
    (acknowledged, unsure)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_writers_loses_nothing_and_doubles_nothing() {
    let started = MongoServer::start();
    let Some(server) = server_or_skip("tests with MongoDB", started) else { return };
    let server = Arc::new(server);
    let url: StoreUrl = server.url("shop").parse().unwrap();
    let branch = new_branch(create(&url).await).await;
    let mut acknowledged = BTreeMap::new();
    let mut unsure = BTreeSet::new();
    for round in 0..cases(5) {
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                tokio::spawn(write_until(branch.clone(), 4 * round + writer, stop.clone()))
            })
            .collect();
        let random: [u8; 1] = crate::environment().random();
        tokio::time::sleep(Duration::from_millis(100 + 4 * u64::from(random[0]))).await;
        let restarted = server.clone();
        tokio::task::spawn_blocking(move || {
            restarted.kill().unwrap();
            restarted.restart().unwrap();
        })
        .await
        .unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            let (done, doubtful) = writer.await.unwrap();
            acknowledged.extend(done);
            unsure.extend(doubtful);
        }
    }
    let found = by_message(&branch_again(open(&url).await).await).await;
    for (name, lsn) in &acknowledged {
        assert_eq!(found.get(name), Some(lsn), "{name} was acknowledged");
    }
    for name in found.keys() {
        assert!(acknowledged.contains_key(name) || unsure.contains(name), "{name} was denied");
    }
    let findings: Vec<_> = open(&url).await.maintenance.verify().try_collect().await.unwrap();
    assert_eq!(findings, []);
    println!(
        "{} acknowledged, {} in doubt, {} found",
        acknowledged.len(),
        unsure.len(),
        found.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_cut_off_at_any_request_is_done_once_or_not_at_all() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let database = super::database();
    let sound: StoreUrl = server.url(&database).parse().unwrap();
    let faulty: StoreUrl = server.url_by(proxy.addr(), &database).parse().unwrap();
    let witness = create(&sound).await;
    let newer = open(&faulty).await;
    let older = open_older(&faulty).await;
    for (request, backend) in [
        ("insert", &older),
        ("update", &older),
        ("commitTransaction", &older),
        ("bulkWrite", &newer),
        ("commitTransaction", &newer),
        ("find", &newer),
        ("", &newer),
        ("", &older),
    ] {
        for (count, answers) in
            [(1, true), (1, false), (2, true), (2, false), (5, true), (5, false)]
        {
            for first in [true, false] {
                let mut chain = Chain::new();
                if !first {
                    chain.write(&witness, vec![put(rawdoc! { "_id": 0 })]).await;
                }
                let before = chain.head;
                let commit = chain.next(vec![put(rawdoc! { "_id": 1 })]);
                let fault =
                    if answers { Fault::LoseAnswers(count) } else { Fault::LoseRequests(count) };
                proxy.set_for(request, fault);
                let answer =
                    backend.wal.append(&chain.timeline, &before, [commit].into(), None).await;
                proxy.set(Fault::Pass);
                let state = witness.wal.state(chain.timeline.id).await.unwrap();
                let applied = state.is_some_and(|state| state.head == chain.head);
                let case = format!("{request} {fault:?} {first}: {answer:?}");
                match answer {
                    Ok(Append::Done) => assert!(applied, "{case}"),
                    Ok(other) => panic!("{case}: {other:?}"),
                    Err(error) if error.kind() == ErrorKind::Indeterminate => {}
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{case}");
                        assert!(!applied, "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_of_a_ref_cut_off_at_any_request_says_the_truth() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let database = super::database();
    let sound: StoreUrl = server.url(&database).parse().unwrap();
    let faulty: StoreUrl = server.url_by(proxy.addr(), &database).parse().unwrap();
    let witness = create(&sound).await.refs;
    let refs = open(&faulty).await.refs;
    for (round, count) in [1, 2, 3].into_iter().enumerate() {
        for answers in [true, false] {
            let name = format!("{round}{answers}");
            let mut expected = None;
            for value in [Some(b"a".to_vec()), Some(b"b".to_vec()), None] {
                let fault =
                    if answers { Fault::LoseAnswers(count) } else { Fault::LoseRequests(count) };
                proxy.set(fault);
                let answer = refs.compare_and_set(&name, expected.as_ref(), value.clone()).await;
                proxy.set(Fault::Pass);
                let found = witness.get(&name).await.unwrap();
                let applied = found.as_ref().map(|found| &found.value) == value.as_ref();
                match &answer {
                    Ok(CasResult::Done(_)) => assert!(applied, "{fault:?} {value:?}"),
                    Err(error) if error.kind() == ErrorKind::Indeterminate => {}
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable, "{fault:?}");
                        assert!(!applied, "{fault:?} {value:?}: {error:?}");
                    }
                    Ok(CasResult::Moved(_)) => panic!("nobody else moves it: {fault:?} {answer:?}"),
                }
                if !applied {
                    witness.compare_and_set(&name, expected.as_ref(), value).await.unwrap();
                }
                expected = witness.get(&name).await.unwrap().map(|found| found.version);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_losses_lose_and_double_nothing() {
    let Some(server) = server() else { return };
    let url = url(server);
    let sound = new_branch(create(&url).await).await;
    let proxy = FaultProxy::start(server.address()).unwrap();
    let rest = url.rest().trim_start_matches("//").split_once('/').unwrap().1.to_owned();
    let faulty: StoreUrl = format!("mongodb://{}/{rest}", proxy.addr()).parse().unwrap();
    let branch = branch_again(open(&faulty).await).await;
    proxy.set(Fault::Random { seed: 7, requests: 3, answers: 3 });
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(write_until(branch.clone(), writer, stop.clone())))
        .collect();
    tokio::time::sleep(Duration::from_secs(u64::try_from(cases(6)).unwrap())).await;
    stop.store(true, Ordering::SeqCst);
    let (mut acknowledged, mut unsure) = (BTreeMap::new(), BTreeSet::new());
    for writer in writers {
        let (done, doubtful) = writer.await.unwrap();
        acknowledged.extend(done);
        unsure.extend(doubtful);
    }
    proxy.set(Fault::Pass);
    let found = by_message(&sound).await;
    assert!(acknowledged.iter().all(|(name, lsn)| found.get(name) == Some(lsn)));
    assert!(found.keys().all(|name| acknowledged.contains_key(name) || unsure.contains(name)));
    println!(
        "{} acknowledged, {} in doubt, {} found",
        acknowledged.len(),
        unsure.len(),
        found.len()
    );
}
