//! Every trial, for every backend of this build.
//!
//! The servers are started for the run. `ARGON_TEST_MONGODB_URL` and `ARGON_TEST_S3_URL` name others,
//! which the trials fill with databases, or with prefixes below the one named, and do not clean up.
//! Without the second, what core makes of S3 is tried on a stub in this process, not on moto.

#![allow(clippy::expect_used, reason = "without directories and servers there is nothing to test")]

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use argon_backends::registry;
use argon_conformance_tests::{CORE_AREAS, Subject, run};
use argon_core::Environment;
use argon_core::storage::{
    Backend, Description, Factory, Objects, OpenOptions, Registry, StoreUrl,
};
use argon_legacy::{Connect, LegacyFactory};
use argon_test_servers::stub_s3::StubS3;
use argon_test_servers::{MongoServer, S3Server, Unavailable, server_or_skip};
use async_trait::async_trait;
use tempfile::TempDir;

/// The variables that name other servers.
const MONGODB_URL: &str = "ARGON_TEST_MONGODB_URL";
const S3_URL: &str = "ARGON_TEST_S3_URL";

/// How many servers of each kind there are: one is a process of Python, so it has one core at most.
const SERVERS: u64 = 2;

fn main() -> ExitCode {
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        return again_with_credentials();
    }
    let memory =
        Subject::new("memory", "the layout", registry(), || (StoreUrl::new("memory", ""), ()));
    let mut subjects =
        vec![memory.clone(), in_directory("sled"), in_directory("fjall"), relayed(), legacy()];
    // To list the trials of a server takes the server, as its capabilities are its own.
    let (mongodb, s3) = std::thread::scope(|scope| {
        let mongodb = scope.spawn(mongodb);
        let s3 = s3();
        (mongodb.join().expect("it says why it can't start"), s3)
    });
    subjects.extend(mongodb.as_ref().map(|servers| servers.subject("mongodb")));
    if std::env::var_os(S3_URL).is_some() {
        subjects.extend(s3.as_ref().map(|servers| servers.subject("s3")));
    } else {
        subjects.extend(s3.as_ref().map(|servers| servers.subject("s3").all_but(CORE_AREAS)));
        subjects.push(s3_stub());
    }
    subjects.extend(mongodb.zip(s3).map(|(queue, objects)| shared_legacy(queue, objects)));
    run(&subjects, &memory)
}

/// Runs this program with the key of the test server in its environment, where a process can't
/// safely put it by itself.
fn again_with_credentials() -> ExitCode {
    let program = std::env::current_exe().expect("a program knows its path");
    let ended = Command::new(program)
        .args(std::env::args_os().skip(1))
        .envs(S3Server::ENVIRONMENT)
        .status()
        .expect("what runs can be run");
    ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A backend whose stores are directories.
fn in_directory(scheme: &'static str) -> Subject {
    Subject::new(scheme, "the engine itself", registry(), move || {
        let directory = TempDir::new().expect("the system gives temporary directories");
        let path = directory.path().join("store");
        (StoreUrl::new(scheme, path.to_string_lossy()), directory)
    })
}

/// A local store that another process has open. Both are this process here, which makes no difference to
/// the lock of the store.
fn relayed() -> Subject {
    let registry = Registry::new().with("fjall", Arc::new(RelayedFactory::default()));
    Subject::new("relayed", "the traits between two processes, over fjall", registry, || {
        let directory = TempDir::new().expect("the system gives temporary directories");
        let path = directory.path().join("store");
        (StoreUrl::new("fjall", path.to_string_lossy()), directory)
    })
}

/// Opens each store twice: one shares it, and the other is tried.
#[derive(Default)]
struct RelayedFactory {
    owners: Mutex<BTreeMap<String, Backend>>,
}

#[async_trait]
impl Factory for RelayedFactory {
    fn describe(&self) -> Description {
        let registry = registry();
        let (_, fjall) =
            registry.descriptions().find(|(scheme, _)| *scheme == "fjall").expect("it is built");
        fjall
    }

    async fn create(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> argon_core::Result<Backend> {
        drop(registry().factory(url)?.create(url, options, environment).await?);
        self.open(url, options, environment).await
    }

    async fn open(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> argon_core::Result<Backend> {
        let before = self.owners.lock().expect("no trial panics here").remove(url.rest());
        drop(before);
        let (registry, share) = (registry(), OpenOptions { share: true, ..options.clone() });
        let factory = registry.factory(url)?;
        let owner = factory.open(url, &share, environment).await?;
        let relayed = factory.open(url, options, environment).await?;
        self.owners.lock().expect("no trial panics here").insert(url.rest().to_owned(), owner);
        Ok(relayed)
    }
}

/// The legacy system on files, with batches so small that workers are busy all the time.
fn legacy() -> Subject {
    let proves = "queue, workers and deltas, on files";
    let registry = registry().with("legacy+file", Arc::new(LegacyFactory::new(registry())));
    Subject::new("legacy", proves, registry, move || {
        let directory = TempDir::new().expect("the system gives temporary directories");
        let path = directory.path().join("store");
        (StoreUrl::new("legacy+file", format!("{}?batch_changes=5", path.display())), directory)
    })
}

/// The legacy system with its deltas in S3 and its queue in MongoDB, as several machines share it. What
/// is above the traits was tried with the one on files.
fn shared_legacy(queue: Servers, objects: Servers) -> Subject {
    let registry = registry().with(
        "legacy+s3",
        Arc::new(LegacyFactory::new(registry()).with_s3(Arc::new(S3Objects), None)),
    );
    let proves = "queue, workers and deltas, on the servers named above";
    numbered("legacy-shared", proves, registry, move |number| {
        let queue = (queue.url)(number + 5_000);
        let queue: String = queue.bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("legacy+{}&batch_changes=5&queue={queue}", (objects.url)(number + 5_000))
    })
    .only(&["wal", "refs", "durability", "concurrency"])
}

struct S3Objects;

#[async_trait]
impl Connect for S3Objects {
    async fn objects(
        &self,
        url: &StoreUrl,
        options: &OpenOptions,
        environment: &Environment,
    ) -> argon_core::Result<Arc<dyn Objects>> {
        argon_backends::s3_objects(url, options, environment).await
    }
}

/// Servers on which each store has a number.
#[derive(Clone)]
struct Servers {
    proves: &'static str,
    url: Arc<dyn Fn(u64) -> String + Send + Sync>,
}

impl Servers {
    fn new(proves: &'static str, url: impl Fn(u64) -> String + Send + Sync + 'static) -> Self {
        Self { proves, url: Arc::new(url) }
    }

    fn subject(&self, name: &str) -> Subject {
        let url = self.url.clone();
        numbered(name, self.proves, registry(), move |number| url(number))
    }
}

/// Starts servers side by side, or says why the tests named so are skipped.
fn started<S: Send>(
    tests: &str,
    start: impl Fn() -> Result<S, Unavailable> + Sync,
) -> Option<Vec<S>> {
    let servers: Result<Vec<S>, Unavailable> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..SERVERS).map(|_| scope.spawn(&start)).collect();
        starting.into_iter().map(|server| server.join().expect("it does not panic")).collect()
    });
    server_or_skip(tests, servers)
}

