//! A machine whose clock is wrong, on a store whose server's clock is right.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use argon_core::model::{CollectionName, Lsn};
use argon_core::{Clock, Environment, Ids};
use bson::rawdoc;

use super::*;

const YEAR: i64 = 365 * 24 * 3_600_000;

/// The machine's clock, and whether it is a year ahead.
struct Wrong(Environment, AtomicBool);

impl Clock for Wrong {
    fn now(&self) -> DateTime {
        let ahead = if self.1.load(Ordering::Relaxed) { YEAR } else { 0 };
        DateTime::from_millis(self.0.clock_time().timestamp_millis() + ahead)
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn is_of_machine(&self) -> bool {
        true
    }
}

struct Random(Environment);

impl Ids for Random {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.random::<64>()[..bytes.len()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_a_year_ahead_collects_and_sweeps_by_the_servers_clock() {
    let Some(server) = server() else { return };
    let url = url(server);
    let machine = crate::environment();
    let clock = Arc::new(Wrong(machine.clone(), AtomicBool::new(true)));
    let environment = Environment::new(clock.clone(), Arc::new(Random(machine.clone())));
    let backend = MongoFactory.create(&url, &OpenOptions::default(), &environment).await.unwrap();
    let off = environment.now().timestamp_millis() - machine.now().timestamp_millis();
    assert!(off.abs() < 60_000, "{off}");
    let store = Store::new(backend, environment, Actor::new("tester").unwrap());
    let project = store.create_project(&project_name()).await.unwrap();
    let main = project.branch(&BranchName::new(Store::FIRST_BRANCH).unwrap()).await.unwrap();
    let users = main.collection(&CollectionName::new("users").unwrap());
    // It was right when the store was opened, or is wrong from the beginning.
    for is_wrong in [true, false, true] {
        clock.1.store(is_wrong, Ordering::Relaxed);
        users.put(rawdoc! { "_id": 1, "wrong": is_wrong }).await.unwrap();
        let from = main.head().await.unwrap();
        let ttl = Duration::from_hours(1);
        argon_core::sandbox::create(&project, &from, main.name(), None, ttl).await.unwrap();
        let options = argon_core::gc::Options::default();
        argon_core::gc::collect(&store, &options).await.unwrap();
        assert_eq!(argon_core::sandbox::sweep(&project, false).await.unwrap(), []);
    }
    main.at(Lsn::new(1)).await.unwrap();
    let shown = store.servers().await.unwrap()[0].clock_ahead.unwrap();
    assert!((shown + YEAR).abs() < 60_000, "what health shows is still how far it is off: {shown}");
}
