//! What others wrote, on a terminal: no character of theirs moves its cursor or changes its state.

use std::borrow::Cow;

use super::colours::sequence_length;

/// Text of one or more lines without control characters, and without those that turn the direction
/// of writing: `\u001b` stands for one, as in JSON, so that JSON stays what it was. Of the sequences of
/// colours, those that are ours stay if `painted`.
pub(crate) fn lines(text: &str, painted: bool) -> Cow<'_, str> {
    escape(text, painted, |c| c == '\n')
}

/// The same on one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, false, |_| false)
}

/// Quotes an argument of a printed command for a POSIX shell, where it needs quotes.
pub(crate) fn argument(text: &str) -> Cow<'_, str> {
    // Only a NUL can't be quoted, and no argument has one.
    shlex::try_quote(text).unwrap_or(Cow::Borrowed(text))
}

fn escape(text: &str, painted: bool, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_unsafe = |c: char| is_control(c) && !allowed(c);
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_unsafe) {
        let (before, after) = rest.split_at(at);
        safe.push_str(before);
        rest = match sequence_length(after).filter(|_| painted) {
            Some(length) => {
                let (sequence, after) = after.split_at(length);
                safe.push_str(sequence);
                after
            }
            None => push_escaped(&mut safe, after),
        };
    }
    safe.push_str(rest);
    Cow::Owned(safe)
}

/// Writes the first character of a text, and gives the rest.
fn push_escaped<'a>(safe: &mut String, text: &'a str) -> &'a str {
    let mut characters = text.chars();
    match characters.next() {
        Some('\n') => safe.push_str("\\n"),
        Some('\r') => safe.push_str("\\r"),
        Some('\t') => safe.push_str("\\t"),
        Some(c) => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
        None => {}
    }
    characters.as_str()
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_written_out() {
        for (text, expected) in [
            ("Ada\nGrace", "Ada\nGrace"),
            ("\x1b[2J\x07", "\\u001b[2J\\u0007"),
            ("a\u{9b}1A\u{7f}", "a\\u009b1A\\u007f"),
            ("a\tb\r", "a\\tb\\r"),
            ("user\u{202e}nimda", "user\\u202enimda"),
            ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ] {
            assert_eq!(lines(text, false), expected);
        }
        assert_eq!(line("a\nb"), "a\\nb");
        assert!(matches!(lines("Zoë\n€", false), Cow::Borrowed(_)));
    }

    #[test]
    fn an_argument_that_a_shell_would_change_is_quoted() {
        for (text, quoted) in [
            ("stats.visits", "stats.visits"),
            ("", "''"),
            ("items.sku=\"A 1\"", "'items.sku=\"A 1\"'"),
            ("it's", "\"it's\""),
            ("mongodb://db/shop?tls=true&w=1", "'mongodb://db/shop?tls=true&w=1'"),
            ("!$(date)", "'!$(date)'"),
        ] {
            assert_eq!(argument(text), quoted);
        }
    }

    #[test]
    fn only_our_own_colours_come_through_where_there_are_any() {
        let text = "\x1b[31m- x\x1b[8m\x1b]0;title\x07\x1b[0m";
        assert_eq!(lines(text, true), "\x1b[31m- x\\u001b[8m\\u001b]0;title\\u0007\x1b[0m");
    }
}
