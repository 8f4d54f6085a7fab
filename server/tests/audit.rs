//! What a server records of who did what, and who was refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use argon_core::Store;
use argon_core::model::{BranchName, ProjectName};
use argon_core::storage::{Secret, StoreUrl};
use argon_server::{OperationOptions, ServeOptions, Server};
use argon_service::audit::{self, AuditEvent, ListAudit};
use argon_service::credentials::SaidBy;
use argon_service::discover::Place;
use argon_service::user::scram::Mechanism;
use argon_service::user::{self, CreateUser};
use bson::doc;
use data_encoding::BASE64;
use futures::TryStreamExt;
use mongodb::Client;
use serde_json::{Value, json};
use ureq::http::{Method, Request};

async fn create(store: &Store, name: &str, role: &str) {
    let request = CreateUser {
        user: name.to_owned(),
        database: None,
        roles: vec![role.to_owned()],
        mechanisms: vec![Mechanism::Sha256],
    };
    user::create(store, request, Some(&Secret::new(name))).await.unwrap();
}

/// Sends a request as a user, whose password is the name; gives the status.
fn send(base: &str, user: &str, method: &str, path: &str, body: &Value) -> u16 {
    let login = BASE64.encode(user.as_bytes());
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("{base}{path}"))
        .header("authorization", format!("Basic {login}"))
        .header("content-type", "application/json")
        .body(if body.is_null() { String::new() } else { body.to_string() })
        .unwrap();
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let agent = ureq::Agent::from(config);
    tokio::task::block_in_place(|| agent.run(request).unwrap().status().as_u16())
}

/// The events in a few words.
async fn recorded(store: &Store) -> Vec<String> {
    let events = audit::list(store, ListAudit::default()).await.unwrap();
    let events: Vec<AuditEvent> = events.try_collect().await.unwrap();
    let words = events.iter().map(|event| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        assert!(event.client.as_ref().is_some_and(|client| client.starts_with("127.0.0.1:")));
        let place = text(&event.project);
        format!("{} {} {} {place} {}", event.via, text(&event.user), event.action, event.outcome)
    });
    words.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_writes_and_what_is_refused_are_recorded_where_nobody_changes_them() {
    let store = argon_backends::memory_store().await.unwrap();
    create(&store, "root", "root@*").await;
    create(&store, "ada", "read@shop").await;
    store.project_or_create("shop").await.unwrap();
    let options = ServeOptions {
        auth: true,
        audit: Some(ProjectName::new("audit").unwrap()),
        ..ServeOptions::new(BranchName::new("main").unwrap())
    };
    let mut server = Server::new(store.clone(), options).unwrap();
    let place = Place::of_url(StoreUrl::new("memory", ""), SaidBy::Argument);
    let http = OperationOptions { place, settings: None };
    let base = format!("http://{}", server.listen_http("127.0.0.1:0", http).await.unwrap());
    let wire = server.listen("127.0.0.1:0").await.unwrap();
    let stopper = server.stopper();
    let running = tokio::spawn(server.run());

    let put = json!({ "documents": [{ "_id": 1 }] });
    let users = "/v1/projects/shop/branches/main/collections/users/documents";
    assert_eq!(send(&base, "root:wrong", "GET", "/v1/projects", &Value::Null), 401);
    assert_eq!(send(&base, "root:root", "POST", users, &put), 200);
    assert_eq!(send(&base, "ada:ada", "POST", users, &put), 403);
    // A read is not recorded, unless it is refused.
    assert_eq!(send(&base, "ada:ada", "GET", "/v1/projects/shop/branches", &Value::Null), 200);
    assert_eq!(send(&base, "ada:ada", "GET", "/v1/users", &Value::Null), 403);
    // What clients say is cut, so that it can be recorded.
    let long = format!("{users}/%22{}%22", "x".repeat(5000));
    assert!(send(&base, "root:root", "DELETE", &long, &Value::Null) >= 400);
    let missing = "/v1/projects/shop/branches/none/collections/users/documents";
    assert_eq!(send(&base, "root:root", "POST", missing, &put), 404);

    let connect = async |user: &str| {
        let uri = format!(
            "mongodb://{user}:{user}@{wire}/?directConnection=true&authMechanism=SCRAM-SHA-256"
        );
        Client::with_uri_str(uri).await.unwrap()
    };
    let (root, ada) = (connect("root").await, connect("ada").await);
    let users_of = |client: &Client| client.database("shop").collection::<bson::Document>("users");
    users_of(&root).insert_one(doc! { "_id": 2 }).await.unwrap();
    users_of(&ada).find_one(doc! { "_id": 2 }).await.unwrap().unwrap();
    users_of(&ada).insert_one(doc! { "_id": 3 }).await.unwrap_err();

    // The audit is read by those who manage all users, and written by nobody.
    let write_events = "/v1/projects/audit/branches/main/collections/events/documents";
    assert_eq!(send(&base, "root:root", "POST", write_events, &put), 403);
    assert_eq!(send(&base, "root:root", "DELETE", "/v1/projects/audit", &Value::Null), 403);
    root.database("audit").drop().await.unwrap_err();
    let read = "/v1/projects/audit/states/main/collections/events/documents";
    assert_eq!(send(&base, "ada:ada", "GET", read, &Value::Null), 403);
    assert_eq!(send(&base, "ada:ada", "GET", "/v1/audit", &Value::Null), 403);
    stopper.stop();
    running.await.unwrap();

    assert_eq!(
        recorded(&store).await,
        [
            "http root login  refused",
            "http root login  done",
            "http root document.put shop done",
            "http ada login  done",
            "http ada document.put shop refused",
            "http ada user.list  refused",
            "http root document.delete shop failed",
            "http root document.put shop failed",
            "mongodb root login  done",
            "mongodb root insert shop done",
            "mongodb ada login  done",
            "mongodb ada insert shop refused",
            "http root document.put audit refused",
            "http root project.delete audit refused",
            "mongodb root dropDatabase audit refused",
            "http ada document.find audit refused",
            "http ada audit.list  refused",
        ]
    );
    let only = ListAudit { user: Some("ada".to_owned()), outcome: None, ..ListAudit::default() };
    let events = audit::list(&store, only).await.unwrap();
    assert_eq!(events.try_collect::<Vec<_>>().await.unwrap().len(), 7);
    // Another server of the store, without the option, does not let anybody write to it either.
    let options =
        ServeOptions { auth: true, ..ServeOptions::new(BranchName::new("main").unwrap()) };
    let mut server = Server::new(store.clone(), options).unwrap();
    let place = Place::of_url(StoreUrl::new("memory", ""), SaidBy::Argument);
    let http = OperationOptions { place, settings: None };
    let base = format!("http://{}", server.listen_http("127.0.0.1:0", http).await.unwrap());
    let (stopper, running) = (server.stopper(), tokio::spawn(server.run()));
    assert_eq!(send(&base, "root:root", "POST", write_events, &put), 403);
    stopper.stop();
    running.await.unwrap();
    // It is a project as all others, with a hash chain.
    let project = store.project("audit").await.unwrap();
    let branch = project.branch("main").await.unwrap();
    assert!(branch.head().await.unwrap().lsn().get() > 0);
}
