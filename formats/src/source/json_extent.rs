//! Finding where a JSON document ends, without parsing it.
//!
//! This is what lets one bad document be skipped. Brackets and strings are followed, nothing else;
//! a document that is broken in any other way still ends where its last bracket closes. One that is
//! broken in its brackets or strings is given up where it certainly can't go on, at the latest at
//! the next line that begins with `{` where no document may begin.

/// What a chunk of text did to the document being read. All positions are within the chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All of the chunk belongs to the document, which goes on.
    Unfinished,
    /// The document ends before this position.
    Complete(usize),
    /// The document can't go on at this position, where the next may begin if `document_follows`.
    Broken { at: usize, reason: &'static str, document_follows: bool },
}

/// Brackets are kept as bits: a deeper document is refused anyway.
const MAX_LEVELS: u32 = u128::BITS;

/// Follows one document from its `{` on, chunk by chunk.
#[derive(Debug, Default)]
pub(super) struct Extent {
    one_line: bool,
    /// For every open bracket a bit, the innermost lowest: 1 for `[`, 0 for `{`.
    arrays: u128,
    levels: u32,
    place: Place,
    /// The last byte outside strings that isn't white space.
    last: u8,
    after_newline: bool,
    /// Newlines passed so far.
    pub(super) newlines: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    OutsideStrings,
    InString,
    AfterBackslash,
}

impl Extent {
    /// The document may have only one line if `one_line`.
    pub(super) fn new(one_line: bool) -> Self {
        Self { one_line, ..Self::default() }
    }

    /// Takes the next chunk; after anything but [`Step::Unfinished`] this value is of no more use.
    pub(super) fn advance(&mut self, chunk: &[u8]) -> Step {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            let step = match self.place {
                Place::OutsideStrings => self.outside(byte),
                _ => self.in_string(byte),
            };
            match step {
                Ok(false) => at += 1,
                Ok(true) => return Step::Complete(at + 1),
                Err(reason) => {
                    let document_follows = byte == b'{' && self.after_newline;
                    return Step::Broken { at, reason, document_follows };
                }
            }
        }
        Step::Unfinished
    }

    fn in_string(&mut self, byte: u8) -> Result<bool, &'static str> {
        self.place = match (self.place, byte) {
            (_, b'\n') => return Err("a string isn't closed on its line"),
            (Place::InString, b'\\') => Place::AfterBackslash,
            (Place::InString, b'"') => Place::OutsideStrings,
            _ => Place::InString,
        };
        Ok(false)
    }

    /// Whether the document is complete with this byte.
    fn outside(&mut self, byte: u8) -> Result<bool, &'static str> {
        match byte {
            b'\n' if self.one_line => return Err("the document isn't closed on its line"),
            b'\n' => {
                self.newlines += 1;
                self.after_newline = true;
                return Ok(false);
            }
            b' ' | b'\t' | b'\r' => {
                self.after_newline = false;
                return Ok(false);
            }
            b'"' => self.place = Place::InString,
            b'{' if self.after_newline && !self.value_may_follow() => {
                return Err("the document isn't closed before the next one begins");
            }
            b'{' | b'[' => self.open(byte == b'[')?,
            b'}' | b']' => self.close(byte == b']')?,
            _ => {}
        }
        self.last = byte;
        self.after_newline = false;
        Ok(self.levels == 0)
    }

    fn value_may_follow(&self) -> bool {
        let in_array = self.arrays & 1 == 1;
        self.last == b':' || in_array && matches!(self.last, b',' | b'[')
    }

    fn open(&mut self, array: bool) -> Result<(), &'static str> {
        if self.levels == MAX_LEVELS {
            return Err("the document is nested too deeply");
        }
        self.levels += 1;
        self.arrays = self.arrays << 1 | u128::from(array);
        Ok(())
    }

    fn close(&mut self, array: bool) -> Result<(), &'static str> {
        if array != (self.arrays & 1 == 1) {
            return Err("a bracket is closed by one of another kind");
        }
        self.levels -= 1;
        self.arrays >>= 1;
        Ok(())
    }
}
