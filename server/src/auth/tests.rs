//! Logging in, as a connection sees it, and attempts to get in otherwise.

use argon_core::storage::Secret;
use argon_core::users::UserDatabase;
use argon_service::user::{self, CreateUser};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};

use crate::testing::{Client, TestServer};

const FAILED: i32 = 18;
const NO_EXCHANGE: i32 = 17;

fn binary(payload: &str) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: payload.as_bytes().to_vec() }
}

fn start(user: &str) -> Document {
    let payload = binary(&format!("n,,n={user},r=abc"));
    doc! { "saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": payload }
}

fn go_on(conversation: i32, payload: &str) -> Document {
    doc! { "saslContinue": 1, "conversationId": conversation, "payload": binary(payload) }
}

fn challenge(reply: &Document) -> String {
    String::from_utf8(reply.get_binary_generic("payload").unwrap().clone()).unwrap()
}

async fn with_ada(server: &TestServer) {
    let request = CreateUser {
        user: "ada".into(),
        database: Some(UserDatabase::Admin),
        roles: vec!["root".into()],
        mechanisms: Vec::new(),
    };
    user::create(server.store(), request, Some(&Secret::new("secret"))).await.unwrap();
}

/// The nonce of a challenge.
fn nonce(challenge: &str) -> &str {
    challenge.strip_prefix("r=").unwrap().split(',').next().unwrap()
}

#[tokio::test]
async fn a_user_that_does_not_exist_gets_the_same_exchange() {
    let server = TestServer::new().await;
    with_ada(&server).await;
    let mut shapes = Vec::new();
    for user in ["ada", "nobody"] {
        let client = server.connect();
        let reply = client.run("admin", start(user)).await;
        let first = challenge(&reply);
        let again = challenge(&client.run("admin", start(user)).await);
        assert_ne!(nonce(&first), nonce(&again), "{user}");
        assert_eq!(
            first.split_once(",s=").unwrap().1,
            again.split_once(",s=").unwrap().1,
            "{user}"
        );
        let wrong = format!("c=biws,r={},p={}", nonce(&again), "A".repeat(43) + "=");
        let error = client.run("admin", go_on(2, &wrong)).await;
        assert_eq!(error.get_i32("code").unwrap(), FAILED);
        let shape: Vec<_> = reply.keys().cloned().collect();
        shapes.push((
            shape,
            first.len(),
            first.ends_with(",i=15000"),
            error.get_str("errmsg").unwrap().to_owned(),
        ));
    }
    assert_eq!(shapes[0], shapes[1]);
    let mechanisms =
        |user: &str| doc! { "hello": 1, "saslSupportedMechs": format!("admin.{user}") };
    let hello = [
        server.connect().run("admin", mechanisms("ada")).await,
        server.connect().run("admin", mechanisms("nobody")).await,
    ];
    assert_eq!(hello[0].get("saslSupportedMechs"), hello[1].get("saslSupportedMechs"));
}

#[tokio::test]
async fn an_exchange_is_continued_once_and_by_its_own_number() {
    let server = TestServer::new().await;
    with_ada(&server).await;
    let client = server.connect();
    assert_eq!(client.code("admin", go_on(1, "")).await, NO_EXCHANGE);
    for wrong in ["", "c=biws", "c=biws,r=abc,p=AAAA", &"x".repeat(1 << 20)] {
        let reply = client.run("admin", start("ada")).await;
        let conversation = reply.get_i32("conversationId").unwrap();
        assert_eq!(
            client.code("admin", go_on(conversation, wrong)).await,
            FAILED,
            "{} bytes",
            wrong.len()
        );
        assert_eq!(client.code("admin", go_on(conversation, wrong)).await, NO_EXCHANGE);
    }
    let reply = client.run("admin", start("ada")).await;
    let conversation = reply.get_i32("conversationId").unwrap();
    assert_eq!(client.code("admin", go_on(conversation + 1, "x")).await, NO_EXCHANGE);
    assert_eq!(client.code("admin", go_on(conversation, "x")).await, NO_EXCHANGE);
    assert_eq!(client.code("admin", doc! { "listDatabases": 1 }).await, 13);
}

