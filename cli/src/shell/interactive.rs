//! A shell that a person uses.

use std::sync::{Arc, Mutex, PoisonError};

use argon_formats::extjson::{ParsedShell, parse_shell_statement};

use super::answer;
use super::lines::{Line, Lines};
use super::session::{Flow, Session};
use crate::context::Context;
use crate::exit::{CommandResult, Failure};

/// Runs statements from a terminal until the user leaves. An error of a statement is shown, and the shell
/// goes on.
pub(crate) async fn interact(context: &Context) -> CommandResult {
    let mut session = Session::start(context, true).await?;
    let names = Arc::new(Mutex::new(session.names().await));
    let mut lines = Lines::open(names.clone())?;
    loop {
        let prompt = format!("{}@{}> ", session.project, session.branch);
        // A person may take long; the store is closed meanwhile.
        let line = tokio::task::block_in_place(|| lines.read(&prompt))?;
        let flow = match line {
            Line::Text(text) => run_all(context, &mut session, &text).await?,
            Line::Cancelled => Flow::Continue,
            Line::End => Flow::Exit,
        };
        if flow == Flow::Exit {
            return Ok(());
        }
        *names.lock().unwrap_or_else(PoisonError::into_inner) = session.names().await;
    }
}

/// Runs the statements of a text. Ctrl-C ends them, but not the shell.
async fn run_all(context: &Context, session: &mut Session<'_>, text: &str) -> CommandResult<Flow> {
    let mut rest = text;
    loop {
        let (statement, length) = match parse_shell_statement(rest) {
            Ok(ParsedShell::Statement(statement, length)) => (statement, length),
            Ok(ParsedShell::Empty | ParsedShell::Incomplete) => return Ok(Flow::Continue),
            Err(error) => {
                context.output.complain(&format!("SyntaxError: {error}"));
                return Ok(Flow::Continue);
            }
        };
        let ran = tokio::select! {
            ran = session.run(statement) => ran,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        };
        match ran {
            Ok(Flow::Continue) => rest = &rest[length..],
            Ok(Flow::Exit) => return Ok(Flow::Exit),
            Err(Failure::Error { error, hint }) => {
                context.output.complain(&answer::words(&error));
                if let Some(hint) = crate::hints::advice(&error, hint) {
                    context.output.complain(&hint);
                }
                return Ok(Flow::Continue);
            }
            Err(Failure::Interrupted) => {
                context.output.complain("interrupted");
                return Ok(Flow::Continue);
            }
            Err(other) => return Err(other),
        }
    }
}
