//! Printing: what was asked for goes to stdout, words about it to stderr.

pub(crate) mod escape;
mod failure;
mod json;
mod listing;
mod loss;
pub(crate) mod progress;
mod size;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use argon_core::model::{BranchName, Lsn};
use bson::DateTime;
use bson::raw::RawDocument;
use clap::ValueEnum;
use serde::Deserialize;

pub(crate) use self::failure::FailureReport;
pub(crate) use self::json::Json;
pub(crate) use self::listing::{Listing, Row};
pub(crate) use self::loss::loss;
pub(crate) use self::size::{parse_size, size};
use crate::exit::{CommandResult, Failure};
use crate::formats::extjson::{Layout, Mode, print_document};

/// How what was asked for is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people: columns, and documents as one line of JSON each
    Table,
    /// One JSON value
    Json,
    /// One JSON value a line, each printed as soon as it is known
    Jsonl,
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
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            format,
            quiet,
            colours: Colours(wanted && io::stdout().is_terminal()),
            errors: Colours(wanted && io::stderr().is_terminal()),
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

    /// Whether one thing may take several lines.
    pub(crate) fn is_pretty(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints one thing: `text` for people, `json` for programs.
    pub(crate) fn one(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Json,
    ) -> CommandResult {
        match self.format {
            Format::Table => self.print(&text()),
            Format::Json => self.print(&json().pretty()),
            Format::Jsonl => self.print(&json().compact()),
        }
    }

    /// Prints what was done: words on stderr for people, on stdout `json` for programs.
    pub(crate) fn done(&self, words: &str, json: impl FnOnce() -> Json) -> CommandResult {
        match self.format {
            Format::Table => {
                self.say(words);
                Ok(())
            }
            _ => self.one(String::new, json),
        }
    }

    /// Prints text of one or more lines on stdout, without what would move a terminal's cursor.
    pub(crate) fn print(&self, text: &str) -> CommandResult {
        print(&escape::lines(text, self.colours.0))
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

    /// Says on stderr what went wrong: the error, its causes, and what to do.
    pub(crate) fn error(&self, lines: &[String], hint: Option<&str>) {
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { "error:" } else { "cause:" };
            Self::label(self.errors.red(label), line);
        }
        if let Some(hint) = hint {
            Self::label(format!("{} ", self.errors.yellow("hint:")), hint);
        }
    }

    fn label(label: impl Display, words: &str) {
        to_stderr(&format!("{label} {}", escape::lines(&with_short_lines(words), false)));
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
    let _ = writeln!(io::stderr(), "{line}");
}

/// Standard output, buffered; the caller flushes it.
pub(crate) fn stdout() -> BufWriter<Stdout> {
    BufWriter::with_capacity(64 * 1024, io::stdout())
}

/// Colours, where they are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colours(pub(crate) bool);

impl Colours {
    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A document on one line.
pub(crate) fn document_line(document: &RawDocument, mode: Mode) -> CommandResult<String> {
    Ok(print_document(document, mode, Layout::Compact)?)
}

/// A time as RFC 3339 in UTC, always with three decimals.
pub(crate) fn time(time: DateTime) -> String {
    let millis = time.timestamp_millis();
    let fraction = millis.rem_euclid(1000);
    match DateTime::from_millis(millis - fraction).try_to_rfc3339_string() {
        Ok(whole) => format!("{}.{fraction:03}Z", whole.trim_end_matches('Z')),
        Err(_) => format!("{millis} ms"),
    }
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: `1 document`, `2,000 documents`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = match thing.strip_suffix('y') {
        _ if number == 1 => return format!("1 {thing}"),
        Some(stem) => format!("{stem}ies"),
        None if thing.ends_with("ch") => format!("{thing}es"),
        None => format!("{thing}s"),
    };
    format!("{} {plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_decimals() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_700_000_000_850, "2023-11-14T22:13:20.850Z"),
        ] {
            assert_eq!(time(DateTime::from_millis(millis)), text);
        }
    }

    #[test]
    fn a_long_line_of_a_message_is_cut() {
        let words = format!("short\n{}\n{}", "é".repeat(1000), "é".repeat(1001));
        let expected = format!("short\n{0}\n{0}… (2 bytes more)", "é".repeat(1000));
        assert_eq!(with_short_lines(&words), expected);
        assert_eq!(with_short_lines("short"), "short");
    }

    #[test]
    fn numbers_are_grouped_and_things_are_counted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(count(1, "branch"), "1 branch");
        assert_eq!(count(2, "branch"), "2 branches");
        assert_eq!(count(0, "document"), "0 documents");
        assert_eq!(count(3, "history"), "3 histories");
    }
}
