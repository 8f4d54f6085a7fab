//! An S3 in memory: moto behind a front of ours, which makes its conditional writes atomic.

use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::process::Process;
use crate::{Unavailable, python};

const REQUIREMENTS: &str = include_str!("../python/requirements-s3.txt");
const FRONT: &str = include_str!("../python/s3.py");
/// Amazon's own examples, which no scanner for secrets takes for one.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A running S3 with its buckets in memory: what it holds is gone when it ends, so it can be
/// paused but not restarted. It ends when it is dropped.
///
/// What of S3 was checked (`tests/check_s3.py`): `If-None-Match: *` on `PutObject` and
/// `CompleteMultipartUpload` and `If-Match` on `PutObject` answer 412 `PreconditionFailed`, the
/// last 404 `NoSuchKey` when there is no object; of writers at once exactly one wins; a short or
/// altered body stores nothing; ranges and suffix ranges; `ListObjectsV2` with `start-after` and
/// `max-keys`; `DeleteObject` of what is not there; 403 for wrong keys, wrong secrets and none.
/// Unlike S3 it never answers 409 `ConditionalRequestConflict`, nor 503 `SlowDown`.
pub struct S3Server {
    process: Mutex<Process>,
    environment: PathBuf,
    port: u16,
}

impl S3Server {
    /// Starts one without buckets. The first call on a machine installs it.
    pub fn start() -> std::result::Result<Self, Unavailable> {
        let environment = python::environment("s3", "moto", REQUIREMENTS)?;
        let python = environment.join("bin/python").display().to_string();
        let mut process = Process::prepare(python.as_ref())?;
        let script = process.home().join("s3.py");
        std::fs::write(&script, FRONT)?;
        let script = script.display().to_string();
        let port = process.start(
            |port| {
                [&python, &script, &port.to_string(), ACCESS_KEY, SECRET_KEY].map(Into::into).into()
            },
            |port, pid| get(port, "/-/pid").is_ok_and(|found| found == pid.to_string()),
        )?;
        Ok(Self { process: Mutex::new(process), environment, port })
    }

    /// Makes a bucket, in `us-east-1`.
    pub fn create_bucket(&self, name: &str) -> Result<()> {
        get(self.port, &format!("/-/bucket/{name}")).map(drop)
    }

    /// `http://` and where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The one access key that is let in; the same for every server.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// What the requests of [`access_key`](Self::access_key) are signed with.
    pub fn secret_key(&self) -> &'static str {
        SECRET_KEY
    }

    /// The variables that a client takes its credentials from; the same for every server.
    pub const ENVIRONMENT: [(&'static str, &'static str); 2] =
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", SECRET_KEY)];

    /// [`ENVIRONMENT`](Self::ENVIRONMENT).
    pub fn environment(&self) -> [(&'static str, &'static str); 2] {
        Self::ENVIRONMENT
    }

    /// The URL of a store, without credentials.
    pub fn url(&self, bucket: &str, prefix: &str) -> String {
        self.url_by(self.address(), bucket, prefix)
    }

    /// The same by way of a proxy.
    pub fn url_by(&self, address: SocketAddr, bucket: &str, prefix: &str) -> String {
        format!("s3://{bucket}/{prefix}?region=us-east-1&endpoint=http://{address}&path_style=true")
    }

    /// The process of the server.
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// The interpreter that has `boto3`.
    pub fn python(&self) -> PathBuf {
        self.environment.join("bin/python")
    }

    /// Stops it where it is, connections open, until [`resume`](Self::resume).
    pub fn pause(&self) -> Result<()> {
        self.process().ask("pause").map(drop)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.process().ask("resume").map(drop)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of the answer to a request without credentials, if that is 200.
fn get(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.split(' ').nth(1) == Some("200") => Ok(body.to_owned()),
        _ => Err(Error::other(format!("{path} was answered by {answer}"))),
    }
}
