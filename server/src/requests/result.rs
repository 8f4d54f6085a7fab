//! Results as JSON, whole or page by page.

use std::io;

use argon_service::operations::Output;
use argon_service::{Failure, Result};
use async_trait::async_trait;

use super::Cursor;

/// How a page begins.
const ITEMS: &[u8] = b"{\"items\":[";

/// One result.
#[derive(Default)]
pub(crate) struct Whole {
    json: Vec<u8>,
}

/// Some items of a list.
pub(crate) struct Page {
    json: Vec<u8>,
    /// The items before it that are left.
    before: u64,
    /// The items that it may still take, and those that it has.
    room: u64,
    taken: u64,
    /// With more bytes, it takes no further item.
    full: usize,
    /// The most bytes that it has.
    most_bytes: usize,
    /// Whether there is another item after it.
    has_next: bool,
}

/// Ends an operation whose further results nobody wants.
pub(crate) fn enough() -> Failure {
    Failure::Output(io::ErrorKind::BrokenPipe.into())
}

/// Writes a result as JSON.
///
/// # Errors
/// `Internal` if it can't be written.
pub(crate) fn write(result: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, result).map_err(|error| {
        argon_core::Error::internal("a result can't be encoded").with_source(error).into()
    })
}

impl Whole {
    pub(crate) fn into_json(self) -> Vec<u8> {
        self.json
    }
}

/// Why a result is refused.
fn too_large(bytes: usize, most: usize) -> Failure {
    let problem = format!("the result has {bytes} bytes, and {most} are taken: ask for less of it");
    argon_core::Error::unsupported(problem).into()
}

#[async_trait]
impl Output for Whole {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result<()> {
        write(result, &mut self.json)
    }
}

impl Page {
    /// A page of `room` items, after `before` others, that takes no further one once it has `full` bytes.
    pub(crate) fn new(before: u64, room: u64, full: usize) -> Self {
        let json = ITEMS.to_vec();
        Self { json, before, room, taken: 0, full, most_bytes: usize::MAX, has_next: false }
    }

    /// The same with so many bytes at most.
    pub(crate) fn within(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// The page as JSON, with the cursor of the next one: that of this page, moved on.
    ///
    /// # Errors
    /// Those of the operation, unless the page was full before.
    pub(crate) fn finish(mut self, result: Result<()>, cursor: Cursor) -> Result<Vec<u8>> {
        if !self.has_next || self.taken == 0 {
            result?;
        }
        let before = cursor.before + self.taken;
        let next = self.has_next.then(|| Cursor { before, ..cursor }.text());
        let next = serde_json::Value::from(next);
        self.json.extend_from_slice(format!("],\"next\":{next}}}").as_bytes());
        Ok(self.json)
    }
}

#[async_trait]
impl Output for Page {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result<()> {
        if self.before > 0 {
            self.before -= 1;
            return Ok(());
        }
        if self.room == 0 || self.json.len() > self.full {
            self.has_next = true;
            return Err(enough());
        }
        let before = self.json.len();
        if self.taken > 0 {
            self.json.push(b',');
        }
        write(result, &mut self.json)?;
        if self.json.len() > self.most_bytes {
            let bytes = self.json.len() - before;
            self.json.truncate(before);
            self.has_next = true;
            return Err(if self.taken > 0 { enough() } else { too_large(bytes, self.most_bytes) });
        }
        self.room -= 1;
        self.taken += 1;
        Ok(())
    }
}
