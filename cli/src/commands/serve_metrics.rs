//! `argon serve-metrics`

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use argon_core::Error;
use argon_service::usage_metrics::prometheus;
use clap::Args;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::metrics::reading;
use crate::context::Context;
use crate::exit::CommandResult;

const EXAMPLES: &str = "\
Examples:
  argon serve-metrics
  argon serve-metrics --listen 127.0.0.1:9000 --store prod

GET /metrics gives what `argon metrics --prometheus` prints, and argon_up: 1, or 0 with the
last known values if the store can't be opened, as when another process has it for longer than
--lock-timeout. Anybody who reaches the address may read it; it has names of metrics and numbers.";

/// How long a client may take for its request, and for the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most clients that are served at once; others wait.
const MOST_CLIENTS: usize = 64;

/// Serve the metrics of the store to Prometheus, until Ctrl-C.
///
/// The store is open for as long as it takes to read it, once at a time. Up to 64 clients are served
/// at once.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeMetricsArgs {
    /// Where to listen; port 0 takes a free one, and stderr says which
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
}

impl ServeMetricsArgs {
    pub(crate) async fn run(self, context: &Context) -> CommandResult {
        let Self { listen } = self;
        let failed =
            |source| Error::unavailable(format!("can't listen at {listen}")).with_source(source);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        context.output.say(&format!("serving http://{address}/metrics; Ctrl-C ends it"));
        // The last known metrics, for when the store can't be opened.
        let known = tokio::sync::Mutex::new(String::new());
        let mut clients = FuturesUnordered::new();
        let mut ended = std::pin::pin!(crate::teardown::asked_to_end());
        loop {
            tokio::select! {
                accepted = listener.accept(), if clients.len() < MOST_CLIENTS => match accepted {
                    Ok((stream, _)) => clients.push(serve(stream, context, &known)),
                    // Too many open files, say: that may pass.
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(()) = clients.next() => {}
                ended = &mut ended => return ended,
            }
        }
    }
}

/// Answers one request. A client that is slow, or goes away, is nobody else's loss.
async fn serve(stream: TcpStream, context: &Context, known: &tokio::sync::Mutex<String>) {
    let service =
        service_fn(
            |request| async move { Ok::<_, Infallible>(answer(&request, context, known).await) },
        );
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(PATIENCE * 2, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a request was not answered"),
        Err(_) => tracing::debug!("a request took too long"),
    }
}

async fn answer(
    request: &Request<Incoming>,
    context: &Context,
    known: &tokio::sync::Mutex<String>,
) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, scrape(context, known).await),
        (&Method::GET, "/") => (StatusCode::OK, "argon: see /metrics\n".to_owned()),
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "there is /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "GET is expected\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}

/// Returns the current metrics, or the last known ones.
async fn scrape(context: &Context, known: &tokio::sync::Mutex<String>) -> String {
    let mut known = known.lock().await;
    let up = match reading(context).await {
        Ok(reading) => {
            *known = prometheus(&reading) + "\n";
            1
        }
        Err(failure) => {
            tracing::warn!(?failure, "the store could not be read");
            0
        }
    };
    format!("# TYPE argon_up gauge\nargon_up {up}\n{known}")
}
