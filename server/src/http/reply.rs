//! Replies with results as JSON, at once or line by line.

use std::io;
use std::time::Duration;

use argon_service::Result;
use argon_service::operations::Output;
use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::mpsc;

use super::problem::Problem;
use crate::requests::{enough, write};

/// How long a client may take for a part of a list.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many bytes are sent at once.
const CHUNK: usize = 64 * 1024;
/// The type of a list of which each line is an item.
pub(super) const LINES: &str = "application/x-ndjson";

/// A list whose items are sent as they come, each on a line.
pub(super) struct Lines {
    json: Vec<u8>,
    sender: mpsc::Sender<Result<Bytes, Problem>>,
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

/// The reply with the parts of a channel. An error before the first part is the reply; a later one breaks the reply
/// off, so that nobody takes it for whole.
pub(super) async fn stream(
    mut parts: mpsc::Receiver<Result<Bytes, Problem>>,
    kind: &'static str,
) -> Result<Response, Problem> {
    let first = parts.recv().await.transpose()?;
    let rest = stream::unfold(parts, |mut parts| async move {
        let chunk = parts.recv().await?;
        let broken = |_| io::Error::other("the operation failed");
        Some((chunk.map_err(broken), parts))
    });
    let first = stream::iter(first.map(Ok));
    let body = Body::from_stream(futures::StreamExt::chain(first, rest));
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// A reply with JSON.
pub(super) fn json(status: StatusCode, json: Vec<u8>) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], json).into_response()
}
