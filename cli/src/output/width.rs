//! The width of a terminal, and lines that fit into it.

use std::borrow::Cow;
use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthChar;

/// The columns of the terminal that standard output is; `None` if it is none.
pub(super) fn of_terminal() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    columns().filter(|columns| *columns > 0)
}

#[cfg(unix)]
fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn columns() -> Option<usize> {
    None
}

/// A line cut to this many columns; `…` stands for what is left out.
pub(super) fn cut(line: &str, columns: usize) -> Cow<'_, str> {
    let (mut width, mut end) = (0, 0);
    for (at, c) in line.char_indices() {
        width += c.width().unwrap_or(0);
        if width > columns {
            return Cow::Owned(format!("{}…", &line[..end]));
        }
        // Room for the sign of what is left out.
        if width < columns {
            end = at + c.len_utf8();
        }
    }
    Cow::Borrowed(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_columns_not_by_bytes() {
        for (line, columns, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("ééé", 3, "ééé"),
            ("éééé", 3, "éé…"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 8, "漢字漢字"),
            ("", 1, ""),
        ] {
            assert_eq!(cut(line, columns), expected, "{line}");
        }
    }
}
