//! The arguments of stages that the server parses by a description of their fields (IDL).

use argon_core::Result;
use bson::{Bson, Document};

use crate::Code;
use crate::expression::Compiler;

/// Refuses fields that are not known.
pub(super) fn check_known(stage: &str, fields: &Document, known: &[&str]) -> Result<()> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Code::location(40415)
            .error(format!("BSON field '{stage}.{name}' is an unknown field."))),
    }
}

/// A field that must be given.
pub(super) fn required<'b>(stage: &str, fields: &'b Document, name: &str) -> Result<&'b Bson> {
    fields.get(name).ok_or_else(|| {
        Code::location(40414)
            .error(format!("BSON field '{stage}.{name}' is missing but a required field"))
    })
}

/// The error for a field of the wrong type.
pub(super) fn wrong_type(
    stage: &str,
    name: &str,
    found: &Bson,
    expected: &str,
) -> argon_core::Error {
    Code::TYPE_MISMATCH.error(format!(
        "BSON field '{stage}.{name}' is the wrong type '{}', expected type '{expected}'",
        Compiler::type_name(found)
    ))
}

/// A field that is a document, if it is given.
pub(super) fn document<'b>(
    stage: &str,
    fields: &'b Document,
    name: &str,
) -> Result<Option<&'b Document>> {
    match fields.get(name) {
        None => Ok(None),
        Some(Bson::Document(document)) => Ok(Some(document)),
        Some(other) => Err(wrong_type(stage, name, other, "object")),
    }
}

/// A field that is a string, if it is given.
pub(super) fn text<'b>(stage: &str, fields: &'b Document, name: &str) -> Result<Option<&'b str>> {
    match fields.get(name) {
        None => Ok(None),
        Some(Bson::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong_type(stage, name, other, "string")),
    }
}

/// A field that is a list of strings; empty if it is not given.
pub(super) fn texts<'b>(stage: &str, fields: &'b Document, name: &str) -> Result<Vec<&'b str>> {
    let given = match fields.get(name) {
        None => return Ok(Vec::new()),
        Some(Bson::Array(given)) => given,
        Some(other) => return Err(wrong_type(stage, name, other, "array")),
    };
    given
        .iter()
        .enumerate()
        .map(|(place, value)| {
            value
                .as_str()
                .ok_or_else(|| wrong_type(stage, &format!("{name}.{place}"), value, "string"))
        })
        .collect()
}

/// The argument of a stage as a document.
pub(super) fn specification<'b>(stage: &str, argument: &'b Bson) -> Result<&'b Document> {
    argument.as_document().ok_or_else(|| {
        Code::FAILED_TO_PARSE.error(format!(
            "the {stage} stage specification must be an object, found {}",
            Compiler::type_name(argument)
        ))
    })
}
