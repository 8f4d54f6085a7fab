//! Failures and other results of the service in the words of the command line.

use std::io;

use argon_core::Error;
use argon_core::storage::Remedy;
use argon_formats::FormatError;
use argon_service::credentials::{Exposure, SaidBy};
use argon_service::discover::Found;
use argon_service::settings::Origin;
use argon_service::settings::keys::Key;
use argon_service::{Failure as ServiceFailure, Wording};

use super::of_hint::{Words, of_remedy, words};
use crate::exit::Failure;
use crate::output::escape;

impl From<ServiceFailure> for Failure {
    fn from(failure: ServiceFailure) -> Self {
        let (failure, hint) = match failure {
            ServiceFailure::Error { error, hint } => (Self::from(error), hint),
            // A reader of standard output may close it, as `head` does.
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
        match (hint.as_ref().and_then(words), failure) {
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

/// The words of the command line in results of the service.
pub(crate) struct CommandLine;

impl Wording for CommandLine {
    fn remedy(&self, remedy: &Remedy) -> Option<String> {
        of_remedy(remedy)
    }

    fn found(&self, found: &Found) -> String {
        found.said_by().map_or_else(|| found.to_string(), said_by)
    }

    fn exposure(&self, exposure: &Exposure) -> (String, String) {
        match exposure {
            Exposure::Argument => (
                "every user of this machine can see the password on the command line".to_owned(),
                "set ARGON_STORE instead, or write the URL into a file and name that by \
                 --store-file or ARGON_STORE_FILE"
                    .to_owned(),
            ),
            Exposure::File(path) => (
                format!("every user of this machine can read the password in {}", path.display()),
                format!("chmod 600 {}", escape::argument(&path.to_string_lossy())),
            ),
        }
    }

    fn origin(&self, key: &str, origin: &Origin) -> String {
        match origin {
            Origin::Caller => format!("option: --{}", key.replace('.', "-")),
            other => other.to_string(),
        }
    }

    /// Those that are about commands name them.
    fn setting(&self, key: &Key) -> &'static str {
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
}

fn said_by(by: &SaidBy) -> String {
    match by {
        SaidBy::Argument => "the command line".to_owned(),
        SaidBy::Name(name, by) => format!("the name '{name}' in {}", said_by(by)),
        other => other.to_string(),
    }
}
