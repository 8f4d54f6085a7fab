//! The rows and cells of comma-separated values, by RFC 4180 and `mongoimport`.
//!
//! Blanks around a cell are ignored unless it is quoted; a quote inside an unquoted cell is an
//! ordinary character. Obvious mistakes are refused instead of guessed at: text after a closing
//! quote, and a quote that is never closed. This is why the `csv` crate is not used: it repairs
//! both silently, and does not report which cells were quoted.

use std::io::{self, Read};

use super::super::validate::MAX_DOCUMENT_BYTES;
use super::Input;
use super::record::{Damage, Position};

/// The maximum size of a row: a quote that is never closed must not take the rest of the file into
/// memory.
const MAX_ROW_BYTES: u64 = 4 * MAX_DOCUMENT_BYTES as u64;

/// The maximum number of cells in a row. A field takes at least eight bytes of a document.
const MAX_CELLS: usize = MAX_DOCUMENT_BYTES / 8;

/// The size of a read.
const BUFFER_BYTES: usize = 64 * 1024;

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    /// The text, whose UTF-8 is unchecked: without surrounding blanks if it is not quoted.
    pub(super) text: &'a [u8],
    pub(super) quoted: bool,
}

impl Cell<'_> {
    /// The text, or its problem.
    pub(super) fn as_str(&self) -> Result<&str, &'static str> {
        std::str::from_utf8(self.text).map_err(|_| "is not UTF-8")
    }
}

/// Reads rows one by one.
#[derive(Debug)]
pub(super) struct Rows {
    input: Input,
    /// Unconsumed bytes, from `next` on.
    buffer: Vec<u8>,
    next: usize,
    separator: u8,
    /// The maximum size of a row, in bytes.
    most: u64,
    /// The offset of the next byte, in the uncompressed file.
    offset: u64,
    /// The line of the next byte, from 1.
    line: u64,
    row: Row,
}

/// The last row.
#[derive(Debug, Default)]
struct Row {
    offset: u64,
    line: u64,
    /// The concatenated texts of all cells.
    text: Vec<u8>,
    cells: Vec<End>,
}

/// The end of a cell in the row's text.
#[derive(Debug, Clone, Copy)]
struct End {
    text: usize,
    quoted: bool,
}

/// The position of the next byte in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before anything except blanks.
    Start,
    Bare,
    Quoted,
    /// After a quote in a quoted cell, which may be the first of a pair.
    Quote,
    /// After a closing quote and a blank.
    Closed,
    /// In a refused cell.
    Refused,
}

/// The problem of a row, and its line.
struct Fault {
    line: u64,
    reason: String,
}

/// The state of a row that is being read.
struct State {
    place: Place,
    /// The line of the opening quote of the current cell.
    opened: u64,
    /// The first problem.
    fault: Option<Fault>,
}

impl Rows {
    /// `start` is the length of the byte order mark before.
    pub(super) fn new(input: Input, separator: u8, start: u64) -> Self {
        let (buffer, row) = (Vec::new(), Row::default());
        let most = MAX_ROW_BYTES;
        Self { input, buffer, next: 0, separator, most, offset: start, line: 1, row }
    }

