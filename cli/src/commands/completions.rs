//! `argon completions`

use clap::Args;
use clap_complete::Shell;

use crate::exit::CommandResult;
use crate::help;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  argon completions bash > ~/.local/share/bash-completion/completions/argon
  argon completions zsh > ~/.zfunc/_argon
  argon completions fish > ~/.config/fish/completions/argon.fish";

/// Print the completion script of a shell.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self) -> CommandResult {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut help::command(), "argon", &mut script);
        output::print(String::from_utf8_lossy(&script).trim_end())
    }
}
