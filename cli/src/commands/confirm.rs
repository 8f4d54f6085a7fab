//! Confirmation of operations that are hard to undo.

use std::io::{self, BufRead, IsTerminal, Write};

use argon_core::Error;
use clap::Args;

use crate::exit::{CommandResult, Failure};

/// The answer in advance.
#[derive(Args)]
pub(crate) struct Confirmation {
    /// Don't ask; needed without a terminal
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Whether the user agreed beforehand.
    pub(crate) fn is_given(&self) -> bool {
        self.yes
    }

    /// Continues if the user agrees.
    pub(crate) fn ask(&self, question: &str) -> CommandResult {
        if self.yes {
            return Ok(());
        }
        let (stdin, mut stderr) = (io::stdin(), io::stderr());
        if !stdin.is_terminal() || !stderr.is_terminal() {
            return Err(Failure::from(Error::invalid(format!(
                "nothing was done, since no terminal can answer: {question}"
            )))
            .hint("--yes continues without asking"));
        }
        let mut answer = String::new();
        let asked = write!(stderr, "{question} [y/N] ")
            .and_then(|()| stderr.flush())
            .and_then(|()| stdin.lock().read_line(&mut answer));
        match asked {
            Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes") => Ok(()),
            _ => Err(Error::invalid("nothing was done: the answer was not yes").into()),
        }
    }
}
