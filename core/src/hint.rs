//! Advice about an error, in terms of the model; each front end renders it in its own words.

/// Advice about an [`Error`](crate::Error).
///
/// A hint names an operation and its arguments, never a command. A front end renders it, and omits
/// a hint that it does not know or offer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Check the whole store ([`fsck`](crate::fsck)), and don't write to it before.
    CheckStore,
    /// Check in the log whether the write happened before you retry.
    CheckLog,
    /// Create a store.
    CreateStore {
        /// The URL of the store, without credentials; absent for the store that was requested.
        url: Option<String>,
    },
    /// Close the store in the process that has it open, or wait longer for it.
    WaitForStore,
    /// Diagnose the requirements of the store one by one
    /// ([`Factory::diagnose`](crate::storage::Factory::diagnose)).
    Diagnose,
    /// Make the branch writable, or create a branch from it.
    AllowWrites {
        /// The read-only branch.
        branch: String,
    },
    /// Remove the protection of the branch.
    Unprotect {
        /// The protected branch.
        branch: String,
    },
    /// Extend the lease of the sandbox.
    ExtendSandbox {
        /// The branch of the sandbox.
        branch: String,
    },
    /// Delete the branch, which has no lease.
    DeleteBranch {
        /// The branch.
        branch: String,
    },
    /// List the saved plans of the project.
    ListPlans,
    /// Find in the reflog when the branch existed.
    ShowReflog {
        /// The branch.
        branch: String,
    },
    /// Find in the log and the reflog which states are retained.
    ListRetainedStates,
    /// Restore a retained state.
    RestoreState,
    /// Export the documents of a state.
    ExportState,
    /// Generate a key that signs pins.
    GenerateKey,
    /// List the jobs of the queue.
    ListJobs,
    /// Retry a job that was given up.
    RetryJob {
        /// The identifier of the job.
        id: String,
    },
    /// Free disk space, then retry.
    FreeSpace,
    /// Free some disk space, then compact the store.
    CompactStore,
    /// Report a defect of Argon.
    ReportDefect,
    /// Create a store, or name another.
    ChooseStore,
    /// Remove the file that names the current project, and choose a project again.
    ChooseProjectAgain,
    /// Create the project.
    CreateProject {
        /// Its name.
        project: String,
    },
    /// Choose one of these projects; create one if the list is empty.
    ChooseProject {
        /// The projects of the store.
        known: Vec<String>,
    },
    /// Make the existing project the current one.
    UseProject {
        /// Its name.
        project: String,
    },
    /// List the deleted projects.
    ListDeletedProjects,
    /// Choose another name.
    ChooseNewName,
    /// Name project and branch in each request, since the current ones can't be stored.
    NameProjectAndBranch,
    /// Create the branch, or choose another.
    CreateBranch {
        /// Its name.
        branch: String,
    },
    /// Make the existing branch the current one.
    SwitchBranch {
        /// Its name.
        branch: String,
    },
    /// List the branches of the project.
    ListBranches,
    /// Make another branch the current one first.
    LeaveBranch,
    /// Choose another branch, since the sandbox may have ended.
    SandboxEnded {
        /// The first branch of every project.
        first: String,
    },
    /// Create a branch without an end instead of a sandbox.
    BranchWithoutEnd,
    /// Create a new masked branch, since an existing branch gets no mask.
    MaskNewBranch,
    /// Read the pin of this name, or create a branch from it.
    UsePin {
        /// Its name.
        pin: String,
    },
    /// List the commits of the branch, or choose another branch.
    ListCommits {
        /// The branch.
        branch: String,
    },
    /// Create a snapshot.
    CreateSnapshot,
    /// List all settings.
    ListSettings,
    /// Set the setting.
    SetSetting {
        /// Its key.
        key: String,
    },
    /// Change the settings of the user instead of those of the store.
    UseUserSettings,
    /// Move the setting to the user's file, where operations write it.
    MoveToUserSettings,
    /// Give the store a name by the operation for that.
    AddStoreName,
    /// Remove the name of a store first.
    RemoveStoreName {
        /// The name.
        name: String,
    },
    /// Set the clock; if it is right, repeat the request and say so.
    TrustClock,
    /// Start more workers, or run some now.
    AddWorkers,
    /// Run workers; list the jobs that wait.
    RunWorkers,
    /// List the jobs that were given up, and retry them.
    RetryJobs,
    /// Make room; garbage collection and compaction need some themselves.
    ReclaimSpace,
    /// Choose a format for a file only, not for a directory.
    FormatOfDirectory,
    /// Choose a database of a dump only, not of a file.
    DatabaseOfFile,
    /// Choose collections by patterns of a dump only, not of a file.
    PatternsOfFile,
    /// Name the collection, since the input has no name that is valid for one.
    NameCollection,
    /// Leave out the bad files of a dump, or this one, or import one collection.
    BadFiles {
        /// The number of further bad files.
        more: usize,
        /// A pattern for the collection of the first one alone.
        pattern: String,
    },
    /// Keep the definitions of the existing collection, or take those of the dump.
    DefinitionsDiffer,
    /// Continue the import by skipping the documents that are committed already.
    ImportContinues,
    /// Continue likewise, or leave out bad documents.
    BadDocument,
    /// Continue likewise, or replace the existing documents.
    DuplicateImported,
    /// Skip the existing documents, or replace them.
    DuplicateRehearsed,
    /// Continue the replacement by repeating it.
    ReplacementContinues,
    /// Choose one of these collections.
    ChooseCollection {
        /// The collections of the state.
        known: Vec<String>,
    },
    /// Name the existing store in the directory instead of creating one.
    LinkExistingStore,
    /// Name the store on this machine in each request.
    NameLocalStore,
    /// Remove the link to a store to create another one in its place.
    RemoveStoreLink,
    /// Write more than a commit may hold by several commits.
    SplitCommit,
    /// Export BSON, which JSON can't express; or accept changed documents.
    ExportBson,
    /// Choose another name, or overwrite the file.
    Overwrite,
    /// Name two states, such as the head of the branch and the state before it.
    NameTwoStates {
        /// The branch.
        branch: String,
    },
    /// Name two states, since the branch was made from a branch that is gone.
    ParentGone {
        /// The branch.
        branch: String,
        /// The branch that is gone.
        parent: String,
    },
    /// Nothing was applied.
    NothingApplied,
    /// Repair the documents, or change the decisions; nothing was applied.
    RepairDocuments,
    /// Allow rules that can't be checked; nothing was applied.
    AllowUnchecked,
    /// Try the request again; nothing was applied.
    TryAgain,
    /// Rebase the plan on the present head, which keeps its decisions.
    RebasePlan,
    /// Allow the hooks of the plan; nothing was applied.
    AllowHooks,
    /// Apply the plan, which has no conflict left.
    ApplyPlan {
        /// The identifier of the plan.
        id: String,
    },
    /// Decide about the conflicts of these documents or collections.
    ConflictsIn {
        /// Some of them, such as `users 1`.
        places: Vec<String>,
        /// Whether there are more.
        more: bool,
    },
    /// Look at the decisions of the plan, which somebody else has changed.
    PlanChanged {
        /// The identifier of the plan.
        id: String,
    },
    /// Preview the reset again, since somebody else has moved the branch.
    BranchMoved,
}
