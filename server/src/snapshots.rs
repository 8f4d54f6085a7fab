//! States at times of the server, which snapshot sessions read.
//!
//! The state of a branch at a time is that after its last commit that is not later: the log says when
//! commits were made, so the state is found by the time alone, after a restart of the server too. It is
//! remembered for some minutes, so that it stays the same, and garbage collection keeps it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::model::{BranchName, Lsn, ProjectName};
use argon_core::{Branch, Environment, ErrorKind, State};
use bson::{DateTime, Timestamp};
use tokio::time::Instant;

use crate::clock::{ClusterClock, moment, timestamp};
use crate::failure::{CommandError, Result};

/// How long a state is remembered after it was read, as MongoDB does.
const REMEMBERED: Duration = Duration::from_mins(5);
/// The most states that are remembered.
const MOST: usize = 1000;

/// A branch at a time: its project, its name, seconds and counter.
type Key = (ProjectName, BranchName, u32, u32);

/// The states that were read.
#[derive(Default)]
pub(crate) struct Snapshots {
    known: Mutex<HashMap<Key, (State, Instant)>>,
}

impl Snapshots {
    /// A time that divides the commits: those that were acknowledged are not later, those that begin
    /// after this returns are. It is not before `head`, the last commit of a branch, whose time is that
    /// of another clock if it was copied. Takes up to two milliseconds.
    pub(crate) async fn now(
        clock: &ClusterClock,
        environment: &Environment,
        head: Option<DateTime>,
    ) -> Timestamp {
        if let Some(head) = head {
            clock.reach(timestamp(head, 0));
        }
        let time = clock.tick(environment);
        // Commits have the time in milliseconds.
        for _ in 0..5 {
            if environment.now() > moment(time) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        time
    }

    /// The state of a branch at a time; the empty state before its first commit.
    ///
    /// # Errors
    /// `SnapshotTooOld` if it was collected.
    pub(crate) async fn state(&self, branch: &Branch, time: Timestamp) -> Result<State> {
        let (project, name) = (branch.project().name().clone(), branch.name().clone());
        let key = (project, name, time.time, time.increment);
        if let Some((state, used)) = self.known().get_mut(&key) {
            *used = Instant::now();
            return Ok(state.clone());
        }
        let found = find(branch, time).await?;
        let mut known = self.known();
        if known.len() >= MOST {
            let oldest = known.iter().min_by_key(|(_, (_, used))| *used);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.map(|key| known.remove(&key));
        }
        // Another command may have found it meanwhile.
        let (state, _) = known.entry(key).or_insert_with(|| (found, Instant::now()));
        Ok(state.clone())
    }

    /// Forgets those that were not read for long.
    pub(crate) fn expire(&self) {
        self.known().retain(|_, (_, used)| used.elapsed() < REMEMBERED);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, (State, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn find(branch: &Branch, time: Timestamp) -> Result<State> {
    let error = match branch.at_time(moment(time)).await {
        Ok(state) => return Ok(state),
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        Err(error) => return Err(error.into()),
    };
    let head = branch.head().await?;
    if argon_core::log::kept_from(&head).await? == Lsn::ZERO {
        // Its first commit is later.
        return Ok(branch.at(Lsn::ZERO).await?);
    }
    Err(CommandError::new(239, format!("the snapshot at {time} is not available: {error}")))
}
