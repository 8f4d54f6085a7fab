//! A server over a store: MongoDB's wire protocol, by which drivers connect to a branch, or to the past, with no mongod,
//! and HTTP.
//!
//! A database is a project: `shop` is the head of its default branch, `shop:try` that of branch `try`, and
//! `shop:try@1234` or `shop@2026-07-07` a past state, which takes no writes. Every command that writes is
//! a commit.
//!
//! | module | content |
//! | --- | --- |
//! | [`wire`] | messages on a stream of bytes |
//! | `connection`, `computing` | reads requests and writes replies; the threads on which commands compute |
//! | `command` | the commands, a file or folder for each family, and the table of all |
//! | `http`, `mcp` | REST, and tools for agents |
//! | `requests` | what both have in common |
//! | `change_stream` | the log of branches as events |
//! | `arguments`, `failure` | reading the fields of a command; its errors |
//! | `namespace`, `place`, `past` | names of databases, and the branch or state that each one is |
//! | `auth`, `rights`, `tls`, `audit` | who a client is, what it may do, and what it did |
//! | `views` | collections that are a pipeline over another one |
//! | `operations` | the commands that run, and how they are ended |
//! | `cursors`, `tail`, `sessions`, `snapshots`, `written`, `clock`, `turns`, `operation_counts` | what lives longer than a command |

mod arguments;
mod audit;
mod auth;
mod change_stream;
mod clock;
pub mod command;
mod computing;
mod connection;
mod cursors;
mod failure;
mod http;
mod mcp;
mod namespace;
mod operation_counts;
mod operations;
mod options;
mod past;
mod place;
mod requests;
mod rights;
mod sessions;
mod shared;
mod snapshots;
mod tail;
#[cfg(test)]
mod testing;
mod tls;
mod turns;
mod views;
pub mod wire;
mod written;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use argon_core::{Error, Result, Store};
use argon_service::collections::Signature;
use argon_service::index::ExpireDocuments;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use failure::CommandError;
pub use mcp::{AgentOptions, serve_agent};
pub use options::{ServeOptions, Topology};
pub use requests::OperationOptions;
pub use tls::TlsFiles;

use connection::Connection;
use operations::Reason;
use shared::{Open, Shared};

/// How often idle cursors and sessions are looked for.
const EXPIRY: Duration = Duration::from_secs(30);
/// How often documents of TTL indexes are looked for, as in MongoDB.
const TTL: Duration = Duration::from_mins(1);
/// How often what the server counts is kept.
const COUNTS: Duration = Duration::from_mins(1);
/// How long connections may take to end their last command, after the server was stopped.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A server that listens.
pub struct Server {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    http: Option<(TcpListener, OperationOptions)>,
    tls: Option<TlsAcceptor>,
}

/// Stops a server from elsewhere.
#[derive(Clone)]
pub struct Stopper(Arc<Shared>);

impl Server {
    /// A server that listens nowhere yet.
    ///
    /// # Errors
    /// `Invalid` if the files of TLS can't be read.
    pub fn new(store: Store, options: ServeOptions) -> Result<Self> {
        let tls = options.tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        Ok(Self { shared: Arc::new(Shared::new(store, options)), listener: None, http: None, tls })
    }

    /// Listens for drivers at an address, such as `127.0.0.1:27017`; port 0 takes a free one.
    ///
    /// # Errors
    /// `Unavailable` if the address can't be listened at; `Invalid` if the files of TLS can't be read.
    pub async fn bind(store: Store, address: &str, options: ServeOptions) -> Result<Self> {
        let mut server = Self::new(store, options)?;
        server.listen(address).await?;
        Ok(server)
    }

    /// Listens for drivers at an address, which it returns.
    ///
    /// # Errors
    /// `Unavailable` if the address can't be listened at; `AlreadyExists` if the audit is in another project.
    pub async fn listen(&mut self, address: &str) -> Result<SocketAddr> {
        self.shared.sealed().await?;
        let (listener, address) = listen(address).await?;
        self.listener = Some(listener);
        Ok(address)
    }

    /// Listens for HTTP at an address, which it returns.
    ///
    /// # Errors
    /// `Unavailable` if the address can't be listened at; `AlreadyExists` if the audit is in another project.
    pub async fn listen_http(
        &mut self,
        address: &str,
        options: OperationOptions,
    ) -> Result<SocketAddr> {
        self.shared.sealed().await?;
        let (listener, address) = listen(address).await?;
        self.http = Some((listener, options));
        Ok(address)
    }

    /// The address at which it listens for drivers.
    ///
    /// # Errors
    /// `Unavailable` if there is none, or the system does not say.
    pub fn address(&self) -> Result<SocketAddr> {
        let unknown = || Error::unavailable("the address of the server is unknown");
        let listener = self.listener.as_ref().ok_or_else(unknown)?;
        listener.local_addr().map_err(|source| unknown().with_source(source))
    }

