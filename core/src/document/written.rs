//! The written form of paths: names separated by dots.

use super::path::{Name, WHOLE_DOCUMENT, wrong};
use crate::Result;

/// Parses a written path; empty for the whole document.
///
/// # Errors
/// `Invalid` if it ends with a `\`.
pub(super) fn split(text: &str) -> Result<Vec<Name>> {
    if text == WHOLE_DOCUMENT {
        return Ok(Vec::new());
    }
    let empty = || Name { text: String::new(), escaped: false };
    let mut names = Vec::new();
    let mut name = empty();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '.' => names.push(std::mem::replace(&mut name, empty())),
            '\\' => {
                name.escaped = true;
                name.text.push(rest.next().ok_or_else(|| {
                    let at = text.chars().count() - 1;
                    wrong(
                        text,
                        at,
                        "a single \\ is not followed by a character; write \\\\ for a backslash",
                    )
                })?);
            }
            _ => name.text.push(character),
        }
    }
    names.push(name);
    Ok(names)
}

/// Formats a name so that [`split`] parses it.
pub(super) fn escaped(name: &Name) -> String {
    let text = name.text.replace('\\', "\\\\").replace('.', "\\.");
    if name.escaped && text == name.text && !text.is_empty() { format!("\\{text}") } else { text }
}

/// Refuses a name that no field has, or that uses the syntax of another tool without an escape.
/// `at` is its position in the text.
///
/// # Errors
/// `Invalid`, with a valid alternative.
pub(super) fn foreign(text: &str, at: usize, name: &Name) -> Result<()> {
    let Name { text: written, escaped } = name;
    let dollar = written.starts_with('$') && !is_reference(written);
    match () {
        () if written.is_empty() => Err(wrong(
            text,
            at,
            "a name is empty; write names separated by single dots, such as address.zip",
        )),
        () if written.contains('\0') => Err(wrong(text, at, "a name contains a NUL character")),
        () if !escaped && (dollar || written.contains(['[', ']'])) => Err(wrong(
            text,
            at,
            "$ and [ are not allowed in a name; a path goes through arrays by itself, and items.0 \
             is the first element; write \\$ or \\[ for a name that has such a character",
        )),
        () => Ok(()),
    }
}

/// Returns whether a name with `$` is a valid field name: those of a reference to another document.
pub(super) fn is_reference(name: &str) -> bool {
    matches!(name, "$ref" | "$id" | "$db")
}
