//! Counts of requests and bytes, and the server's clock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use argon_core::storage::Traffic;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

/// The traffic of a store since it was opened. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<Counts>);

/// A server as a request names it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: bool,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    retries: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// The server of the first request.
    server: OnceLock<Server>,
    /// The `Date` of the last answer, in seconds; 0 before the first.
    server_time: AtomicI64,
}

impl Meter {
    /// The counts so far.
    pub(super) fn traffic(&self) -> Traffic {
        let Counts { requests, retries, sent, received, .. } = &*self.0;
        Traffic {
            requests: requests.load(Ordering::Relaxed),
            retries: retries.load(Ordering::Relaxed),
            sent: sent.load(Ordering::Relaxed),
            received: received.load(Ordering::Relaxed),
        }
    }

    /// The server, after the first request.
    pub(super) fn server(&self) -> Option<Server> {
        self.0.server.get().cloned()
    }

    /// Counts a repeated request.
    pub(super) fn count_retry(&self) {
        self.0.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The server's clock in its last answer, in seconds since 1970; `None` before the first.
    pub(super) fn server_time(&self) -> Option<i64> {
        Some(self.0.server_time.load(Ordering::Relaxed)).filter(|time| *time != 0)
    }
}

impl Server {
    fn of(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        Some(Self {
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
            encrypted: url.scheme() == "https",
        })
    }
}

#[dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let server = &self.0.server;
        if server.get().is_none()
            && let Some(found) = Server::of(context.request().uri())
        {
            // A concurrent request may have set it, to the same server.
            let _ = server.set(found);
        }
        let length = context.request().body().content_length().unwrap_or(0);
        self.0.sent.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        self.0.received.fetch_add(length.unwrap_or(0), Ordering::Relaxed);
        let date = headers.get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            self.0.server_time.store(date.secs(), Ordering::Relaxed);
        }
        Ok(())
    }
}