#[tokio::test]
async fn a_malformed_first_message_is_a_login_that_failed() {
    let server = TestServer::new().await;
    let client = server.connect();
    let with = |mechanism: &str, payload: Bson| {
        doc! { "saslStart": 1, "mechanism": mechanism, "payload": payload }
    };
    for payload in
        ["", "n,a=root,n=ada,r=x", "p=tls-unique,,n=ada,r=x", "\u{0}", &"n".repeat(1 << 20)]
    {
        let command = with("SCRAM-SHA-256", binary(payload).into());
        assert_eq!(client.code("admin", command).await, FAILED, "{} bytes", payload.len());
    }
    for mechanism in ["PLAIN", "GSSAPI", "MONGODB-X509", "scram-sha-256", ""] {
        assert_eq!(
            client.code("admin", with(mechanism, binary("n,,n=a,r=x").into())).await,
            334,
            "{mechanism}"
        );
    }
    assert_eq!(client.code("admin", with("SCRAM-SHA-256", "text".into())).await, 14);
    let by_certificate = doc! { "authenticate": 1, "mechanism": "MONGODB-X509", "user": "CN=ada" };
    assert_eq!(client.code("$external", by_certificate).await, FAILED);
}

#[tokio::test]
async fn before_the_login_nothing_is_looked_at() {
    let server = TestServer::new().await;
    let client = server.connect();
    let sessions = || server.shared.sessions.count();
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] };
    for command in [
        doc! { "find": 5, "unknown": 1 },
        doc! { "insert": "a", "documents": [{}], "lsid": { "id": id.clone() }, "txnNumber": 1_i64 },
        doc! { "aggregate": 1, "pipeline": [{ "$currentOp": {} }], "cursor": {} },
        doc! { "createUser": "me", "pwd": "x", "roles": ["root"] },
        doc! { "explain": { "ping": 1 } },
    ] {
        assert_eq!(client.code("admin", command.clone()).await, 13, "{command}");
    }
    let ping = doc! { "ping": 1, "lsid": { "id": id } };
    assert_eq!(client.code("admin", ping).await, 0);
    assert_eq!(sessions(), 0);
    assert!(server.store().users().await.unwrap().is_empty());
    assert!(server.store().projects().await.unwrap().is_empty());
}

#[tokio::test]
async fn logging_out_takes_the_rights() {
    let server = TestServer::new().await;
    let client: Client = server.client("ada", &["root"]).await;
    assert_eq!(client.code("shop", doc! { "find": "a" }).await, 0);
    let status = client.run("admin", doc! { "connectionStatus": 1 }).await;
    let users = status.get_document("authInfo").unwrap().get_array("authenticatedUsers").unwrap();
    assert_eq!(users, &[doc! { "user": "ada", "db": "admin" }.into()]);
    assert_eq!(client.code("admin", doc! { "logout": 1 }).await, 0);
    assert_eq!(client.code("shop", doc! { "find": "a" }).await, 13);
}

#[tokio::test]
async fn logins_that_fail_wait_for_their_turn_and_others_do_not() {
    let server = TestServer::new().await;
    with_ada(&server).await;
    let address = server.connect().connection.peer.ip();
    let throttle = &server.shared.throttle;
    let waits = |user: &str| {
        let turn = throttle.turn(address, user, tokio::time::Instant::now());
        turn.is_none_or(|wait| !wait.is_zero())
    };
    for user in ["ada", "nobody"] {
        let mut failed = 0;
        while !waits(user) {
            let client = server.connect();
            let reply = client.run("admin", start(user)).await;
            let conversation = reply.get_i32("conversationId").unwrap();
            let proof = "A".repeat(43) + "=";
            let wrong = format!("c=biws,r={},p={proof}", nonce(&challenge(&reply)));
            assert_eq!(client.code("admin", go_on(conversation, &wrong)).await, FAILED);
            failed += 1;
            assert!(failed < 20, "passwords of {user} are tried as fast as they come");
        }
    }
    assert!(!waits("bob"));
}
