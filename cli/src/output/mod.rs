//! Printing: what was asked for goes to stdout, words about it to stderr.

mod colours;
pub(crate) mod escape;
mod failure;
pub(crate) mod graph;
mod listing;
mod pager;
pub(crate) mod progress;
mod queue;
pub(crate) mod stream;
pub(crate) mod typed;
mod width;

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use argon_core::model::{BranchName, Lsn};
use argon_formats::extjson::{Layout, Mode, print_document};
use argon_service::document::QueryRow;
use argon_service::settings::OutputFormat;
use argon_service::{Interrupt, Watcher};
use bson::raw::RawDocument;
use clap::ValueEnum;
use futures::{Stream, TryStreamExt};
use serde::Serialize;

pub(crate) use self::colours::Colours;
pub(crate) use self::failure::FailureReport;
pub(crate) use self::listing::{Cells, Listing};
use self::stream::Out;
use crate::exit::{CommandResult, Failure};
pub(crate) use argon_service::size::{parse_size, size};
pub(crate) use argon_service::words::{count, grouped, time};

/// How what was asked for is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: columns, and documents as one line of JSON each
    Table,
    /// One JSON value
    Json,
    /// One JSON value a line, each printed as soon as it is known
    Jsonl,
}

impl Format {
    /// What `ARGON_OUTPUT` says, for whoever can't read the settings.
    pub(crate) fn of_environment() -> Option<Self> {
        Self::from_str(&std::env::var("ARGON_OUTPUT").ok()?, false).ok()
    }

    /// What a command line asks for that can't be parsed, or else the environment.
    pub(crate) fn of_arguments(args: &[OsString]) -> Option<Self> {
        let texts: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let given = texts.iter().enumerate().find_map(|(at, arg)| match &**arg {
            "-o" | "--output" => texts.get(at + 1).map(|value| &**value),
            arg => arg.strip_prefix("--output=").or_else(|| arg.strip_prefix("-o")),
        });
        given.map_or_else(Self::of_environment, |given| Self::from_str(given, false).ok())
    }

    /// The same as a setting.
    pub(crate) fn setting(self) -> OutputFormat {
        match self {
            Self::Table => OutputFormat::Table,
            Self::Json => OutputFormat::Json,
            Self::Jsonl => OutputFormat::Jsonl,
        }
    }
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Table => Self::Table,
            OutputFormat::Json => Self::Json,
            OutputFormat::Jsonl => Self::Jsonl,
        }
    }
}

/// Where a command prints.
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    /// Whether stdout shows colours.
    pub(crate) colours: Colours,
    errors: Colours,
    /// Whether nothing more is to be noted.
    hushed: AtomicBool,
    /// What the command has committed.
    committed: Mutex<Option<String>>,
}

