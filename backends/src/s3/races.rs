//! Whether conditions hold among writers that come at once, for `argon doctor`.
//!
//! The probe at each opening sends one write after the other. A server that looks first and writes
//! afterwards, without a lock around both, passes that, and still lets two writers win that race for
//! one name. So the doctor lets writers race for an object of its own, and counts the winners.

use argon_core::{Error, Result};
use bytes::Bytes;
use futures::future::join_all;

use crate::s3::bucket::{Bucket, Object, Wanted};
use crate::s3::failure::{Failure, Outcome};
use crate::s3::put::{Condition, Put, Verdict, Write};

/// How many writers race, and how often for each condition. A server that lets two win in one round of
/// four comes through so many once in a hundred.
const WRITERS: usize = 8;
const ROUNDS: usize = 16;

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
            "of {WRITERS} writers at once more than one was told that it won, in {}; what the others \
             wrote would be lost",
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
            let (held, mut there) = self.round(name, Condition::Absent).await?;
            raced.absent.count(held);
            if number == 0 {
                there = self.overwrite(name, there).await?;
            }
            let (held, _) = self.round(name, Condition::Match(&there.etag)).await?;
            raced.matching.count(held);
        }
        Ok(raced)
    }

    /// Whether at most one writer won, and what is there is its write; and what is there.
    async fn round(&self, name: &str, condition: Condition<'_>) -> Result<(bool, Object)> {
        let what = self.request("put", name);
        let contents: Vec<Bytes> = (0..WRITERS).map(|_| self.unique()).collect();
        let writes = contents.iter().map(|content| async {
            let mut attempts = self.attempts(0);
            attempts.one(&what, self.put_once(&what, name, content, Some(condition))).await
        });
        let answers = join_all(writes).await;
        let mut won = Vec::new();
        for (content, answer) in contents.iter().zip(answers) {
            match answer {
                Ok(_) => won.push(content),
                Err(failure) => is_loss(failure)?,
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
        let judge = |found: Option<&Object>| match found {
            Some(found) if found.bytes == bytes => Verdict::Ours,
            Some(found) if found.etag == there.etag => Verdict::Unchanged,
            _ => Verdict::Theirs,
        };
        let condition = Condition::Match(&there.etag);
        let write = Write { name, bytes: &bytes, condition, judge: &judge, may_send: &|| true };
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
        if let Some(found) = self.get(name, Wanted::Whole(0)).await? {
            return Ok(found);
        }
        self.put_always(name, &self.unique()).await?;
        self.get(name, Wanted::Whole(0)).await?.ok_or_else(|| {
            Error::corrupt(format!(
                "an object is not there that was just written ({})",
                self.request("get", name)
            ))
        })
    }

    /// Content that no other write has.
    fn unique(&self) -> Bytes {
        let random: [u8; 16] = self.environment.random();
        Bytes::copy_from_slice(&random)
    }
}

/// An answer that a writer may get who was beaten.
fn is_loss(failure: Failure) -> Result<()> {
    match failure.outcome {
        Outcome::Condition | Outcome::Missing | Outcome::Failed | Outcome::Busy => Ok(()),
        Outcome::Refused | Outcome::Silent => Err(failure.error),
    }
}
