//! The server of HTTP, as a client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use argon_core::Store;
use argon_core::model::{BranchName, CollectionName};
use argon_core::storage::{Secret, StoreUrl};
use argon_core::write::CollectionChange;
use argon_server::{OperationOptions, ServeOptions, Server, Stopper};
use argon_service::credentials::SaidBy;
use argon_service::discover::Place;
use argon_service::operations::Operation;
use argon_service::user::scram::Mechanism;
use argon_service::user::{self, CreateUser};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Method, Request};

/// A server that runs.
struct Running {
    address: SocketAddr,
    store: Store,
    stopper: Stopper,
    agent: ureq::Agent,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("{}: {}", self.status, self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Running {
    async fn new(auth: bool) -> Self {
        let store = argon_backends::memory_store().await.unwrap();
        let options = ServeOptions { auth, ..ServeOptions::new(BranchName::new("main").unwrap()) };
        let mut server = Server::new(store.clone(), options).unwrap();
        let place = Place::of_url(StoreUrl::new("memory", ""), SaidBy::Argument);
        let http = OperationOptions { place, settings: None };
        let address = server.listen_http("127.0.0.1:0", http).await.unwrap();
        let stopper = server.stopper();
        tokio::spawn(server.run());
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Self { address, store, stopper, agent: config.into() }
    }

    /// Sends a request, with headers.
    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                body.to_string()
            }
            None => String::new(),
        };
        let request = request.body(body).unwrap();
        let agent = &self.agent;
        let response = tokio::task::block_in_place(|| {
            let mut response = agent.run(request).unwrap();
            let body = response.body_mut().read_to_string().unwrap();
            (response, body)
        });
        let (head, _) = response.0.into_parts();
        Reply { status: head.status.as_u16(), headers: head.headers, body: response.1 }
    }

    #[track_caller]
    fn ok(&self, method: &str, path: &str, body: impl Into<Option<Value>>) -> Value {
        let reply = self.send(method, path, &[], body.into());
        assert!(
            matches!(reply.status, 200 | 201),
            "{method} {path}: {} {}",
            reply.status,
            reply.body
        );
        reply.json()
    }

    fn get(&self, path: &str) -> Value {
        self.ok("GET", path, None)
    }

    /// Sends a request that fails, and returns its status and its problem.
    #[track_caller]
    fn fails(&self, method: &str, path: &str, body: impl Into<Option<Value>>) -> (u16, Value) {
        let reply = self.send(method, path, &[], body.into());
        assert_eq!(reply.header("content-type"), "application/problem+json", "{}", reply.body);
        let problem = reply.json();
        assert_eq!(problem["status"], reply.status);
        (reply.status, problem)
    }

    /// Puts documents with these `_id`s into a collection.
    fn put(&self, branch: &str, ids: impl IntoIterator<Item = i32>) -> Value {
        let documents: Vec<Value> =
            ids.into_iter().map(|id| json!({ "_id": id, "n": id % 3 })).collect();
        let path = format!("/v1/projects/shop/branches/{branch}/collections/users/documents");
        self.ok("POST", &path, json!({ "documents": documents }))
    }

    /// Creates users, each with these roles and its name as the password.
    async fn create_users(&self, users: &[(&str, &[&str])]) {
        for (name, roles) in users {
            let request = CreateUser {
                user: (*name).to_owned(),
                database: None,
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                mechanisms: vec![Mechanism::Sha256],
            };
            user::create(&self.store, request, Some(&Secret::new(*name))).await.unwrap();
        }
    }

    /// Creates a project with some documents.
    fn fill(&self) {
        self.ok("POST", "/v1/projects", json!({ "project": "shop" }));
        self.put("main", 0..10);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// The header by which a user logs in whose password is the name.
fn basic(name: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{name}:{name}").as_bytes()))
}

const USERS: &str = "/v1/projects/shop/states/main/collections/users";

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_written_read_and_deleted() {
    let server = Running::new(false).await;
    let (status, problem) = server.fails("GET", "/v1/projects/shop/branches", None);
    assert_eq!((status, &problem["kind"]), (404, &json!("not_found")), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("POST /v1/projects"), "{problem}");
    server.fill();
    assert_eq!(server.get(&format!("{USERS}/documents/7")), json!({ "_id": 7, "n": 1 }));
    let (status, _) = server.fails("GET", &format!("{USERS}/documents/77"), None);
    assert_eq!(status, 404);
    let found =
        server.get(&format!("{USERS}/documents?filter=%7B%22n%22:2%7D&sort=%7B%22_id%22:-1%7D"));
    assert_eq!(
        found["items"],
        json!([{ "_id": 8, "n": 2 }, { "_id": 5, "n": 2 }, { "_id": 2, "n": 2 }])
    );
    let by_body = json!({ "filter": { "n": 2 }, "projection": { "_id": 1 }, "limit": 1 });
    let found = server.ok("POST", &format!("{USERS}/find"), by_body);
    assert_eq!(found["items"], json!([{ "_id": 2 }]));
    let stages = json!({ "pipeline": [{ "$group": { "_id": null, "sum": { "$sum": "$n" } } }] });
    let rows = server.ok("POST", &format!("{USERS}/aggregate"), stages);
    assert_eq!(rows["items"], json!([{ "_id": null, "sum": 9 }]));

    let main = "/v1/projects/shop/branches/main/collections/users";
    let written = server.ok("PUT", &format!("{main}/documents/7"), json!({ "name": "Ada" }));
    assert_eq!(written, json!([{ "id": 7, "lsn": 2, "changed": true }]));
    let text = server.ok("PUT", &format!("{main}/documents/x%2Fy"), json!({ "_id": "x/y" }));
    assert_eq!(text[0]["id"], "x/y");
    let (status, _) = server.fails("PUT", &format!("{main}/documents/7"), json!({ "_id": 8 }));
    assert_eq!(status, 400);
    let update = json!({ "filter": { "_id": 7 }, "update": { "$set": { "name": "Grace" } } });
    assert_eq!(server.ok("PATCH", &format!("{main}/documents"), update)["modified"], 1);
    server.ok("DELETE", &format!("{main}/documents/3"), None);
    assert_eq!(server.get(&format!("{USERS}/count"))["documents"], 10);
    let history = server.get(&format!("{USERS}/documents/7/history"));
    let lsns: Vec<_> = history["items"].as_array().unwrap().iter().map(|one| &one["lsn"]).collect();
    assert_eq!(lsns, [4, 2, 1]);
    assert_eq!(server.get("/v1/projects/shop/states/main@1/collections/users/documents/7")["n"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_of_one_state_and_lines_have_all() {
    let server = Running::new(false).await;
    server.fill();
    let mut ids = Vec::new();
    let mut path = format!("{USERS}/documents?limit=4");
    loop {
        let page = server.get(&path);
        ids.extend(
            page["items"].as_array().unwrap().iter().map(|one| one["_id"].as_i64().unwrap()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{USERS}/documents?limit=4&cursor={next}");
        // What others write meanwhile is on no page.
        server.put("main", [-1, 100]);
    }
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
    let lines = server.send(
        "GET",
        &format!("{USERS}/documents"),
        &[("accept", "application/x-ndjson")],
        None,
    );
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(lines.body.lines().count(), 12);
    let lines = server.send(
        "GET",
        &format!("{USERS}/documents?filter=%7B%22$x%22:1%7D"),
        &[("accept", "application/x-ndjson")],
        None,
    );
    assert_eq!(lines.status, 400, "an error before the first line is the reply");
    let next =
        server.get(&format!("{USERS}/documents?limit=1"))["next"].as_str().unwrap().to_owned();
    let (status, _) = server.fails("GET", &format!("{USERS}/documents?skip=1&cursor={next}"), None);
    assert_eq!(status, 400, "a cursor of another request");
    let (status, problem) = server.fails("GET", &format!("{USERS}/documents?cursor=x"), None);
    assert_eq!(status, 400, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_http_are_those_of_states() {
    let server = Running::new(false).await;
    server.fill();
    let read = server.send("GET", &format!("{USERS}/documents/7"), &[], None);
    assert_eq!(read.header("argon-revision"), "main@1");
    let tag = read.header("etag").to_owned();
    let again =
        server.send("GET", &format!("{USERS}/documents/7"), &[("if-none-match", &tag)], None);
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()));
    let path = "/v1/projects/shop/branches/main/collections/users/documents/7";
    let put = |lsn: &str, name: &str| {
        server.send("PUT", path, &[("if-match", lsn)], Some(json!({ "name": name })))
    };
    assert_eq!(put("\"1\"", "Ada").status, 200);
    let refused = put("1", "Grace");
    assert_eq!(
        (refused.status, &refused.json()["kind"]),
        (412, &json!("conflict")),
        "{}",
        refused.body
    );
    assert_eq!(server.get(&format!("{USERS}/documents/7"))["name"], "Ada");
    let read =
        server.send("GET", &format!("{USERS}/documents/7"), &[("if-none-match", &tag)], None);
    assert_eq!(read.status, 200);
    assert_eq!(put("now", "x").status, 400);
    let tag = read.header("etag");
    assert_eq!(put(tag, "Grace").status, 200, "{tag}");
    assert_eq!(put("99", "Ada").status, 412, "a position that is not there");
    let absent = |id: u32| {
        let path = path.replace("documents/7", &format!("documents/{id}?message=new"));
        server.send("PUT", &path, &[("if-none-match", "*")], Some(json!({}))).status
    };
    assert_eq!([absent(7), absent(70)], [412, 200]);
    let log = server.get("/v1/projects/shop/states/main/log?limit=1");
    assert_eq!(log["items"][0]["message"], "new");
    let other = tag.replace("2-", "3-");
    assert_eq!(put(&other, "Ada").status, 412, "the digest is of another state");
    let duplicate = json!({ "documents": [{ "_id": 7 }], "if_absent": true });
    let path = "/v1/projects/shop/branches/main/collections/users/documents";
    assert_eq!(server.fails("POST", path, duplicate).0, 409, "that is no condition of a state");
    let unsupported = server.send(
        "POST",
        "/v1/projects/shop/branches",
        &[("if-match", "1")],
        Some(json!({ "branch": "a" })),
    );
    assert_eq!(unsupported.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_are_merged_as_a_plan() {
    let server = Running::new(false).await;
    server.fill();
    let branches = "/v1/projects/shop/branches";
    let made = server.send("POST", branches, &[], Some(json!({ "branch": "a/b" })));
    assert_eq!((made.status, &made.json()["parent"]), (201, &json!("main")));
    for (branch, n) in [("a%2Fb", 5), ("main", 6)] {
        let path = format!("{branches}/{branch}/collections/users/documents/1");
        server.ok("PUT", &path, json!({ "n": n }));
    }
    let changed = server.get("/v1/projects/shop/diff?from=main&to=a%2Fb&merge_base=true");
    assert_eq!(changed["items"].as_array().unwrap().len(), 3, "{changed}");
    let merged = server.ok("POST", &format!("{branches}/main/merge"), json!({ "source": "a/b" }));
    assert_eq!(merged["outcome"], "conflicts", "{merged}");
    let saved = server.ok(
        "POST",
        &format!("{branches}/main/merge"),
        json!({ "source": "a/b", "action": "save" }),
    );
    let plan = format!("/v1/projects/shop/plans/{}", saved["plan"]["id"].as_str().unwrap());
    server.ok("POST", &format!("{plan}/resolve"), json!({ "choice": "theirs" }));
    let applied = server.ok("POST", &format!("{plan}/apply"), json!({ "message": "merge a/b" }));
    assert_eq!(applied["outcome"], "committed", "{applied}");
    assert_eq!(server.get(&format!("{USERS}/documents/1"))["n"], 5);
    let log = server.get("/v1/projects/shop/states/main/log?limit=1");
    assert_eq!(log["items"][0]["message"], "merge a/b");
    server.ok("POST", &format!("{branches}/main/undo"), json!({ "range": "main~1..main" }));
    assert_eq!(server.get(&format!("{USERS}/documents/1"))["n"], 6);
    server.ok("POST", &format!("{branches}/main/reset"), json!({ "revision": "main@1" }));
    assert_eq!(server.get(&format!("{USERS}/documents/1"))["n"], 1);
    server.ok("DELETE", &format!("{branches}/a%2Fb"), None);
    assert_eq!(server.fails("GET", &format!("{branches}/a%2Fb"), None).0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_is_answered_again() {
    let server = Running::new(false).await;
    server.fill();
    let path = "/v1/projects/shop/branches/main/collections/users/documents";
    let insert = |key: &str, n: i32| {
        let body = json!({ "documents": [{ "n": n }] });
        server.send("POST", path, &[("idempotency-key", key)], Some(body))
    };
    let (one, again) = (insert("k", 1), insert("k", 1));
    assert_eq!((one.status, &one.body), (again.status, &again.body));
    assert_eq!(insert("k", 2).status, 422, "another request with the key");
    assert_ne!(insert("l", 1).body, one.body);
    assert_eq!(server.get(&format!("{USERS}/count"))["documents"], 12);
    let missing = "/v1/projects/none/branches";
    for _ in 0..2 {
        let headers = [("idempotency-key", "m")];
        let refused = server.send("POST", missing, &headers, Some(json!({ "branch": "a" })));
        assert_eq!(refused.status, 404, "what failed is tried again");
    }
}

/// The events of a branch: for each, its id and its data.
struct Events(BufReader<TcpStream>);

impl Events {
    fn of(server: &Running, last: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
        let head = format!(
            "GET /v1/projects/shop/branches/main/changes HTTP/1.1\r\nHost: {}\r\n{last}\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(stream))
    }

    fn next(&mut self) -> (String, Value) {
        let mut id = String::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the events have ended");
            if let Some(text) = line.strip_prefix("id: ") {
                text.trim().clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_events_which_go_on_after_the_last_one() {
    let server = Running::new(false).await;
    server.fill();
    server.put("main", [20]);
    let (first, again) = tokio::task::block_in_place(|| {
        let mut events = Events::of(&server, Some("0"));
        let first = [events.next(), events.next()];
        server.put("main", [21]);
        let third = events.next();
        assert!(third.0.starts_with("3-"), "{}", third.0);
        let again = Events::of(&server, Some(&first[0].0)).next();
        (first, again)
    });
    assert!(first[0].0.starts_with("1-") && first[1].0.starts_with("2-"), "{first:?}");
    assert_eq!(again, first[1]);
    assert_eq!(again.1["items"][1]["id"], 20, "{}", again.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_understood_is_refused_by_name() {
    let server = Running::new(false).await;
    server.fill();
    let branches = "/v1/projects/shop/branches";
    for (method, path, body, status, named) in [
        ("POST", branches, Some(json!({ "brunch": "a" })), 400, "'brunch'; known: branch, from"),
        ("POST", branches, Some(json!({ "branch": 7 })), 400, "expected a string"),
        ("POST", branches, Some(json!([])), 400, "object"),
        ("POST", branches, None, 400, "branch"),
        ("GET", "/v1/projects?al=1", None, 400, "'al'"),
        ("GET", "/v1/projects/shop/branches?all=maybe", None, 400, "'maybe'"),
        ("GET", "/v1/projects/shop/states/main@x/log", None, 400, "main@x"),
        ("GET", "/v1/projects/%FF/branches", None, 400, "UTF-8"),
        ("GET", "/v1/nothing", None, 404, "/v1/nothing"),
        ("PUT", branches, Some(json!({})), 405, "method"),
    ] {
        let (found, problem) = server.fails(method, path, body);
        let detail = problem["detail"].as_str().unwrap();
        assert!(found == status && detail.contains(named), "{method} {path}: {problem}");
    }
    let text = [("content-type", "text/plain")];
    let reply = server.send("POST", branches, &text, None);
    assert_eq!(reply.status, 400, "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_servers_may_do_nothing() {
    let server = Running::new(false).await;
    let host = server.address.to_string();
    let own = format!("http://{host}");
    for (headers, status) in [
        (vec![("origin", own.as_str())], 200),
        (vec![("origin", "https://example.com")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-origin")], 200),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 403),
        (vec![("host", "localhost:7700")], 200),
        (vec![("host", "example.com")], 403),
    ] {
        let reply = server.send("GET", "/v1/projects", &headers, None);
        assert_eq!(reply.status, status, "{headers:?}: {}", reply.body);
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    assert_eq!(server.send("GET", "/console/", &link, None).status, 200, "a link to the page");
    let mut stream = TcpStream::connect(server.address).unwrap();
    let body = r#"{"project":"shop"}"#;
    write!(stream, "POST /v1/projects HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
    let mut reply = String::new();
    tokio::task::block_in_place(|| stream.read_to_string(&mut reply)).unwrap();
    assert!(reply.starts_with("HTTP/1.1 415"), "a form of another page: {reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_runs_no_command_and_opens_no_file() {
    let server = Running::new(false).await;
    server.fill();
    server.put("main", [20]);
    let policy = json!({ "checks": { "hooks": [{ "command": ["true"] }] } });
    let undo = json!({ "range": "main~1..main", "policy": policy });
    let branch = "/v1/projects/shop/branches/main";
    let (status, problem) = server.fails("POST", &format!("{branch}/undo"), undo.clone());
    assert_eq!((status, &problem["kind"]), (403, &json!("denied")), "{problem}");
    let mut merge = undo;
    merge["source"] = json!("main@1");
    merge.as_object_mut().unwrap().remove("range");
    assert_eq!(server.fails("POST", &format!("{branch}/merge"), merge).0, 403);
    let pin = json!({ "pin": "v1", "key": "/nowhere" });
    assert_eq!(server.fails("POST", "/v1/projects/shop/pins", pin).0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_of_all_kinds_are_read_and_a_view_is_not_taken_for_empty() {
    let server = Running::new(false).await;
    server.fill();
    server.put("main", [20]);
    server.ok("POST", "/v1/projects/shop/pins", json!({ "pin": "v1", "revision": "main@1" }));
    server.ok("POST", "/v1/projects/shop/branches/main/reset", json!({ "revision": "main@1" }));
    for (revision, documents) in [("main", 10), ("v1", 10), ("main@1", 10), ("main@%7B1%7D", 11)] {
        let path =
            format!("/v1/projects/shop/states/{revision}/collections/users/documents?limit=3");
        let mut count = 0;
        let mut page = server.get(&path);
        loop {
            count += page["items"].as_array().unwrap().len();
            let Some(next) = page["next"].as_str() else { break };
            page = server.get(&format!("{path}&cursor={next}"));
        }
        assert_eq!(count, documents, "{revision}");
    }
    let project = server.store.project("shop").await.unwrap();
    let branch = project.branch(&BranchName::new("main").unwrap()).await.unwrap();
    let name = CollectionName::new("view").unwrap();
    let options = bson::doc! { "viewOn": "users", "pipeline": [] };
    branch.change_collection(CollectionChange::SetOptions { name, options }).await.unwrap();
    let path = "/v1/projects/shop/states/main/collections/view/documents";
    assert_eq!(server.fails("GET", path, None).0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_and_may_do_what_their_roles_allow() {
    let server = Running::new(true).await;
    for (name, role) in
        [("root", "root"), ("reader", "read@shop:main"), ("writer", "readWrite@shop:main")]
    {
        let (user, roles) = (name.to_owned(), vec![role.to_owned()]);
        let request = CreateUser { user, database: None, roles, mechanisms: Vec::new() };
        user::create(&server.store, request, Some(&Secret::new(format!("{name}'s"))))
            .await
            .unwrap();
    }
    let login = |text: &str| format!("Basic {}", data_encoding::BASE64.encode(text.as_bytes()));
    let [root, reader, writer] = ["root:root's", "reader:reader's", "writer:writer's"].map(login);
    let ask = |who: &str, method: &str, path: &str, body: Option<Value>| {
        server.send(method, path, &[("authorization", who)], body)
    };
    let anyone = server.send("GET", "/v1/projects", &[], None);
    assert_eq!(anyone.status, 401);
    assert!(anyone.header("www-authenticate").starts_with("Basic"));
    for wrong in ["root:no", "nobody:x", "root"] {
        assert_eq!(ask(&login(wrong), "GET", "/v1/projects", None).status, 401, "{wrong}");
    }
    assert_eq!(ask(&root, "POST", "/v1/projects", Some(json!({ "project": "shop" }))).status, 201);
    let documents = "/v1/projects/shop/branches/main/collections/users/documents";
    let put = |who: &str| {
        ask(who, "POST", documents, Some(json!({ "documents": [{ "_id": 1 }] }))).status
    };
    assert_eq!([put(&reader), put(&writer)], [403, 200]);
    let of_other = json!({ "pipeline": [{ "$lookup": { "from": "users", "at": "other", "as": "o", "localField": "_id", "foreignField": "_id" } }] });
    let statuses = |who: &str| {
        [
            ask(who, "GET", &format!("{USERS}/documents"), None),
            ask(who, "GET", "/v1/projects/shop/states/main/log", None),
            ask(who, "GET", "/v1/projects/shop/states/other/collections/users/documents", None),
            ask(who, "GET", "/v1/projects/shop/branches", None),
            ask(
                who,
                "POST",
                "/v1/projects/shop/branches/main/reset",
                Some(json!({ "revision": "main@1" })),
            ),
            ask(who, "POST", &format!("{USERS}/aggregate"), Some(of_other.clone())),
            ask(who, "GET", "/v1/users", None),
        ]
        .map(|reply| reply.status)
    };
    assert_eq!(statuses(&reader), [200, 200, 403, 403, 403, 403, 403]);
    assert_eq!(statuses(&writer), [200, 200, 403, 403, 403, 403, 403]);
    let log = ask(&root, "GET", "/v1/projects/shop/states/main/log", None).json();
    assert_eq!(log["items"][0]["actor"], "writer");
    // Nothing that a request names beside its path leads past the check.
    let cursor = |revision: &str| {
        let text = json!({ "r": revision, "n": 0 }).to_string();
        data_encoding::BASE64URL_NOPAD.encode(text.as_bytes())
    };
    let hidden = json!({ "pipeline": [{ "$unionWith": { "coll": "users", "at": "other", "pipeline":
        [{ "$match": { "x": { "$ne": 18_446_744_073_709_551_615_u64 } } }] } }] });
    let past = [
        ask(&reader, "GET", &format!("{USERS}/documents?cursor={}", cursor("other")), None),
        ask(&reader, "POST", &format!("{USERS}/find?cursor={}", cursor("other")), Some(json!({}))),
        ask(&reader, "POST", &format!("{USERS}/aggregate"), Some(hidden)),
        ask(&reader, "GET", "/v1/projects/shop/states/main/log?above=other", None),
    ];
    assert_eq!(past.map(|reply| reply.status), [403; 4]);
    let malformed = ask(&reader, "GET", "/v1/projects/shop/states/main@x/log", None);
    assert_eq!(malformed.status, 400, "that is no right");
    let signed = json!({ "documents": [{}], "actor": "root" });
    assert_eq!(ask(&writer, "POST", documents, Some(signed)).status, 403);
    // A new password ends the old one at once.
    let path = "/v1/users/reader/password";
    assert_eq!(ask(&root, "PUT", path, Some(json!({ "password": "new one" }))).status, 200);
    assert_eq!(ask(&reader, "GET", &format!("{USERS}/documents"), None).status, 401);
    assert_eq!(
        ask(&login("reader:new one"), "GET", &format!("{USERS}/documents"), None).status,
        200
    );
}

/// Checks that what a document refers to is in it.
fn check(value: &Value, root: &Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(to)) = fields.get("$ref") {
                assert!(root.pointer(to.trim_start_matches('#')).is_some(), "{to}");
            }
            fields.values().for_each(|value| check(value, root));
        }
        Value::Array(items) => items.iter().for_each(|value| check(value, root)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_all_operations_and_no_loose_ends() {
    let server = Running::new(false).await;
    let described = server.get("/openapi.json");
    let mut ids = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id), "{path}: {}", operation["operationId"]);
            assert!(
                operation["description"].as_str().is_some_and(|about| about.len() > 10),
                "{path}"
            );
        }
    }
    let of_files = ["dvc.update", "dvc.check", "dvc.pin"];
    for operation in Operation::all().filter(|one| !of_files.contains(&one.name)) {
        assert!(ids.contains(operation.name), "no path has {}", operation.name);
    }
    check(&described, &described);
    let page = server.send("GET", "/reference", &[], None);
    assert!(
        page.body.contains("/openapi.json") && !page.body.contains("https://"),
        "it works offline"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_by_a_cookie_that_no_other_page_uses() {
    let server = Running::new(true).await;
    server.create_users(&[("ada", &["root@*"])]).await;
    let session = "/v1/session";
    let shown = server.send("GET", session, &[], None).json();
    assert_eq!((&shown["user"], &shown["auth"]), (&Value::Null, &Value::from(true)));
    let login = |password: &str| json!({ "user": "ada", "password": password });
    let refused = server.send("POST", session, &[], Some(login("wrong")));
    assert_eq!((refused.status, refused.header("set-cookie")), (401, ""));
    let cross = [("origin", "http://evil.example")];
    assert_eq!(server.send("POST", session, &cross, Some(login("ada"))).status, 403);
    let reply = server.send("POST", session, &[], Some(login("ada")));
    assert_eq!(reply.status, 204, "{}", reply.body);
    let set = reply.header("set-cookie");
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(flag), "{set}");
    }
    let cookie = set.split(';').next().unwrap().to_owned();
    let with = [("cookie", cookie.as_str())];
    assert_eq!(server.send("GET", session, &with, None).json()["user"], "ada");
    assert_eq!(server.send("GET", "/v1/projects", &with, None).status, 200);
    // What changes something has to come from a page of the server.
    let body = || Some(json!({ "project": "shop" }));
    assert_eq!(server.send("POST", "/v1/projects", &with, body()).status, 403);
    let own = format!("http://{}", server.address);
    let of_page = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    assert_eq!(server.send("POST", "/v1/projects", &of_page, body()).status, 201);
    // A script of a page is not asked for the password by the browser's own window.
    let of_script = [("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")];
    let asked = server.send("GET", "/v1/projects", &of_script, None);
    assert!(!asked.header("www-authenticate").contains("Basic"));
    // A new password ends the session, and so does the user.
    let changed = argon_service::user::ChangePassword { user: "ada".to_owned(), database: None };
    user::change_password(&server.store, changed, &Secret::new("another")).await.unwrap();
    server.send("POST", "/v1/projects", &of_page, body());
    let mut status = 200;
    for _ in 0..100 {
        status = server.send("GET", "/v1/projects", &with, None).status;
        if status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, 401);
    let reply = server.send("POST", session, &[], Some(login("another")));
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    let of_page = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    assert_eq!(server.send("GET", "/v1/projects", &of_page, None).status, 200);
    assert_eq!(server.send("DELETE", session, &of_page, None).status, 204);
    assert_eq!(server.send("GET", "/v1/projects", &of_page, None).status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_the_projects_that_are_theirs() {
    let server = Running::new(true).await;
    for project in ["farm", "shop", "zoo"] {
        server.store.project_or_create(project).await.unwrap();
    }
    let of_branch: &[&str] = &["read@shop:try"];
    let users = [("all", &["read@*"][..]), ("one", of_branch), ("none", &["userAdmin@zoo"])];
    server.create_users(&users).await;
    let seen = |name: &str| {
        let login = [("authorization", &*basic(name))];
        let listed = server.send("GET", "/v1/projects", &login, None).json();
        let names = listed.as_array().unwrap().iter().map(|listed| listed["project"].to_string());
        names.collect::<Vec<_>>().join(" ").replace('"', "")
    };
    assert_eq!(seen("all"), "farm shop zoo");
    assert_eq!(seen("one"), "shop");
    assert_eq!(seen("none"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_a_file_with_a_tag_and_parts() {
    let server = Running::new(false).await;
    server.fill();
    let file =
        |revision: &str, name: &str| format!("/v1/projects/shop/states/{revision}/export/{name}");
    let path = file("main@1", "users.jsonl");
    let whole = server.send("GET", &path, &[], None);
    assert_eq!(whole.status, 200, "{}", whole.body);
    assert_eq!(whole.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> =
        whole.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[3], json!({ "_id": { "$numberInt": "3" }, "n": { "$numberInt": "0" } }));
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    server.put("main", 10..20);
    let head = server.send("HEAD", &path, &[], None);
    assert_eq!((head.status, head.header("etag")), (200, tag.as_str()));
    assert_eq!(head.header("content-length"), "", "it is not known");
    let known = [("if-none-match", tag.as_str())];
    assert_eq!(server.send("GET", &path, &known, None).status, 304);
    // A masked branch has the same digests, and other files.
    let mask = json!([{ "path": "n", "with": "redact" }]);
    let policy = json!({ "unlisted": "show", "collection": [{ "name": "users", "fields": mask }] });
    let masked = json!({ "branch": "masked", "from": "main@1", "policy": policy });
    server.ok("POST", "/v1/projects/shop/masked-branches", masked);
    for name in ["users.jsonl", "users.csv"] {
        let ranged = [("range", "bytes=0-")];
        let plain = server.send("GET", &file("main@1", name), &ranged, None);
        let shown = server.send("GET", &file("masked", name), &ranged, None);
        assert_eq!((plain.status, shown.status), (206, 206), "{}", shown.body);
        assert_ne!(plain.header("etag"), shown.header("etag"));
        assert_ne!(shown.body, plain.body, "{name}");
    }
    let of_head = server.send("GET", &file("main", "users.jsonl"), &known, None);
    assert_eq!((of_head.status, of_head.body.lines().count()), (200, 20));
    let part = |range: &str| server.send("GET", &path, &[("range", range)], None);
    let (first, rest) = (part("bytes=0-99"), part("bytes=100-"));
    assert_eq!((first.status, rest.status), (206, 206));
    assert_eq!(first.header("content-range"), format!("bytes 0-99/{}", whole.body.len()));
    assert_eq!(first.header("etag"), tag);
    assert_eq!(format!("{}{}", first.body, rest.body), whole.body);
    assert_eq!(part("bytes=-7").body, whole.body[whole.body.len() - 7..]);
    assert_eq!(part("bytes=999999-").status, 416);
    let other = [("range", "bytes=0-9"), ("if-range", "\"another\"")];
    assert_eq!(server.send("GET", &path, &other, None).body, whole.body);
    let columns =
        server.send("GET", &(file("main@1", "users.csv") + "?fields=n&fields=_id"), &[], None);
    assert!(columns.body.starts_with("n,_id"), "{}", columns.body);
    let relaxed = server.send("GET", &(path.clone() + "?relaxed=true"), &[], None);
    assert!(relaxed.body.starts_with("{\"_id\":0,"), "{}", relaxed.body);
    assert_ne!(relaxed.header("etag"), tag);
    for (name, status) in [("users", 400), ("users.exe", 400), ("none.jsonl", 404)] {
        assert_eq!(server.fails("GET", &file("main", name), None).0, status, "{name}");
    }
    assert_eq!(server.fails("GET", &file("none", "users.jsonl"), None).0, 404);
    assert_eq!(server.fails("GET", &(path + "?zip=1"), None).0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_request_runs_in_the_background() {
    let server = Running::new(false).await;
    server.fill();
    let prefer = [("prefer", "respond-async"), ("idempotency-key", "once")];
    let begun = server.send("POST", "/v1/store/fsck", &prefer, Some(json!({})));
    assert_eq!(begun.status, 202, "{}", begun.body);
    assert_eq!(begun.header("preference-applied"), "respond-async");
    let place = begun.header("location").to_owned();
    assert_eq!(begun.json()["operation"], "store.fsck");
    let again = server.send("POST", "/v1/store/fsck", &prefer, Some(json!({})));
    assert_eq!(again.json()["id"], begun.json()["id"], "it did not begin twice");
    let followed = server.send("GET", &format!("{place}/events"), &[], None).body;
    let last = followed.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let ended: Value = serde_json::from_str(last).unwrap();
    assert!(followed.contains("event: end"), "{followed}");
    assert_eq!((&ended["state"], &ended["status"]), (&"done".into(), &200.into()), "{ended}");
    assert_eq!(ended["result"], server.ok("POST", "/v1/store/fsck", json!({})));
    assert_eq!(server.get(&place), ended);
    assert_eq!(server.get("/v1/operations")[0]["id"], ended["id"]);
    // One that fails says why.
    let delete = "/v1/projects/shop/branches/none";
    let begun = server.send("DELETE", delete, &prefer[..1], None);
    let place = begun.header("location").to_owned();
    server.send("GET", &format!("{place}/events"), &[], None);
    let ended = server.get(&place);
    assert_eq!(
        (&ended["state"], &ended["result"]["kind"]),
        (&"failed".into(), &"not_found".into())
    );
    // One that is ended, ends.
    let long = json!({
        "pipeline": [
            { "$set": { "all": { "$range": [0, 10_000] } } }, { "$unwind": "$all" },
            { "$group": { "_id": "$all", "n": { "$sum": 1 } } }, { "$sort": { "n": 1 } }, { "$out": "sums" }
        ]
    });
    let write = "/v1/projects/shop/branches/main/collections/users/write";
    let place = server.send("POST", write, &prefer[..1], Some(long)).header("location").to_owned();
    let ended = server.ok("DELETE", &place, None);
    assert_ne!(ended["state"], "running");
    assert_eq!(server.fails("GET", "/v1/operations/none", None).0, 404);
    let metrics = server.send("GET", "/metrics", &[], None);
    assert_eq!(metrics.status, 200, "{}", metrics.body);
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(server.get("/v1/store/metrics").is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_a_page_of_which_browsers_keep_the_files() {
    let server = Running::new(true).await;
    for path in ["/console/", "/console/shop/main@12/documents/users?filter=%7B%7D"] {
        let page = server.send("GET", path, &[], None);
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let start = page.body.find("/console/assets/").unwrap();
        let asset = page.body[start..].split('"').next().unwrap();
        let file = server.send("GET", asset, &[], None);
        assert_eq!(file.status, 200, "{asset}");
        assert!(file.header("cache-control").contains("immutable"));
    }
    let plain = server.send("GET", "/console/assets/main.js", &[], None);
    assert_eq!((plain.status, plain.header("cache-control")), (200, "no-cache"));
    for path in ["/console/assets/none.js", "/console/assets/../../Cargo.toml"] {
        let missing = server.send("GET", path, &[], None);
        assert!(missing.status == 404 || missing.body.contains("<!doctype"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_acts_by_a_token_within_its_roles_until_it_is_removed() {
    let server = Running::new(true).await;
    let users = [("owner", &["root@*"][..]), ("ada", &["readWrite@shop"]), ("eve", &["read@shop"])];
    server.create_users(&users).await;
    let ask = |who: &str, method: &str, path: &str, body: Option<Value>| {
        server.send(method, path, &[("authorization", who)], body)
    };
    let [owner, ada, eve] = ["owner", "ada", "eve"].map(basic);
    let project = || Some(json!({ "project": "shop" }));
    assert_eq!(ask(&owner, "POST", "/v1/projects", project()).status, 201);
    let token =
        |roles: Value| Some(json!({ "name": "nightly", "roles": roles, "expires_in": "1d" }));
    // One makes tokens for oneself; who manages users makes them for all.
    let made = ask(&ada, "POST", "/v1/users/ada/tokens", token(json!(["read@shop"])));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(ask(&eve, "POST", "/v1/users/ada/tokens", token(json!([]))).status, 403);
    assert_eq!(ask(&eve, "GET", "/v1/tokens", None).status, 403);
    assert_eq!(ask(&owner, "GET", "/v1/tokens", None).json().as_array().unwrap().len(), 1);
    let listed = ask(&ada, "GET", "/v1/tokens?user=ada", None);
    assert_eq!((listed.status, listed.json()[0]["id"].clone()), (200, made.json()["id"].clone()));
    let text = made.json()["text"].as_str().unwrap().to_owned();
    assert!(!listed.body.contains(&text[..20]), "the text is shown once");
    let bearer = format!("Bearer {text}");
    let users = "/v1/projects/shop/branches/main/collections/users/documents";
    let document = || Some(json!({ "documents": [{ "_id": 1 }] }));
    assert_eq!(ask(&bearer, "GET", "/v1/projects/shop/branches", None).status, 200);
    assert_eq!(ask(&bearer, "POST", users, document()).status, 403, "only what its roles allow");
    assert_eq!(ask(&ada, "POST", users, document()).status, 200);
    assert_eq!(ask(&bearer, "POST", "/v1/users/ada/tokens", token(json!([]))).status, 403);
    let of_owner = ask(&owner, "POST", "/v1/users/owner/tokens", token(json!([]))).json();
    let of_owner = format!("Bearer {}", of_owner["text"].as_str().unwrap());
    let password = Some(json!({ "password": "stolen" }));
    assert_eq!(ask(&of_owner, "PUT", "/v1/users/owner/password", password).status, 403);
    assert_eq!(ask(&of_owner, "DELETE", "/v1/users/eve", None).status, 403);
    // More roles than the user's give nothing more.
    let more = ask(&eve, "POST", "/v1/users/eve/tokens", token(json!(["root@*"]))).json();
    let more = format!("Bearer {}", more["text"].as_str().unwrap());
    assert_eq!(ask(&more, "GET", "/v1/projects/shop/branches", None).status, 200);
    assert_eq!(ask(&more, "POST", users, document()).status, 403);
    let all = ask(&ada, "POST", "/v1/users/ada/tokens", token(json!([]))).json();
    let all = format!("Bearer {}", all["text"].as_str().unwrap());
    let written = ask(&all, "POST", users, Some(json!({ "documents": [{ "_id": 2 }] })));
    assert_eq!(written.status, 200, "{}", written.body);
    let commit = ask(&ada, "GET", "/v1/projects/shop/states/main/log?limit=1", None).json();
    assert_eq!(commit["items"][0]["actor"], "ada");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ask(&eve, "DELETE", &format!("/v1/tokens/{id}"), None).status, 403);
    assert_eq!(ask(&ada, "DELETE", &format!("/v1/tokens/{id}"), None).status, 200);
    assert_eq!(ask(&bearer, "GET", "/v1/projects/shop/branches", None).status, 401);
    let changed: String = all.chars().rev().collect();
    let changed = format!("{}{}", &all[..all.len() - 20], &changed[..20]);
    assert_eq!(ask(&changed, "GET", "/v1/projects", None).status, 401);
    assert_eq!(ask("Bearer argon_", "GET", "/v1/projects", None).status, 401);
    let over = Some(json!({ "name": "n", "expires_in": "0" }));
    assert_eq!(ask(&ada, "POST", "/v1/users/ada/tokens", over).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_about_a_large_id_is_named_so_that_it_can_be_decided() {
    let server = Running::new(false).await;
    server.ok("POST", "/v1/projects", json!({ "project": "shop" }));
    let id = json!({ "$numberLong": "9007199254740993" });
    let put = |branch: &str, n: i32| {
        let path = format!("/v1/projects/shop/branches/{branch}/collections/users/documents");
        server.ok("POST", &path, json!({ "documents": [{ "_id": id, "n": n }] }))
    };
    put("main", 0);
    server.ok("POST", "/v1/projects/shop/branches", json!({ "branch": "try" }));
    put("main", 1);
    put("try", 2);
    let merge = json!({ "source": "try", "action": "save", "canonical": true });
    let saved = server.ok("POST", "/v1/projects/shop/branches/main/merge", merge);
    let conflict = &saved["plan"]["conflicts"][0];
    assert_eq!(conflict["id"], id, "{saved}");
    let plan = format!("/v1/projects/shop/plans/{}", saved["plan"]["id"].as_str().unwrap());
    let decision = json!({ "collection": "users", "id": conflict["id"], "choice": "theirs" });
    server.ok("POST", &format!("{plan}/resolve"), decision);
    let shown = server.get(&format!("{plan}?canonical=true"));
    assert_eq!(shown["decisions"][0]["id"], id, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_to_sandboxes_only_makes_them_of_what_they_read() {
    let server = Running::new(true).await;
    let of_agent: &[&str] = &["read@shop:main", "readWrite@shop:sandbox/*"];
    server.create_users(&[("root", &["root@*"]), ("agent", of_agent)]).await;
    let ask = |who: &str, method: &str, path: &str, body: Option<Value>| {
        server.send(method, path, &[("authorization", &*basic(who))], body)
    };
    ask("root", "POST", "/v1/projects", Some(json!({ "project": "shop" })));
    let shop = "/v1/projects/shop";
    let branch = |name: &str| Some(json!({ "branch": name }));
    assert_eq!(ask("root", "POST", &format!("{shop}/branches"), branch("secret")).status, 201);
    let sandboxes = format!("{shop}/sandboxes");
    let made = ask("agent", "POST", &sandboxes, Some(json!({ "ttl": "1h" })));
    assert_eq!(made.status, 201, "{}", made.body);
    let of_secret = Some(json!({ "ttl": "1h", "from": "secret" }));
    assert_eq!(ask("agent", "POST", &sandboxes, of_secret).status, 403);
    for (name, status) in [("other", 403), ("sandbox-1", 403), ("sandbox/own", 201)] {
        let made = ask("agent", "POST", &format!("{shop}/branches"), branch(name));
        assert_eq!(made.status, status, "{name}: {}", made.body);
    }
    let sandbox = made.json()["branch"].as_str().unwrap().replace('/', "%2F");
    let document = || Some(json!({ "documents": [{ "_id": 1 }] }));
    let documents = |branch: &str| format!("{shop}/branches/{branch}/collections/users/documents");
    assert_eq!(ask("agent", "POST", &documents(&sandbox), document()).status, 200);
    assert_eq!(ask("agent", "POST", &documents("main"), document()).status, 403);
    let extend = format!("{sandboxes}/{sandbox}/extend");
    assert_eq!(ask("agent", "POST", &extend, Some(json!({ "ttl": "2h" }))).status, 200);
    let main = format!("{shop}/branches/main");
    assert_eq!(ask("agent", "DELETE", &main, None).status, 403);
    assert_eq!(ask("agent", "DELETE", &format!("{sandboxes}/{sandbox}"), None).status, 200);
}
