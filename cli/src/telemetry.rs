//! Traces for OpenTelemetry: the spans of operations, sent by OTLP over HTTP to the collector that the
//! standard variables of the environment name. A collector that is away or slow costs the spans, and a
//! bounded time at the end of the command.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::{Error, Result};
use argon_service::credentials::variable;
use argon_service::webhook;
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter as Otlp, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};
use ureq::Agent;
use ureq::http::Uri;

use crate::output::Output;

/// The variables that name the collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What is exported, whatever is logged.
const FILTER: &str = "argon=debug";

/// The variables that say in milliseconds how long a request may take.
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];

/// How long a request may take if no variable says it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of a command waits for the last spans to be sent.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends spans while it is there, on a thread of its own.
pub(crate) struct Export {
    provider: SdkTracerProvider,
    losses: Losses,
}

/// The results of the requests. Clones share them.
#[derive(Debug, Clone, Default)]
struct Losses(Arc<Mutex<RequestLog>>);

#[derive(Debug, Default)]
struct RequestLog {
    /// Where the last request went, as it may be shown.
    address: Option<String>,
    /// Why the last request failed; `None` if it did not, or is under way.
    why: Option<String>,
    /// Why the first batch that was given up was lost. A later one that is taken does not bring it back.
    lost: Option<String>,
}

impl Losses {
    fn lock(&self) -> MutexGuard<'_, RequestLog> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why spans were lost, with `in_time` if all requests had ended; `None` if none were.
    fn why(&self, in_time: bool) -> Option<String> {
        let mut log = self.lock();
        if in_time || log.lost.is_some() {
            return log.lost.take();
        }
        let address = log.address.as_deref().unwrap_or("the collector");
        let late = format!("{address} does not answer in {} s", PATIENCE.as_secs());
        // A request that failed may be on its way again.
        Some(log.why.take().unwrap_or(late))
    }
}

impl Export {
    /// Begins to export if the environment names a collector. Variables that can't be followed are noted,
    /// and the command runs without an export: they may be meant for other programs.
    pub(crate) fn of_environment(output: &Output) -> Option<Self> {
        let begun = Self::begin();
        begun.unwrap_or_else(|error| {
            output.note(&format!("spans are not exported: {error}"));
            None
        })
    }

    fn begin() -> Result<Option<Self>> {
        let disabled = says("OTEL_SDK_DISABLED", "true")? || says("OTEL_TRACES_EXPORTER", "none")?;
        if first_of(ENDPOINTS)?.is_none() || disabled {
            return Ok(None);
        }
        let losses = Losses::default();
        let client = Client { agent: webhook::agent(timeout()?), losses: losses.clone() };
        let exporter = Otlp::builder().with_http().with_http_client(client).build();
        // Its text has the address, which may have a password.
        let exporter = exporter.map_err(|_| {
            Error::invalid(format!(
                "{} or another of OTEL_EXPORTER_OTLP_… is wrong; http://HOST:4318 is expected, or \
                 https, for OTLP over HTTP",
                ENDPOINTS[1]
            ))
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Watched { exporter, losses: losses.clone() })
            .with_resource(resource()?)
            .build();
        Ok(Some(Self { provider, losses }))
    }

    /// What hands spans to it.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        OpenTelemetryLayer::new(self.provider.tracer("argon"))
            .with_location(false)
            .with_threads(false)
            .with_filter(EnvFilter::new(FILTER))
    }

    /// Sends what is left, and says it if spans were lost.
    pub(crate) fn end(self, output: &Output) {
        let in_time = self.provider.shutdown_with_timeout(PATIENCE).is_ok();
        let Some(why) = self.losses.why(in_time) else { return };
        output.note(&format!(
            "spans were not exported: {why}; OTEL_EXPORTER_OTLP_ENDPOINT names the collector, and \
             OTEL_SDK_DISABLED=true exports nothing"
        ));
    }
}

/// Whether a variable has this word, in whatever case.
fn says(name: &str, word: &str) -> Result<bool> {
    Ok(variable(name)?.is_some_and(|value| value.trim().eq_ignore_ascii_case(word)))
}

/// The value of the first that is set.
fn first_of(names: [&str; 2]) -> Result<Option<String>> {
    Ok(variable(names[0])?.or(variable(names[1])?))
}

/// The exporter looks at these variables only for how long it repeats requests. As it does, this ignores a
/// value that is not a number.
fn timeout() -> Result<Duration> {
    let milliseconds = first_of(TIMEOUTS)?.and_then(|text| text.trim().parse().ok());
    Ok(milliseconds.map_or(TIMEOUT, Duration::from_millis))
}

/// What all spans say of this program.
fn resource() -> Result<Resource> {
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES")?.unwrap_or_default();
    let named = variable("OTEL_SERVICE_NAME")?.is_some() || attributes.contains("service.name=");
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    Ok(if named { resource } else { resource.with_service_name("argon") }.build())
}

/// The exporter, whose losses are noted: the SDK reports them to nobody.
#[derive(Debug)]
struct Watched {
    exporter: Otlp,
    losses: Losses,
}

impl SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        if result.is_err() {
            let mut log = self.losses.lock();
            // The SDK's own words may have the address, and with it a password.
            let why = log.why.take().unwrap_or_else(|| "they could not be sent".to_owned());
            log.lost.get_or_insert(why);
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The client of webhooks as the exporter wants one. It blocks: the exporter has its own thread.
#[derive(Debug)]
struct Client {
    agent: Agent,
    losses: Losses,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let address = shown(request.uri());
        {
            let mut log = self.losses.lock();
            (log.address, log.why) = (Some(address.clone()), None);
        }
        let answer = self.send(request);
        // An error of ureq may have the address, and with it a password.
        let why = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("{address} answers {}", answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Some(format!("{address} does not answer in time")),
            Err(_) => Some(format!("{address} does not answer")),
        };
        self.losses.lock().why = why;
        Ok(answer?)
    }
}

/// Host and port, without what may be secret: a password, a path, a query.
fn shown(uri: &Uri) -> String {
    let host = uri.host().unwrap_or("the collector");
    uri.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let answer = self.agent.run(request.map(|body| body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(lost: Option<&str>, why: Option<&str>) -> Losses {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let log =
            RequestLog { address: Some("a:1".to_owned()), why: owned(why), lost: owned(lost) };
        Losses(Arc::new(Mutex::new(log)))
    }

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let shown = |text: &str| shown(&text.parse().unwrap());
        assert_eq!(shown("http://ada:s3cret@a:4318/k3y?token=t0ken"), "a:4318");
        assert_eq!(shown("https://ada:s3cret@[::1]/v1/traces"), "[::1]");
    }

    #[test]
    fn a_lost_batch_is_reported_whatever_came_later() {
        assert_eq!(losses(None, None).why(true), None);
        assert_eq!(losses(None, Some("a:1 answers 503")).why(true), None, "it was repeated");
        assert_eq!(losses(Some("a:1 answers 400"), None).why(true).unwrap(), "a:1 answers 400");
    }

    #[test]
    fn an_end_before_the_answer_names_the_collector() {
        assert_eq!(losses(None, None).why(false).unwrap(), "a:1 does not answer in 3 s");
        assert_eq!(losses(None, Some("a:1 answers 503")).why(false).unwrap(), "a:1 answers 503");
    }
}
