//! `argon completions`

use argon_core::Error;
use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::completion::VARIABLE;
use crate::exit::CommandResult;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  argon completions bash > ~/.local/share/bash-completion/completions/argon
  argon completions zsh > ~/.zfunc/_argon
  argon completions fish > ~/.config/fish/completions/argon.fish";

/// Print the completion script of a shell.
///
/// The script asks argon at each Tab, so it completes the branches, collections, pins, plans and projects of
/// the store as well. Print it again after an update of argon.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self) -> CommandResult {
        let name = self.shell.to_string();
        let (shells, mut script) = (Shells::builtins(), Vec::new());
        let shell = shells.completer(&name).ok_or_else(|| {
            Error::unsupported(format!("there is no completion for the shell '{name}'"))
        })?;
        shell
            .write_registration(VARIABLE, "argon", "argon", "argon", &mut script)
            .map_err(|source| Error::internal("the script can't be written").with_source(source))?;
        output::print(String::from_utf8_lossy(&script).trim_end())
    }
}