/// The one of several servers that has the store with this number.
fn of_number<S>(servers: &[S], number: u64) -> &S {
    let count = servers.len() as u64;
    &servers[usize::try_from(number % count).expect("there are few servers")]
}

/// The servers for databases. They need not wait for their disk, as no trial kills them.
fn mongodb() -> Option<Servers> {
    if let Ok(url) = std::env::var(MONGODB_URL) {
        return Some(Servers::new("the backend on the server that was named", move |number| {
            before_query(&url, &format!("argon_trial_{number}"))
        }));
    }
    let servers = started("the trials of mongodb", MongoServer::start_unsynced)?;
    let proves =
        "the driver's integration, on SecantusDB, which speaks MongoDB's protocol; not mongod";
    Some(Servers::new(proves, move |number| {
        of_number(&servers, number).url(&format!("trial_{number}"))
    }))
}

/// The servers for objects. Each store has a bucket, as moto lists one by looking at all of its objects.
fn s3() -> Option<Servers> {
    if let Ok(url) = std::env::var(S3_URL) {
        return Some(Servers::new("the backend on the server that was named", move |number| {
            before_query(&url, &format!("/{number}"))
        }));
    }
    let servers = started("the trials of s3", S3Server::start)?;
    let proves = "the protocol, on moto, whose conditional writes are made atomic by our launcher; not Amazon";
    Some(Servers::new(proves, move |number| {
        let (server, bucket) = (of_number(&servers, number), format!("trial-{number}"));
        server.create_bucket(&bucket).expect("the server takes a bucket");
        server.url(&bucket, "store")
    }))
}

/// What is the same whatever the server, on one that takes little of the time that moto takes.
fn s3_stub() -> Subject {
    let stub = StubS3::start();
    stub.keep_no_log();
    let proves = "what core makes of a store on S3, on a stub in this process; nothing of servers";
    numbered("s3-stub", proves, registry(), move |number| stub.url(&number.to_string()))
        .only(CORE_AREAS)
}

/// A subject each of whose stores has a number of its own in its URL.
fn numbered(
    name: &str,
    proves: &str,
    registry: Registry,
    url: impl Fn(u64) -> String + Send + Sync + 'static,
) -> Subject {
    let count = AtomicU64::new(0);
    let run = std::process::id();
    Subject::new(name, proves, registry, move || {
        let number = u64::from(run) * 10_000 + count.fetch_add(1, Ordering::Relaxed);
        (url(number).parse().expect("the server's URL is one"), ())
    })
}

/// Puts a name into a URL, before its parameters.
fn before_query(url: &str, name: &str) -> String {
    match url.split_once('?') {
        Some((place, query)) => format!("{place}{name}?{query}"),
        None => format!("{url}{name}"),
    }
}
