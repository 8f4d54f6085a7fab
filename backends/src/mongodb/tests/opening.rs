//! Creating, opening and diagnosing stores.

use argon_core::storage::{
    Certificate, Diagnosis, Factory, Health, OpenOptions, Remedy, Secret, StoreUrl,
};
use argon_core::{ErrorKind, Hint, Result};
use argon_test_servers::{Fault, FaultProxy, MongoServer, server_or_skip};
use bson::{doc, rawdoc};

use super::{beneath, create, server, url};
use crate::mongodb::MongoFactory;
use crate::mongodb::schema;

async fn try_create(url: &StoreUrl) -> Result<argon_core::storage::Backend> {
    MongoFactory.create(url, &OpenOptions::default(), &crate::environment()).await
}

async fn try_open(url: &StoreUrl) -> Result<argon_core::storage::Backend> {
    MongoFactory.open(url, &OpenOptions::default(), &crate::environment()).await
}

async fn diagnose(url: &StoreUrl) -> Vec<Diagnosis> {
    MongoFactory.diagnose(url, &OpenOptions::default(), &crate::environment()).await
}

fn last(found: &[Diagnosis]) -> (&str, Health, Option<&Remedy>) {
    let last = found.last().unwrap();
    (&last.check, last.health, last.remedy.as_ref())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_a_store_or_refused() {
    let Some(server) = server() else { return };
    let url = url(server);
    assert_eq!(try_open(&url).await.unwrap_err().kind(), ErrorKind::NotFound);
    let made = create(&url).await.maintenance.info();
    assert_eq!(try_create(&url).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let found = try_open(&url).await.unwrap().maintenance.info();
    assert_eq!(found, made);
    assert_eq!(found.id.len(), 32);
    let other = super::url(server);
    beneath(&other).await.collection("orders").insert_one(rawdoc! { "_id": 1 }).await.unwrap();
    for refused in [try_create(&other).await, try_open(&other).await] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("orders"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn making_a_store_that_was_cut_off_can_be_tried_again() {
    let Some(server) = server() else { return };
    let url = url(server);
    let beneath = beneath(&url).await;
    for name in [schema::STORE, schema::COMMITS, schema::REFS] {
        beneath.database().create_collection(name).await.unwrap();
    }
    assert_eq!(try_open(&url).await.unwrap_err().kind(), ErrorKind::NotFound);
    create(&url).await;
    try_open(&url).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_that_make_a_store_one_does() {
    let Some(server) = server() else { return };
    let url = url(server);
    let made = futures::future::join_all((0..4).map(|_| try_create(&url))).await;
    let won = made.iter().filter(|made| made.is_ok()).count();
    assert_eq!(won, 1, "{made:?}");
    for lost in made.into_iter().filter_map(Result::err) {
        assert_eq!(lost.kind(), ErrorKind::AlreadyExists, "{lost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_format_is_refused() {
    let Some(server) = server() else { return };
    let url = url(server);
    create(&url).await;
    let store = beneath(&url).await.collection(schema::STORE);
    store.update_one(doc! {}, doc! { "$set": { "format": schema::FORMAT + 1 } }).await.unwrap();
    assert_eq!(try_open(&url).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(last(&diagnose(&url).await).1, Health::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_format_2_with_its_unique_index_of_versions_opens_and_stays_of_format_2() {
    let Some(server) = server() else { return };
    let url = url(server);
    create(&url).await;
    let beneath = beneath(&url).await;
    let versions = beneath.collection(schema::VERSIONS);
    versions.drop_index("newest_version").await.unwrap();
    let keys = doc! { "t": 1, "c": 1, "k": 1, "l": -1 };
    let options = mongodb::options::IndexOptions::builder();
    let options = options.name("newest_version".to_owned()).unique(true).build();
    let index = mongodb::IndexModel::builder().keys(keys).options(options).build();
    versions.create_index(index).await.unwrap();
    let store = beneath.collection(schema::STORE);
    store.update_one(doc! {}, doc! { "$set": { "format": 2 } }).await.unwrap();
    super::new_branch(try_open(&url).await.unwrap()).await;
    let found = try_open(&url).await.unwrap().maintenance.info();
    assert_eq!(found.format, 2, "an older version of Argon opens it, too");
    assert!(diagnose(&url).await.iter().all(|found| found.health == Health::Good));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_index_is_named_with_the_command_that_makes_it() {
    let Some(server) = server() else { return };
    let url = url(server);
    create(&url).await;
    let commits = beneath(&url).await.collection(schema::COMMITS);
    commits.drop_index("timeline_lsn").await.unwrap();
    let error = try_open(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let command = "db.commits.createIndex({t: 1, l: 1}, {name: \"timeline_lsn\", unique: true})";
    assert!(error.to_string().contains(command), "{error}");
    let found = diagnose(&url).await;
    let (check, health, remedy) = last(&found);
    assert_eq!((check, health), ("indexes", Health::Failed));
    let Some(Remedy::Text(remedy)) = remedy else { panic!("{remedy:?}") };
    assert!(remedy.contains(command), "{remedy}");
    // An index of the same fields that is not unique does not suffice.
    commits
        .create_index(mongodb::IndexModel::builder().keys(doc! { "t": 1, "l": 1 }).build())
        .await
        .unwrap();
    assert!(try_open(&url).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_sound_store_sound_and_leaves_nothing_behind() {
    let Some(server) = server() else { return };
    let url = url(server);
    let found = diagnose(&url).await;
    let init = Remedy::Hint(Hint::CreateStore { url: None });
    assert_eq!(last(&found), ("store", Health::Doubtful, Some(&init)));
    let names = beneath(&url).await.database().list_collection_names().await.unwrap();
    assert_eq!(names, Vec::<String>::new(), "nothing was left behind");
    create(&url).await;
    let found = diagnose(&url).await;
    assert!(found.iter().all(|found| found.health == Health::Good), "{found:#?}");
    let checks: Vec<&str> = found.iter().map(|found| found.check.as_str()).collect();
    assert_eq!(
        checks,
        [
            "URL",
            "server",
            "credentials",
            "version",
            "clock",
            "replica set",
            "rights",
            "majority",
            "store",
            "indexes",
        ]
    );
    let versions = beneath(&url).await.collection(schema::VERSIONS);
    assert_eq!(versions.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_told_in_time() {
    let url: StoreUrl = "mongodb://127.0.0.1:9/test".parse().unwrap();
    let options = OpenOptions {
        lock_timeout: std::time::Duration::from_millis(300),
        ..OpenOptions::default()
    };
    let opened = MongoFactory.open(&url, &options, &crate::environment()).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unavailable);
    let found = MongoFactory.diagnose(&url, &options, &crate::environment()).await;
    assert_eq!((last(&found).0, last(&found).1), ("server", Health::Failed));
    let nameless: StoreUrl = "mongodb://127.0.0.1:9".parse().unwrap();
    let found = MongoFactory.diagnose(&nameless, &options, &crate::environment()).await;
    assert_eq!((last(&found).0, last(&found).1), ("URL", Health::Failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_asked_for_and_never_shown() {
    let started = MongoServer::start_with_user("ada", "s3cret");
    let Some(server) = server_or_skip("tests with MongoDB", started) else { return };
    let whole: StoreUrl = server.url("shop").parse().unwrap();
    create(&whole).await;
    let url = |user: &str| -> StoreUrl {
        let address = server.address();
        let text = format!("mongodb://{user}{address}/shop?directConnection=true&authSource=admin");
        text.parse().unwrap()
    };
    let with = |password: &str| OpenOptions {
        password: Some(Secret::new(password)),
        ..OpenOptions::default()
    };
    let environment = crate::environment();
    MongoFactory.open(&url("ada@"), &with("s3cret"), &environment).await.unwrap();
    for (user, options) in [
        ("ada:wrong-s3cret@", OpenOptions::default()),
        ("ada@", with("wrong-s3cret")),
        ("bob@", with("s3cret")),
        ("", OpenOptions::default()),
    ] {
        let error = MongoFactory.open(&url(user), &options, &environment).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{user}: {error:?}");
        let said = if user.is_empty() { "the URL names no user" } else { "the password" };
        assert!(error.to_string().contains(said), "{user}: {error}");
        assert!(
            error.to_string().contains(&format!("mongodb://{}/shop", server.address())),
            "{error}"
        );
        let found = MongoFactory.diagnose(&url(user), &options, &environment).await;
        assert_eq!(found.last().unwrap().health, Health::Failed, "{user}: {found:?}");
        let shown = format!("{error:?} {error} {found:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let info = MongoFactory.open(&whole, &OpenOptions::default(), &environment).await.unwrap();
    assert!(!format!("{:?}", info.maintenance.info()).contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_given_up() {
    let Some(server) = server() else { return };
    let proxy = FaultProxy::start(server.address()).unwrap();
    let url: StoreUrl = server.url_by(proxy.addr(), &super::database()).parse().unwrap();
    proxy.set(Fault::Stall);
    let opened = tokio::time::timeout(std::time::Duration::from_secs(20), try_open(&url)).await;
    assert_eq!(opened.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_shows_its_clock_and_no_certificate_without_tls() {
    let Some(server) = server() else { return };
    let url = url(server);
    let found = create(&url).await.network.unwrap().servers().await.unwrap();
    let [shown] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(shown.certificate, Certificate::NotUsed);
    assert!(url.rest().contains(&shown.address), "{shown:?}");
    // It has the clock of this machine.
    assert!(shown.clock_ahead.unwrap().abs() < 1000, "{shown:?}");
}
