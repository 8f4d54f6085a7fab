//! The password of a user: from a file, the environment, or standard input; never an argument, which others on the
//! machine can read.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use argon_core::Error;
use argon_core::storage::Secret;
use argon_service::config;
use argon_service::credentials::{Exposure, variable};
use argon_service::small_file;
use clap::Args;

use crate::context::Context;
use crate::exit::CommandResult;

/// The variable with a password.
const VARIABLE: &str = "ARGON_USER_PASSWORD";
/// The most bytes of a password.
const MOST_BYTES: u64 = 4096;

#[derive(Args)]
pub(super) struct PasswordArgs {
    /// A file with nothing but the password; - reads standard input, as it is without this option and without
    /// the variable `ARGON_USER_PASSWORD`
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// Reads the password.
    pub(super) fn read(&self, context: &Context) -> CommandResult<Secret> {
        let text = match &self.password_file {
            Some(file) if file.as_os_str() != "-" => {
                if let Some(exposure) = Exposure::of_file(file) {
                    context.note_exposure(&exposure);
                }
                from_file(file)?
            }
            Some(_) => from_stdin()?,
            None => match variable(VARIABLE)? {
                Some(text) => text,
                None => from_stdin()?,
            },
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(Error::invalid("the password is empty").into());
        }
        Ok(Secret::new(text))
    }
}

fn from_file(file: &Path) -> CommandResult<String> {
    Ok(small_file::read(file).map_err(|error| config::failed("read", file, error))?)
}

fn from_stdin() -> CommandResult<String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Error::invalid(format!(
            "missing password: pass it by --password-file FILE, in {VARIABLE}, or on standard input, where it is \
             not shown"
        ))
        .into());
    }
    let mut text = String::new();
    stdin.lock().take(MOST_BYTES).read_to_string(&mut text).map_err(|source| {
        Error::invalid("the password on standard input can't be read: expected UTF-8")
            .with_source(source)
    })?;
    Ok(text)
}
