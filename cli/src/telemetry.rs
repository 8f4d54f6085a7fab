//! Traces for OpenTelemetry: the spans of operations, sent by OTLP over HTTP to the collector that the
//! standard variables of the environment name. A collector that is away or slow costs the spans, and a
//! bounded time at the end of the command.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon_core::{Error, Result};
use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};
use ureq::Agent;

use crate::credentials::variable;
use crate::output::Output;
use crate::webhook;

/// The variables that name the collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What is exported, whatever is logged.
const FILTER: &str = "argon=debug";

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the end of a command waits for the last spans to be sent.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends spans while it is there, on a thread of its own.
pub(crate) struct Export {
    provider: SdkTracerProvider,
    outcome: Outcome,
}

/// Why the last request failed; `None` if it did not. Clones share it.
#[derive(Debug, Clone, Default)]
struct Outcome(Arc<Mutex<Option<String>>>);

impl Export {
    /// Begins to export if the environment names a collector.
    ///
    /// # Errors
    /// `Invalid` if it names none that there can be.
    pub(crate) fn of_environment() -> Result<Option<Self>> {
        let (of_traces, of_all) = (variable(ENDPOINTS[0])?, variable(ENDPOINTS[1])?);
        let disabled = says("OTEL_SDK_DISABLED", "true")? || says("OTEL_TRACES_EXPORTER", "none")?;
        if of_traces.or(of_all).is_none() || disabled {
            return Ok(None);
        }
        let outcome = Outcome::default();
        let client = Client { agent: webhook::agent(TIMEOUT), outcome: outcome.clone() };
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        // Its text has the address, which may have a password.
        let exporter = exporter.map_err(|_| {
            Error::invalid(format!("{} or another of OTEL_EXPORTER_OTLP_… is wrong", ENDPOINTS[1]))
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource()?)
            .build();
        Ok(Some(Self { provider, outcome }))
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
        let ended = self.provider.shutdown_with_timeout(PATIENCE);
        let failed = self.outcome.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let why = match (ended, failed) {
            (_, Some(why)) => why,
            (Ok(()), None) => return,
            (Err(_), None) => format!("no answer within {} seconds", PATIENCE.as_secs()),
        };
        output.note(&format!(
            "spans were not exported: {why}; OTEL_EXPORTER_OTLP_ENDPOINT names the collector, and \
             OTEL_SDK_DISABLED=true exports nothing"
        ));
    }
}

/// Whether a variable has this word.
fn says(name: &str, word: &str) -> Result<bool> {
    Ok(variable(name)?.is_some_and(|value| value.trim() == word))
}

/// What all spans say of this program.
fn resource() -> Result<Resource> {
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES")?.unwrap_or_default();
    let named = variable("OTEL_SERVICE_NAME")?.is_some() || attributes.contains("service.name=");
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    Ok(if named { resource } else { resource.with_service_name("argon") }.build())
}

/// The client of webhooks as the exporter wants one. It blocks: the exporter has its own thread.
#[derive(Debug)]
struct Client {
    agent: Agent,
    outcome: Outcome,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let host = request.uri().host().unwrap_or("?").to_owned();
        let answer = self.send(request);
        // An error of ureq may have the address, and with it a password.
        let why = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("{host} answers {}", answer.status().as_u16())),
            Err(ureq::Error::Timeout(_)) => Some(format!("{host} does not answer in time")),
            Err(_) => Some(format!("{host} does not answer")),
        };
        *self.outcome.0.lock().unwrap_or_else(PoisonError::into_inner) = why;
        Ok(answer?)
    }
}

impl Client {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let answer = self.agent.run(request.map(|body| body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
