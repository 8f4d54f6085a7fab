//! Requests to the server, each with a time limit and counted.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use argon_core::metrics::Metric;
use argon_core::storage::{Certificate, Network, ServerFacts, Traffic};
use argon_core::{Environment, Error, Result};
use async_trait::async_trait;
use bson::{Document, RawDocument, RawDocumentBuf, doc};
use futures::future::join_all;
use mongodb::error::{Error as DriverError, Result as DriverResult};
use mongodb::options::{DatabaseOptions, ReadConcern, ServerAddress, Tls};
use mongodb::{Client, Collection, Cursor, Database};
use tracing::Instrument;

use super::address::Address;
use super::failure::{ErrorContext, Failure};
use crate::tls;

/// The port if the URL names none.
const DEFAULT_PORT: u16 = 27017;

/// The time limit of a request. The driver has none for a server that keeps the connection open and
/// does not answer.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The time limit of a request that reads or removes very many rows.
const LONG_TIMEOUT: Duration = Duration::from_hours(1);

/// The time limit of a read on the server, which ends before the client's.
pub(super) const READ_TIME: Duration = Duration::from_secs(25);

/// MongoDB 8.0, the first version with `bulkWrite`, as the protocol numbers it.
const BULK_WRITE_VERSION: i32 = 25;

