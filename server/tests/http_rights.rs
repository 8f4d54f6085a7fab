//! Random users send random requests over HTTP, and call random tools of agents. Whatever they send, nobody reads a branch or changes one without the
//! right on it.
//!
//! `ARGON_ATTEMPTS=10000 ARGON_SEED=7 cargo test -p argon-server --test http_rights` is the long run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on shall end")]

use std::collections::BTreeMap;

use argon_core::model::BranchName;
use argon_core::storage::{Secret, StoreUrl};
use argon_core::{Branch, Store};
use argon_server::{OperationOptions, ServeOptions, Server};
use argon_service::credentials::SaidBy;
use argon_service::discover::Place;
use argon_service::operations::{Effect, Operation};
use argon_service::user::scram::Mechanism;
use argon_service::user::{self, CreateUser};
use bson::rawdoc;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use ureq::http::{Method, Request};

/// The branches, and what only those who may read them see.
const BRANCHES: [(&str, &str); 3] = [("shop", "main"), ("shop", "secret"), ("farm", "main")];
const ROLES: [&str; 6] = ["read", "readWrite", "dbAdmin", "userAdmin", "clusterMonitor", "root"];
const SCOPES: [&str; 6] = ["*", "shop", "shop:main", "shop:secret", "shop:se*", "farm"];

fn mark(project: &str, branch: &str) -> String {
    format!("mark of {project} {branch}")
}

/// A user with one role.
#[derive(Debug, Clone)]
struct User {
    name: String,
    role: &'static str,
    scope: &'static str,
}

impl User {
    fn covers(&self, project: &str, branch: &str) -> bool {
        let by_pattern = self.scope == "shop:se*" && project == "shop" && branch.starts_with("se");
        by_pattern || ["*", project, &format!("{project}:{branch}")].contains(&self.scope)
    }

    fn may_read(&self, project: &str, branch: &str) -> bool {
        ["read", "readWrite", "root"].contains(&self.role) && self.covers(project, branch)
    }

    /// Whether the user may change anything at all.
    fn may_change(&self) -> bool {
        ["readWrite", "dbAdmin", "userAdmin", "root"].contains(&self.role)
    }
}

/// Numbers that look random, by splitmix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn revision(&mut self) -> String {
        let revisions = [
            "main",
            "secret",
            "main@1",
            "secret@2",
            "v1",
            "s1",
            "pin:s1",
            "secret~1",
            "secret@{1}",
            "@1",
        ];
        (*self.of(&revisions)).to_owned()
    }

    /// A value for a field of a request; `None` to leave it out.
    fn value(&mut self, field: &str) -> Option<Value> {
        Some(match field {
            "revision" | "from" | "to" | "above" | "source" | "good" | "bad" => {
                self.revision().into()
            }
            "revisions" => json!([self.revision()]),
            "range" => (*self.of(&["main~1..main", "secret~1..secret", "main..secret"])).into(),
            "collection" => "users".into(),
            "branch" | "into" | "onto" => (*self.of(&["main", "secret", "new"])).into(),
            "project" | "new_name" => (*self.of(&["shop", "farm", "new"])).into(),
            "id" => 1.into(),
            "ids" => json!([1]),
            "filter" | "document" => json!({ "_id": 1 }),
            "field" => "mark".into(),
            "update" => json!({ "$set": { "n": 2 } }),
            "documents" => json!([{ "_id": 2, "n": 1 }]),
            "definition" => json!({ "key": { "n": 1 }, "name": "n" }),
            "pipeline" => {
                let at = self.revision();
                self.of(&[
                    json!([{ "$match": {} }]),
                    json!([{ "$unionWith": { "coll": "users", "at": at, "pipeline": [] } }]),
                    json!([{ "$lookup": { "from": "users", "at": at, "pipeline": [], "as": "o" } }]),
                    json!([{ "$facet": { "a": [{ "$unionWith": { "coll": "users", "at": at } }] } }]),
                    json!([{ "$out": { "db": format!("shop:{at}"), "coll": "users" } }]),
                    json!([{ "$merge": { "into": { "db": "shop:secret", "coll": "users" } } }]),
                ])
                .clone()
            }
            "pin" => (*self.of(&["v1", "s1", "new"])).into(),
            "ttl" => "1h".into(),
            "user" => "root-0".into(),
            "roles" => json!(["root@*"]),
            "password" => "a new password".into(),
            "plan" | "index" => "a1".into(),
            "policy" => json!({ "unlisted": "show" }),
            "choice" => "theirs".into(),
            "detail" => (*self.of(&["full", "fields", "stat"])).into(),
            "protected" | "read_only" | "all" | "merge_base" | "canonical" => {
                (self.below(2) == 0).into()
            }
            _ => return None,
        })
    }
}

struct Attempts {
    base: String,
    agent: ureq::Agent,
    described: Value,
    tools: Value,
    random: Random,
}

