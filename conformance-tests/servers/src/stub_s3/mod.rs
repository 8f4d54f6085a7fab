//! A small S3 in this process, which can be told to misbehave.
//!
//! It has one bucket, in memory, and serves what Argon asks for: objects whole and in ranges, listings,
//! conditional writes (one request at a time, so they are atomic) and uploads in parts. It asks for no
//! key and compares no checksum. What it does is what we read in S3's documentation, so it shows
//! what Argon makes of such a server, and nothing of how servers are.

mod http;
mod objects;
mod time;

use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{sleep, spawn};
use std::time::Duration;

pub use http::Request;

use http::{Answer, read_request};
use objects::Objects;

const BUCKET: &str = "bucket";

/// What the server does with a request instead of serving it.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// The request never arrives.
    LoseRequest,
    /// It is served, and the answer never arrives.
    LoseAnswer,
    /// It is served, the object is then written over with what is made of it, and the answer never
    /// arrives.
    LoseAnswerAnd(fn(&[u8]) -> Vec<u8>),
    /// It is served, and then answered with this status and code.
    AnswerAfter(u16, &'static str),
    /// It is answered with this status and code.
    Answer(u16, &'static str),
    /// It is answered with this status, code and header.
    AnswerWith(u16, &'static str, &'static str),
    /// Nothing comes back, and the connection stays open.
    Stall,
}

type Script = Box<dyn FnMut(&Request) -> Option<Reaction> + Send>;

/// What a server makes of the conditions of writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conditions {
    /// It keeps them.
    #[default]
    Kept,
    /// It ignores them.
    Ignored,
    /// They are kept but when the parts of an upload are joined.
    IgnoredOfUploads,
    /// It looks whether they hold, and writes a large object some time later.
    LookedAtEarly,
}

/// How the server differs from S3.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// What it makes of the conditions of writes.
    pub conditions: Conditions,
    /// Compares conditions with `ETag`s without quotes.
    pub wants_unquoted: bool,
    /// Gives each page of a listing backwards.
    pub lists_backwards: bool,
}

struct State {
    objects: Objects,
    script: Script,
    /// The requests since it was taken last, if they are kept.
    log: Option<Vec<Request>>,
}

/// The server. It ends with the process.
#[derive(Clone)]
pub struct StubS3 {
    state: Arc<Mutex<State>>,
    /// What its clock shows, in seconds since 1970. It stands still.
    clock: Arc<AtomicI64>,
    quirks: Quirks,
    address: SocketAddr,
}

impl StubS3 {
    /// What the clock of a new server shows.
    pub const STARTED: i64 = 1_700_000_000;

    /// Starts one that does as S3 does.
    ///
    /// # Panics
    /// If the system has no port for it.
    pub fn start() -> Self {
        Self::with(Quirks::default())
    }

    /// Starts one that differs from S3.
    ///
    /// # Panics
    /// If the system has no port for it.
    #[expect(clippy::expect_used, reason = "without loopback there is nothing to test")]
    pub fn with(quirks: Quirks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let state = State {
            objects: Objects::default(),
            script: Box::new(|_| None),
            log: Some(Vec::new()),
        };
        let stub = Self {
            state: Arc::new(Mutex::new(state)),
            clock: Arc::new(AtomicI64::new(Self::STARTED)),
            quirks,
            address: listener.local_addr().expect("a listener has an address"),
        };
        let serving = stub.clone();
        spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let stub = serving.clone();
                spawn(move || stub.serve(&stream));
            }
        });
        stub
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A script that panics fails its test; others go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// The URL of a store, without credentials.
    pub fn url(&self, prefix: &str) -> String {
        let address = self.address;
        format!("s3://{BUCKET}/{prefix}?region=us-east-1&endpoint=http://{address}&path_style=true")
    }

    /// What to do with requests from now on.
    pub fn script(&self, script: impl FnMut(&Request) -> Option<Reaction> + Send + 'static) {
        self.state().script = Box::new(script);
    }

    /// Serves all from now on.
    pub fn behave(&self) {
        self.script(|_| None);
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        self.state().log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps no log of requests from now on, as there may be millions.
    pub fn keep_no_log(&self) {
        self.state().log = None;
    }

    /// The names of all objects whose names have this in them.
    pub fn names(&self, part: &str) -> Vec<String> {
        self.state().objects.names(part)
    }

    /// What is in an object that is there.
    ///
    /// # Panics
    /// If it is not there.
    pub fn content(&self, name: &str) -> Vec<u8> {
        let content = self.state().objects.content(name);
        content.unwrap_or_else(|| panic!("there is no object '{name}'"))
    }

    /// Writes an object, whatever is there.
    pub fn put(&self, name: &str, content: Vec<u8>) {
        let now = self.now();
        self.state().objects.put(name, content, now);
    }

    /// Removes an object.
    pub fn remove(&self, name: &str) {
        self.state().objects.remove(name);
    }

    /// How many uploads were neither completed nor given up.
    pub fn open_uploads(&self) -> usize {
        self.state().objects.open_uploads()
    }

    /// Moves the server's clock.
    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream);
        while let Some((mut request, body)) = read_request(&mut reader, BUCKET) {
            let reaction = self.reaction(&mut request);
            let Some(answer) = self.react(&request, body, reaction.as_ref()) else { return };
            let date = time::in_headers(self.now());
            if answer.write(stream, &date, request.method == "HEAD").is_err() {
                return;
            }
        }
    }

    /// What the script makes of a request, which is logged.
    fn reaction(&self, request: &mut Request) -> Option<Reaction> {
        let mut state = self.state();
        request.number = state.log.as_ref().map_or(0, Vec::len);
        let reaction = (state.script)(request);
        if let Some(log) = &mut state.log {
            log.push(request.clone());
        }
        reaction
    }

    /// The answer, or `None` if the connection breaks instead.
    fn react(
        &self,
        request: &Request,
        body: Vec<u8>,
        reaction: Option<&Reaction>,
    ) -> Option<Answer> {
        match reaction {
            None if self.looks_early(request, &body) => Some(self.late(request, body)),
            None => Some(self.answer(request, body)),
            Some(Reaction::LoseRequest) => None,
            Some(Reaction::LoseAnswer) => {
                self.answer(request, body);
                None
            }
            Some(&Reaction::LoseAnswerAnd(make)) => {
                self.answer(request, body);
                self.put(&request.key, make(&self.content(&request.key)));
                None
            }
            Some(&Reaction::AnswerAfter(status, code)) => {
                self.answer(request, body);
                Some(Answer::error(status, code))
            }
            Some(&Reaction::Answer(status, code)) => Some(Answer::error(status, code)),
            Some(&Reaction::AnswerWith(status, code, header)) => {
                Some(Answer::error(status, code).with(header))
            }
            Some(Reaction::Stall) => loop {
                sleep(Duration::from_mins(1));
            },
        }
    }

    fn answer(&self, request: &Request, body: Vec<u8>) -> Answer {
        let now = self.now();
        self.state().objects.answer(request, body, self.quirks, now)
    }

    fn looks_early(&self, request: &Request, body: &[u8]) -> bool {
        self.quirks.conditions == Conditions::LookedAtEarly
            && request.method == "PUT"
            && body.len() > 100_000
    }

    /// Writes without a lock around the look at the condition and the write.
    fn late(&self, request: &Request, body: Vec<u8>) -> Answer {
        let refusal = self.state().objects.refusal(request, self.quirks);
        refusal.unwrap_or_else(|| {
            sleep(Duration::from_millis(100));
            let now = self.now();
            self.state().objects.write(request, body, now)
        })
    }
}
