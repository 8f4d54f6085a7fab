//! Connections to the process that has the store. They block, so they are used on threads for that: a
//! program need not have a runtime with IO to open a local store.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use argon_core::model::codec::Reader;
use argon_core::storage::StoreInfo;
use argon_core::{Error, Result};

use super::codec::{Decode, decode};
use super::method::Method;
use super::{DONE, FAILED, GREETING, ITEMS, MOST_FRAME_BYTES, address};

/// The connections of a process to a store. One that is free is used again.
pub(super) struct Connections {
    directory: PathBuf,
    /// The identity of the store; another one may be at its path later.
    id: String,
    free: Mutex<Vec<UnixStream>>,
}

/// How long the process that has the store may take to greet.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most connections that are kept open without a request.
const MOST_FREE: usize = 16;

impl Connections {
    /// Connects to the process that shares the store in a directory; `None` if none does.
    pub(super) fn open(directory: &Path) -> Result<Option<(Self, StoreInfo)>> {
        // No process listens: there is no socket, one that was left behind, or that of a process that ends or hangs.
        let Ok((stream, greeting)) = greet(directory) else { return Ok(None) };
        let info = info_of(&greeting)?;
        let (directory, id) = (directory.to_owned(), info.id.clone());
        Ok(Some((Self { directory, id, free: Mutex::new(vec![stream]) }, info)))
    }

    /// Sends a request, and returns its result.
    pub(super) fn call<T: Decode>(&self, method: Method, request: &[u8]) -> Result<T> {
        let (stream, body) = self.begin(method, request)?;
        let result = match body.split_first() {
            Some((&DONE, value)) => decode(value),
            _ => Err(refusal(&body)),
        };
        self.keep(stream);
        result
    }

    /// Sends a request, and returns the connection with the first frame of its answer.
    pub(super) fn begin(&self, method: Method, request: &[u8]) -> Result<(UnixStream, Vec<u8>)> {
        let mut stream = self.take()?;
        let failed = |error| lost(&self.directory, Some(method), error);
        send(&mut stream, request).map_err(failed)?;
        let body = receive(&mut stream).map_err(failed)?;
        Ok((stream, body))
    }

    /// Reads the next frame of an answer.
    pub(super) fn go_on(&self, method: Method, stream: &mut UnixStream) -> Result<Vec<u8>> {
        receive(stream).map_err(|error| lost(&self.directory, Some(method), error))
    }

    /// Keeps a connection whose answer has ended.
    pub(super) fn keep(&self, stream: UnixStream) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < MOST_FREE {
            free.push(stream);
        }
    }

    /// A connection that is open. The process may have ended since the last request, and another may have
    /// taken its place.
    fn take(&self) -> Result<UnixStream> {
        loop {
            let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(stream) if is_open(&stream) => return Ok(stream),
                Some(_) => {}
                None => break,
            }
        }
        let greeted = greet(&self.directory).map_err(|error| lost(&self.directory, None, error));
        let (stream, greeting) = greeted?;
        let info = info_of(&greeting)?;
        if info.id == self.id {
            Ok(stream)
        } else {
            Err(Error::unavailable(format!(
                "{} has another store now; open it again",
                self.directory.display()
            )))
        }
    }
}

/// The items of a frame, and whether the stream has ended.
pub(super) fn items<T: Decode>(body: &[u8]) -> Result<(Vec<T>, bool)> {
    match body.split_first() {
        Some((&DONE, _)) => Ok((Vec::new(), true)),
        Some((&ITEMS, items)) => {
            let mut reader = Reader::new("message between processes", items);
            let items = Vec::take(&mut reader)?;
            reader.finish()?;
            Ok((items, false))
        }
        _ => Err(refusal(body)),
    }
}

/// The error that a frame is.
fn refusal(body: &[u8]) -> Error {
    let error = match body.split_first() {
        Some((&FAILED, error)) => decode(error),
        _ => Err(Error::corrupt("the answer of another process is malformed")),
    };
    error.unwrap_or_else(|malformed| malformed)
}

/// Connects, and returns the answer to the greeting. It waits for two seconds at most.
fn greet(directory: &Path) -> io::Result<(UnixStream, Vec<u8>)> {
    let (path, _open) = address(directory)?;
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(GREETING)?;
    let greeting = receive(&mut stream)?;
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)?;
    Ok((stream, greeting))
}

/// The description of the store, in the answer to the greeting.
fn info_of(greeting: &[u8]) -> Result<StoreInfo> {
    match greeting.split_first() {
        // What its open has repaired, the process itself has reported.
        Some((&DONE, info)) => Ok(StoreInfo { recovered: None, ..decode(info)? }),
        _ => Err(refusal(greeting)),
    }
}

/// Whether the other end of a connection without a request is there.
fn is_open(stream: &UnixStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| (&*stream).read(&mut [0]));
    let is_waiting = looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    is_waiting && stream.set_nonblocking(false).is_ok()
}

fn send(stream: &mut UnixStream, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_FRAME_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(body)
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MOST_FRAME_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    stream.take(length.into()).read_to_end(&mut body)?;
    if body.len() as u64 == u64::from(length) {
        Ok(body)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// The error for a request without an answer.
fn lost(directory: &Path, method: Option<Method>, source: io::Error) -> Error {
    let store = directory.display();
    let error = match (method, source.kind()) {
        // Nothing of it was sent.
        (_, io::ErrorKind::InvalidInput) => Error::unsupported(format!(
            "the request has more than {MOST_FRAME_BYTES} bytes, the most that can be sent to the process that \
             has the store {store} open; end that process, or write less at once"
        )),
        (None, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Error::unavailable(
            format!("the process that had the store {store} open has ended; open the store again"),
        ),
        (Some(method), _) if method.writes() => Error::indeterminate(format!(
            "the process that has the store {store} open ended before it answered; the change may have been made"
        )),
        _ => Error::unavailable(format!(
            "the process that has the store {store} open does not answer; it may be ending"
        )),
    };
    error.with_source(source)
}
