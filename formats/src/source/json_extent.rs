//! Finds the end of a JSON document, without parsing it.
//!
//! This lets a reader skip one invalid document. Only brackets and strings are tracked; a document
//! that is invalid in any other way still ends at its last closing bracket. One with invalid
//! brackets or strings is abandoned where it certainly can't continue, at the latest at the next
//! line that begins with `{` where no document may begin.

/// The effect of a chunk of text on the current document. All positions are within the chunk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The whole chunk belongs to the document, which continues.
    Unfinished,
    /// The document ends before this position.
    Complete(usize),
    /// The document can't continue at this position, where the next may begin if
    /// `document_follows`.
    Broken { at: usize, reason: &'static str, document_follows: bool },
}

/// Brackets are stored as bits, because a deeper document is refused anyway.
const MAX_LEVELS: u32 = u128::BITS;

/// Tracks one document from its `{` on, chunk by chunk.
#[derive(Debug, Default)]
pub(super) struct Extent {
    one_line: bool,
    /// One bit for every open bracket, the innermost lowest: 1 for `[`, 0 for `{`.
    arrays: u128,
    levels: u32,
    place: Place,
    /// The last byte outside strings that isn't white space.
    last: u8,
    after_newline: bool,
    /// The number of newlines so far.
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
    /// With `one_line`, the document may have only one line.
    pub(super) fn new(one_line: bool) -> Self {
        Self { one_line, ..Self::default() }
    }

    /// Processes the next chunk; must not be called again after anything except
    /// [`Step::Unfinished`].
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

    /// Returns whether this byte completes the document.
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
