//! Many processes that write one branch at once.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use argon_core::Branch;
use argon_core::model::{CollectionName, Document, Lsn, Message};
use argon_core::storage::Direction;
use argon_core::write::Precondition;
use bson::rawdoc;
use futures::TryStreamExt;

use super::faults::by_message;
use super::{branch_again, cases, create, new_branch, open, server, url};

const PROCESSES: usize = 8;
const TASKS: usize = 4;
const URL: &str = "ARGON_TEST_MONGODB_URL";

fn commits() -> usize {
    cases(6)
}

/// One of the processes, started by the test below: writes, and prints what was acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a part of another test"]
async fn one_of_many_processes() {
    let url = std::env::var(URL).unwrap().parse().unwrap();
    let branch = branch_again(open(&url).await).await;
    let tasks = (0..TASKS).map(|task| tokio::spawn(write(branch.clone(), task)));
    for task in futures::future::join_all(tasks).await {
        for (name, lsn) in task.unwrap() {
            println!("acknowledged {name} {lsn}");
        }
    }
}

async fn write(branch: Branch, task: usize) -> Vec<(String, Lsn)> {
    let mut acknowledged = Vec::new();
    for round in 0..commits() {
        let name = format!("{}/{task}/{round}", std::process::id());
        let mut request = branch.request();
        request.set_message(Message::new(name.clone()).unwrap());
        let (key, document) = Document::checked(rawdoc! { "_id": name.clone() }).unwrap();
        request
            .put(CollectionName::new("c").unwrap(), key, document, Precondition::Absent)
            .unwrap();
        let receipt = branch.commit(request).await.unwrap().committed().unwrap();
        acknowledged.push((name, receipt.lsn));
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_of_four_writers_lose_nothing_and_readers_see_no_gap() {
    let Some(server) = server() else { return };
    let url = url(server);
    let backend = create(&url).await;
    let branch = new_branch(backend.clone()).await;
    let program = std::env::current_exe().unwrap();
    let address = server.url(url.rest().split('/').nth(3).unwrap().split('?').next().unwrap());
    let writers: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(&program)
                .args(["--exact", "mongodb::tests::processes::one_of_many_processes"])
                .args(["--ignored", "--nocapture"])
                .env(URL, &address)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let waiting = tokio::task::spawn_blocking(move || {
        writers.into_iter().map(|writer| writer.wait_with_output().unwrap()).collect::<Vec<_>>()
    });
    let mut seen = Lsn::ZERO;
    while !waiting.is_finished() {
        seen = look(&backend, &branch, seen).await;
    }
    let mut acknowledged = BTreeMap::new();
    for output in waiting.await.unwrap() {
        assert!(output.status.success());
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            // The harness prints the name of the test on the same line.
            let Some((_, line)) = line.split_once("acknowledged ") else { continue };
            let (name, lsn) = line.split_once(' ').unwrap();
            acknowledged.insert(name.to_owned(), Lsn::new(lsn.parse().unwrap()));
        }
    }
    assert_eq!(acknowledged.len(), PROCESSES * TASKS * commits());
    assert_eq!(by_message(&branch).await, acknowledged);
}

/// Reads the head, and all commits up to it; the head is not below the one that was seen before.
async fn look(backend: &argon_core::storage::Backend, branch: &Branch, seen: Lsn) -> Lsn {
    let head = branch.head().await.unwrap();
    assert!(head.lsn() >= seen, "the head was {seen} and is now {}", head.lsn());
    let Some(point) = head.view().point() else { return seen };
    let headers: Vec<_> = backend
        .wal
        .read_headers(point.timeline, Lsn::new(1)..=point.lsn, Direction::Ascending)
        .try_collect()
        .await
        .unwrap();
    assert!(headers.iter().map(|commit| commit.meta.lsn.get()).eq(1..=point.lsn.get()));
    head.lsn()
}
