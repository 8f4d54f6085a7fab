//! Translates PCRE's syntax to that of `fancy-regex`.

use std::fmt::Write;

use super::Refused;
use super::classes::{self, Class};

/// The options at a position of a pattern.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "PCRE's own options")]
pub(super) struct Flags {
    pub(super) caseless: bool,
    multiline: bool,
    dot_all: bool,
    extended: bool,
}

/// What the groups of a translated pattern do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// They only group: for patterns that are asked whether they match.
    Group,
    /// They capture, by number, and the match ends where PCRE's does.
    Capture,
}

/// Translates a pattern with PCRE's meaning to the syntax of `fancy-regex`. O(length).
pub(super) fn translate(source: &str, options: &str, kind: Groups) -> Result<String, Refused> {
    let mut flags = Flags::default();
    for option in options.chars() {
        flags.set(option, true).ok_or_else(|| Refused::unknown(format!("the option {option}")))?;
    }
    let mut translator = Translator {
        source,
        at: 0,
        flags,
        kind,
        groups: Vec::new(),
        out: String::new(),
        item: false,
    };
    translator.run()?;
    Ok(translator.out)
}

impl Flags {
    fn set(&mut self, option: char, on: bool) -> Option<()> {
        match option {
            'i' => self.caseless = on,
            'm' => self.multiline = on,
            's' => self.dot_all = on,
            'x' => self.extended = on,
            // Patterns are always UTF-8.
            'u' if on => {}
            _ => return None,
        }
        Some(())
    }
}

pub(super) struct Translator<'a> {
    source: &'a str,
    at: usize,
    pub(super) flags: Flags,
    kind: Groups,
    /// The options outside of each open group.
    groups: Vec<Flags>,
    pub(super) out: String,
    /// Whether the previous item may be repeated.
    item: bool,
}

