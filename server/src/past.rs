//! Past states that were read: to find one takes refs and the catalog, which a client that reads one state again
//! and again need not repeat.
//!
//! Only states that a name gives by their position are kept, such as that of `shop:try@1234`. That is the same
//! state as long as the history of its branch has it. It is remembered for a minute, so that garbage collection
//! keeps it as long.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon_core::{Branch, State};
use tokio::time::Instant;

/// How long a state is remembered after it was read.
const REMEMBERED: Duration = Duration::from_mins(1);
/// How long a number is taken for a position of the default branch: another process may give a branch that name.
const NUMBER: Duration = Duration::from_secs(3);
/// The most states that are remembered.
const MOST: usize = 100;

/// The states by the names of databases.
#[derive(Default)]
pub(crate) struct PastStates {
    known: Mutex<HashMap<String, PastState>>,
}

/// A state of a branch.
#[derive(Clone)]
pub(crate) struct PastState {
    pub(crate) branch: Branch,
    pub(crate) state: State,
    /// Whether the name has no branch, but a number alone.
    is_number: bool,
    found: Instant,
    used: Instant,
}

impl PastState {
    pub(crate) fn new(branch: Branch, state: State, is_number: bool) -> Self {
        let now = Instant::now();
        Self { branch, state, is_number, found: now, used: now }
    }

    /// Whether the name still means this state.
    async fn is_valid(&self) -> bool {
        if self.is_number && self.found.elapsed() > NUMBER {
            return false;
        }
        let head = self.branch.head().await;
        head.is_ok_and(|head| head.view().at(self.state.lsn()) == *self.state.view())
    }
}

impl PastStates {
    /// The state that was found by this name, if it still means that.
    pub(crate) async fn get(&self, database: &str) -> Option<PastState> {
        let found = {
            let mut known = self.known();
            let found = known.get_mut(database)?;
            found.used = Instant::now();
            found.clone()
        };
        if found.is_valid().await {
            return Some(found);
        }
        self.known().remove(database);
        None
    }

    /// Remembers a state.
    pub(crate) fn keep(&self, database: &str, found: PastState) {
        let mut known = self.known();
        if known.len() >= MOST {
            let oldest = known.iter().min_by_key(|(_, found)| found.used);
            let oldest = oldest.map(|(name, _)| name.clone());
            oldest.map(|name| known.remove(&name));
        }
        known.insert(database.to_owned(), found);
    }

    /// Forgets those that were not read for long.
    pub(crate) fn expire(&self) {
        self.known().retain(|_, found| found.used.elapsed() < REMEMBERED);
    }

    /// Forgets all: names may mean others now.
    pub(crate) fn clear(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, PastState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
