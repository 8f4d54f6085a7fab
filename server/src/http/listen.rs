//! Connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::login::Peer;
use crate::shared::{Shared, Stopping};
use crate::{DRAIN, admit, agree};

/// How long a client may take for the head of a request, and stay idle before it.
const HEAD: Duration = Duration::from_secs(30);

/// Serves connections until the server is stopped. Then requests that run may end, for ten seconds.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    (router, writing): (Router, Arc<RwLock<()>>),
) {
    let mut stopping = shared.stopping();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopping.wait() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => accept(&shared, &mut connections, (stream, peer), tls.clone(), &router),
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
    let drained = async {
        while connections.join_next().await.is_some() {}
        // Writes whose clients have gone.
        drop(writing.write().await);
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("connections were closed while their requests were running");
    }
}

fn accept(
    shared: &Arc<Shared>,
    connections: &mut JoinSet<()>,
    (stream, peer): (TcpStream, SocketAddr),
    tls: Option<TlsAcceptor>,
    router: &Router,
) {
    let Some(open) = admit(shared, &stream, peer) else { return };
    let stopping = shared.stopping();
    let router = router.clone().layer(Extension(Peer(peer)));
    connections.spawn(async move {
        let _open = open;
        let Some(tls) = tls else { return connection(stream, router, stopping).await };
        match agree(&tls, stream).await {
            Ok(stream) => connection(stream, router, stopping).await,
            Err(error) => tracing::debug!(%peer, %error, "the client did not agree on TLS"),
        }
    });
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stopping: Stopping,
) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stopping.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection was closed");
    }
}
