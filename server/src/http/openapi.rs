//! The description of all paths, as OpenAPI 3.1.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::asked::{CURSOR, LIMIT};
use super::background::{self, BackgroundOperation};
use super::prepared::Prepared;
use super::problem::Problem;
use super::reply::LINES;
use super::{changes, export, prepared, session};

/// The document; the generator has the definitions to which the schemas of the routes refer.
pub(super) fn document(routes: &[Arc<Prepared>], mut generator: SchemaGenerator) -> Value {
    let problem = generator.subschema_for::<Problem>();
    let login = generator.subschema_for::<session::Login>();
    let session = generator.subschema_for::<session::Session>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let method = route.route.method.as_str().to_ascii_lowercase();
        paths.entry(route.route.path).or_default().insert(method, described(route));
    }
    let background = generator.subschema_for::<BackgroundOperation>();
    paths.extend(in_background(&background));
    paths.insert(export::PATH, exported());
    paths.insert(session::PATH, sessions(&login, &session));
    paths.entry(changes::PATH).or_default().insert("get".to_owned(), changes());
    let schemas: Map<String, Value> = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Argon",
            "version": env!("CARGO_PKG_VERSION"),
            "description":
                "Git for MongoDB-shaped data over HTTP. A revision is a branch, a pin, a position such as `main@12`, \
                 or a time such as `main@2026-07-07`. Documents are MongoDB's Extended JSON."
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "An error, as RFC 9457 has it.",
                    "content": { "application/problem+json": { "schema": problem } }
                }
            },
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "token": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "argon_session" }
            }
        },
        "security": [{}, { "basic": [] }, { "token": [] }, { "session": [] }]
    })
}

/// The sessions of browsers.
fn sessions(login: &Schema, session: &Schema) -> Map<String, Value> {
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let cookie = json!({ "description": "The cookie is set.", "headers": { "Set-Cookie": { "schema": { "type": "string" } } } });
    let described = |id: &str, about: &str, status: &str, response: Value| {
        let responses = json!({ status: response, "default": problem });
        json!({
            "operationId": id, "tags": ["session"], "summary": about.trim_end_matches('.'), "description": about,
            "responses": responses
        })
    };
    let shown = json!({ "description": "Who asks.", "content": { "application/json": { "schema": session } } });
    let mut begun =
        described("session.begin", "Log in, as the page of a browser does.", "204", cookie.clone());
    begun["requestBody"] =
        json!({ "required": true, "content": { "application/json": { "schema": login } } });
    let methods = [
        ("get", described("session.show", "Show who is logged in.", "200", shown)),
        ("post", begun),
        ("delete", described("session.end", "Log out: the cookie is removed.", "204", cookie)),
    ];
    methods.into_iter().map(|(method, described)| (method.to_owned(), described)).collect()
}

fn described(route: &Prepared) -> Value {
    let name = route.route.operation;
    let about = route.request.get("description").and_then(Value::as_str).unwrap_or_default();
    // As a second type of content, generators of clients would take it for what comes.
    let by_lines = format!("With `Accept: {LINES}`, all items come, each on a line.");
    let about = if route.operation.is_list { &format!("{about} {by_lines}") } else { about };
    let first = about.split_once(['.', ':', ';']).map_or(about, |(first, _)| first);
    let mut described = json!({
        "operationId": operation_id(route),
        "tags": [name.split_once('.').map_or(name, |(family, _)| family)],
        "summary": first,
        "description": about,
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if let Some(body) = body(route)
        && let Some(described) = described.as_object_mut()
    {
        described.insert("requestBody".to_owned(), body);
    }
    described
}

/// The name of the operation; two routes of one have the method with it.
fn operation_id(route: &Prepared) -> String {
    let name = route.route.operation;
    match (name, route.route.method.as_str()) {
        ("document.find", "POST") => "document.find_by_body".to_owned(),
        ("document.put", "PUT") => "document.put_one".to_owned(),
        _ => name.to_owned(),
    }
}

/// The fields that the path does not give.
fn fields(route: &Prepared) -> impl Iterator<Item = (&String, &Value)> {
    let properties = route.request.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().filter(|(name, _)| !route.is_in_path(name))
}

fn is_required(route: &Prepared, field: &str) -> bool {
    let required = route.request.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|name| name == field))
}