impl Attempts {
    fn send(&self, user: &User, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let login = BASE64.encode(format!("{}:{}", user.name, user.name).as_bytes());
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Basic {login}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let (MCP, Some(body)) = (path, body) {
            request = request
                .header("accept", "application/json, text/event-stream")
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", body["method"].as_str().unwrap());
            let parameters = &body["params"];
            if let Some(name) = parameters["name"].as_str().or(parameters["uri"].as_str()) {
                request = request.header("mcp-name", name);
            }
        }
        let request = request.body(body.map(Value::to_string).unwrap_or_default()).unwrap();
        tokio::task::block_in_place(|| {
            let sent = self.agent.run(request);
            let mut response =
                sent.unwrap_or_else(|error| panic!("{method} {path} {body:?}: {error}"));
            let body = response.body_mut().read_to_string().unwrap_or_default();
            (response.status().as_u16(), body)
        })
    }

    /// A request that the description allows, with values that lead somewhere; its operation.
    fn next(&mut self) -> (String, String, String, Option<Value>) {
        let described = self.described.clone();
        let paths: Vec<_> = described["paths"].as_object().unwrap().iter().collect();
        let (path, methods) = *self.random.of(&paths);
        let methods: Vec<_> = methods.as_object().unwrap().iter().collect();
        let (method, operation) = *self.random.of(&methods);
        let random = &mut self.random;
        let mut path = path.clone();
        let mut query = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match (name, parameter["in"].as_str().unwrap()) {
                ("cursor", _) if random.below(4) == 0 => {
                    let cursor = json!({ "r": random.revision(), "n": 0 });
                    Some(BASE64URL_NOPAD.encode(cursor.to_string().as_bytes()).into())
                }
                (name, "path") => random.value(name),
                (name, _) if parameter["required"] == true || random.below(3) == 0 => {
                    random.value(name)
                }
                _ => None,
            };
            let Some(value) = value else { continue };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text =
                percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC);
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &text.to_string());
            } else {
                query.push(format!("{name}={text}"));
            }
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = schema.is_object().then(|| {
            let mut body = serde_json::Map::new();
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for name in schema["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
                let is_required = required.iter().any(|one| one == name);
                if (is_required || random.below(3) == 0)
                    && let Some(value) = random.value(name)
                {
                    body.insert(name.clone(), value);
                }
            }
            Value::Object(body)
        });
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let id = operation["operationId"].as_str().unwrap().to_owned();
        (id, method.to_uppercase(), format!("{path}{query}"), body)
    }
}

/// Where agents call tools.
const MCP: &str = "/mcp";

/// What a request of the protocol's newest revision says of itself.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "fuzzer", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

impl Attempts {
    /// Sends a request of the protocol of agents.
    fn ask(&self, user: &User, method: &str, mut parameters: Value) -> (u16, String) {
        parameters["_meta"] = meta();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        self.send(user, "POST", MCP, Some(&body))
    }

    /// A call of a tool, with values that lead somewhere; whether it only reads.
    fn next_call(&mut self) -> (bool, Value) {
        let tools = self.tools.clone();
        let tool = self.random.of(tools.as_array().unwrap());
        let schema = &tool["inputSchema"];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let mut arguments = serde_json::Map::new();
        let random = &mut self.random;
        for name in schema["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
            let is_required = required.iter().any(|one| one == name);
            let value = match name.as_str() {
                "cursor" if random.below(3) == 0 => {
                    let cursor = json!({ "r": random.revision(), "n": 0 });
                    Some(BASE64URL_NOPAD.encode(cursor.to_string().as_bytes()).into())
                }
                name if is_required || random.below(3) == 0 => random.value(name),
                _ => None,
            };
            if let Some(value) = value {
                arguments.insert(name.clone(), value);
            }
        }
        let reads = tool["annotations"]["readOnlyHint"] == true;
        (reads, json!({ "name": tool["name"], "arguments": arguments }))
    }
}

/// The operation of a request; the names of two have the way of it.
fn operation(id: &str) -> Option<&'static Operation> {
    let name = id.trim_end_matches("_by_body").trim_end_matches("_one");
    Operation::named(name).ok()
}

/// The message of a reply, which is the only event.
fn of_event(reply: &str) -> &str {
    reply.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(reply)
}

