//! The texts that a regular expression can match, as far as it begins with plain text.

use bson::raw::CString;
use bson::{Bson, Document, Regex};

use super::interval::{Cut, Intervals, bracket};

/// Returns the values that a pattern can match: texts, and the same expression as a value.
pub(super) fn matching(pattern: &str, options: &str) -> Intervals {
    Intervals::union([texts(pattern, options), expressions(pattern)])
}

fn texts(pattern: &str, options: &str) -> Intervals {
    let prefix = prefix(pattern, options);
    let all = bracket(&Bson::String(String::new()));
    let high = match after(&prefix) {
        Some(next) => Cut::before(Bson::String(next)),
        None => all.map(|all| all.high),
    };
    Intervals::between(Cut::before(Bson::String(prefix)), high)
}

/// The stored expressions with this pattern, whatever their options.
fn expressions(pattern: &str) -> Intervals {
    let Ok(pattern) = CString::try_from(pattern) else { return Intervals::none() };
    let with = |options: &str| {
        let options = CString::try_from(options).ok()?;
        Some(Bson::RegularExpression(Regex { pattern: pattern.clone(), options }))
    };
    Intervals::between(with("").and_then(Cut::before), with("\u{10FFFF}").and_then(Cut::after))
}

/// The plain text with which each match begins; empty if that is unknown.
fn prefix(pattern: &str, options: &str) -> String {
    // Without case, over lines and with comments, a text may begin otherwise.
    if options.contains(['i', 'm', 'x']) || pattern.contains('|') {
        return String::new();
    }
    let Some(rest) = pattern.strip_prefix('^').or_else(|| pattern.strip_prefix("\\A")) else {
        return String::new();
    };
    let mut prefix = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => prefix.push(escaped),
                _ => break,
            },
            // The character before may occur zero times.
            '*' | '?' | '{' => {
                prefix.pop();
                break;
            }
            '^' | '$' | '.' | '[' | ']' | '(' | ')' | '+' | '}' => break,
            plain => prefix.push(plain),
        }
    }
    prefix
}

/// The first text that is greater than all that begin with this one; `None` if there is none.
fn after(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        if let Some(next) = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// The pattern and options of `$regex`, or of a regular expression as a value.
pub(super) fn parts(value: &Bson, operators: &Document) -> Option<(String, String)> {
    let given = operators.get("$options").and_then(Bson::as_str);
    match value {
        Bson::String(pattern) => Some((pattern.clone(), given.unwrap_or_default().to_owned())),
        Bson::RegularExpression(regex) => {
            let own = regex.options.as_str();
            Some((regex.pattern.as_str().to_owned(), given.unwrap_or(own).to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_beginning_of_an_anchored_pattern_bounds_its_matches() {
        for (pattern, options, wanted) in [
            ("^abc", "", "abc"),
            ("^abc", "s", "abc"),
            ("\\Aab", "", "ab"),
            ("^ab.c", "", "ab"),
            ("^ab\\.c$", "", "ab.c"),
            ("^ab\\d", "", "ab"),
            ("^abc*", "", "ab"),
            ("^abc?", "", "ab"),
            ("^abc{0,2}", "", "ab"),
            ("^abc+", "", "abc"),
            ("^ab(c|d)", "", ""),
            ("^ab|c", "", ""),
            ("abc", "", ""),
            ("^abc", "i", ""),
            ("^abc", "m", ""),
            ("^a b", "x", ""),
            ("^(?i)ab", "", ""),
            ("^\\Qa.b\\E", "", ""),
            ("^", "", ""),
        ] {
            assert_eq!(prefix(pattern, options), wanted, "{pattern} {options}");
        }
        assert_eq!(after("abc"), Some("abd".to_owned()));
        assert_eq!(after("a\u{10FFFF}"), Some("b".to_owned()));
        assert_eq!(after("\u{D7FF}"), Some("\u{E000}".to_owned()));
        assert_eq!((after(""), after("\u{10FFFF}")), (None, None));
    }
}
