//! Results as JSON, page by page or line by line.

use std::io;
use std::time::Duration;

use argon_service::operations::Output;
use argon_service::{Failure, Result};
use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::mpsc;

use super::problem::Problem;

/// A page that has more bytes takes no further item.
const MOST_OF_PAGE: usize = 16 << 20;
/// How long a client may take for a part of a list.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many bytes are sent at once.
const CHUNK: usize = 64 * 1024;
/// How a page begins.
const ITEMS: &[u8] = b"{\"items\":[";
/// The type of a list of which each line is an item.
pub(super) const LINES: &str = "application/x-ndjson";

/// One result.
#[derive(Default)]
pub(super) struct Whole {
    json: Vec<u8>,
}

/// Some items of a list.
pub(super) struct Page {
    json: Vec<u8>,
    /// The items before it that are left.
    before: u64,
    /// The items that it may still take, and those that it has.
    room: u64,
    taken: u64,
    /// Whether there is another item after it.
    has_next: bool,
}

/// A list whose items are sent as they come, each on a line.
pub(super) struct Lines {
    json: Vec<u8>,
    sender: mpsc::Sender<Result<Bytes, Problem>>,
}

/// Ends an operation whose further results nobody wants.
fn enough() -> Failure {
    Failure::Output(io::ErrorKind::BrokenPipe.into())
}

fn write(result: &dyn erased_serde::Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, result).map_err(|error| {
        argon_core::Error::internal("a result can't be encoded").with_source(error).into()
    })
}

#[async_trait]
impl Output for Whole {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result<()> {
        write(result, &mut self.json)
    }
}

impl Whole {
    pub(super) fn into_json(self) -> Vec<u8> {
        self.json
    }
}

impl Page {
    /// A page of `room` items, after `before` others.
    pub(super) fn new(before: u64, room: u64) -> Self {
        Self { json: ITEMS.to_vec(), before, room, taken: 0, has_next: false }
    }

    /// Whether there is another item after it.
    pub(super) fn has_next(&self) -> bool {
        self.has_next
    }

    /// How many items it has.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The page as JSON, with the cursor of the next one.
    pub(super) fn finish(mut self, next: Option<&str>) -> Vec<u8> {
        let next = serde_json::Value::from(next);
        self.json.extend_from_slice(format!("],\"next\":{next}}}").as_bytes());
        self.json
    }
}

#[async_trait]
impl Output for Page {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result<()> {
        if self.before > 0 {
            self.before -= 1;
            return Ok(());
        }
        if self.room == 0 || self.json.len() > MOST_OF_PAGE {
            self.has_next = true;
            return Err(enough());
        }
        self.room -= 1;
        self.taken += 1;
        if !self.json.ends_with(b"[") {
            self.json.push(b',');
        }
        write(result, &mut self.json)
    }
}

impl Lines {
    pub(super) fn new(sender: mpsc::Sender<Result<Bytes, Problem>>) -> Self {
        Self { json: Vec::new(), sender }
    }

    /// Sends what is left, or what has gone wrong.
    pub(super) async fn finish(mut self, result: Result<()>) {
        let rest = Bytes::from(std::mem::take(&mut self.json));
        if !rest.is_empty() && self.sender.send(Ok(rest)).await.is_err() {
            return;
        }
        if let Err(failure) = result {
            let _ = self.sender.send(Err(failure.into())).await;
        }
    }
}

#[async_trait]
impl Output for Lines {
    fn put(&mut self, result: &dyn erased_serde::Serialize) -> Result<()> {
        write(result, &mut self.json)?;
        self.json.push(b'\n');
        Ok(())
    }

    async fn ready(&mut self) -> Result<()> {
        if self.json.len() < CHUNK {
            return Ok(());
        }
        let full = Bytes::from(std::mem::take(&mut self.json));
        match tokio::time::timeout(PATIENCE, self.sender.send(Ok(full))).await {
            Ok(Ok(())) => Ok(()),
            // It has gone, or does not read.
            _ => Err(enough()),
        }
    }
}

/// The reply with the lines of a channel. An error before the first line is the reply; a later one breaks the reply
/// off, so that nobody takes it for whole.
pub(super) async fn lines(
    mut lines: mpsc::Receiver<Result<Bytes, Problem>>,
) -> Result<Response, Problem> {
    let first = lines.recv().await.transpose()?;
    let rest = stream::unfold(lines, |mut lines| async move {
        let chunk = lines.recv().await?;
        let broken = |_| io::Error::other("the operation failed");
        Some((chunk.map_err(broken), lines))
    });
    let first = stream::iter(first.map(Ok));
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    let kind = HeaderValue::from_static(LINES);
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// A reply with JSON.
pub(super) fn json(status: StatusCode, json: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], json).into_response()
}
