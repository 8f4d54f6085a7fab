//! Statements that no person types.

use argon_core::Error;
use argon_formats::extjson::{ParsedShell, parse_shell_statement};

use super::session::{Flow, Session};
use crate::context::Context;
use crate::exit::CommandResult;

/// Runs the statements of a text, up to the first that fails.
pub(crate) async fn run_script(context: &Context, script: &str) -> CommandResult {
    let mut session = Session::start(context, false).await?;
    let (mut rest, mut number) = (script, 0);
    loop {
        number += 1;
        let in_statement =
            |problem: String| Error::invalid(format!("statement {number}: {problem}"));
        match parse_shell_statement(rest).map_err(|error| in_statement(error.to_string()))? {
            ParsedShell::Empty => return Ok(()),
            ParsedShell::Incomplete => {
                return Err(in_statement("the script ends within the statement".to_owned()).into());
            }
            ParsedShell::Statement(statement, length) => {
                if session.run(statement).await? == Flow::Exit {
                    return Ok(());
                }
                rest = &rest[length..];
            }
        }
    }
}
