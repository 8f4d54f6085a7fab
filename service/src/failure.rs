//! Why an operation does not end well, and what may be done about it.

use std::error::Error as _;
use std::io;

use argon_core::model::{BranchName, CollectionName, ProjectName};
use argon_core::{Error, ErrorKind};
use argon_formats::{FormatError, InvalidDocument};

/// Why an operation does not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// An error, and what the user may do about it.
    Error {
        /// The error.
        error: Error,
        /// What to do, for the front end to say.
        hint: Option<Hint>,
    },
    /// A file or a dump can't be read or written.
    Format {
        /// What is wrong with it.
        error: Box<FormatError>,
        /// What to do, for the front end to say.
        hint: Option<Hint>,
    },
    /// What the caller gave to be written to does not take it; what was done is done.
    Output(io::Error),
    /// The caller wanted it to end, and it has tidied up.
    Interrupted,
}

/// What an operation comes to.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// What may be done about an error. A front end says it in its own words: a command, a status of
/// HTTP, a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// No store was found: make one, or name another.
    NoStore,
    /// Instead of correcting the file with what is current, remove it and choose a project again.
    ChooseProjectAgain,
    /// All settings can be listed.
    ListSettings,
    /// A store is given a name by an operation of its own.
    NameStore,
    /// The setting belongs in the user's file.
    UserLevel,
    /// The setting belongs in the user's file, where operations write it.
    UserLevelInFile,
    /// A format is of one file, not of a directory.
    FormatOfDirectory,
    /// A database is chosen from a dump, not from a file.
    DatabaseOfFile,
    /// Collections are chosen by patterns from a dump, not from a file.
    PatternsOfFile,
    /// What is read has no name; the caller can name the collection.
    NameCollectionOfInput,
    /// The file's name is no collection's; the caller can name it.
    NameCollection,
    /// Files of a dump can't be loaded: leave out such files, or this one, or take one collection.
    BadFiles {
        /// How many more there are.
        more: usize,
        /// The pattern that means the collection of the first one alone.
        pattern: String,
    },
    /// A collection is there with other definitions: keep them, or take those of the dump.
    DefinitionsDiffer,
    /// What was committed stays; an import that skips what is there continues from there.
    ImportContinues,
    /// The same, or bad documents are left out.
    BadDocument,
    /// The same, or new documents replace those that are there.
    DuplicateImported,
    /// An import can skip documents that are there, or replace them.
    DuplicateRehearsed,
    /// What was committed stays; the same replacement continues from there.
    ReplacementContinues,
    /// Several collections are there; one of these is to be chosen.
    ChooseCollection(Vec<CollectionName>),
    /// `.argon` can name the store that exists.
    LinkExistingStore,
    /// A store on this machine is named in each request.
    NameLocalStore,
    /// `.argon` can be removed to create another store here.
    RemoveStoreLink,
    /// More than a commit may hold can be written by several commits.
    SplitCommit,
    /// BSON has what JSON can't express; or the document may become another.
    ExportBson,
    /// Another name can be chosen, or what is there be written over.
    WriteOver,
    /// The commits of this branch can be listed, and another branch be meant.
    CommitsOf(BranchName),
    /// The project can be made.
    MakeProject(ProjectName),
    /// One of these projects can be chosen; if there are none, one can be made.
    ChooseProject(Vec<ProjectName>),
    /// What is current can't be kept; each operation can be given project and branch.
    NameProject,
    /// The branch can be made, or another be chosen.
    MakeBranch(BranchName),
    /// The sandbox's time may be over; another branch can be chosen, such as the first.
    SandboxOver {
        /// The branch that every project has at first.
        first: BranchName,
    },
    /// The project that is there can be made the current one.
    UseProject(ProjectName),
    /// Deleted projects can be listed.
    ListDeletedProjects,
    /// Another name can be given.
    NewName,
    /// The pin of this name can be read, or a branch be made of it.
    UsePin(BranchName),
    /// The branch of this name can be made the current one.
    UseBranch(BranchName),
    /// A branch that is there gets no mask.
    NoMaskForExisting,
    /// Another branch is to be made the current one first.
    LeaveFirst,
    /// A branch without an end can be made.
    BranchWithoutEnd,
}

impl Failure {
    /// Adds advice, unless there is some already.
    pub fn hint(self, advice: Hint) -> Self {
        match self {
            Self::Error { error, hint: None } => Self::Error { error, hint: Some(advice) },
            Self::Format { error, hint: None } => Self::Format { error, hint: Some(advice) },
            other => other,
        }
    }
}

impl Failure {
    /// What it is about and why, on one line.
    pub fn in_full(&self) -> String {
        match self {
            Self::Error { error, .. } => error.in_full(),
            Self::Format { error, .. } => of_format(error).in_full(),
            Self::Output(error) => error.to_string(),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error { error, hint: None }
    }
}

impl From<FormatError> for Failure {
    fn from(error: FormatError) -> Self {
        Self::Format { error: Box::new(error), hint: None }
    }
}

/// For documents that come out of a store, where they were valid when they went in.
impl From<InvalidDocument> for Failure {
    fn from(error: InvalidDocument) -> Self {
        Error::corrupt("a stored document can't be printed").with_source(error).into()
    }
}

/// The error of a file or a dump, with the kind that its cause has.
pub fn of_format(error: &FormatError) -> Error {
    let kind = match error {
        FormatError::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof => ErrorKind::Invalid,
            _ => ErrorKind::Unavailable,
        },
        FormatError::NoSuchDatabase { .. } => ErrorKind::NotFound,
        _ => ErrorKind::Invalid,
    };
    let described = Error::new(kind, error.to_string());
    match error.source() {
        Some(source) => described.with_source(source.to_string()),
        None => described,
    }
}
