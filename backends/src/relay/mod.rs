//! A local store that several processes use through the one that has it open.
//!
//! A process that opens a store to [share](argon_core::storage::OpenOptions::share) it listens at the
//! socket `serve.sock` in the store's directory, for its own user only. Another process that finds the
//! store locked connects there, and gets a backend whose calls are those of the first process's backend:
//! atomicity, durability and errors are the same. So the boundary is the traits of storage, and both run
//! core on it, as two processes do on a store on servers.
//!
//! A connection begins with [`GREETING`]; the answer describes the store. Then each request is a frame
//! (its length as 4 bytes, little endian, then the number of a method, then the arguments), and is
//! answered by a frame: [`DONE`] and the result, or [`FAILED`] and the error. A method that returns a
//! stream is answered by frames of [`ITEMS`] until one of [`DONE`] or [`FAILED`]. A connection has one
//! request at a time, so a reader that waits holds up nobody else.
//!
//! A request runs to its end, whether or not the client waits for the answer. If the answer is lost, a
//! read failed (`Unavailable`) and the outcome of a write is unknown (`Indeterminate`), which core settles
//! by asking again.
//!
//! | file | content |
//! | --- | --- |
//! | `codec.rs` | the bytes of arguments and results |
//! | `method.rs` | the methods, and their numbers |
//! | `listener.rs`, `answer.rs`, `recent_chunks.rs` | the process that has the store |
//! | `connection.rs`, `client.rs` | the others |

mod answer;
mod client;
mod codec;
mod connection;
mod listener;
mod method;
mod recent_chunks;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use client::connect;
pub(crate) use listener::Listener;

/// What a client sends first: the protocol, and its version, which changes with the bytes of any method.
const GREETING: &[u8; 14] = b"argon relay 1\n";

/// Begins an answer: the request succeeded, and the result follows; the end of a stream.
const DONE: u8 = 0;
/// Begins an answer: the request failed, and the error follows.
const FAILED: u8 = 1;
/// Begins an answer: the next items of a stream follow.
const ITEMS: u8 = 2;

/// The most bytes of a frame. An append has some commits of 256 MiB at most.
const MOST_FRAME_BYTES: u32 = 1 << 30;

/// The file in the store's directory.
pub(crate) const SOCKET: &str = "serve.sock";

/// The address of the socket. A socket's path has 107 bytes at most; Linux has a shorter one for each
/// directory that is open.
fn address(directory: &Path) -> std::io::Result<(PathBuf, Option<std::fs::File>)> {
    let path = directory.join(SOCKET);
    if path.as_os_str().len() <= 100 || !cfg!(target_os = "linux") {
        return Ok((path, None));
    }
    let opened = std::fs::File::open(directory)?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&opened);
    Ok((PathBuf::from(format!("/proc/self/fd/{number}/{SOCKET}")), Some(opened)))
}