impl<'a> Translator<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Skips a text, if it comes next.
    pub(super) fn skip(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn run(&mut self) -> Result<(), Refused> {
        while let Some(next) = self.next() {
            match next {
                '\\' => self.escape()?,
                '[' => {
                    let class = classes::read(self)?;
                    self.class(&class);
                }
                '(' => self.open()?,
                ')' => {
                    self.flags =
                        self.groups.pop().ok_or_else(|| Refused::malformed("an unmatched )"))?;
                    self.out.push(')');
                    self.item = true;
                }
                '|' => {
                    self.out.push('|');
                    self.item = false;
                }
                '*' | '+' | '?' => self.repeat(&next.to_string())?,
                '{' => match self.counts() {
                    Some(counts) => self.repeat(&counts)?,
                    None => self.literal('{'),
                },
                '.' if self.flags.dot_all => self.atom("(?s:.)"),
                '.' => self.atom(r"[^\n]"),
                // Not after a newline that ends the text.
                '^' if self.flags.multiline => self.assertion(r"(?:\A|(?<=\n)(?!\z))"),
                '^' => self.assertion(r"\A"),
                '$' if self.flags.multiline => self.assertion(r"(?=\n|\z)"),
                // Cheaper, but a part of the match.
                '$' if self.kind == Groups::Group && self.ends_alternative() => {
                    self.assertion(r"\n?\z");
                }
                '$' => self.assertion(r"(?=\n?\z)"),
                ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if self.flags.extended => {}
                '#' if self.flags.extended => {
                    self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                literal => self.literal(literal),
            }
        }
        if self.groups.is_empty() { Ok(()) } else { Err(Refused::malformed("an unmatched (")) }
    }

    /// Returns whether nothing can follow in this alternative of the whole pattern.
    fn ends_alternative(&self) -> bool {
        self.groups.is_empty() && (self.rest().is_empty() || self.rest().starts_with('|'))
    }

    /// Writes one item unchanged.
    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.item = true;
    }

    fn assertion(&mut self, text: &str) {
        self.out.push_str(text);
        self.item = false;
    }

    pub(super) fn literal(&mut self, literal: char) {
        let plain = literal.is_ascii_alphanumeric() || literal == '_';
        let has_case = self.flags.caseless && !literal.is_ascii_digit();
        if plain && !has_case {
            self.out.push(literal);
        } else if has_case {
            // Can't fail: the target is a string.
            let _ = write!(self.out, "(?i:\\x{{{:X}}})", u32::from(literal));
        } else {
            let _ = write!(self.out, "\\x{{{:X}}}", u32::from(literal));
        }
        self.item = true;
    }

    fn class(&mut self, class: &Class) {
        let written = class.written(self.flags.caseless);
        self.atom(&written);
    }

    /// Translates a quantifier and its mode.
    fn repeat(&mut self, quantifier: &str) -> Result<(), Refused> {
        if !std::mem::take(&mut self.item) {
            return Err(Refused::unknown(format!("a {quantifier} with nothing to repeat")));
        }
        self.out.push_str(quantifier);
        for mode in ["?", "+"] {
            if self.skip(mode) {
                // Only some engines treat a possessive count as an atomic group.
                if mode == "+" && quantifier.starts_with('{') {
                    return Err(Refused::unknown(format!("the quantifier {quantifier}+")));
                }
                self.out.push_str(mode);
                break;
            }
        }
        Ok(())
    }

    /// Parses `n}`, `n,}` or `n,m}` after a brace; anything else is text.
    fn counts(&mut self) -> Option<String> {
        let (inside, _) = self.rest().split_once('}')?;
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !number(least) || !(most.is_empty() || number(most)) {
            return None;
        }
        self.at += inside.len() + 1;
        Some(format!("{{{inside}}}"))
    }

    /// Translates the text after an opening parenthesis.
    fn open(&mut self) -> Result<(), Refused> {
        let outside = self.flags;
        if self.rest().starts_with('*') {
            return Err(Refused::unknown("a verb (*…)"));
        }
        let kept = ["?:", "?=", "?!", "?<=", "?<!", "?>"];
        if let Some(kind) = kept.into_iter().find(|kind| self.skip(kind)) {
            self.out.push('(');
            self.out.push_str(kind);
        } else if self.skip("?#") {
            let comment = self
                .rest()
                .find(')')
                .ok_or_else(|| Refused::malformed("an unterminated comment"))?;
            self.at += comment + 1;
            return Ok(());
        } else if let Some(end) = ["?P<", "?<", "?'"].into_iter().find(|start| self.skip(start)) {
            let close = if end == "?'" { '\'' } else { '>' };
            let length = self
                .rest()
                .find(close)
                .ok_or_else(|| Refused::malformed("an unterminated group name"))?;
            let name = &self.rest()[..length];
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(Refused::unknown(format!("a group named {name}")));
            }
            self.at += length + 1;
            self.out.push_str(self.capturing());
        } else if self.skip("?") {
            if !self.options()? {
                return Ok(());
            }
            self.out.push_str("(?:");
        } else {
            self.out.push_str(self.capturing());
        }
        self.groups.push(outside);
        self.item = false;
        Ok(())
    }

    /// Returns whether a digit after a backslash is a reference to a group, whose text is compared
    /// with case.
    fn may_refer(&self) -> bool {
        let is_number = self.rest().starts_with(|c: char| c.is_ascii_digit());
        self.kind == Groups::Capture && !self.flags.caseless && !is_number
    }

    /// The beginning of a group that captures in PCRE.
    fn capturing(&self) -> &'static str {
        match self.kind {
            Groups::Group => "(?:",
            Groups::Capture => "(",
        }
    }

    /// Parses `im-s)` for the rest of the group, or `im-s:` for a new one; returns whether it is a
    /// new one.
    fn options(&mut self) -> Result<bool, Refused> {
        let mut on = true;
        let start = self.at;
        while let Some(next) = self.next() {
            match next {
                '-' => on = false,
                ')' => return Ok(false),
                ':' => return Ok(true),
                option => {
                    let known = self.flags.set(option, on);
                    known.ok_or_else(|| {
                        Refused::unknown(format!("(?{}", &self.source[start..self.at]))
                    })?;
                }
            }
        }
        Err(Refused::malformed("an unterminated group of options"))
    }

    fn escape(&mut self) -> Result<(), Refused> {
        const WORD: &str = "(?-i:[0-9A-Za-z_])";
        let Some(escaped) = self.next() else {
            return Err(Refused::malformed("a single \\ at the end"));
        };
        match escaped {
            'A' => self.assertion(r"\A"),
            'z' => self.assertion(r"\z"),
            'Z' => self.assertion(r"(?=\n?\z)"),
            'b' => self.assertion(&format!("(?:(?<={WORD})(?!{WORD})|(?<!{WORD})(?={WORD}))")),
            'B' => self.assertion(&format!("(?:(?<={WORD})(?={WORD})|(?<!{WORD})(?!{WORD}))")),
            'Q' => {
                let (text, after) = self.rest().split_once("\\E").unwrap_or((self.rest(), ""));
                self.at = self.source.len() - after.len();
                text.chars().for_each(|literal| self.literal(literal));
            }
            'E' => {}
            '1'..='9' if self.may_refer() => self.atom(&format!(r"(?:\{escaped})")),
            _ => match classes::escaped(self, escaped)? {
                classes::Escaped::Character(literal) => self.literal(literal),
                classes::Escaped::Class(class) => self.class(&class),
            },
        }
        Ok(())
    }
}
