//! Whether conditions hold among writers that come at once, for a diagnosis.
//!
//! The probe at each opening sends one write after the other. A server that looks first and writes
//! afterwards, without a lock around both, passes that, and still lets two writers win that race for
//! one name. So the doctor lets writers race for an object of its own, and counts the winners.

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
use crate::s3::failure::{Failure, Outcome};
use crate::s3::put::{Put, PutCondition, Write, WriteResolution};

/// How many writers race, and how often for each condition.
const WRITERS: usize = 2;
const ROUNDS: usize = 8;

/// What each writes. A server that looks at the condition before the body comes, and writes after it, has
/// the more time between the two the larger the body is: on s3proxy two won in 3 of 25 rounds with
/// 16 bytes, and in 22 with these.
const BYTES: usize = 1_000_000;

/// How long a request that is ready is held for the others.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What the races for one condition showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Races {
    pub(super) rounds: usize,
    /// Rounds in which more than one writer was told that it won, or another write is there than the
    /// winner's.
    pub(super) broken: usize,
}

/// What the races showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Raced {
    pub(super) absent: Races,
    pub(super) matching: Races,
}

impl Races {
    fn count(&mut self, held: bool) {
        self.rounds += 1;
        self.broken += usize::from(!held);
    }
}

impl Raced {
    /// What held, or the error that says what did not.
    ///
    /// # Errors
    /// `Unsupported` if two writers won a race.
    pub(super) fn verdict(&self) -> Result<String> {
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
            "both of {WRITERS} writers at once were told that they won, in {}; what one of them wrote \
             would be lost",
            broken.join(" and ")
        )))
    }
}

impl Bucket {
    /// Lets writers race for an object of this name, which nobody has and which is not there
    /// afterwards.
    ///
    /// # Errors
    /// Those of the server, if a round can't be told from one that was not tried.
    pub(super) async fn race(&self, name: &str) -> Result<Raced> {
        let raced = self.rounds(name).await;
        self.delete(name).await?;
        raced
    }

    async fn rounds(&self, name: &str) -> Result<Raced> {
        let mut raced = Raced::default();
        for number in 0..ROUNDS {
            self.delete(name).await?;
            let (held, mut there) = self.round(name, PutCondition::Absent).await?;
            raced.absent.count(held);
            if number == 0 {
                there = self.overwrite(name, there).await?;
            }
            let (held, _) = self.round(name, PutCondition::Match(&there.etag)).await?;
            raced.matching.count(held);
        }
        Ok(raced)
    }

    /// Whether at most one writer won, and what is there is its write; and what is there.
    async fn round(&self, name: &str, condition: PutCondition<'_>) -> Result<(bool, Object)> {
        let what = self.request("put", name);
        let contents: Vec<Bytes> = (0..WRITERS).map(|_| self.unique()).collect();
        let gate = Gate::default();
        let writers = contents.iter().map(|content| {
            let request = self.put_request(name, content, Some(condition)).customize();
            let request = request.interceptor(gate.clone());
            let (mut attempts, what) = (self.attempts(BYTES as u64), what.clone());
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
                Ok(Err(failure)) => is_loss(failure)?,
                Err(_) => return Err(Error::unavailable("the program ends")),
            }
        }
        let there = self.there(name).await?;
        let held = match won.as_slice() {
            // All of them may be told to try again.
            [] => true,
            [winner] => there.bytes == **winner,
            _ => false,
        };
        Ok((held, there))
    }

    /// Writes over what is there on condition that it is there, alone: whatever form of `ETag` the
    /// server takes is known then.
    async fn overwrite(&self, name: &str, there: Object) -> Result<Object> {
        let bytes = self.unique();
        let resolve_ambiguous = |found: Option<&Object>| match found {
            Some(found) if found.bytes == bytes => WriteResolution::Ours,
            Some(found) if found.etag == there.etag => WriteResolution::Unchanged,
            _ => WriteResolution::Theirs,
        };
        let condition = PutCondition::Match(&there.etag);
        let write = Write {
            name,
            bytes: &bytes,
            condition,
            resolve_ambiguous: &resolve_ambiguous,
            may_send: &|| true,
        };
        match self.put(&write).await? {
            Put::Done(_) => self.there(name).await,
            Put::Lost => Err(Error::unsupported(format!(
                "the server refuses a condition that holds ({})",
                self.request("put", name)
            ))),
        }
    }

    /// What is there; written first if all who raced for it lost.
    async fn there(&self, name: &str) -> Result<Object> {
        let wanted = Wanted::Whole(BYTES as u64);
        if let Some(found) = self.get(name, wanted.clone()).await? {
            return Ok(found);
        }
        self.put_always(name, &self.unique()).await?;
        self.get(name, wanted).await?.ok_or_else(|| {
            Error::corrupt(format!(
                "an object is not there that was just written ({})",
                self.request("get", name)
            ))
        })
    }

    /// Content that no other write has.
    fn unique(&self) -> Bytes {
        let random: [u8; 16] = self.environment.random();
        random.repeat(BYTES / random.len()).into()
    }
}

/// Holds requests that are ready to be sent until all are: signing one takes longer than a server needs
/// to look and write.
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
        // One that is never ready, because it failed, is not waited for for long.
        let opened = changed.wait_timeout_while(ready, LONGEST_WAIT, |ready| *ready < WRITERS);
        drop(opened);
        Ok(())
    }
}

/// An answer that a writer may get who was beaten.
fn is_loss(failure: Failure) -> Result<()> {
    match failure.outcome {
        Outcome::Condition | Outcome::Missing | Outcome::Failed | Outcome::Busy => Ok(()),
        Outcome::Refused | Outcome::Silent => Err(failure.error),
    }
}
