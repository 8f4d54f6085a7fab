//! The pager: what people read long output with.

use std::env;
use std::io::{self, IsTerminal};
use std::process::{Child, Command, Stdio};

/// The variables that name a pager, the first that is set.
const VARIABLES: [&str; 2] = ["ARGON_PAGER", "PAGER"];

/// What is used without one, as git does: it ends by itself if all fits on the screen, shows colours, and
/// leaves the text there.
const DEFAULT: &str = "less";
const DEFAULT_OPTIONS: &str = "FRX";

/// A pager that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pager {
    command: String,
    is_named: bool,
}

impl Pager {
    /// The pager of a command that prints on a terminal; `None` if it prints elsewhere, or the user wants none.
    pub(super) fn of_environment() -> Option<Self> {
        if !io::stdout().is_terminal() {
            return None;
        }
        Self::named(VARIABLES.iter().find_map(|name| env::var(name).ok()))
    }

    fn named(named: Option<String>) -> Option<Self> {
        match named {
            Some(command) if matches!(command.trim(), "" | "cat") => None,
            Some(command) => Some(Self { command, is_named: true }),
            None => Some(Self { command: DEFAULT.to_owned(), is_named: false }),
        }
    }

    /// Starts it; it reads from a pipe.
    pub(super) fn start(&self) -> io::Result<Child> {
        let mut command = self.command();
        if env::var_os("LESS").is_none() {
            command.env("LESS", DEFAULT_OPTIONS);
        }
        command.stdin(Stdio::piped()).spawn()
    }

    /// A pager that a user names may have arguments, quotes and all else that a shell knows.
    fn command(&self) -> Command {
        if !self.is_named {
            return Command::new(&self.command);
        }
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.args([option, &self.command]);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_that_only_copies_is_none() {
        for none in ["", " ", "cat"] {
            assert_eq!(Pager::named(Some(none.to_owned())), None);
        }
        let named = Pager::named(Some("less -S".to_owned())).unwrap();
        assert_eq!(named, Pager { command: "less -S".to_owned(), is_named: true });
        assert_eq!(Pager::named(None).unwrap().command, "less");
    }
}
