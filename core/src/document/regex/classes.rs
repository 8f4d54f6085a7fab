//! Character classes.

use std::fmt::Write;

use super::Refused;
use super::translate::Translator;

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0B\x0C\r ";

/// Classes without case, or whose case PCRE ignores.
const POSIX: [(&str, &str); 14] = [
    ("alpha", "A-Za-z"),
    ("lower", "a-z"),
    ("upper", "A-Z"),
    ("alnum", "0-9A-Za-z"),
    ("ascii", r"\x00-\x7F"),
    ("blank", r"\t "),
    ("cntrl", r"\x00-\x1F\x7F"),
    ("digit", DIGIT),
    ("graph", r"\x21-\x7E"),
    ("print", r"\x20-\x7E"),
    ("punct", r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"),
    ("space", SPACE),
    ("word", WORD),
    ("xdigit", "0-9A-Fa-f"),
];

/// Unicode's categories, which are the same in PCRE and `fancy-regex`.
const CATEGORIES: [&str; 30] = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc",
    "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl",
];

/// A character class.
#[derive(Debug, Default)]
pub(super) struct Class {
    negated: bool,
    /// Characters and ranges, which have case.
    characters: String,
    /// Classes that do not depend on case.
    sets: String,
}

/// The meaning of an escape sequence.
pub(super) enum Escaped {
    Character(char),
    Class(Class),
}

impl Class {
    fn set(set: &str, negated: bool) -> Self {
        let mut class = Self::default();
        class.add_set(set, negated);
        class
    }

    fn add_set(&mut self, set: &str, negated: bool) {
        if negated {
            self.sets.push_str("[^");
            self.sets.push_str(set);
            self.sets.push(']');
        } else {
            self.sets.push_str(set);
        }
    }

    fn add_range(&mut self, from: char, to: char) {
        // Can't fail: the target is a string.
        let _ = write!(self.characters, "\\x{{{:X}}}-\\x{{{:X}}}", u32::from(from), u32::from(to));
    }

    /// The class in the syntax of `fancy-regex`.
    pub(super) fn written(&self, caseless: bool) -> String {
        let Self { negated, characters, sets } = self;
        let not = if *negated { "^" } else { "" };
        match (caseless, characters.is_empty(), sets.is_empty()) {
            (false, ..) => format!("[{not}{characters}{sets}]"),
            (true, false, true) => format!("(?i:[{not}{characters}])"),
            (true, true, _) => format!("(?-i:[{not}{sets}])"),
            (true, false, false) if *negated => {
                format!("(?:(?!(?i:[{characters}])|(?-i:[{sets}]))(?s:.))")
            }
            (true, false, false) => format!("(?:(?i:[{characters}])|(?-i:[{sets}]))"),
        }
    }
}

/// Parses a class after its `[`.
pub(super) fn read(from: &mut Translator<'_>) -> Result<Class, Refused> {
    let mut class = Class { negated: from.skip("^"), ..Class::default() };
    let mut first = true;
    loop {
        let Some(next) = from.next() else { return Err(Refused::malformed("an unterminated [")) };
        if next == ']' && !first {
            return Ok(class);
        }
        first = false;
        let character = match next {
            '[' if from.rest().starts_with(':') && from.rest().contains(":]") => {
                posix(from, &mut class)?;
                continue;
            }
            '[' if from.rest().starts_with(['.', '=']) => {
                return Err(Refused::unknown("a collating element"));
            }
            '\\' => match in_class(from)? {
                Escaped::Character(character) => character,
                Escaped::Class(set) => {
                    class.sets.push_str(&set.sets);
                    // A hyphen after a class does not form a range.
                    if from.rest().starts_with('-') && !from.rest().starts_with("-]") {
                        return Err(Refused::unknown("a range that begins with a class"));
                    }
                    continue;
                }
            },
            character => character,
        };
        let to = range_end(from)?.unwrap_or(character);
        if to < character {
            return Err(Refused::malformed(format!("the range {character}-{to}")));
        }
        class.add_range(character, to);
    }
}

