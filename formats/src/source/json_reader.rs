//! JSON documents: one per line, concatenated, or the elements of one array.

use std::io::{self, BufRead};

use super::super::extjson::{DoubledNames, ExtJsonError, parse_document_bytes};
use super::super::validate::MAX_DOCUMENT_BYTES;
use super::Input;
use super::json_extent::{Extent, Step};
use super::record::{Damage, Position, Record};

/// The maximum size of the text of one document. Canonical Extended JSON with every character
/// escaped takes about six times the bytes of BSON.
const MAX_TEXT_BYTES: usize = 8 * MAX_DOCUMENT_BYTES;

#[derive(Debug)]
pub(super) struct JsonReader {
    input: Input,
    /// The offset of the next byte, in the uncompressed file.
    offset: u64,
    /// The line of the next byte, from 1.
    line: u64,
    framing: Framing,
    one_line: bool,
    doubled: DoubledNames,
    /// The text of the current document; reused for its allocation.
    text: Vec<u8>,
}

/// The syntax expected between documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// At the beginning of the file, which decides.
    Start,
    /// Documents without commas.
    Sequence,
    /// In an array, after `[` or a comma, or where reading continues after a damaged document.
    Element,
    /// In an array, after a document.
    Comma,
    /// After the array.
    AfterArray,
}

/// The result of a step, or the error that replaces a record.
type Reading<T> = Result<T, Damage>;

