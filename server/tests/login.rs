//! Logging in with MongoDB's driver: by passwords and by certificates, over TLS and without.

#![allow(clippy::unwrap_used, reason = "a test that can't go on shall end")]

use std::path::{Path, PathBuf};

use argon_core::Store;
use argon_core::model::BranchName;
use argon_core::storage::Secret;
use argon_core::users::UserDatabase;
use argon_server::{ServeOptions, Server, Stopper, TlsFiles};
use argon_service::user::{self, CreateUser};
use bson::{Document, doc};
use mongodb::Client;
use mongodb::error::ErrorKind;
use mongodb::options::{AuthMechanism, ClientOptions, Credential, Tls, TlsOptions};

/// A server at which users log in, and its store.
struct Running {
    store: Store,
    address: String,
    stopper: Stopper,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates").join(name)
}

impl Running {
    async fn new(tls: Option<TlsFiles>) -> Self {
        let store = argon_backends::memory_store().await.unwrap();
        let options =
            ServeOptions { auth: true, tls, ..ServeOptions::new(BranchName::new("main").unwrap()) };
        let server = Server::bind(store.clone(), "127.0.0.1:0", options).await.unwrap();
        let (address, stopper) = (server.address().unwrap().to_string(), server.stopper());
        tokio::spawn(server.run());
        Self { store, address, stopper }
    }

    async fn user(&self, name: &str, database: UserDatabase, role: &str, password: Option<&str>) {
        let request = CreateUser {
            user: name.into(),
            database: Some(database),
            roles: vec![role.into()],
            mechanisms: Vec::new(),
        };
        let password = password.map(Secret::new);
        user::create(&self.store, request, password.as_ref()).await.unwrap();
    }

    async fn options(&self, credentials: &str, path: &str) -> ClientOptions {
        let uri = format!(
            "mongodb://{credentials}{}/{path}?directConnection=true&serverSelectionTimeoutMS=5000",
            self.address
        );
        ClientOptions::parse(uri).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

fn tls() -> TlsFiles {
    let (certificate, key) = (file("server.pem"), file("server.key"));
    TlsFiles { certificate, key, authority: Some(file("ca.pem")) }
}

/// What a client sees of collection `a` of a database.
async fn count(options: ClientOptions, database: &str) -> Result<u64, String> {
    let client = Client::with_options(options).unwrap();
    let collection = client.database(database).collection::<Document>("a");
    let counted = collection.count_documents(doc! {}).await;
    counted.map_err(|error| match *error.kind {
        ErrorKind::Command(error) => format!("{}", error.code),
        ErrorKind::Authentication { .. } => "authentication".into(),
        _ => "other".into(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_right_after_many_wrong_ones() {
    let server = Running::new(None).await;
    server.user("ada", UserDatabase::Admin, "readWrite@shop", Some("ada")).await;
    for _ in 0..7 {
        let wrong = count(server.options("ada:wrong@", "").await, "shop").await;
        assert_eq!(wrong, Err("authentication".to_owned()));
    }
    assert_eq!(count(server.options("ada:ada@", "").await, "shop").await, Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_by_passwords_and_write_commits_of_their_name() {
    let server = Running::new(None).await;
    server.user("ada", UserDatabase::Admin, "readWrite@shop", Some("p@ss:w/rd I\u{ad}X")).await;
    server.user("bob", "shop".parse().unwrap(), "read@shop", Some("bob")).await;
    let ada = "ada:p%40ss%3Aw%2Frd%20IX@";
    let client = Client::with_options(server.options(ada, "").await).unwrap();
    client.database("shop").collection("a").insert_one(doc! { "x": 1 }).await.unwrap();
    let branch = server.store.project("shop").await.unwrap().branch("main").await.unwrap();
    let last = argon_core::log::last_commit(&branch.head().await.unwrap()).await.unwrap().unwrap();
    assert_eq!(last.meta.actor.as_str(), "ada");

    for (credentials, path, expected) in [
        ("bob:bob@", "shop", Ok(1)),
        ("bob:bob@", "shop:main", Ok(1)),
        ("bob:bob@", "other", Err("authentication".to_owned())),
        ("bob:wrong@", "shop", Err("authentication".to_owned())),
        ("nobody:bob@", "shop", Err("authentication".to_owned())),
        ("", "shop", Err("13".to_owned())),
    ] {
        assert_eq!(
            count(server.options(credentials, path).await, "shop").await,
            expected,
            "{credentials}{path}"
        );
    }
    assert_eq!(
        count(server.options("bob:bob@", "shop").await, "other").await,
        Err("13".to_owned())
    );
    for mechanism in [AuthMechanism::ScramSha1, AuthMechanism::ScramSha256] {
        let mut options = server.options("bob:bob@", "shop").await;
        options.credential.as_mut().unwrap().mechanism = Some(mechanism.clone());
        assert_eq!(count(options, "shop").await, Ok(1), "{mechanism:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_certificate_is_the_user_of_its_subject() {
    let server = Running::new(Some(tls())).await;
    server
        .user("CN=billing,OU=Tests,O=Example", UserDatabase::External, "readWrite@shop", None)
        .await;
    server.user("ada", UserDatabase::Admin, "read@shop", Some("ada")).await;
    let trusting = || TlsOptions::builder().ca_file_path(file("ca.pem")).build();
    let by_certificate = |name: &str| {
        let mut tls = trusting();
        tls.cert_key_file_path = Some(file(name));
        tls
    };
    let x509 = || Credential::builder().mechanism(AuthMechanism::MongoDbX509).build();

    let mut options = server.options("", "").await;
    options.tls = Some(Tls::Enabled(by_certificate("client.pem")));
    options.credential = Some(x509());
    assert_eq!(count(options.clone(), "shop").await, Ok(0));
    assert_eq!(count(options, "other").await, Err("13".to_owned()));

    // A password over TLS; no certificate; one of another authority.
    let mut options = server.options("ada:ada@", "").await;
    options.tls = Some(Tls::Enabled(trusting()));
    assert_eq!(count(options, "shop").await, Ok(0));
    for tls in [trusting(), by_certificate("stranger.pem")] {
        let mut options = server.options("", "").await;
        options.server_selection_timeout = Some(std::time::Duration::from_secs(1));
        options.tls = Some(Tls::Enabled(tls));
        options.credential = Some(x509());
        assert!(count(options, "shop").await.is_err());
    }
    let mut options = server.options("ada:ada@", "").await;
    options.server_selection_timeout = Some(std::time::Duration::from_secs(1));
    assert!(count(options, "shop").await.is_err(), "without TLS");
}

#[tokio::test]
async fn files_of_tls_that_do_not_fit_are_refused_by_name() {
    let store = argon_backends::memory_store().await.unwrap();
    for (certificate, key, authority, named) in [
        ("none.pem", "server.key", None, "none.pem"),
        ("server.pem", "none.key", None, "none.key"),
        ("server.key", "server.key", None, "server.key"),
        ("server.pem", "server.pem", None, "server.pem"),
        ("ca.pem", "server.key", None, "ca.pem"),
        ("server.pem", "server.key", Some("server.key"), "server.key"),
    ] {
        let authority = authority.map(file);
        let tls = TlsFiles { certificate: file(certificate), key: file(key), authority };
        let options =
            ServeOptions { tls: Some(tls), ..ServeOptions::new(BranchName::new("main").unwrap()) };
        let error = Server::bind(store.clone(), "127.0.0.1:0", options).await.err().unwrap();
        assert!(error.to_string().contains(named), "{error}");
    }
}
