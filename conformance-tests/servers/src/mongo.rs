//! A server of MongoDB's protocol: `SecantusDB`, a replica set of one on `WiredTiger`.

use std::fmt::Write as _;
use std::fs;
use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::{Document, doc};

use crate::process::Process;
use crate::{Unavailable, python};

const REQUIREMENTS: &str = include_str!("../python/requirements-mongodb.txt");
const OP_MSG: i32 = 2013;

/// A running server with its data in a directory of its own. What it acknowledged is on disk (but
/// see [`start_unsynced`](Self::start_unsynced)), so that it may be killed and started again. It ends, and its data is removed, when it is dropped.
pub struct MongoServer {
    process: Mutex<Process>,
    environment: PathBuf,
    port: u16,
    user: Option<(String, String)>,
    synced: bool,
}

impl MongoServer {
    /// Starts one that lets everyone in. The first call on a machine installs it.
    pub fn start() -> std::result::Result<Self, Unavailable> {
        Self::start_with(true)
    }

    /// The same, but it acknowledges what is not on disk, which takes half the time. It must not be
    /// killed.
    pub fn start_unsynced() -> std::result::Result<Self, Unavailable> {
        Self::start_with(false)
    }

    fn start_with(synced: bool) -> std::result::Result<Self, Unavailable> {
        let environment = python::environment("mongodb", "SecantusDB", REQUIREMENTS)?;
        let mut process = Process::prepare(&environment.join("bin/python"))?;
        // Without a file of its own it would look for one in the home of whoever runs it.
        fs::write(process.home().join("empty.toml"), "")?;
        let command = |port| command(&environment, port, false, synced);
        let port = process.start(command, is_this_server)?;
        Ok(Self { process: Mutex::new(process), environment, port, user: None, synced })
    }

    /// Starts one that refuses all but this user, who may do everything. The names are of letters
    /// and digits.
    pub fn start_with_user(user: &str, password: &str) -> std::result::Result<Self, Unavailable> {
        let mut server = Self::start()?;
        let made = doc! { "createUser": user, "pwd": password, "roles": ["root"], "$db": "admin" };
        let reply = request(server.address(), &made)?;
        if !reply.get_f64("ok").is_ok_and(|ok| ok > 0.5) {
            return Err(Unavailable::new(format!("it made no user: {reply}")));
        }
        server.user = Some((user.to_owned(), password.to_owned()));
        server.kill()?;
        server.restart()?;
        Ok(server)
    }

    /// Where to connect, with the credentials if it asks for them.
    pub fn url(&self, database: &str) -> String {
        self.url_by(self.address(), database)
    }

    /// The same by way of a proxy.
    pub fn url_by(&self, address: SocketAddr, database: &str) -> String {
        let mut url = "mongodb://".to_owned();
        if let Some((user, password)) = &self.user {
            let _ = write!(url, "{user}:{password}@");
        }
        let _ = write!(url, "{address}/{database}?directConnection=true");
        if self.user.is_some() {
            url.push_str("&authSource=admin");
        }
        url
    }

    /// The same after every [`restart`](Self::restart).
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The process that is, or was last, the server.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// The directory that its data is in.
    pub fn home(&self) -> PathBuf {
        self.process().home().to_path_buf()
    }

    /// The interpreter that has `pymongo`.
    pub fn python(&self) -> PathBuf {
        self.environment.join("bin/python")
    }

    /// Kills it at once, as a crash would; returns when it is gone.
    pub fn kill(&self) -> Result<()> {
        self.process().ask("kill").map(drop)
    }

    /// Stops it where it is, connections open, until [`resume`](Self::resume).
    pub fn pause(&self) -> Result<()> {
        self.process().ask("pause").map(drop)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.process().ask("resume").map(drop)
    }

    /// Starts it again after [`kill`](Self::kill), on the same port and the same data; returns when
    /// it answers. If it still runs, it is killed first.
    pub fn restart(&self) -> std::result::Result<(), Unavailable> {
        let with_user = self.user.is_some();
        let ready = if with_user { answers } else { is_this_server };
        let command = command(&self.environment, self.port, with_user, self.synced);
        self.process().start_at(self.port, &command, ready)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn command(environment: &Path, port: u16, with_user: bool, synced: bool) -> Vec<String> {
    let program = environment.join("bin/secantusd-py").display().to_string();
    let port = port.to_string();
    let options = ["--config", "empty.toml", "--host", "127.0.0.1", "--storage-path", "data"];
    let mut command = vec![program, "--port".to_owned(), port];
    command.extend(options.map(str::to_owned));
    command.extend(synced.then(|| "--sync-on-commit".to_owned()));
    command.extend(with_user.then(|| "--auth".to_owned()));
    command
}

/// Whether the server at the port is this process, not another that took the port meanwhile.
fn is_this_server(port: u16, pid: u32) -> bool {
    request(([127, 0, 0, 1], port).into(), &doc! { "serverStatus": 1, "$db": "admin" }).is_ok_and(
        |status| status.get("pid").is_some_and(|found| number(found) == Some(pid.into())),
    )
}

fn number(value: &bson::Bson) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

/// Whether there is a server at the port; it asks others who they are before it says more.
fn answers(port: u16, _: u32) -> bool {
    request(([127, 0, 0, 1], port).into(), &doc! { "hello": 1, "$db": "admin" }).is_ok()
}

/// One command in MongoDB's wire protocol, and the reply to it.
pub(crate) fn request(address: SocketAddr, command: &Document) -> Result<Document> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let body = command.to_vec().map_err(Error::other)?;
    let length = i32::try_from(16 + 4 + 1 + body.len()).map_err(Error::other)?;
    let mut message = Vec::new();
    for field in [length, 1, 0, OP_MSG, 0] {
        message.extend(field.to_le_bytes());
    }
    message.push(0);
    message.extend(body);
    stream.write_all(&message)?;
    let mut header = [0; 16 + 4 + 1];
    stream.read_exact(&mut header)?;
    Document::from_reader(stream).map_err(Error::other)
}
