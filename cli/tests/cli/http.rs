//! The server of HTTP, as programs of others use it that read its description.

use std::process::{Command, Stdio};

use argon_test_servers::{python_environment, server_or_skip};

use crate::server::Server;
use crate::support::Place;

const SCHEMATHESIS: &str = include_str!("http/requirements.txt");

/// What is tried at each request: random ones too, that fit the description and that do not.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method";

#[test]
fn schemathesis_finds_nothing() {
    let environment = python_environment("schemathesis", "schemathesis", SCHEMATHESIS);
    let Some(environment) = server_or_skip("the requests of schemathesis", environment) else {
        return;
    };
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    place.ok(&["project", "create", "shop"]);
    place.ok(&["put", "-c", "users", r#"{"_id": 1, "a": 1}"#]);
    let server = Server::start_at(place, "--http");
    let output = Command::new(environment.join("bin/schemathesis"))
        .args(["run", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "15", "--seed", "7", "--workers", "2", "--no-color"])
        .arg(format!("{}openapi.json", server.uri))
        .current_dir(server.place.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\nthe server said:\n{}", server.log());
    server.end();
}
