//! What the service leaves to a front end to say, in the words of the command line.

use std::io;

use argon_core::Error;
use argon_core::model::{CollectionName, ProjectName};
use argon_formats::FormatError;
use argon_service::credentials::{Exposure, SaidBy};
use argon_service::discover::Found;
use argon_service::health::Remedy;
use argon_service::settings::Origin;
use argon_service::{Failure as ServiceFailure, Hint};

use crate::exit::Failure;

const GO_ON: &str = "what was committed stays; --on-duplicate skip goes on from there";

/// How a hint is said.
enum Words {
    /// On a line of its own, as a sentence without a full stop.
    Hint(String),
    /// Behind the message of the error.
    Behind(String),
    /// In place of the message.
    Instead(String),
}

impl From<ServiceFailure> for Failure {
    fn from(failure: ServiceFailure) -> Self {
        let (failure, hint) = match failure {
            ServiceFailure::Error { error, hint } => (Self::from(error), hint),
            // A reader of standard output that goes away, as `head` does, is no failure.
            ServiceFailure::Format { error, .. } if is_broken_pipe(&error) => {
                return Self::OutputClosed;
            }
            ServiceFailure::Format { error, hint } => (Self::from(*error), hint),
            ServiceFailure::Output(error) => return Self::output(error),
            ServiceFailure::Interrupted => return Self::Interrupted,
            other => {
                let error = Error::internal(format!("an unknown failure: {other:?}"));
                return Self::from(error);
            }
        };
        match (hint.map(words), failure) {
            (None, failure) => failure,
            (Some(Words::Hint(words)), failure) => failure.hint(words),
            (Some(Words::Behind(words)), Self::Error { error, hint }) => {
                Self::Error { error: with_behind(error, &words), hint }
            }
            (Some(Words::Instead(words)), Self::Error { error, hint }) => {
                Self::Error { error: error.with_message(words), hint }
            }
            (Some(Words::Behind(_) | Words::Instead(_)), other) => other,
        }
    }
}

fn is_broken_pipe(error: &FormatError) -> bool {
    let FormatError::Io { source, .. } = error else { return false };
    source.kind() == io::ErrorKind::BrokenPipe
}

/// The same error with more in its message.
pub(crate) fn with_behind(error: Error, words: &str) -> Error {
    let message = format!("{}{words}", error.message());
    error.with_message(message)
}

fn words(hint: Hint) -> Words {
    match hint {
        Hint::NoStore => Words::Hint(
            "`argon init` makes one here; --store URL or ARGON_STORE names another".to_owned(),
        ),
        Hint::ChooseProjectAgain => Words::Behind(" and run `argon use PROJECT`".to_owned()),
        Hint::ListSettings => Words::Behind("; `argon config list` lists what there is".to_owned()),
        Hint::NameStore => Words::Behind(", or use `argon store add` for a store".to_owned()),
        Hint::UserLevel => Words::Behind(": use --user".to_owned()),
        Hint::UserLevelInFile => {
            Words::Behind("; `argon config set` and `argon store add` write it there".to_owned())
        }
        Hint::FormatOfDirectory => {
            Words::Instead("--format is of one file, and this is a directory".to_owned())
        }
        Hint::DatabaseOfFile => {
            Words::Instead("--database chooses from a dump, and this is a file".to_owned())
        }
        Hint::PatternsOfFile => Words::Instead(
            "--ns-include and --ns-exclude chooses from a dump, and this is a file".to_owned(),
        ),
        Hint::NameCollectionOfInput => Words::Hint("say it by -c NAME".to_owned()),
        Hint::NameCollection => Words::Hint("say the collection's name by -c NAME".to_owned()),
        Hint::BadFiles { more, pattern } => {
            let others =
                if more > 0 { format!("{more} more can't be loaded; ") } else { String::new() };
            Words::Hint(format!(
                "{others}--skip-bad-files leaves such files out, --ns-exclude '{pattern}' this one, \
                 and -c NAME takes one collection; `argon import FILE -c NAME` gives a file's \
                 collection another name"
            ))
        }
        Hint::DefinitionsDiffer => Words::Behind(
            "; --on-duplicate skip keeps them, --on-duplicate replace takes those of the dump"
                .to_owned(),
        ),
        Hint::ImportContinues => Words::Hint(GO_ON.to_owned()),
        Hint::BadDocument => {
            Words::Hint(format!("--keep-going passes over bad documents; {GO_ON}"))
        }
        Hint::DuplicateImported => {
            Words::Hint(format!("{GO_ON}, --on-duplicate replace takes the new ones"))
        }
        Hint::DuplicateRehearsed => Words::Hint(
            "--on-duplicate skip leaves those that are there, --on-duplicate replace takes the new \
             ones"
                .to_owned(),
        ),
        Hint::ReplacementContinues => Words::Hint(
            "what was committed stays; the same command goes on from there".to_owned(),
        ),
        Hint::ChooseCollection(names) => {
            let names: Vec<&str> = names.iter().map(CollectionName::as_str).collect();
            Words::Hint(format!("-c chooses one of: {}", names.join(", ")))
        }
        Hint::LinkExistingStore => {
            Words::Hint("`argon init URL --existing` lets .argon here name it".to_owned())
        }
        Hint::NameLocalStore => Words::Hint("name a store on this machine by --store".to_owned()),
        Hint::RemoveStoreLink => {
            Words::Hint("remove .argon to create another store here".to_owned())
        }
        Hint::SplitCommit => Words::Hint(
            "--each makes a commit of each document; `argon import -` splits them".to_owned(),
        ),
        Hint::ExportBson => Words::Hint(
            "export a name that ends in .bson, or let it become another by --lossy".to_owned(),
        ),
        Hint::WriteOver => {
            Words::Hint("choose another name, or write over it by --force".to_owned())
        }
        Hint::CommitsOf(branch) => Words::Hint(format!(
            "`argon log` lists the commits of '{branch}'; -b NAME works on another branch"
        )),
        Hint::MakeProject(name) => {
            Words::Hint(format!("`argon project create {name}` makes it"))
        }
        Hint::ChooseProject(names) => match names.as_slice() {
            [] => Words::Hint("`argon project create NAME` makes one".to_owned()),
            names => {
                let names: Vec<&str> = names.iter().map(ProjectName::as_str).collect();
                let names = names.join(", ");
                Words::Hint(format!("`argon use NAME` or -p NAME chooses one of: {names}"))
            }
        },
        Hint::NameProject => {
            Words::Hint("use -p and -b, or set ARGON_PROJECT and ARGON_BRANCH".to_owned())
        }
        Hint::MakeBranch(name) => Words::Hint(format!(
            "`argon branch create {name}` makes it; `argon switch NAME` goes to another"
        )),
        Hint::SandboxOver { first } => Words::Hint(format!(
            "its time may be over; `argon switch {first}` goes to another branch"
        )),
        Hint::UseProject(name) => Words::Hint(format!("`argon use {name}` makes it current")),
        Hint::ListDeletedProjects => {
            Words::Hint("`argon project list --deleted` lists them".to_owned())
        }
        Hint::NewName => Words::Hint("--as NAME gives it another name".to_owned()),
        Hint::UsePin(name) => Words::Hint(format!(
            "`--at {name}` reads it; `argon branch create NAME --from {name}` makes a branch of it"
        )),
        Hint::UseBranch(name) => {
            Words::Hint(format!("`argon switch {name}` makes it current"))
        }
        Hint::NoMaskForExisting => {
            Words::Hint("a branch that is there gets no mask".to_owned())
        }
        Hint::LeaveFirst => {
            Words::Hint("`argon switch NAME` goes to another first".to_owned())
        }
        Hint::BranchWithoutEnd => {
            Words::Behind("; `argon branch create` makes a branch without an end".to_owned())
        }
        other => Words::Hint(format!("{other:?}")),
    }
}

