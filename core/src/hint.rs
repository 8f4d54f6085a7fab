//! What can be done about an error, in the model's words: each front end renders it in its own.

/// What can be done about an [`Error`](crate::Error).
///
/// It names an operation and what the operation needs, never a command: a front end renders it, and leaves out
/// one that it does not know or does not offer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Check the whole store ([`fsck`](crate::fsck)), and write nothing until then.
    CheckStore,
    /// Look into the log whether the write happened, before it is tried again.
    CheckLog,
    /// Create a store.
    CreateStore {
        /// The URL of the store, without credentials; absent if the store that was asked for is meant.
        url: Option<String>,
    },
    /// Look at what the store needs, one thing after the other
    /// ([`Factory::diagnose`](crate::storage::Factory::diagnose)).
    Diagnose,
    /// Make the branch writable, or make a branch from it.
    AllowWrites {
        /// The read-only branch.
        branch: String,
    },
    /// End the protection of the branch.
    Unprotect {
        /// The protected branch.
        branch: String,
    },
    /// Extend the lease of the sandbox.
    ExtendSandbox {
        /// The branch of the sandbox.
        branch: String,
    },
    /// Delete the branch, which no lease ends.
    DeleteBranch {
        /// The branch.
        branch: String,
    },
    /// List the saved plans of the project.
    ListPlans,
    /// Look into the reflog when the branch existed.
    ShowReflog {
        /// The branch.
        branch: String,
    },
    /// Look into the log and the reflog which states are retained.
    ListRetainedStates,
    /// Restore a state that is retained.
    RestoreState,
    /// Export the documents of a state.
    ExportState,
    /// Generate a key that signs pins.
    GenerateKey,
    /// List the jobs of the queue.
    ListJobs,
    /// Try a job again that was given up.
    RetryJob {
        /// The identifier of the job.
        id: String,
    },
    /// Make room on the disk, then try again.
    FreeSpace,
    /// Make some room on the disk, then rewrite the files of the store without what is not needed any more.
    CompactStore,
    /// Report a defect of Argon.
    ReportDefect,
}