async fn filled(store: &Store) -> BTreeMap<(&'static str, &'static str), Branch> {
    let mut branches = BTreeMap::new();
    for (project, branch) in BRANCHES {
        let project_of = store.project_or_create(project).await.unwrap();
        let main = project_of.branch(&BranchName::new("main").unwrap()).await.unwrap();
        let name = BranchName::new(branch).unwrap();
        let empty = main.at(0).await.unwrap();
        let made = project_of.branch_or_create(&name, &empty).await.unwrap();
        for n in 0..2 {
            let document = rawdoc! { "_id": 1, "n": n, "mark": mark(project, branch) };
            let users = argon_core::model::CollectionName::new("users").unwrap();
            made.collection(&users).put(document).await.unwrap();
        }
        branches.insert((project, branch), made);
    }
    branches
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_or_changes_a_branch_without_the_right_on_it() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse::<u64>().unwrap())
    };
    let (attempts, seed) = (number("ARGON_ATTEMPTS", 600), number("ARGON_SEED", 1));
    let store = argon_backends::memory_store().await.unwrap();
    let branches = filled(&store).await;
    let mut users = Vec::new();
    for role in ROLES {
        for (place, scope) in SCOPES.into_iter().enumerate() {
            let name = format!("{role}-{place}");
            let request = CreateUser {
                user: name.clone(),
                database: None,
                roles: vec![format!("{role}@{scope}")],
                mechanisms: vec![Mechanism::Sha256],
            };
            // Some roles are of the whole server only.
            if user::create(&store, request, Some(&Secret::new(name.clone()))).await.is_ok() {
                users.push(User { name, role, scope });
            }
        }
    }
    let options =
        ServeOptions { auth: true, ..ServeOptions::new(BranchName::new("main").unwrap()) };
    let mut server = Server::new(store.clone(), options).unwrap();
    let place = Place::of_url(StoreUrl::new("memory", ""), SaidBy::Argument);
    let http = OperationOptions { place, settings: None };
    let address = server.listen_http("127.0.0.1:0", http).await.unwrap();
    let stopper = server.stopper();
    let running = tokio::spawn(server.run());
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let base = format!("http://{address}");
    let mut attempt =
        Attempts { base, agent, described: Value::Null, tools: Value::Null, random: Random(seed) };
    let root = users.iter().find(|user| user.role == "root" && user.scope == "*").unwrap().clone();
    let (_, described) = attempt.send(&root, "GET", "/openapi.json", None);
    attempt.described = serde_json::from_str(&described).unwrap();
    let (_, listed) = attempt.ask(&root, "tools/list", json!({}));
    let listed: Value = serde_json::from_str(of_event(&listed)).unwrap();
    attempt.tools = listed["result"]["tools"].clone();
    for (pin, revision) in [("v1", "main@1"), ("s1", "secret@2")] {
        let body = json!({ "pin": pin, "revision": revision });
        let (status, reply) = attempt.send(&root, "POST", "/v1/projects/shop/pins", Some(&body));
        assert_eq!(status, 201, "{reply}");
    }
    let heads = || async {
        let mut heads = Vec::new();
        for branch in branches.values() {
            heads.push(branch.head().await.unwrap().last_digest().await.unwrap());
        }
        (heads, store.project("shop").await.unwrap().branches().await.unwrap().len())
    };
    let before = heads().await;
    let (mut seen, mut refused, mut read_by_tools) = (0, 0, 0);
    for number in 0..attempts {
        let user = attempt.random.of(&users).clone();
        let (method, path, body, reads) = match attempt.random.below(4) {
            0 => {
                let (reads, call) = attempt.next_call();
                ("tools/call".to_owned(), MCP.to_owned(), Some(call), reads)
            }
            1 if attempt.random.below(4) == 0 => {
                let uri = format!("argon://shop@{}/users", attempt.random.revision());
                ("resources/read".to_owned(), MCP.to_owned(), Some(json!({ "uri": uri })), true)
            }
            _ => {
                let (id, method, path, body) = attempt.next();
                let Some(operation) = operation(&id) else { continue };
                (method, path, body, operation.effect == Effect::Read)
            }
        };
        // What a user may change is not the question here, and would change what the others find.
        if !reads && user.may_change() {
            continue;
        }
        let (status, reply) = match &body {
            Some(parameters) if path == MCP => attempt.ask(&user, &method, parameters.clone()),
            body => attempt.send(&user, &method, &path, body.as_ref()),
        };
        let what = format!(
            "attempt {number} of seed {seed}: {user:?} {method} {path} {body:?}: {status} {reply}"
        );
        for (project, branch) in BRANCHES {
            let has_mark = reply.contains(&mark(project, branch));
            assert!(!has_mark || user.may_read(project, branch), "{what}");
            seen += u32::from(has_mark);
        }
        assert!(status < 500 || status == 503, "{what}");
        let by_tool = path == MCP && reply.contains("not authorized");
        refused += u32::from(status == 403 || by_tool);
        read_by_tools += u32::from(path == MCP && reply.contains("mark of"));
        if !reads {
            assert_eq!(heads().await, before, "{what}");
        }
    }
    assert!(
        seen > 0 && refused > 0 && read_by_tools > 0,
        "the attempts reach something: {seen} marks, {read_by_tools} by tools, {refused} refused"
    );
    stopper.stop();
    running.await.unwrap();
}
