//! A command line that can't be understood.

use std::ffi::OsString;
use std::process::ExitCode;

use argon_core::storage::StoreUrl;
use argon_service::ErrorObject;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::Cli;
use crate::hints;
use crate::output::{self, FailureReport, Format, Output};

/// Says what is wrong, or gives the help that was asked for, as `clap` does it; but an argument that
/// may hold a password is not repeated as it was given.
pub(crate) fn report(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let format = Format::of_arguments(args).unwrap_or(Format::Table);
    let exit_code = u8::try_from(error.exit_code()).unwrap_or(2);
    if let Some(error) = of_mistake(error, args).or_else(|| of_elsewhere(error, args)) {
        Output::new(format, false).failure(FailureReport { error, exit_code });
        return ExitCode::from(exit_code);
    }
    let secrets: Vec<(String, String)> =
        args.iter().filter_map(|arg| hidden(&arg.to_string_lossy())).collect();
    if asked_for || (secrets.is_empty() && format == Format::Table) {
        // If nobody reads it, nobody needs to know.
        let _ = error.print();
        return ExitCode::from(exit_code);
    }
    let text = error.render().to_string();
    let shown = secrets.iter().fold(text, |text, (arg, shown)| text.replace(arg, shown));
    let shown = shown.trim_end();
    if format == Format::Table {
        output::to_stderr(shown);
    } else {
        let error = ErrorObject {
            kind: "invalid",
            message: shown.strip_prefix("error: ").unwrap_or(shown).to_owned(),
            details: Vec::new(),
            causes: Vec::new(),
            hint: None,
        };
        Output::new(format, false).failure(FailureReport { error, exit_code });
    }
    ExitCode::from(exit_code)
}

/// The error for arguments that are easily mistaken.
fn of_mistake(error: &clap::Error, args: &[OsString]) -> Option<ErrorObject> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg)?;
    let (message, hint) = match error.kind() {
        ErrorKind::ValueValidation => {
            let value = text(ContextKind::InvalidValue)?;
            if negative(value) {
                hints::mistaken::negative_number(argument, value)?
            } else {
                hints::mistaken::collection(args, argument, value)?
            }
        }
        ErrorKind::UnknownArgument if negative(argument) => {
            let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
            let at = words.iter().position(|word| word == argument)?;
            let option = words.get(at.checked_sub(1)?)?;
            hints::mistaken::negative_number(option, argument)?
        }
        _ => return None,
    };
    let hint = Some(hint);
    Some(ErrorObject { kind: "invalid", message, details: Vec::new(), causes: Vec::new(), hint })
}

fn negative(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|digits| digits.parse::<f64>().is_ok())
}

/// The error for a command or an argument of another program that Argon has something for.
fn of_elsewhere(error: &clap::Error, args: &[OsString]) -> Option<ErrorObject> {
    let kind = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else { return None };
    if hidden(word).is_some() {
        return None;
    }
    let (message, hint) = match hints::foreign::argument(args, word) {
        Some(hint) => (format!("unknown argument '{word}'"), hint),
        None if kind == ContextKind::InvalidSubcommand && is_command(word, args) => {
            (format!("unknown command '{word}'"), hints::foreign::command(word)?.to_owned())
        }
        None => return None,
    };
    let hint = Some(hint);
    Some(ErrorObject { kind: "invalid", message, details: Vec::new(), causes: Vec::new(), hint })
}

/// Whether a word stands where a command is expected: after none.
fn is_command(word: &str, args: &[OsString]) -> bool {
    let root = Cli::command();
    let words = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    words.take_while(|arg| *arg != word).all(|arg| root.find_subcommand(&*arg).is_none())
}

/// What may hold a password in an argument, and what stands for it.
fn hidden(arg: &str) -> Option<(String, String)> {
    // After `--store=`, or alone.
    let value = match arg.split_once('=') {
        Some((option, value)) if option.starts_with("--") => value,
        _ => arg,
    };
    let shown = match value.parse::<StoreUrl>() {
        Ok(url) => url.has_secrets().then(|| url.to_string())?,
        // No URL, but made like one.
        Err(_) => {
            let (secret, place) = value.rsplit_once('@')?;
            secret.contains(':').then(|| format!("…@{place}"))?
        }
    };
    Some((value.to_owned(), shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_hidden() {
        for (arg, shown) in [
            ("mongodb://ada:s3@db/shop", Some("mongodb://…@db/shop")),
            ("--store=mongodb://ada:s3@db/shop", Some("mongodb://…@db/shop")),
            ("--stroe=ADA:s3@db", Some("…@db")),
            ("mongo_db://ada:s3@cr@db/shop", Some("…@db/shop")),
            ("sled:data", None),
            ("ada@example.org", None),
            ("s3://bucket/prefix", None),
        ] {
            assert_eq!(hidden(arg).map(|(_, shown)| shown).as_deref(), shown, "{arg}");
        }
    }
}
