//! Answers and errors as MongoDB's shell shows them.

use argon_core::{DetailKey, Error};
use argon_formats::extjson::{
    Layout, Mode, print_document as print_json, print_shell_bson, print_shell_value,
    print_value as print_json_value,
};
use bson::Bson;
use bson::raw::{RawBsonRef, RawDocument};

use crate::exit::CommandResult;
use crate::output::{Format, Listing, Output};

/// Prints a document: as in the shell for people, as Extended JSON for programs.
pub(super) fn print_document(
    output: &Output,
    listing: &mut Listing,
    document: &RawDocument,
) -> CommandResult {
    if !output.is_table() {
        output.note_loss(document)?;
        let line = print_json(document, Mode::Relaxed, Layout::Compact)?;
        return listing.line("", || line);
    }
    let text = print_shell_value(RawBsonRef::Document(document))?;
    listing.line(&text, String::new)
}

/// Prints a value.
pub(super) fn print_value(output: &Output, value: &Bson) -> CommandResult {
    match (output.format(), value) {
        (Format::Table, Bson::String(text)) => output.print(text),
        (Format::Table, value) => output.print(&print_shell_bson(value)?),
        (Format::Json, value) => {
            output.print(&print_json_value(value, Mode::Relaxed, Layout::Pretty)?)
        }
        (Format::Jsonl, value) => {
            output.print(&print_json_value(value, Mode::Relaxed, Layout::Compact)?)
        }
    }
}

/// An error in one line, with the name that MongoDB's shell gives it.
pub(super) fn words(error: &Error) -> String {
    let detail = |wanted| error.details().iter().find(|(key, _)| *key == wanted);
    let name = match (detail(DetailKey::CodeName), detail(DetailKey::Code)) {
        (Some((_, name)), _) => format!("MongoServerError[{name}]"),
        (None, Some((_, code))) => format!("MongoServerError[{code}]"),
        (None, None) => "Error".to_owned(),
    };
    format!("{name}: {}", error.in_full())
}
