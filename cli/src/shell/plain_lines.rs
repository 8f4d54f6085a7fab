//! Lines from a terminal as it gives them, for a build without line editing.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex};

use argon_formats::extjson::{ParsedShell, parse_shell_statement};

use super::completer::Names;
use crate::exit::{CommandResult, Failure};

/// What a person types at a prompt.
pub(super) enum Line {
    Text(String),
    /// Ctrl-C at the prompt, which a terminal without line editing never gives.
    #[expect(dead_code, reason = "the build with line editing makes it")]
    Cancelled,
    End,
}

/// The terminal.
pub(super) struct Lines;

impl Lines {
    #[expect(clippy::unnecessary_wraps, reason = "the build with line editing can fail")]
    pub(super) fn open(_: Arc<Mutex<Names>>) -> CommandResult<Self> {
        Ok(Self)
    }

    /// Reads lines until they are a whole statement.
    #[expect(clippy::unused_self, reason = "the build with line editing uses it")]
    pub(super) fn read(&mut self, prompt: &str) -> CommandResult<Line> {
        let (mut text, mut prompt) = (String::new(), prompt);
        loop {
            let mut stdout = io::stdout();
            write!(stdout, "{prompt}").and_then(|()| stdout.flush()).map_err(Failure::output)?;
            let read = io::stdin().lock().read_line(&mut text).map_err(Failure::output)?;
            if read == 0 {
                return Ok(Line::End);
            }
            if parse_shell_statement(&text).is_ok_and(|parsed| parsed == ParsedShell::Incomplete) {
                prompt = "... ";
                continue;
            }
            return Ok(Line::Text(text));
        }
    }
}
