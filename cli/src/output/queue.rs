//! A queue of output that never holds up who fills it: what does not fit into memory goes to a temporary
//! file.
//!
//! Whoever reads standard output may be slow: a person at a pager, or the next command of a pipe, which
//! waits for the same store. The command that prints must not keep the store open for as long.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The maximum number of bytes in memory.
const MEMORY_BYTES: usize = 4 * 1024 * 1024;

/// What a piece of output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// For standard output.
    Output,
    /// For standard error.
    Words,
}

/// Pieces of output in their order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    memory: VecDeque<(Kind, Vec<u8>)>,
    memory_bytes: usize,
    /// What comes after that in memory.
    file: Option<Spill>,
    /// Whether what does not fit into memory may go to a file; otherwise who fills the queue waits.
    may_spill: bool,
    is_closed: bool,
    /// Why nothing more can be written.
    error: Option<io::Error>,
}

/// Pieces in a temporary file, each with its kind and its length.
#[derive(Debug)]
struct Spill {
    file: File,
    read: u64,
    written: u64,
}

impl Queue {
    /// Lets a file take what does not fit into memory.
    pub(super) fn allow_spill(&self) {
        self.lock().may_spill = true;
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The error of whoever writes the pieces, such as a closed pipe.
    pub(super) fn push(&self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        loop {
            if let Some(error) = &state.error {
                return Err(error.kind().into());
            }
            let has_file = state.file.is_some();
            let has_room =
                state.memory_bytes == 0 || state.memory_bytes + bytes.len() <= MEMORY_BYTES;
            if !has_file && has_room {
                state.memory_bytes += bytes.len();
                state.memory.push_back((kind, bytes.to_vec()));
                break;
            }
            // A disk that takes no more makes the command wait, as a pipe does.
            if state.may_spill && state.spill(kind, bytes).is_ok() {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Takes the next piece, once there is one; `None` after the last.
    pub(super) fn pop(&self) -> io::Result<Option<(Kind, Vec<u8>)>> {
        let mut state = self.lock();
        loop {
            if let Some((kind, bytes)) = state.memory.pop_front() {
                state.memory_bytes -= bytes.len();
                self.changed.notify_all();
                return Ok(Some((kind, bytes)));
            }
            if let Some(spill) = &mut state.file {
                let piece = spill.next()?;
                if spill.read == spill.written {
                    state.file = None;
                }
                self.changed.notify_all();
                return Ok(Some(piece));
            }
            if state.is_closed {
                return Ok(None);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Ends the queue: nothing more is added.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Refuses what is added from now on, and forgets what is there.
    pub(super) fn fail(&self, error: io::Error) {
        let mut state = self.lock();
        state.memory.clear();
        state.file = None;
        state.error = Some(error);
        self.changed.notify_all();
    }

    /// The error that the queue failed with.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.lock().error.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn spill(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(Spill { file: tempfile::tempfile()?, read: 0, written: 0 });
        }
        let Some(spill) = &mut self.file else { return Ok(()) };
        let added = spill.add(kind, bytes);
        if added.is_err() && spill.read == spill.written {
            self.file = None;
        }
        added
    }
}

impl Spill {
    /// Adds a piece. One that is written in part is overwritten by the next.
    fn add(&mut self, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&[u8::from(kind == Kind::Words)])?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(bytes)?;
        self.written += 5 + u64::from(length);
        Ok(())
    }

    fn next(&mut self) -> io::Result<(Kind, Vec<u8>)> {
        self.file.seek(SeekFrom::Start(self.read))?;
        let (mut kind, mut length) = ([0; 1], [0; 4]);
        self.file.read_exact(&mut kind)?;
        self.file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes)?;
        self.read += 5 + u64::from(length);
        Ok((if kind == [1] { Kind::Words } else { Kind::Output }, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_out_in_order_whether_they_were_in_memory_or_in_a_file() {
        let queue = Queue::default();
        queue.allow_spill();
        let piece = |n: u8| vec![n; MEMORY_BYTES / 3];
        for n in 0..10 {
            let kind = if n % 4 == 0 { Kind::Words } else { Kind::Output };
            queue.push(kind, &piece(n)).unwrap();
        }
        assert!(queue.lock().file.is_some());
        for n in 0..5 {
            assert_eq!(queue.pop().unwrap().unwrap().1, piece(n));
        }
        queue.push(Kind::Output, &piece(10)).unwrap();
        queue.close();
        for n in 5..11 {
            let expected = if n % 4 == 0 { Kind::Words } else { Kind::Output };
            assert_eq!(queue.pop().unwrap().unwrap(), (expected, piece(n)));
        }
        assert!(queue.pop().unwrap().is_none());
        assert!(queue.lock().file.is_none());
    }

    #[test]
    fn without_a_file_who_fills_the_queue_waits() {
        let queue = Queue::default();
        let piece = vec![0; MEMORY_BYTES];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..5 {
                    queue.push(Kind::Output, &piece).unwrap();
                }
                queue.close();
            });
            let mut pieces = 0;
            while queue.pop().unwrap().is_some() {
                pieces += 1;
            }
            assert_eq!(pieces, 5);
        });
    }

    #[test]
    fn a_failed_queue_refuses_what_is_added() {
        let queue = Queue::default();
        queue.push(Kind::Output, b"x").unwrap();
        queue.fail(io::ErrorKind::BrokenPipe.into());
        let error = queue.push(Kind::Output, b"y").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(queue.take_error().unwrap().kind(), io::ErrorKind::BrokenPipe);
    }
}