/// Parses the end of a range, if one has begun.
fn range_end(from: &mut Translator<'_>) -> Result<Option<char>, Refused> {
    if !from.rest().starts_with('-') || from.rest().starts_with("-]") {
        return Ok(None);
    }
    from.skip("-");
    match from.next() {
        Some('\\') => match in_class(from)? {
            Escaped::Character(end) => Ok(Some(end)),
            Escaped::Class(_) => Err(Refused::unknown("a range that ends with a class")),
        },
        Some('[') if from.rest().starts_with([':', '.', '=']) => {
            Err(Refused::unknown("a range that ends with a class"))
        }
        Some(end) => Ok(Some(end)),
        None => Err(Refused::malformed("an unterminated [")),
    }
}

fn posix(from: &mut Translator<'_>, class: &mut Class) -> Result<(), Refused> {
    from.skip(":");
    let negated = from.skip("^");
    let name = from.rest().split(":]").next().unwrap_or_default();
    let known = POSIX.iter().find(|(known, _)| *known == name);
    let (name, set) = known.ok_or_else(|| Refused::unknown(format!("the class [:{name}:]")))?;
    from.skip(name);
    from.skip(":]");
    // Both of these match either case in a caseless pattern.
    if from.flags.caseless && ["lower", "upper"].contains(name) {
        class.add_set("A-Za-z", negated);
    } else {
        class.add_set(set, negated);
    }
    Ok(())
}

fn in_class(from: &mut Translator<'_>) -> Result<Escaped, Refused> {
    match from.next() {
        None => Err(Refused::malformed("an unterminated [")),
        Some('b') => Ok(Escaped::Character('\x08')),
        Some(escaped) => self::escaped(from, escaped),
    }
}

/// Parses an escape sequence with the same meaning inside and outside of a class.
pub(super) fn escaped(from: &mut Translator<'_>, escaped: char) -> Result<Escaped, Refused> {
    let class = |set, negated| Ok(Escaped::Class(Class::set(set, negated)));
    Ok(Escaped::Character(match escaped {
        'd' | 'D' => return class(DIGIT, escaped == 'D'),
        'w' | 'W' => return class(WORD, escaped == 'W'),
        's' | 'S' => return class(SPACE, escaped == 'S'),
        'p' | 'P' => return category(from, escaped == 'P'),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'f' => '\x0c',
        'e' => '\x1b',
        'a' => '\x07',
        'x' => hexadecimal(from)?,
        other if other.is_ascii_alphanumeric() => {
            return Err(Refused::unknown(format!("\\{other}")));
        }
        other => other,
    }))
}

fn hexadecimal(from: &mut Translator<'_>) -> Result<char, Refused> {
    let digits = if from.skip("{") {
        let digits = from.rest().split('}').next().unwrap_or_default();
        from.skip(digits);
        if !from.skip("}") {
            return Err(Refused::malformed("an unterminated \\x{"));
        }
        digits
    } else {
        let is_digit = |c: &char| c.is_ascii_hexdigit();
        let length = from.rest().chars().take(2).take_while(is_digit).count();
        let digits = &from.rest()[..length];
        from.skip(digits);
        digits
    };
    let number = if digits.is_empty() { Some(0) } else { u32::from_str_radix(digits, 16).ok() };
    number.and_then(char::from_u32).ok_or_else(|| Refused::unknown(format!("\\x{{{digits}}}")))
}

fn category(from: &mut Translator<'_>, negated: bool) -> Result<Escaped, Refused> {
    let (negated, name) = if from.skip("{") {
        let negated = negated != from.skip("^");
        let name = from.rest().split('}').next().unwrap_or_default();
        from.skip(name);
        if !from.skip("}") {
            return Err(Refused::malformed("an unterminated \\p{"));
        }
        (negated, name.to_owned())
    } else {
        (negated, from.next().map(String::from).unwrap_or_default())
    };
    if !CATEGORIES.contains(&name.as_str()) {
        return Err(Refused::unknown(format!("\\p{{{name}}}")));
    }
    let sign = if negated { 'P' } else { 'p' };
    Ok(Escaped::Class(Class::set(&format!("\\{sign}{{{name}}}"), false)))
}
