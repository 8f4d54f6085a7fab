//! A connection: reads requests, runs them one after the other, and writes the replies.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::Document;
use futures::FutureExt;
use futures::future::Either;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};

use crate::auth::{Login, Who};
use crate::command::{self, Answer};
use crate::computing::aside;
use crate::operations::{Operation, Reason};
use crate::shared::Shared;
use crate::wire::{HEADER_BYTES, MAX_MESSAGE_BYTES, Request, WireError, read_frame};

/// What a server knows of a connection.
pub(crate) struct Connection {
    /// The number of the connection.
    pub(crate) id: i32,
    /// The address of the client.
    pub(crate) peer: SocketAddr,
    /// The address that it connected to.
    pub(crate) local: SocketAddr,
    /// What the client said of itself in its first `hello`.
    pub(crate) client: Mutex<Option<Document>>,
    /// The subject of the client's certificate, if there is one and an authority has signed it.
    pub(crate) subject: Option<String>,
    login: Mutex<Login>,
}

/// The most bytes of a message of a client that has to log in first.
const MAX_LOGIN_BYTES: usize = 64 * 1024;

/// Numbers the replies.
static REPLIES: AtomicI32 = AtomicI32::new(1);

impl Connection {
    pub(crate) fn new(
        id: i32,
        peer: SocketAddr,
        local: SocketAddr,
        subject: Option<String>,
    ) -> Self {
        Self { id, peer, local, client: Mutex::default(), subject, login: Mutex::default() }
    }

    /// The login.
    pub(crate) fn login(&self) -> MutexGuard<'_, Login> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is logged in.
    pub(crate) fn who(&self) -> Option<Who> {
        self.login().user.clone()
    }

    /// The most bytes of the next message.
    fn most_bytes(&self, shared: &Shared) -> usize {
        if shared.options.auth && self.login().user.is_none() {
            MAX_LOGIN_BYTES
        } else {
            MAX_MESSAGE_BYTES
        }
    }

    /// The name that the program at the other end gave itself.
    pub(crate) fn application(&self) -> Option<String> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let application = client.as_ref()?.get_document("application").ok()?;
        application.get_str("name").ok().map(str::to_owned)
    }

    /// Serves a stream until it ends.
    ///
    /// # Errors
    /// The first message that does not follow the protocol, or the failure of the stream.
    pub(crate) async fn serve(
        self: Arc<Self>,
        shared: &Arc<Shared>,
        stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> Result<(), WireError> {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = BufReader::with_capacity(16 * 1024, reader);
        let mut stopping = shared.stopping();
        loop {
            let most = self.most_bytes(shared);
            let frame = tokio::select! {
                frame = read_frame(&mut reader, most) => frame?,
                () = stopping.wait() => return Ok(()),
                () = idle(shared) => return Ok(()),
                () = login_deadline(&self, shared) => return Ok(()),
            };
            let Some(frame) = frame else { return Ok(()) };
            shared.counters.received(HEADER_BYTES + frame.body.len());
            let request = Request::decode(&frame, most)?;
            drop(frame);
            if !self.answer(shared, Arc::new(request), &mut reader, &mut writer).await? {
                return Ok(());
            }
        }
    }

    /// Answers a request, by several replies if it is one that goes on. Returns whether the client is still there.
    async fn answer(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        mut request: Arc<Request>,
        reader: &mut (impl AsyncBufReadExt + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Result<bool, WireError> {
        let mut response_to = request.id;
        loop {
            let Some(answer) = self.run(shared, &request, reader).await else { return Ok(false) };
            if !request.wants_reply() {
                return Ok(true);
            }
            let Answer { body, next } = answer;
            let goes_on = request.allows_exhaust() && !shared.is_stopping();
            let next = next.filter(|_| goes_on);
            let id = REPLIES.fetch_add(1, Ordering::Relaxed);
            let bytes = request.encode_reply(&body, id, response_to, next.is_some());
            // It may be large, and the client slow.
            drop(body);
            shared.counters.replied(bytes.len());
            writer.write_all(&bytes).await?;
            writer.flush().await?;
            let Some(next) = next else { return Ok(true) };
            let request = Arc::make_mut(&mut request);
            request.body = next;
            request.sequences.clear();
            response_to = id;
        }
    }

    /// Runs a request; `None` if its client goes away meanwhile. The effect of a write does not depend on whether
    /// the client waits for it.
    async fn run(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        request: &Arc<Request>,
        reader: &mut (impl AsyncBufReadExt + Unpin),
    ) -> Option<Answer> {
        let own = (shared.clone(), self.clone(), request.clone());
        let running = async move {
            let (shared, connection, request) = own;
            command::run(&shared, &connection, &request).await
        };
        let running = if command::may_compute(request) {
            Either::Left(aside(running))
        } else {
            Either::Right(running.map(Some))
        };
        if !command::may_be_abandoned(request) {
            return running.await;
        }
        tokio::select! {
            answer = running => answer,
            () = closed(reader) => {
                let is_own = |running: &Operation| running.connection == self.id;
                shared.operations.end(Reason::DISCONNECTED, is_own);
                None
            }
        }
    }
}

/// How long a client may take for a message before it has logged in.
const LOGIN: Duration = Duration::from_secs(30);

/// Waits as long as a client may be silent that has to log in; for ever after the login.
async fn login_deadline(connection: &Connection, shared: &Shared) {
    if shared.options.auth && connection.who().is_none() {
        tokio::time::sleep(LOGIN).await;
    } else {
        std::future::pending::<()>().await;
    }
}

/// Waits as long as a connection may be idle.
async fn idle(shared: &Shared) {
    match shared.options.idle {
        Some(idle) => tokio::time::sleep(idle).await,
        None => std::future::pending().await,
    }
}

/// Waits until the other end closes the stream.
async fn closed(reader: &mut (impl AsyncBufReadExt + Unpin)) {
    match reader.fill_buf().await {
        Ok([]) | Err(_) => {}
        // The next request is there already.
        Ok(_) => std::future::pending().await,
    }
}