fn parameters(route: &Prepared) -> Vec<Value> {
    let of_path = route.path_parameters().map(|name| {
        let schema = match route.field_of(name) {
            // An element of a list.
            Some(field) => {
                let schema = &route.request.as_value()["properties"][field];
                schema.get("items").unwrap_or(schema).clone()
            }
            None => json!({ "type": "string" }),
        };
        let schema = match schema.get("type") {
            Some(Value::String(_)) => schema,
            _ => json!({
                "type": "string",
                "description": schema.get("description").and_then(Value::as_str).unwrap_or("JSON, or a text."),
            }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let mut parameters: Vec<Value> = of_path.collect();
    let in_url = fields(route).filter(|(name, _)| route.takes_in_url(name));
    parameters.extend(in_url.map(|(name, schema)| {
        let kind = route.fields.get(name);
        let is_json = matches!(kind, Some(prepared::Kind::Json));
        let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let is_required = is_required(route, name);
        let mut parameter =
            json!({ "name": name, "in": "query", "required": is_required, "description": about });
        if let Some(parameter) = parameter.as_object_mut() {
            if is_json {
                let content = json!({ "application/json": { "schema": schema } });
                parameter.insert("content".to_owned(), content);
            } else {
                parameter.insert("schema".to_owned(), schema.clone());
            }
        }
        parameter
    }));
    if route.operation.is_list {
        let about = "The `next` of the page before; the other parameters stay the same.";
        parameters.push(json!({
            "name": CURSOR, "in": "query", "required": false, "description": about, "schema": { "type": "string" }
        }));
        if !route.fields.contains_key(LIMIT) {
            let about = "How many items a page has, 10000 at most.";
            parameters.push(json!({
                "name": LIMIT, "in": "query", "required": false, "description": about,
                "schema": { "type": "integer", "minimum": 1 }
            }));
        }
    }
    if route.fields.contains_key("if_lsn") {
        let about = "The ETag of a state that was read, or its position: 412 if a document was changed after it.";
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false, "description": about,
            "schema": { "type": "string", "pattern": "^(W/)?\"?[0-9]{1,15}(-[0-9a-f]+)?\"?$" }
        }));
    }
    parameters
}

fn body(route: &Prepared) -> Option<Value> {
    if route.has_query() {
        return None;
    }
    if route.route.body.is_some() {
        let schema = json!({ "type": "object", "description": "The document, as Extended JSON." });
        return Some(
            json!({ "required": true, "content": { "application/json": { "schema": schema } } }),
        );
    }
    let properties: Map<String, Value> =
        fields(route).map(|(name, schema)| (name.clone(), schema.clone())).collect();
    let required: Vec<&String> =
        properties.keys().filter(|name| is_required(route, name)).collect();
    let has_required = !required.is_empty();
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false
    });
    Some(
        json!({ "required": has_required, "content": { "application/json": { "schema": schema } } }),
    )
}

fn responses(route: &Prepared) -> Value {
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let status = if route.route.creates { "201" } else { "200" };
    let mut content = Map::new();
    if route.operation.is_list {
        let page = json!({
            "type": "object",
            "properties": {
                "items": { "type": "array", "items": route.result },
                "next": { "type": ["string", "null"], "description": "The cursor of the next page." }
            },
            "required": ["items", "next"]
        });
        content.insert("application/json".to_owned(), json!({ "schema": page }));
    } else {
        content.insert("application/json".to_owned(), json!({ "schema": route.result }));
    }
    let mut responses = json!({
        status: { "description": "The result.", "content": content },
        "default": problem
    });
    if route.has_tag()
        && let Some(responses) = responses.as_object_mut()
    {
        let unchanged = json!({ "description": "The client has it already: If-None-Match." });
        responses.insert("304".to_owned(), unchanged);
    }
    responses
}