/// A password that others can read: what was found.
pub(crate) fn exposed(exposure: &Exposure) -> String {
    match exposure {
        Exposure::Argument => {
            "every user of this machine can see the password on the command line".to_owned()
        }
        Exposure::File(path) => {
            format!("every user of this machine can read the password in {}", path.display())
        }
    }
}

/// A password that others can read: what to do about it.
pub(crate) fn of_exposure(exposure: &Exposure) -> String {
    match exposure {
        Exposure::Argument => {
            "set ARGON_STORE instead, or write the URL into a file and name that \
                               by --store-file or ARGON_STORE_FILE"
                .to_owned()
        }
        Exposure::File(path) => format!("chmod 600 {}", path.display()),
    }
}

/// What to do about a check.
pub(crate) fn of_check(remedy: &Remedy) -> String {
    match remedy {
        Remedy::CheckStore => "`argon fsck` says what is damaged",
        Remedy::Diagnose => "`argon doctor` looks at what the store needs",
        Remedy::WorkOff => "`argon workers scale N` or `argon workers run` works it off",
        Remedy::Work => {
            "`argon workers run` works on the queue; `argon jobs list` shows what waits"
        }
        Remedy::RetryJobs => "`argon jobs show ID` says why; `argon jobs retry --all` tries again",
        Remedy::MakeRoom => "make room; `argon gc` and `argon compact` need a little themselves",
        Remedy::MakeSnapshot => "`argon snapshot create` makes one",
        Remedy::SetClock => "set the clock of this machine, or of the other one, by NTP",
        Remedy::RenewCertificate => "renew it; from its end on, nobody can connect",
        Remedy::Said(words) => words,
        other => return format!("{other:?}"),
    }
    .to_owned()
}

/// What names the store.
pub(crate) fn found(found: &Found) -> String {
    found.said_by().map_or_else(|| found.to_string(), said_by)
}

fn said_by(by: &SaidBy) -> String {
    match by {
        SaidBy::Argument => "the command line".to_owned(),
        SaidBy::Name(name, by) => format!("the name '{name}' in {}", said_by(by)),
        other => other.to_string(),
    }
}

/// Who says what the setting `name` is.
pub(crate) fn origin(name: &str, origin: &Origin) -> String {
    match origin {
        Origin::Caller => format!("option: --{}", name.replace('.', "-")),
        other => other.to_string(),
    }
}

/// What a setting means; those that are about commands name them.
pub(crate) fn setting(key: &argon_service::settings::keys::Key) -> &'static str {
    match key.name {
        "store" => {
            "the store where neither an option nor a .argon names one (the user's file only)"
        }
        "legacy.store" => "the store of the deprecated `projects` and `branches`",
        "retention" => "how far back `gc` keeps every state",
        "alerts" => "rules of `argon health alerts`",
        _ => key.help,
    }
}
