//! Races of concurrent writers, which show whether the server checks a condition and writes in one
//! step. A diagnosis runs them.
//!
//! The probe at each opening sends one write after the other. A server that checks first and writes
//! later, without a lock around both, passes the probe, and still lets two writers win one name. So
//! the diagnosis lets writers race for an object of its own, and counts the winners.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use argon_core::{Error, Result};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::s3::bucket::{Bucket, Object, Wanted};
use crate::s3::condition::PutCondition;
use crate::s3::failure::{Failure, Outcome};
use crate::s3::put::{Put, Write};

/// The writers in a race, and the races for each condition.
const WRITERS: usize = 2;
const ROUNDS: usize = 8;

/// The size of a write. A server that checks the condition before the body arrives, and writes after
/// it, has the more time between the two the larger the body is: on s3proxy two writers won in 3 of 25
/// rounds with 16 bytes, and in 22 with this size.
const BYTES: usize = 1_000_000;

/// How long a request that is ready waits for the others.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The results for one condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Races {
    pub(super) rounds: usize,
    /// Rounds in which more than one writer won, or the object is not the winner's.
    pub(super) broken: usize,
}

/// The results of all races.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RaceResults {
    pub(super) absent: Races,
    pub(super) matching: Races,
}

impl Races {
    fn count(&mut self, held: bool) {
        self.rounds += 1;
        self.broken += usize::from(!held);
    }
}

impl RaceResults {
    /// Describes the races.
    ///
    /// # Errors
    /// `Unsupported` if two writers won a race.
    pub(super) fn summary(&self) -> Result<String> {
        let named = [("If-None-Match", self.absent), ("If-Match", self.matching)];
        let broken: Vec<String> = named
            .iter()
            .filter(|(_, races)| races.broken > 0)
            .map(|(name, races)| format!("{} of {} rounds with {name}", races.broken, races.rounds))
            .collect();
        if broken.is_empty() {
            return Ok(format!(
                "of {WRITERS} writers at once one won, in {} rounds with If-None-Match and {} with \
                 If-Match",
                self.absent.rounds, self.matching.rounds
            ));
        }
        Err(Error::unsupported(format!(
            "both of {WRITERS} concurrent writers won, in {}; one of their commits would be lost",
            broken.join(" and ")
        )))
    }
}

/// Lets writers race for an object of this name, which no other writer uses and which is gone
/// afterwards.
///
/// # Errors
/// Those of the server, if the result of a round is unknown.
pub(super) async fn race(bucket: &Bucket, name: &str) -> Result<RaceResults> {
    let results = Race { bucket, name }.rounds().await;
    bucket.delete(name).await?;
    results
}

/// An object that writers race for.
struct Race<'a> {
    bucket: &'a Bucket,
    name: &'a str,
}

impl Race<'_> {
    async fn rounds(&self) -> Result<RaceResults> {
        let mut results = RaceResults::default();
        for number in 0..ROUNDS {
            self.bucket.delete(self.name).await?;
            let (held, mut there) = self.round(PutCondition::Absent).await?;
            results.absent.count(held);
            if number == 0 {
                there = self.overwrite(there).await?;
            }
            let (held, _) = self.round(PutCondition::Match(&there.etag)).await?;
            results.matching.count(held);
        }
        Ok(results)
    }

    /// Returns whether at most one writer won and the object is its write; and the object.
    async fn round(&self, condition: PutCondition<'_>) -> Result<(bool, Object)> {
        let (bucket, what) = (self.bucket, self.bucket.request("put", self.name));
        let contents: Vec<Bytes> = (0..WRITERS).map(|_| self.unique()).collect();
        let gate = Gate::default();
        let writers = contents.iter().map(|content| {
            let request = bucket.put_request(self.name, content, Some(condition)).customize();
            let request = request.interceptor(gate.clone());
            let (mut attempts, what) = (bucket.retry(BYTES as u64), what.clone());
            let runtime = Handle::current();
            // Each has a thread of its own, which the gate may hold.
            spawn_blocking(move || {
                let sent = async {
                    let answer = request.send().boxed().await;
                    answer.map(drop).map_err(|error| Failure::of(&what, &error))
                };
                runtime.block_on(attempts.one(&what, sent))
            })
        });
        let answers = join_all(writers).await;
        let mut won = Vec::new();
        for (content, answer) in contents.iter().zip(answers) {
            match answer {
                Ok(Ok(())) => won.push(content),
                Ok(Err(failure)) => check_lost(failure)?,
                Err(_) => return Err(Error::unavailable("the program ends")),
            }
        }
        let there = self.object().await?;
        let held = match won.as_slice() {
            // The server may refuse all of them for now.
            [] => true,
            [winner] => there.bytes == **winner,
            _ => false,
        };
        Ok((held, there))
    }

    /// Overwrites the object alone, on condition of its `ETag`: so the form of `ETag` that the server
    /// takes is known before writers race.
    async fn overwrite(&self, there: Object) -> Result<Object> {
        let bytes = self.unique();
        let write = Write::new(self.name, &bytes, PutCondition::Match(&there.etag));
        match write.put(self.bucket).await? {
            Put::Done(_) => self.object().await,
            Put::Lost => Err(Error::unsupported(format!(
                "the server refuses a condition that holds ({})",
                self.bucket.request("put", self.name)
            ))),
        }
    }

    /// The object; written first if all writers lost.
    async fn object(&self) -> Result<Object> {
        let wanted = Wanted::Whole(BYTES as u64);
        if let Some(found) = self.bucket.get(self.name, wanted.clone()).await? {
            return Ok(found);
        }
        self.bucket.put_always(self.name, &self.unique()).await?;
        self.bucket.get(self.name, wanted).await?.ok_or_else(|| {
            Error::corrupt(format!(
                "an object that was just written is missing ({})",
                self.bucket.request("get", self.name)
            ))
        })
    }

    /// Content that no other write has.
    fn unique(&self) -> Bytes {
        let random: [u8; 16] = self.bucket.environment.random();
        random.repeat(BYTES / random.len()).into()
    }
}

/// Holds requests that are ready to be sent until all are: a signature takes longer than a server needs
/// to check and write.
#[derive(Debug, Clone, Default)]
struct Gate(Arc<(Mutex<usize>, Condvar)>);

#[dyn_dispatch_hint]
impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "Gate"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let (ready, changed) = &*self.0;
        let mut ready = ready.lock().unwrap_or_else(PoisonError::into_inner);
        *ready += 1;
        changed.notify_all();
        // One that failed is never ready, so the wait is bounded.
        let opened = changed.wait_timeout_while(ready, LONGEST_WAIT, |ready| *ready < WRITERS);
        drop(opened);
        Ok(())
    }
}

/// Accepts the answers that a writer may get that lost.
fn check_lost(failure: Failure) -> Result<()> {
    match failure.outcome {
        Outcome::Condition | Outcome::Missing | Outcome::Failed | Outcome::Busy => Ok(()),
        Outcome::Refused | Outcome::Silent => Err(failure.error),
    }
}