/// A database on a server, and the traffic with it.
pub(super) struct Connection {
    place: ErrorContext,
    database: Database,
    environment: Environment,
    hosts: Vec<ServerAddress>,
    encrypted: bool,
    bulk_write: AtomicBool,
    requests: AtomicU64,
    retries: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Connection {
    /// Connects with the first request. Dropping the last handle closes the connections.
    pub(super) fn new(address: Address, environment: &Environment) -> Result<Self> {
        let hosts = address.options.hosts.clone();
        let encrypted = matches!(address.options.tls, Some(Tls::Enabled(_)));
        let user = address.user().map(|(name, _)| name.to_owned());
        let place = ErrorContext { location: address.location(), user };
        let client = Client::with_options(address.options)
            .map_err(|error| place.definite("be reached with this URL", &error))?;
        let options = DatabaseOptions::builder().read_concern(ReadConcern::majority()).build();
        Ok(Self {
            place,
            database: client.database_with_options(&address.database, options),
            environment: environment.clone(),
            hosts,
            encrypted,
            bulk_write: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        })
    }

    /// The location that errors name.
    pub(super) fn place(&self) -> &ErrorContext {
        &self.place
    }

    pub(super) fn client(&self) -> &Client {
        self.database.client()
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn collection(&self, name: &str) -> Collection<RawDocumentBuf> {
        self.database.collection(name)
    }

    /// Sends a request that changes nothing. `what` completes "LOCATION could not …".
    pub(super) async fn read<T>(
        &self,
        what: &str,
        request: impl IntoFuture<Output = DriverResult<T>>,
    ) -> Result<T> {
        match self.bounded(request).await {
            Some(answer) => answer.map_err(|error| self.place.definite(what, &error)),
            None => Err(self.silence(what)),
        }
    }

    /// Sends a single write outside a transaction.
    pub(super) async fn write<T>(
        &self,
        what: &str,
        request: impl IntoFuture<Output = DriverResult<T>>,
    ) -> Result<T, Failure> {
        match self.bounded(request).await {
            Some(answer) => answer.map_err(|error| self.place.of_write(what, &error)),
            None => Err(Failure::Doubtful(self.no_word(what))),
        }
    }

    /// Sends a write of very many rows.
    pub(super) async fn write_many<T>(
        &self,
        what: &str,
        request: impl IntoFuture<Output = DriverResult<T>>,
    ) -> Result<T, Failure> {
        match self.within(LONG_TIMEOUT, request).await {
            Some(answer) => answer.map_err(|error| self.place.of_write(what, &error)),
            None => Err(Failure::Doubtful(self.no_word(what))),
        }
    }

    /// Sends a request of a transaction, whose caller interprets the errors; `None` without an answer.
    pub(super) async fn bounded<T>(
        &self,
        request: impl IntoFuture<Output = DriverResult<T>>,
    ) -> Option<DriverResult<T>> {
        self.within(REQUEST_TIMEOUT, request).await
    }

    /// Sends a request with a time limit; `None` without an answer.
    async fn within<T>(
        &self,
        patience: Duration,
        request: impl IntoFuture<Output = DriverResult<T>>,
    ) -> Option<DriverResult<T>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = request.into_future().instrument(tracing::debug_span!("mongodb_request"));
        let answer = tokio::time::timeout(patience, request);
        self.environment.timed(Metric::Request, answer).await.ok()
    }

    /// The error for a missing answer to a request that changes nothing.
    pub(super) fn silence(&self, what: &str) -> Error {
        Error::unavailable(format!(
            "{} could not {what}: no answer within {} seconds; try again later",
            self.place.location,
            REQUEST_TIMEOUT.as_secs()
        ))
    }

    /// The error for a missing answer to a write, which may have been applied.
    pub(super) fn no_word(&self, what: &str) -> Error {
        Error::indeterminate(format!(
            "{} did not confirm the request to {what} within {} seconds; it may have been carried out, \
             so check before trying again",
            self.place.location,
            REQUEST_TIMEOUT.as_secs()
        ))
    }

    /// Sends a query.
    pub(super) async fn rows(
        self: &Arc<Self>,
        what: &'static str,
        query: impl IntoFuture<Output = DriverResult<Cursor<RawDocumentBuf>>>,
    ) -> Result<Rows> {
        Ok(Rows { cursor: self.read(what, query).await?, server: self.clone(), what })
    }

    /// Sends a query that reads very many rows.
    pub(super) async fn rows_of_many(
        self: &Arc<Self>,
        what: &'static str,
        query: impl IntoFuture<Output = DriverResult<Cursor<RawDocumentBuf>>>,
    ) -> Result<Rows> {
        match self.within(LONG_TIMEOUT, query).await {
            Some(Ok(cursor)) => Ok(Rows { cursor, server: self.clone(), what }),
            Some(Err(error)) => Err(self.place.definite(what, &error)),
            None => Err(self.silence(what)),
        }
    }

    /// Returns whether one request may write to several collections; false until `hello` was read.
    pub(super) fn has_bulk_write(&self) -> bool {
        self.bulk_write.load(Ordering::Relaxed)
    }

    /// Reads from the answer to `hello` whether the server has `bulkWrite`.
    pub(super) fn note_bulk_write(&self, hello: &Document) {
        let version = hello.get_i32("maxWireVersion").unwrap_or(0);
        self.bulk_write.store(version >= BULK_WRITE_VERSION, Ordering::Relaxed);
    }

    /// Makes later appends send their statements one by one. A server refuses `bulkWrite` if its
    /// feature compatibility version is older than 8.0, or if an older member became the primary.
    pub(super) fn give_up_bulk_write(&self) {
        self.bulk_write.store(false, Ordering::Relaxed);
    }

    pub(super) fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The answer to `hello`, and by how many milliseconds the server's clock is ahead, if it reports its
    /// time. The environment's clock is corrected by that.
    pub(super) async fn hello(&self) -> Result<(Document, Option<i64>)> {
        let asked = self.environment.clock_time().timestamp_millis();
        let hello = self.read("be reached", self.database.run_command(doc! { "hello": 1 })).await?;
        let answered = self.environment.clock_time().timestamp_millis();
        let time = hello.get_datetime("localTime").map(|time| time.timestamp_millis());
        let ahead = time.map(|time| ServerFacts::ahead((time, time), (asked, answered))).ok();
        if let Some(ahead) = ahead {
            crate::system::heed(&self.environment, ahead);
        }
        Ok((hello, ahead))
    }
}

#[async_trait]
impl Network for Connection {
    /// Facts about the members that the URL names. Only the clock of the member that answers is known.
    async fn servers(&self) -> Result<Vec<ServerFacts>> {
        let (hello, ahead) = self.hello().await?;
        let me = hello.get_str("me").unwrap_or_default();
        let me = self.hosts.iter().position(|host| host.to_string() == me).unwrap_or(0);
        let facts = self.hosts.iter().enumerate().map(async |(number, host)| ServerFacts {
            address: host.to_string(),
            clock_ahead: ahead.filter(|_| number == me),
            certificate: match host {
                ServerAddress::Tcp { host, port } if self.encrypted => {
                    tls::certificate(host, port.unwrap_or(DEFAULT_PORT)).await
                }
                _ => Certificate::NotUsed,
            },
        });
        Ok(join_all(facts).await)
    }

    fn traffic(&self) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Traffic {
            requests: read(&self.requests),
            retries: read(&self.retries),
            sent: read(&self.sent),
            received: read(&self.received),
        }
    }
}

/// The rows of a query, which arrive in batches of at most 16 MiB.
pub(super) struct Rows {
    cursor: Cursor<RawDocumentBuf>,
    server: Arc<Connection>,
    what: &'static str,
}

impl Rows {
    /// The next row, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<&RawDocument>> {
        let advanced = tokio::time::timeout(REQUEST_TIMEOUT, self.cursor.advance()).await;
        let more = match advanced {
            Ok(more) => {
                more.map_err(|error: DriverError| self.server.place.definite(self.what, &error))?
            }
            Err(_) => return Err(self.server.silence(self.what)),
        };
        if !more {
            return Ok(None);
        }
        let row = self.cursor.current();
        self.server.count_received(row.as_bytes().len());
        Ok(Some(row))
    }
}
