//! The user's editor, on a temporary file.

use std::cell::Cell;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use argon_core::Error;

use crate::exit::{CommandResult, Failure};
use crate::output::escape;

/// The variables that name an editor, the first that is set.
const VARIABLES: [&str; 2] = ["VISUAL", "EDITOR"];

/// What is used without one, as git does.
const DEFAULT: &str = "vi";

/// A file for a person to edit. It is removed in the end, unless it is [kept](Self::keep).
#[derive(Debug)]
pub(crate) struct EditedFile {
    path: PathBuf,
    is_kept: Cell<bool>,
}

impl EditedFile {
    /// A file with this text; `suffix` lets the editor recognize what it is.
    ///
    /// # Errors
    /// `Unavailable` if it can't be written.
    pub(crate) fn with(text: &str, suffix: &str) -> CommandResult<Self> {
        let create = || {
            let mut file = tempfile::Builder::new().prefix("argon-").suffix(suffix).tempfile()?;
            file.write_all(text.as_bytes())?;
            let (_, path) = file.keep()?;
            Ok(Self { path, is_kept: Cell::new(false) })
        };
        create().map_err(|source: io::Error| {
            Error::unavailable("can't write a temporary file to edit").with_source(source).into()
        })
    }

    /// A file of the user, which stays.
    pub(crate) fn of_user(path: PathBuf) -> Self {
        Self { path, is_kept: Cell::new(true) }
    }

    /// Opens the editor, waits until the user closes it, and returns the text.
    ///
    /// # Errors
    /// `Unavailable` if it can't be started, or fails.
    pub(crate) fn edit(&self) -> CommandResult<String> {
        edit(&self.path)
    }

    /// Leaves the file where it is, and returns its path.
    pub(crate) fn keep(&self) -> &Path {
        self.is_kept.set(true);
        &self.path
    }
}

impl Drop for EditedFile {
    fn drop(&mut self) {
        if !self.is_kept.get() {
            // What stays of it is a temporary file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Asks whether to open the editor again after this error; nobody answers where there is no terminal.
pub(crate) fn asks_again(error: &Error) -> bool {
    let (stdin, mut stderr) = (io::stdin(), io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return false;
    }
    let mut answer = String::new();
    let asked = write!(stderr, "{}\nEdit again? [Y/n] ", escape::lines(&error.to_string(), false))
        .and_then(|()| stderr.flush())
        .and_then(|()| stdin.lock().read_line(&mut answer));
    asked.is_ok_and(|read| read > 0) && !answer.trim().to_lowercase().starts_with('n')
}

fn edit(path: &Path) -> CommandResult<String> {
    let named = VARIABLES.into_iter().find_map(|name| env::var(name).ok());
    let editor = named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| DEFAULT.to_owned());
    let failed = |what: String| {
        Failure::from(Error::unavailable(format!("the editor '{editor}' {what}")))
            .hint("set VISUAL or EDITOR to the command of an editor that waits until it is closed")
    };
    let status = command(&editor, path)
        .status()
        .map_err(|error| failed(format!("can't be started: {error}")))?;
    if !status.success() {
        return Err(failed(format!("ended with {status}; nothing was changed")));
    }
    let text = fs::read_to_string(path);
    text.map_err(|error| failed(format!("left no text in {}: {error}", path.display())))
}

/// An editor may have arguments, quotes and all else that a shell knows.
#[cfg(unix)]
fn command(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$@\"")).arg(editor).arg(path);
    command
}

#[cfg(not(unix))]
fn command(editor: &str, path: &Path) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").arg(editor).arg(path);
    command
}
