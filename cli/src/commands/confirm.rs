//! Confirmation of operations that are hard to undo.

use std::io::{self, BufRead, IsTerminal, Stderr, Write};

use argon_core::Error;
use clap::Args;

use crate::exit::{CommandResult, Failure};

/// The answer in advance.
#[derive(Args)]
pub(crate) struct Confirmation {
    /// Don't ask
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
        if is_yes(&mut stderr, question) { Ok(()) } else { Err(refused()) }
    }

    /// Continues if standard input says yes, which need not be a terminal: for operations that are easy to undo.
    pub(crate) fn ask_input(&self, question: &str, advice: &str) -> CommandResult {
        if self.yes || is_yes(&mut io::stderr(), question) {
            return Ok(());
        }
        Err(refused().hint(advice))
    }
}

fn is_yes(stderr: &mut Stderr, question: &str) -> bool {
    let mut answer = String::new();
    let asked = write!(stderr, "{question} [y/N] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    if !io::stdin().is_terminal() {
        // Nobody has ended the line.
        let _ = writeln!(stderr);
    }
    let is_yes = |answer: &str| ["y", "yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes));
    asked.is_ok() && is_yes(answer.trim())
}

fn refused() -> Failure {
    Error::invalid("nothing was done: the answer was not yes").into()
}