impl Output {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self {
            format,
            quiet,
            colours: Colours::of(&io::stdout()),
            errors: Colours::of(&io::stderr()),
            hushed: AtomicBool::new(false),
            committed: Mutex::default(),
        }
    }

    /// Lets nothing more be noted: what there is to say has been said.
    pub(crate) fn hush(&self) {
        self.hushed.store(true, Ordering::Relaxed);
    }

    /// Takes note of a commit, in case that nothing of it can be printed.
    pub(crate) fn committed(&self, lsn: Lsn, branch: &BranchName) {
        let words = format!("it was committed as LSN {lsn} of {branch}");
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    /// What the command has committed so far, in words.
    pub(crate) fn last_committed(&self) -> Option<String> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the output is for people rather than programs.
    pub(crate) fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// How what was asked for is printed.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Says on stderr why a statement of a person failed.
    pub(crate) fn complain(&self, words: &str) {
        to_stderr(&self.errors.red(&escape::lines(&with_short_lines(words), false)));
    }

    /// Whether one thing may take several lines.
    pub(crate) fn is_pretty(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints a result: `text` for people, itself for programs.
    pub(crate) fn result(
        &self,
        text: impl FnOnce() -> String,
        result: &impl Serialize,
    ) -> CommandResult {
        match self.format {
            Format::Table => self.print(&text()),
            Format::Json => self.print(&typed::pretty(result)?),
            Format::Jsonl => self.print(&typed::compact(result)?),
        }
    }

    /// Prints what was done: words on stderr for people, on stdout the result for programs.
    pub(crate) fn reply(&self, words: &str, result: &impl Serialize) -> CommandResult {
        match self.format {
            Format::Table => {
                self.say(words);
                Ok(())
            }
            _ => self.result(String::new, result),
        }
    }

    /// Prints text of one or more lines on stdout, without what would move a terminal's cursor.
    pub(crate) fn print(&self, text: &str) -> CommandResult {
        print(&escape::lines(text, self.colours.are_shown()))
    }

    /// Clears a terminal for what is printed next; lets all stand elsewhere.
    pub(crate) fn clear(&self) -> CommandResult {
        if !(self.is_table() && io::stdout().is_terminal()) {
            return Ok(());
        }
        // Escape sequences of ECMA-48: erase the page, and go to its beginning.
        write!(io::stdout(), "\x1b[2J\x1b[H").map_err(Failure::output)
    }

    /// Begins a list of things with these columns.
    pub(crate) fn listing(&self, columns: &'static [&'static str]) -> Listing {
        Listing::new(self.format, columns, self.colours, stdout())
    }

    /// Says something on stderr, unless the user wants it quiet.
    pub(crate) fn say(&self, words: &str) {
        if !self.quiet {
            to_stderr(&escape::lines(words, false));
        }
    }

    /// Says on stderr what the user should know besides the result.
    pub(crate) fn note(&self, words: &str) {
        if self.hushed.load(Ordering::Relaxed) {
            return;
        }
        Self::label(self.errors.yellow("note:"), words);
    }

    /// Notes what is lost of a document that is printed as JSON.
    pub(crate) fn note_loss(&self, document: &RawDocument) -> CommandResult {
        if let Some(words) = argon_service::loss::loss(document)? {
            self.note(&words);
        }
        Ok(())
    }

    /// Prints documents, one a line, each as soon as it is there; notes those that JSON can't express.
    pub(crate) async fn documents(
        &self,
        documents: impl Stream<Item = argon_service::Result<QueryRow>>,
        mode: Mode,
    ) -> CommandResult {
        let mut documents = pin!(documents);
        let mut listing = self.listing(&[]);
        while let Some(document) = documents.try_next().await? {
            self.note_loss(document.as_raw())?;
            let line = print_document(document.as_raw(), mode, Layout::Compact)?;
            listing.line(&line, || line.clone())?;
        }
        listing.finish()
    }

    /// Says on stderr what went wrong: the error, its causes, and what to do.
    pub(crate) fn error(&self, message: &str, causes: &[String], hint: Option<&str>) {
        Self::label(self.errors.red("error:"), message);
        for cause in causes {
            Self::label(self.errors.red("cause:"), cause);
        }
        if let Some(hint) = hint {
            Self::label(format!("{} ", self.errors.yellow("hint:")), hint);
        }
    }

    fn label(label: impl Display, words: &str) {
        to_stderr(&format!("{label} {}", escape::lines(&with_short_lines(words), false)));
    }
}

/// Operations note what the user should know besides their results.
impl Watcher for Output {
    fn reports(&self, words: &str) {
        self.say(words);
    }

    fn interrupt(&self) -> Interrupt {
        Box::pin(async {
            // A signal that can't be waited for ends it too.
            let _ = tokio::signal::ctrl_c().await;
        })
    }

    fn notes(&self, note: &str) {
        self.note(note);
    }
}

/// The longest line of an error or a note, in characters: it may repeat what it was given, and that may
/// be a whole file.
const MAX_MESSAGE_LINE: usize = 1000;

/// Cuts what is in a line beyond [`MAX_MESSAGE_LINE`].
fn with_short_lines(words: &str) -> Cow<'_, str> {
    if words.len() <= MAX_MESSAGE_LINE {
        return Cow::Borrowed(words);
    }
    let short = |line: &str| match line.char_indices().nth(MAX_MESSAGE_LINE) {
        Some((end, _)) => format!("{}… ({} bytes more)", &line[..end], line.len() - end),
        None => line.to_owned(),
    };
    Cow::Owned(words.split('\n').map(short).collect::<Vec<_>>().join("\n"))
}

/// Prints text of one or more lines on stdout, as it is.
pub(crate) fn print(text: &str) -> CommandResult {
    let mut stdout = stdout();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Failure::output)
}

/// Prints a line on stderr. If nobody reads that, nobody needs to know.
pub(crate) fn to_stderr(line: &str) {
    stream::words(line);
}

/// Standard output, buffered; the caller flushes it.
pub(crate) fn stdout() -> BufWriter<Out> {
    BufWriter::with_capacity(64 * 1024, Out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_a_message_is_cut() {
        let words = format!("short\n{}\n{}", "é".repeat(1000), "é".repeat(1001));
        let expected = format!("short\n{0}\n{0}… (2 bytes more)", "é".repeat(1000));
        assert_eq!(with_short_lines(&words), expected);
        assert_eq!(with_short_lines("short"), "short");
    }
}
