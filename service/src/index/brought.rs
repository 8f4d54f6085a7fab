//! Indexes whose definitions a commit brought, such as that of a merge.

use argon_core::model::Lsn;
use argon_core::{Branch, BroughtIndex};

use super::BuiltIndex;

/// The most documents of a collection whose entries are made right after a commit: about a second's work.
const MOST_DOCUMENTS: usize = 20_000;

/// Makes the entries of the indexes that came after a state, or of all, if that is quick; returns the
/// indexes that had none. The commit is made already, so a failure here is not one of it: what is not built
/// stays so.
pub(crate) async fn build_brought(branch: &Branch, since: Option<Lsn>) -> Vec<BuiltIndex> {
    match branch.build_brought_indexes(since, MOST_DOCUMENTS).await {
        Ok(found) => found.into_iter().map(BuiltIndex::from).collect(),
        Err(error) => {
            tracing::debug!(%error, "the indexes of a commit could not be looked at");
            Vec::new()
        }
    }
}

/// The state before a commit, which the definitions of the commit are compared with.
pub(crate) fn before(lsn: Lsn) -> Option<Lsn> {
    lsn.get().checked_sub(1).map(Lsn::new)
}

impl From<BroughtIndex> for BuiltIndex {
    fn from(BroughtIndex { collection, index, unbuilt }: BroughtIndex) -> Self {
        Self { collection, index, unbuilt }
    }
}
