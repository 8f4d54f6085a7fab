//! A branch whose writers wait.

use std::sync::Arc;

use crate::Result;
use crate::engine::write::committer::{HeldTimeline, Submitted};
use crate::engine::write::{Outcome, WriteRequest};
use crate::model::TimelineId;
use crate::store::Branch;
use crate::store::records::BranchRecord;

/// A branch to which the other writers of this process commit nothing as long as this exists: for the last step of
/// an operation that a busy writer would outrun again and again.
pub(super) struct HeldBranch<'b> {
    branch: &'b Branch,
    record: Arc<BranchRecord>,
    timeline: HeldTimeline,
}

impl Branch {
    /// Lets the other writers of this process wait until the result is dropped. Hold it for a short time.
    ///
    /// # Errors
    /// `Denied` if the branch takes no commits.
    pub(super) async fn hold(&self) -> Result<HeldBranch<'_>> {
        let (record, committer) = self.committer().await?;
        Ok(HeldBranch { branch: self, record, timeline: committer.hold().await })
    }
}

impl HeldBranch<'_> {
    /// Whether this timeline is the one that is held.
    pub(super) fn is_on(&self, timeline: TimelineId) -> bool {
        self.record.timeline == timeline
    }

    /// Commits a request before those that wait; `None` if the branch has moved to another timeline.
    pub(super) async fn commit(&self, request: WriteRequest) -> Result<Option<Outcome>> {
        match self.timeline.commit(request, self.record.base_head()).await? {
            Submitted::Outcome(outcome) => Ok(Some(outcome)),
            Submitted::Sealed(_) => {
                self.branch.follow(&self.record).await?;
                Ok(None)
            }
        }
    }
}
