//! A running `argon serve`, and a client that speaks the least of its protocol.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::Duration;

use bson::Document;

use crate::support::Place;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The server gets half a minute to end.
const END: Duration = Duration::from_secs(30);

/// A running `argon serve` with a store of its own.
pub(crate) struct Server {
    process: Child,
    pub(crate) uri: String,
    pub(crate) place: Place,
}

impl Server {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let place = Place::empty();
        place.ok(&["init", "fjall:"]);
        Self::start_in(place)
    }

    #[track_caller]
    pub(crate) fn start_in(place: Place) -> Self {
        Self::start_at(place, "--listen")
    }

    /// A server for what an option says: `--listen` for drivers, `--http`.
    #[track_caller]
    pub(crate) fn start_at(place: Place, option: &str) -> Self {
        Self::start_with(place, &[option, "127.0.0.1:0"])
    }

    #[track_caller]
    pub(crate) fn start_with(place: Place, options: &[&str]) -> Self {
        let mut process = place
            .command(&[&["serve", "--print-uri"], options].concat())
            .stdout(Stdio::piped())
            .stderr(File::create(place.path("log")).unwrap())
            .spawn()
            .unwrap();
        let mut uri = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut uri).unwrap();
        Self { process, uri: uri.trim_end().to_owned(), place }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.place.path("log")).unwrap()
    }

    /// The reply to a command, by a connection of its own.
    #[track_caller]
    pub(crate) fn ask(&self, command: &Document) -> Document {
        let address = self.uri.trim_start_matches("mongodb://").split('/').next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = command.to_vec().unwrap();
        let length = i32::try_from(16 + 4 + 1 + body.len()).unwrap();
        // The header (length, id, reply to, OP_MSG), the flags, and a section of kind 0.
        for number in [length, 1, 0, 2013, 0] {
            stream.write_all(&number.to_le_bytes()).unwrap();
        }
        stream.write_all(&[0]).unwrap();
        stream.write_all(&body).unwrap();
        let mut header = [0; 21];
        stream.read_exact(&mut header).unwrap();
        Document::from_reader(&mut stream).unwrap()
    }

    /// Ends the server as a service manager does.
    #[track_caller]
    pub(crate) fn end(mut self) -> Place {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = wait(&mut self.process, END);
        assert_eq!(status.and_then(|status| status.code()), Some(0), "{}", self.log());
        std::mem::replace(&mut self.place, Place::empty())
    }

    /// Ends the server as a power cut does.
    pub(crate) fn kill(mut self) -> Place {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::mem::replace(&mut self.place, Place::empty())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How a process ended; one that still runs after this time is killed.
pub(crate) fn wait(process: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut waited = Duration::ZERO;
    while waited < limit {
        if let Some(status) = process.try_wait().unwrap() {
            return Some(status);
        }
        sleep(LOOK_EVERY);
        waited += LOOK_EVERY;
    }
    process.kill().unwrap();
    process.wait().unwrap();
    None
}