/// Operations that run while their clients do something else.
fn in_background(schema: &Schema) -> [(&'static str, Map<String, Value>); 3] {
    let id = json!({ "name": "operation", "in": "path", "required": true, "schema": { "type": "string" } });
    let described = |name: &str, about: &str, kind: &str, schema: Value, parameters: Value| {
        json!({
            "operationId": format!("operation.{name}"), "tags": ["operation"],
            "summary": about.trim_end_matches('.'), "description": about, "parameters": parameters,
            "responses": {
                "200": { "description": "The result.", "content": { kind: { "schema": schema } } },
                "default": { "$ref": "#/components/responses/Problem" }
            }
        })
    };
    let json = "application/json";
    let all = json!({ "type": "array", "items": schema });
    let list = described(
        "list",
        "List your operations that were begun with `Prefer: respond-async`.",
        json,
        all,
        json!([]),
    );
    let show = described(
        "show",
        "Show whether an operation runs, and its result.",
        json,
        schema.to_owned().into(),
        json!([id]),
    );
    let end = described(
        "cancel",
        "End an operation as soon as it can; what it commits until then stays.",
        json,
        schema.to_owned().into(),
        json!([id]),
    );
    let text = json!({ "type": "string" });
    let about = "Follow an operation: events `progress`, and `end` with the result.";
    let follow = described("follow", about, "text/event-stream", text, json!([id]));
    let methods = |methods: Vec<(&str, Value)>| {
        methods.into_iter().map(|(method, described)| (method.to_owned(), described)).collect()
    };
    [
        (background::ALL, methods(vec![("get", list)])),
        (background::ONE, methods(vec![("get", show), ("delete", end)])),
        (background::EVENTS, methods(vec![("get", follow)])),
    ]
}

/// Collections as files.
fn exported() -> Map<String, Value> {
    let text = |name: &str, about: &str| {
        let schema = json!({ "type": "string" });
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema })
    };
    let option = |name: &str, about: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": about, "schema": schema });
    let endings: Vec<&str> = export::FORMATS.iter().map(|(ending, ..)| *ending).collect();
    let content: Map<String, Value> = export::FORMATS
        .iter()
        .map(|(_, _, kind, _)| ((*kind).to_owned(), json!({ "schema": { "type": "string" } })))
        .collect();
    let about = format!("The name of the collection and .{}.", endings.join(", ."));
    let described = |id: &str, head: bool| {
        let response = |about: &str| {
            let mut response = json!({ "description": about });
            if !head {
                response["content"] = Value::Object(content.clone());
            }
            response
        };
        json!({
            "operationId": id,
            "tags": ["document"],
            "summary": "Export a collection of a state as a file",
            "description":
                "The tag is the same for as long as the state is the same. A part is given by Range. JSON is canonical \
                 Extended JSON; see docs/COLUMNS.md for Parquet and Arrow.",
            "parameters": [
                text("project", "The project."),
                text("revision", "The state."),
                text("file", &about),
                option("relaxed", "JSON: relaxed Extended JSON.", json!({ "type": "boolean" })),
                option("lossy", "JSON: change documents that it can't express.", json!({ "type": "boolean" })),
                option("fields", "CSV, Parquet, Arrow: the columns; without any, all.",
                    json!({ "type": "array", "items": { "type": "string" } })),
            ],
            "responses": {
                "200": response("The file."),
                "206": response("A part of it."),
                "304": { "description": "The client has it already: If-None-Match." },
                "416": { "description": "The file has no such part." },
                "default": { "$ref": "#/components/responses/Problem" }
            }
        })
    };
    let methods = [
        ("get", described("collection.export", false)),
        ("head", described("collection.export_head", true)),
    ];
    methods.into_iter().map(|(method, described)| (method.to_owned(), described)).collect()
}

fn changes() -> Value {
    let text = |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    let last = json!({
        "name": "Last-Event-ID", "in": "header", "required": false,
        "description": "The id of the last event that the client has, or a position; without it, the next commit comes first.",
        "schema": { "type": "string", "pattern": "^[0-9]{1,15}(-[0-9a-f]{32})?$" }
    });
    json!({
        "operationId": "branch.changes",
        "tags": ["branch"],
        "summary": "Follow the commits of a branch",
        "description": "Each commit is an event `commit`: its data is the page that `show` gives. An event `error` is the last one.",
        "parameters": [text("project"), text("branch"), last],
        "responses": {
            "200": { "description": "Events.", "content": { "text/event-stream": { "schema": { "type": "string" } } } },
            "default": { "$ref": "#/components/responses/Problem" }
        }
    })
}
