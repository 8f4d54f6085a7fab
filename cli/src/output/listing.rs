//! Lists of like things, in each format.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use comfy_table::{Table, presets};
use serde::Serialize;

use super::stream::Out;
use super::{Colours, Format, escape, typed, width};
use crate::exit::{CommandResult, Failure};

/// How many rows of a table are gathered to find the widths of its columns.
const PAGE: usize = 1000;

/// A result that is a line of a list.
pub(crate) trait Cells: Serialize {
    /// Its cells in a table.
    fn cells(&self) -> Vec<String>;
}

/// Prints a list, in memory of bounded size. Dropped without [`finish`](Self::finish), it may lack
/// its end.
pub(crate) struct Listing {
    format: Format,
    colours: Colours,
    columns: &'static [&'static str],
    page: Vec<Vec<String>>,
    printed: u64,
    out: BufWriter<Out>,
}

impl Listing {
    pub(super) fn new(
        format: Format,
        columns: &'static [&'static str],
        colours: Colours,
        out: BufWriter<Out>,
    ) -> Self {
        Self { format, colours, columns, page: Vec::new(), printed: 0, out }
    }

    /// Adds a result.
    pub(crate) fn item(&mut self, item: &impl Cells) -> CommandResult {
        if self.format != Format::Table {
            let line = typed::compact(item)?;
            return self.line("", || line);
        }
        self.cells(&item.cells())
    }

    fn cells(&mut self, cells: &[String]) -> CommandResult {
        self.page.push(cells.iter().map(|cell| escape::line(cell).into_owned()).collect());
        if self.page.len() == PAGE { self.print_page() } else { Ok(()) }
    }

    /// Adds a thing that is one line for people: `text`, and one line of JSON for programs.
    pub(crate) fn line(&mut self, text: &str, json: impl FnOnce() -> String) -> CommandResult {
        let separator = if self.printed == 0 { "[\n" } else { ",\n" };
        self.printed += 1;
        match self.format {
            Format::Table => {
                writeln!(self.out, "{}", escape::lines(text, self.colours.are_shown()))
            }
            Format::Json => write!(self.out, "{separator}{}", escape::lines(&json(), false)),
            Format::Jsonl => writeln!(self.out, "{}", escape::lines(&json(), false)),
        }
        .map_err(Failure::output)
    }

    /// Adds a result that is `text` for people.
    pub(crate) fn result(&mut self, text: &str, result: &impl Serialize) -> CommandResult {
        let line = typed::compact(result)?;
        self.line(text, || line)
    }

    /// Shows what has been added so far.
    pub(crate) fn flush(&mut self) -> CommandResult {
        self.out.flush().map_err(Failure::output)
    }

    /// Ends the list.
    pub(crate) fn finish(mut self) -> CommandResult {
        match (self.format, self.printed) {
            (Format::Table, _) => self.print_page()?,
            (Format::Json, 0) => writeln!(self.out, "[]").map_err(Failure::output)?,
            (Format::Json, _) => writeln!(self.out, "\n]").map_err(Failure::output)?,
            (Format::Jsonl, _) => {}
        }
        self.flush()
    }

    fn print_page(&mut self) -> CommandResult {
        if self.page.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.printed == 0 {
            table.set_header(self.columns.iter().copied());
        }
        self.printed += self.page.len() as u64;
        table.add_rows(self.page.drain(..));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let columns = width::of_terminal();
        for line in table.lines() {
            let line = line.trim_end();
            let line = columns.map_or(Cow::Borrowed(line), |columns| width::cut(line, columns));
            writeln!(self.out, "{line}").map_err(Failure::output)?;
        }
        Ok(())
    }
}
