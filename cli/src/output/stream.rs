//! Where the bytes of standard output go: straight there, or through a queue to a pager or a reader that may
//! be slow.
//!
//! The queue is one for the process, as standard output is. It begins with the command and ends after the
//! store is closed, so nobody who reads holds the store open.

use std::io::{self, Write};
use std::process::Child;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use super::pager::Pager;
use super::queue::{Kind, Queue};

static QUEUED: OnceLock<Queued> = OnceLock::new();

/// The queue before standard output.
struct Queued {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Whether standard error ends where standard output does, so that the order between them counts.
    takes_words: bool,
    has_pager: bool,
}

/// Standard output of the command.
#[derive(Debug)]
pub(crate) struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match open() {
            Some(queued) => queued.queue.push(Kind::Output, bytes).map(|()| bytes.len()),
            None => io::stdout().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if open().is_some() { Ok(()) } else { io::stdout().flush() }
    }
}

/// Prints through a queue from now on, for a command that only reads: to a pager if standard output is a
/// terminal and `with_pager`.
///
/// # Errors
/// If no thread can be started.
pub(crate) fn start(with_pager: bool) -> io::Result<()> {
    let pager = if with_pager { Pager::of_environment() } else { None };
    // A terminal shows at once what it is given.
    if pager.is_none() && io::IsTerminal::is_terminal(&io::stdout()) {
        return Ok(());
    }
    let (queue, has_pager) = (Arc::new(Queue::default()), pager.is_some());
    let writer = thread::Builder::new().name("output".to_owned()).spawn({
        let queue = queue.clone();
        move || {
            if let Err(error) = copy(&queue, pager.as_ref()) {
                queue.fail(error);
            }
        }
    })?;
    let writer = Mutex::new(Some(writer));
    let queued = Queued { queue, writer, takes_words: is_one_stream(), has_pager };
    // It is started once.
    let _ = QUEUED.set(queued);
    Ok(())
}

/// Lets what the reader has not taken go to a temporary file, for a store that others wait for.
pub(crate) fn hold_nothing_up() {
    if let Some(queued) = open() {
        queued.queue.allow_spill();
    }
}

/// Whether people read the output with a pager, which treats signals itself.
pub(crate) fn has_pager() -> bool {
    open().is_some_and(|queued| queued.has_pager)
}

/// Waits until all is printed, and the pager has ended.
///
/// # Errors
/// If it could not be written.
pub(crate) fn finish() -> io::Result<()> {
    let Some(queued) = open() else { return Ok(()) };
    queued.queue.close();
    let writer = queued.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if writer.is_some_and(|writer| writer.join().is_err()) {
        return Err(io::Error::other("the thread that prints crashed"));
    }
    queued.queue.take_error().map_or(Ok(()), Err)
}

/// Prints a line of standard error in its place among the lines of standard output, if both end in the same
/// place. If nobody reads that, nobody needs to know.
pub(super) fn words(line: &str) {
    let line = format!("{line}\n");
    let queued = open().filter(|queued| queued.takes_words);
    // What the reader of standard output does not want may still be read on standard error.
    if queued.is_none_or(|queued| queued.queue.push(Kind::Words, line.as_bytes()).is_err()) {
        let _ = io::stderr().write_all(line.as_bytes());
    }
}

fn open() -> Option<&'static Queued> {
    QUEUED.get().filter(|queued| !queued.queue.is_closed())
}

/// Writes what is in the queue. The pager starts with the first piece, so that an error before it stands on
/// the terminal alone.
fn copy(queue: &Queue, pager: Option<&Pager>) -> io::Result<()> {
    let Some(first) = queue.pop()? else { return Ok(()) };
    // Without the pager, the text itself is what people need.
    let mut child = pager.and_then(|pager| pager.start().ok());
    let written = copy_to(queue, first, child.as_mut());
    if let Some(mut child) = child {
        drop(child.stdin.take());
        child.wait()?;
    }
    written
}

fn copy_to(queue: &Queue, first: (Kind, Vec<u8>), pager: Option<&mut Child>) -> io::Result<()> {
    let mut paged = pager.and_then(|pager| pager.stdin.as_mut());
    let mut next = Some(first);
    while let Some((kind, bytes)) = next {
        match (&mut paged, kind) {
            (Some(paged), _) => paged.write_all(&bytes)?,
            (None, Kind::Words) => drop(io::stderr().write_all(&bytes)),
            (None, Kind::Output) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(&bytes)?;
                stdout.flush()?;
            }
        }
        next = queue.pop()?;
    }
    Ok(())
}

/// Whether standard output and standard error are the same file, pipe or terminal.
#[cfg(unix)]
fn is_one_stream() -> bool {
    let identity = |stat: rustix::io::Result<rustix::fs::Stat>| {
        stat.ok().map(|stat| (stat.st_dev, stat.st_ino, stat.st_rdev))
    };
    let output = identity(rustix::fs::fstat(io::stdout()));
    output.is_some() && output == identity(rustix::fs::fstat(io::stderr()))
}

#[cfg(not(unix))]
fn is_one_stream() -> bool {
    use std::io::IsTerminal;
    io::stdout().is_terminal() && io::stderr().is_terminal()
}
