//! Comparing a store with its model after garbage was collected.

use argon_core::model::Lsn;
use argon_core::{ErrorKind, log};
use bson::DateTime;
use futures::TryStreamExt;

use crate::semantics::Machine;

impl Machine {
    /// The times of the commits of each branch, as the store has them; they must be there still.
    pub(crate) async fn times(&self) -> Vec<(String, Vec<DateTime>)> {
        let mut all = Vec::new();
        for name in self.branches.keys() {
            let head = self.branch(name).await.head().await.unwrap();
            let headers: Vec<_> = log::headers(&head).try_collect().await.unwrap();
            all.push((name.clone(), headers.iter().rev().map(|commit| commit.meta.time).collect()));
        }
        all
    }

    /// Compares every state of every branch that is still kept; those that must be are the heads, and
    /// the states after which the next commit is later than `cutoff`. Gives how many were refused.
    pub(crate) async fn compare_kept(
        &self,
        times: &[(String, Vec<DateTime>)],
        cutoff: DateTime,
    ) -> u64 {
        let mut refused = 0;
        for (name, times) in times {
            let branch = self.branch(name).await;
            for (lsn, entry) in self.branches[name].iter().enumerate() {
                match branch.at(Lsn::new(lsn as u64)).await {
                    Ok(state) => self.compare_state(&state, entry).await,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
                        let next = times.get(lsn).expect("a head is kept");
                        assert!(*next <= cutoff, "{name}@{lsn} must be kept: {error}");
                        refused += 1;
                    }
                }
            }
        }
        refused
    }

    /// The same store, read from log and snapshots alone.
    pub(crate) async fn without_index(&mut self) {
        self.backend.materialize = None;
        self.project = self.place.project_again(self.backend.clone()).await;
    }

    /// Sets the clock to so many milliseconds after its start.
    pub(crate) fn set_clock(&self, millis: i64) {
        self.place.clock.set(millis);
    }
}
