//! What the service leaves to a front end to say, in the words of the command line.

use argon_core::Error;
use argon_service::credentials::{Exposure, SaidBy};
use argon_service::discover::Found;
use argon_service::settings::Origin;
use argon_service::{Failure as ServiceFailure, Hint};

use crate::exit::Failure;

/// How a hint is said.
enum Words {
    /// On a line of its own, as a sentence without a full stop.
    Hint(String),
    /// Behind the message of the error.
    Behind(String),
}

impl From<ServiceFailure> for Failure {
    fn from(failure: ServiceFailure) -> Self {
        let (failure, hint) = match failure {
            ServiceFailure::Error { error, hint } => (Self::from(error), hint),
            ServiceFailure::Format { error, hint } => (Self::from(error), hint),
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
                Self::Error { error: with_behind(&error, &words), hint }
            }
            (Some(Words::Behind(_)), other) => other,
        }
    }
}

/// The same error with more in its message.
fn with_behind(error: &Error, words: &str) -> Error {
    let causes: Vec<String> = error.causes().map(ToString::to_string).collect();
    let below = causes.into_iter().rev().fold(None, |below: Option<Error>, text| {
        let cause = Error::new(error.kind(), text);
        Some(match below {
            Some(below) => cause.with_source(below),
            None => cause,
        })
    });
    let longer = Error::new(error.kind(), format!("{error}{words}"));
    match below {
        Some(below) => longer.with_source(below),
        None => longer,
    }
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
pub(crate) fn remedy(exposure: &Exposure) -> String {
    match exposure {
        Exposure::Argument => {
            "set ARGON_STORE instead, or write the URL into a file and name that \
                               by --store-file or ARGON_STORE_FILE"
                .to_owned()
        }
        Exposure::File(path) => format!("chmod 600 {}", path.display()),
    }
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
