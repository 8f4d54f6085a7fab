//! What a server shows of itself: its clock and its certificate.

use argon_core::Result;
use argon_core::storage::{Certificate, Network, ServerFacts, Traffic};
use async_trait::async_trait;
use bson::DateTime;

use crate::s3::bucket::Bucket;
use crate::s3::traffic::Server;
use crate::tls;

/// Returns by how many milliseconds the server's clock is ahead, as its last answer shows, which was
/// given after `asked`. The environment takes note of it.
pub(super) fn heed_clock(bucket: &Bucket, asked: DateTime) -> Option<i64> {
    let answered = bucket.environment.clock_time().timestamp_millis();
    let first = bucket.meter.server_time()?.saturating_mul(1000);
    let shown = (first, first.saturating_add(999));
    let ahead = ServerFacts::ahead(shown, (asked.timestamp_millis(), answered));
    crate::system::heed(&bucket.environment, ahead);
    Some(ahead)
}

#[async_trait]
impl Network for Bucket {
    fn traffic(&self) -> Traffic {
        self.meter.traffic()
    }

    /// The clock of the server shows whole seconds.
    async fn servers(&self) -> Result<Vec<ServerFacts>> {
        let asked = self.environment.clock_time();
        self.list("", None, 1).await?;
        let clock_ahead = heed_clock(self, asked);
        let Some(Server { host, port, encrypted }) = self.meter.server() else {
            return Ok(Vec::new());
        };
        let certificate =
            if encrypted { tls::certificate(&host, port).await } else { Certificate::NotUsed };
        Ok(vec![ServerFacts { address: format!("{host}:{port}"), clock_ahead, certificate }])
    }
}