    /// Reads the next row that is not empty; false at the end of the file.
    ///
    /// After a refused row, reading continues with the next one; after a quote that is never
    /// closed, the next row is unknown.
    pub(super) fn read(&mut self) -> Result<bool, Damage> {
        while self.peek()?.is_some() {
            self.read_row()?;
            if !self.row.cells.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The position of the last row.
    pub(super) fn position(&self) -> Position {
        Position::in_line(self.row.offset, self.row.line)
    }

    /// The cells of the last row.
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = Cell<'_>> {
        let mut begin = 0;
        self.row.cells.iter().map(move |end| {
            let text = &self.row.text[begin..end.text];
            begin = end.text;
            Cell { text, quoted: end.quoted }
        })
    }

    fn read_row(&mut self) -> Result<(), Damage> {
        self.row.offset = self.offset;
        self.row.line = self.line;
        self.row.text.clear();
        self.row.cells.clear();
        let mut state = State { place: Place::Start, opened: self.line, fault: None };
        loop {
            let Some(byte) = self.peek()? else {
                if state.place == Place::Quoted {
                    return Err(self.never_closed(&state, "the file ends"));
                }
                self.end_row(&state)?;
                break;
            };
            if self.offset - self.row.offset >= self.most {
                return Err(self.too_long(&state));
            }
            self.consume();
            let ends = state.place != Place::Quoted && matches!(byte, b'\n' | b'\r');
            if byte == b'\n' || ends {
                self.line += 1;
            }
            if ends {
                if byte == b'\r' && self.peek()? == Some(b'\n') {
                    self.consume();
                }
                self.end_row(&state)?;
                break;
            }
            self.advance(byte, &mut state)?;
        }
        match state.fault {
            Some(Fault { line, reason }) => Err(self.damage(line, reason, true)),
            None => Ok(()),
        }
    }

    /// Consumes a byte that does not end the row.
    fn advance(&mut self, byte: u8, state: &mut State) -> Result<(), Damage> {
        let separates = byte == self.separator;
        let blank = !separates && matches!(byte, b' ' | b'\t');
        state.place = match state.place {
            Place::Quoted if byte == b'"' => Place::Quote,
            Place::Quoted => {
                self.row.text.push(byte);
                Place::Quoted
            }
            Place::Quote if byte == b'"' => {
                self.row.text.push(byte);
                Place::Quoted
            }
            place if separates => {
                self.end_cell(place)?;
                Place::Start
            }
            Place::Start if blank => Place::Start,
            Place::Start if byte == b'"' => {
                state.opened = self.line;
                Place::Quoted
            }
            Place::Start | Place::Bare => {
                self.row.text.push(byte);
                Place::Bare
            }
            Place::Quote | Place::Closed if blank => Place::Closed,
            Place::Quote | Place::Closed => {
                let column = self.row.cells.len() + 1;
                state.fault.get_or_insert_with(|| Fault {
                    line: self.line,
                    reason: format!(
                        "the quoted cell in column {column} has text after its closing quote; \
                         write a quote inside a quoted cell twice"
                    ),
                });
                Place::Refused
            }
            Place::Refused => Place::Refused,
        };
        Ok(())
    }

    fn end_cell(&mut self, place: Place) -> Result<(), Damage> {
        let Row { text, cells, .. } = &mut self.row;
        if place == Place::Bare {
            let begin = cells.last().map_or(0, |end| end.text);
            let blanks = text[begin..].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t'));
            text.truncate(text.len() - blanks.count());
        }
        if cells.len() == MAX_CELLS {
            let reason = format!("the row has more than {MAX_CELLS} cells");
            return Err(self.damage(self.row.line, reason, false));
        }
        let quoted = matches!(place, Place::Quote | Place::Closed);
        cells.push(End { text: text.len(), quoted });
        Ok(())
    }

    /// Ends the last cell, unless the line is empty.
    fn end_row(&mut self, state: &State) -> Result<(), Damage> {
        let empty = state.place == Place::Start && self.row.cells.is_empty();
        if empty { Ok(()) } else { self.end_cell(state.place) }
    }

    fn never_closed(&self, state: &State, what: &str) -> Damage {
        let column = self.row.cells.len() + 1;
        let reason = format!(
            "{what} inside the quoted cell in column {column}, whose quote is never closed; write \
             a literal quote as \"\" inside a quoted cell"
        );
        self.damage(state.opened, reason, false)
    }

    fn too_long(&self, state: &State) -> Damage {
        if state.place == Place::Quoted {
            return self.never_closed(state, &format!("the row exceeds {} bytes", self.most));
        }
        let reason = format!("the row exceeds {} bytes", self.most);
        self.damage(self.row.line, reason, false)
    }

    fn peek(&mut self) -> Result<Option<u8>, Damage> {
        match self.buffer.get(self.next) {
            Some(byte) => Ok(Some(*byte)),
            None => self.fill(),
        }
    }

    fn fill(&mut self) -> Result<Option<u8>, Damage> {
        self.buffer.resize(BUFFER_BYTES, 0);
        self.next = 0;
        let read = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(_) => Ok(self.buffer.first().copied()),
            Err(error) => Err(self.damage(self.line, self.input.explain(&error), false)),
        }
    }

    fn consume(&mut self) {
        self.next += 1;
        self.offset += 1;
    }

    fn damage(&self, line: u64, reason: String, resumable: bool) -> Damage {
        Damage { position: Position::in_line(self.row.offset, line), reason, resumable }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_row_that_is_too_long_is_not_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        for (row, reason) in [
            ("2,\"", "line 3: the row exceeds 1000 bytes inside the quoted cell in column 2"),
            ("2,x", "line 3: the row exceeds 1000 bytes"),
        ] {
            fs::write(&path, format!("a,b\n1,x\n{row}{}", "x".repeat(2000))).unwrap();
            let mut rows = Rows::new(Input::open(&path).unwrap(), b',', 0);
            rows.most = 1000;
            assert!(rows.read().unwrap() && rows.read().unwrap());
            let damage = rows.read().unwrap_err();
            let said = format!("line {}: {}", damage.position.line().unwrap(), damage.reason);
            assert!(said.starts_with(reason) && !damage.resumable, "{said}");
        }
    }
}
