//! Who follows an operation while it runs.

use std::pin::Pin;

use argon_formats::BadRecord;

/// Resolves when the caller wants an operation to end.
pub type Interrupt = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Follows an operation while it runs, and may end it. What it does not care about it leaves out.
pub trait Watcher: Send + Sync {
    /// The operation comes to this part of its work, such as a file.
    fn begins(&self, part: &str) {
        let _ = part;
    }

    /// Advances the progress by `units`: bytes that were read, or documents that were written.
    fn advances(&self, units: u64) {
        let _ = units;
    }

    /// A step of the work has ended; the words describe it.
    fn reports(&self, words: &str) {
        let _ = words;
    }

    /// Something that the user should know besides the result.
    fn notes(&self, note: &str) {
        let _ = note;
    }

    /// A record of a file can't be taken, and the operation continues without it.
    fn rejects(&self, record: &BadRecord) {
        let _ = record;
    }

    /// Resolves when the caller wants the operation to end. It is asked for again after that, since
    /// one who asks twice does not want to wait for what was begun.
    fn interrupt(&self) -> Interrupt {
        Box::pin(std::future::pending())
    }
}

/// Nobody follows.
impl Watcher for () {}