    /// Stops the server, when it is asked to.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.shared.clone())
    }

    /// Serves connections until the server is stopped. Then commands that run may end, for ten seconds.
    pub async fn run(self) {
        let Self { shared, listener, http, tls } = self;
        let http = http.map(|(listener, options)| {
            let service = http::router(&shared, options);
            tokio::spawn(http::serve(shared.clone(), listener, tls.clone(), service))
        });
        let mut stopping = shared.stopping();
        let (mut connections, next) = (JoinSet::new(), AtomicI32::new(1));
        let mut expiry = tokio::time::interval(EXPIRY);
        let _audit = AbortOnDrop(tokio::spawn(record(shared.clone())));
        let _counts = AbortOnDrop(tokio::spawn(keep_counts(shared.clone())));
        let _documents = AbortOnDrop(tokio::spawn(expire_documents(shared.clone())));
        loop {
            tokio::select! {
                () = stopping.wait() => break,
                _ = expiry.tick() => {
                    shared.cursors.expire();
                    shared.sessions.expire();
                    shared.snapshots.expire();
                    shared.places.expire();
                    shared.written.expire();
                    shared.throttle.expire(Instant::now());
                }
                accepted = next_of(listener.as_ref()) => match accepted {
                    Ok((stream, peer)) => {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        accept(&shared, &mut connections, (stream, tls.clone()), (id, peer));
                    }
                    Err(error) => {
                        // Such as too many open files: it goes on when connections end.
                        tracing::warn!(%error, "can't accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
        drop(listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        let drained = tokio::time::timeout(DRAIN, drained).await;
        if let Some(http) = http {
            // It takes as long at most.
            let _ = http.await;
        }
        if drained.is_err() {
            tracing::warn!("connections were closed while their commands were running");
            shared.operations.end(Reason::SHUTDOWN, |_| true);
        }
        shared.cursors.close_all();
        if let Some(audit) = &shared.audit
            && tokio::time::timeout(DRAIN, audit.flush()).await.is_err()
        {
            tracing::error!("the last events of the audit were not written");
        }
    }
}

async fn listen(address: &str) -> Result<(TcpListener, SocketAddr)> {
    let failed = |source| {
        Error::unavailable(format!("can't listen at {address}; choose another port"))
            .with_source(source)
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The next connection; none ever where nothing listens.
async fn next_of(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// A task that ends with its owner.
pub(crate) struct AbortOnDrop<T>(pub(crate) tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Deletes the documents that TTL indexes let expire, on the branches that clients use, again and again.
async fn expire_documents(shared: Arc<Shared>) {
    if shared.options.read_only {
        return;
    }
    loop {
        tokio::time::sleep(TTL).await;
        for branch in shared.places.used() {
            // Documents of a sandbox do not expire: it ends by itself.
            if !matches!(branch.is_sandbox().await, Ok(false)) {
                continue;
            }
            let request = ExpireDocuments { collection: None, signature: Signature::default() };
            if let Err(error) = argon_service::index::expire(&branch, request).await {
                let error = error.in_full();
                tracing::warn!(branch = %branch.name(), error, "documents of TTL indexes were not deleted");
            }
        }
    }
}

/// Commits what the audit records.
async fn record(shared: Arc<Shared>) {
    if let Some(audit) = &shared.audit {
        audit.run(&shared.store).await;
    }
}

/// Keeps what the server counts in the store, again and again, so that other processes see it.
async fn keep_counts(shared: Arc<Shared>) {
    if shared.options.read_only {
        return;
    }
    loop {
        tokio::time::sleep(COUNTS).await;
        if let Err(error) = argon_service::usage_metrics::keep(&shared.store).await {
            tracing::warn!(error = error.in_full(), "what was counted was not kept");
        }
    }
}

impl Stopper {
    /// Stops the server: it accepts no connection and no command any more.
    pub fn stop(&self) {
        self.0.stop();
    }
}

/// Serves a connection in a task of its own, unless there are too many.
fn accept(
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
    (stream, tls): (TcpStream, Option<TlsAcceptor>),
    (id, peer): (i32, SocketAddr),
) {
    let Ok(local) = stream.local_addr() else { return };
    let Some(open) = admit(shared, &stream, peer) else { return };
    let shared = shared.clone();
    connections.spawn(async move {
        let _open = open;
        tracing::debug!(id, %peer, "connected");
        let served = match tls {
            None => Arc::new(Connection::new(id, peer, local, None)).serve(&shared, stream).await,
            Some(tls) => serve_tls(&shared, stream, &tls, (id, peer, local)).await,
        };
        if let Err(error) = served {
            tracing::info!(id, %peer, %error, "a connection was closed");
        }
    });
}

/// Counts a connection as open, unless there are too many.
pub(crate) fn admit(shared: &Shared, stream: &TcpStream, peer: SocketAddr) -> Option<Open> {
    let open = shared.counters.connections.load(Ordering::Relaxed);
    if open >= shared.options.connections {
        tracing::warn!(%peer, open, "a connection was refused: too many are open");
        return None;
    }
    // Replies are written whole.
    let _ = stream.set_nodelay(true);
    Some(shared.counters.open())
}

/// Agrees on TLS with a client.
pub(crate) async fn agree(
    tls: &TlsAcceptor,
    stream: TcpStream,
) -> io::Result<TlsStream<TcpStream>> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the client did not agree on TLS");
    tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await.map_err(late)?
}

/// Serves a connection by TLS.
async fn serve_tls(
    shared: &Arc<Shared>,
    stream: TcpStream,
    tls: &TlsAcceptor,
    (id, peer, local): (i32, SocketAddr, SocketAddr),
) -> std::result::Result<(), wire::WireError> {
    let stream = agree(tls, stream).await?;
    let certificates = stream.get_ref().1.peer_certificates();
    let subject = certificates.and_then(<[_]>::first).and_then(tls::subject);
    Arc::new(Connection::new(id, peer, local, subject)).serve(shared, stream).await
}
