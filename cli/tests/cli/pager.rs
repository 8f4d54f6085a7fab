//! Long output on a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Place, has};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal, and a program on it.
struct Terminal {
    keyboard: File,
    output: Receiver<Vec<u8>>,
    screen: String,
    child: Child,
}

impl Terminal {
    fn run(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let mut command = place.command(arguments);
        command.stdin(stream()).stdout(stream()).stderr(stream()).env("TERM", "dumb");
        command.env_remove("PAGER").envs(variables.iter().copied());
        let keyboard = File::from(keyboard);
        let (printed, output) = mpsc::channel();
        let mut source = keyboard.try_clone().unwrap();
        thread::spawn(move || {
            let mut part = [0; 4096];
            // A terminal that nobody has open any more is an error to its reader.
            while let Ok(count) = source.read(&mut part) {
                if printed.send(part[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child: command.spawn().unwrap(), keyboard, output, screen: String::new() }
    }

    /// Waits until a text is on the screen, and forgets what is before its end.
    fn waits_for(&mut self, text: &str) {
        loop {
            if let Some(at) = self.screen.find(text) {
                self.screen.drain(..at + text.len());
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(part) => self.screen.push_str(&String::from_utf8_lossy(&part)),
                Err(error) => panic!("'{text}' does not come ({error}) after:\n{}", self.screen),
            }
        }
    }

    /// Types a text.
    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Everything else that is on the screen once the program has ended.
    fn end(mut self) -> String {
        assert!(self.child.wait().unwrap().success());
        while let Ok(part) = self.output.recv_timeout(Duration::from_millis(500)) {
            self.screen.push_str(&String::from_utf8_lossy(&part));
        }
        self.screen.replace("\r\n", "\n")
    }
}

fn shop() -> Place {
    let place = Place::with_project("sled");
    place.ok(&["put", "-c", "users", r#"{"_id":1}"#]);
    place
}

#[test]
fn output_on_a_terminal_goes_through_the_pager_unless_the_user_wants_none() {
    let place = shop();
    let pager = [("ARGON_PAGER", "sed 's/^/paged: /'"), ("PAGER", "false")];
    let screen = Terminal::run(&place, &["find", "-c", "users"], &pager).end();
    assert_eq!(screen, "paged: {\"_id\":1}\n");
    let diff = Terminal::run(&place, &["diff", "main@0", "main"], &pager).end();
    // The name of a collection is bold.
    has(&diff, &["paged: \u{1b}", "collection users"]);
    has(&diff, &["paged: main@0 at LSN 0 → main at LSN 1: 1 added"]);
    let screen = Terminal::run(&place, &["find", "-c", "users", "--no-pager"], &pager).end();
    assert_eq!(screen, "{\"_id\":1}\n");
    let screen = Terminal::run(&place, &["find", "-c", "users"], &[("ARGON_PAGER", "")]).end();
    assert_eq!(screen, "{\"_id\":1}\n");
    let run = place.command(&["find", "-c", "users"]).env("ARGON_PAGER", "false").output().unwrap();
    assert_eq!(run.stdout, b"{\"_id\":1}\n", "a pipe is not paged");
}

#[test]
fn a_pager_does_not_hold_the_store() {
    let place = shop();
    place.file("read", "");
    let pager = "while test -e read; do sleep 0.05; done; cat";
    let find = Terminal::run(&place, &["find", "-c", "users"], &[("ARGON_PAGER", pager)]);
    thread::sleep(Duration::from_millis(200));
    place.ok(&["status"]);
    std::fs::remove_file(place.path("read")).unwrap();
    assert_eq!(find.end(), "{\"_id\":1}\n");
}

#[test]
fn a_shell_on_a_terminal_shows_pages_and_goes_on_after_an_error() {
    let place = Place::with_project("sled");
    let documents: String = (0..45).map(|n| format!("{{\"_id\":{n}}}\n")).collect();
    place.run_with(&["put", "-c", "users", "-q"], documents);
    let mut shell = Terminal::run(&place, &["shell"], &[]);
    for (line, expected) in [
        ("db.users.fnd()", "db.users.fnd is not a function; did you mean find?"),
        ("db.users.find()", "{ _id: 19 }\r\ntype \"it\" for more"),
        ("it", "{ _id: 39 }\r\ntype \"it\" for more"),
        ("it", "{ _id: 44 }\r\n"),
        ("it", "no cursor"),
    ] {
        shell.waits_for("shop@main> ");
        shell.types(&format!("{line}\r"));
        shell.waits_for(expected);
        // The store is free while nothing runs.
        place.ok(&["status", "--lock-timeout", "30"]);
    }
    shell.waits_for("shop@main> ");
    shell.types("exit\r");
    shell.end();
}