impl JsonReader {
    /// With `one_line`, each line is a document; otherwise the first byte of the file decides.
    pub(super) fn new(mut input: Input, one_line: bool, doubled: DoubledNames) -> io::Result<Self> {
        let offset = input.skip_byte_order_mark()?;
        let framing = if one_line { Framing::Sequence } else { Framing::Start };
        Ok(Self { input, offset, line: 1, framing, one_line, doubled, text: Vec::new() })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, Damage>> {
        match self.find_document() {
            Ok(true) => Some(self.read_document()),
            Ok(false) => None,
            Err(damage) => Some(Err(damage)),
        }
    }

    /// Advances to the `{` of the next document; returns false at the regular end of the file.
    fn find_document(&mut self) -> Reading<bool> {
        loop {
            let byte = self.skip_white_space()?;
            self.framing = match (self.framing, byte) {
                (Framing::Start | Framing::Sequence | Framing::AfterArray, None) => {
                    return Ok(false);
                }
                (Framing::Element | Framing::Comma, None) => {
                    return Err(self.damage("the file ends inside the array", false));
                }
                (Framing::Start | Framing::Sequence, Some(b'{')) => {
                    self.framing = Framing::Sequence;
                    return Ok(true);
                }
                (Framing::Element, Some(b'{')) => {
                    self.framing = Framing::Comma;
                    return Ok(true);
                }
                (Framing::Start, Some(b'[')) | (Framing::Comma, Some(b',')) => Framing::Element,
                (Framing::Element | Framing::Comma, Some(b']')) => Framing::AfterArray,
                (Framing::AfterArray, Some(_)) => {
                    return Err(self.damage("unexpected content after the end of the array", false));
                }
                (Framing::Comma, Some(b'{')) => {
                    self.framing = Framing::Element;
                    return Err(self.damage("expected a comma", true));
                }
                (Framing::Start | Framing::Sequence | Framing::Element, Some(_)) => {
                    return Err(self.give_up("expected {")?);
                }
                (Framing::Comma, Some(_)) => {
                    return Err(self.give_up("expected a comma or ]")?);
                }
            };
            self.consume(1);
        }
    }

    /// Reads the document at the current `{`.
    fn read_document(&mut self) -> Reading<Record> {
        let (offset, line) = (self.offset, self.line);
        self.text.clear();
        let mut extent = Extent::new(self.one_line);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.unreadable(&error)),
            };
            if chunk.is_empty() {
                let reason = "the file ends inside the document".to_owned();
                return Err(Damage {
                    position: Position::in_line(offset, line),
                    reason,
                    resumable: false,
                });
            }
            let step = extent.advance(chunk);
            let taken = match step {
                Step::Unfinished => chunk.len(),
                Step::Complete(end) | Step::Broken { at: end, .. } => end,
            };
            self.text.extend_from_slice(&chunk[..taken]);
            self.consume(taken);
            self.line = line + extent.newlines;
            match step {
                Step::Complete(_) => return self.parse(offset, line),
                Step::Broken { reason, document_follows, .. } => {
                    return Err(self.resume_after(offset, line, reason, document_follows)?);
                }
                Step::Unfinished if self.text.len() > MAX_TEXT_BYTES => {
                    let reason = "the document's text is too long";
                    return Err(self.resume_after(offset, line, reason, false)?);
                }
                Step::Unfinished => {}
            }
        }
    }

    fn parse(&self, offset: u64, line: u64) -> Reading<Record> {
        match parse_document_bytes(&self.text, self.doubled) {
            Ok((document, number_types)) => {
                Ok(Record { document, position: Position::in_line(offset, line), number_types })
            }
            Err(ExtJsonError::Syntax { message, line: inner, column }) => {
                let reason = format!("{message} (column {column})");
                let line = line + (inner as u64).saturating_sub(1);
                Err(Damage { position: Position::in_line(offset, line), reason, resumable: true })
            }
            Err(error) => {
                let reason = error.to_string();
                Err(Damage { position: Position::in_line(offset, line), reason, resumable: true })
            }
        }
    }

    /// The error for content that is not a document.
    fn give_up(&mut self, reason: &str) -> Reading<Damage> {
        self.resume_after(self.offset, self.line, reason, false)
    }

    /// The error for a document that began at `offset` in `line`. Advances to where the next one
    /// may begin: the current position if `document_follows`, otherwise the next line. But if the
    /// document has several lines, or is in an array, where its remaining lines would only cause
    /// more errors, it advances to the next line that begins with `{`.
    fn resume_after(
        &mut self,
        offset: u64,
        line: u64,
        reason: &str,
        document_follows: bool,
    ) -> Reading<Damage> {
        let mut damage = Damage {
            position: Position::in_line(offset, self.line),
            reason: reason.to_owned(),
            resumable: true,
        };
        let in_array = matches!(self.framing, Framing::Element | Framing::Comma);
        self.framing = if in_array { Framing::Element } else { Framing::Sequence };
        if !document_follows {
            let to_document = in_array || self.line > line;
            self.skip_line()?;
            while to_document && self.peek()?.is_some_and(|byte| byte != b'{') {
                self.skip_line()?;
            }
        }
        if in_array && self.peek()?.is_none() {
            damage.reason.push_str("; the rest of the array can't be read");
            damage.resumable = false;
        }
        Ok(damage)
    }

    fn skip_line(&mut self) -> Reading<()> {
        loop {
            let Some(chunk) = self.chunk()? else { return Ok(()) };
            let newline = chunk.iter().position(|&byte| byte == b'\n');
            let taken = newline.map_or(chunk.len(), |at| at + 1);
            self.consume(taken);
            if newline.is_some() {
                self.line += 1;
                return Ok(());
            }
        }
    }

    /// Skips white space, and returns the byte after it without consuming it.
    fn skip_white_space(&mut self) -> Reading<Option<u8>> {
        loop {
            let byte = self.peek()?;
            match byte {
                Some(b'\n') => self.line += 1,
                Some(b' ' | b'\t' | b'\r') => {}
                _ => return Ok(byte),
            }
            self.consume(1);
        }
    }

    fn peek(&mut self) -> Reading<Option<u8>> {
        Ok(self.chunk()?.map(|chunk| chunk[0]))
    }

    /// Returns the buffered bytes, at least one; none at the end of the file.
    fn chunk(&mut self) -> Reading<Option<&[u8]>> {
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        // The buffer is filled, so this only borrows it again, outside of the loop.
        let chunk = self.input.fill_buf().unwrap_or_default();
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.offset += count as u64;
    }

    fn unreadable(&self, error: &io::Error) -> Damage {
        self.damage(&self.input.explain(error), false)
    }

    fn damage(&self, reason: &str, resumable: bool) -> Damage {
        let reason = reason.to_owned();
        Damage { position: Position::in_line(self.offset, self.line), reason, resumable }
    }
}
