//! The network that a store is on.

use std::iter::Sum;

use async_trait::async_trait;
use bson::DateTime;

use crate::Result;

/// The network between this process and a store. A store on this machine has none.
#[async_trait]
pub trait Network: Send + Sync {
    /// The traffic since the store was opened.
    fn traffic(&self) -> Traffic;

    /// Asks the servers that the store is on for their clocks and certificates, and passes the
    /// clocks to [`Environment::heed`](crate::Environment::heed).
    ///
    /// # Errors
    /// `Unavailable` if a server does not answer. A server without a certificate is no error.
    async fn servers(&self) -> Result<Vec<ServerFacts>>;
}

/// Requests and bytes over the network since a store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent; a repeated request counts each time.
    pub requests: u64,
    /// Requests that repeated a failed one.
    pub retries: u64,
    /// Bytes of content sent, without the protocol's own.
    pub sent: u64,
    /// Bytes of content received.
    pub received: u64,
}

impl Sum for Traffic {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| Self {
            requests: sum.requests + part.requests,
            retries: sum.retries + part.retries,
            sent: sum.sent + part.sent,
            received: sum.received + part.received,
        })
    }
}

/// The clock and the certificate of a server that a store is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its host and port.
    pub address: String,
    /// The least number of milliseconds by which its clock is ahead of this machine's, given the
    /// duration of the request; negative if it is behind; `None` if the server does not show a
    /// clock.
    pub clock_ahead: Option<i64>,
    /// Its certificate.
    pub certificate: Certificate,
}

/// The certificate of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// The connection is not encrypted.
    NotUsed,
    /// The first end of validity in its chain.
    Ends(DateTime),
    /// The server did not show one, for this reason.
    Unknown(String),
}

impl ServerFacts {
    /// Returns the least difference between two clocks, in milliseconds: the server's showed a time
    /// from `earliest` to `latest` while this machine's went from `asked` to `answered`.
    pub fn ahead((earliest, latest): (i64, i64), (asked, answered): (i64, i64)) -> i64 {
        match (earliest.saturating_sub(answered), latest.saturating_sub(asked)) {
            (least, _) if least > 0 => least,
            (_, most) if most < 0 => most,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_what_the_duration_of_the_request_does_not_explain() {
        for (shown, between, ahead) in [
            ((100, 100), (90, 110), 0),
            ((130, 130), (90, 110), 20),
            ((60, 60), (90, 110), -30),
            // A clock that shows whole seconds.
            ((1000, 1999), (1990, 2100), 0),
            ((1000, 1999), (2100, 2200), -101),
            ((3000, 3999), (2100, 2200), 800),
        ] {
            assert_eq!(ServerFacts::ahead(shown, between), ahead, "{shown:?} {between:?}");
        }
    }
}
