//! What can't be stored (`storage_validation.cpp`).
//!
//! A name may begin with `$` inside of values, but not at the top of a document, nor of an `_id`.

use argon_core::Result;
use argon_core::model::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use bson::raw::{RawBsonRef, RawDocument};
use bson::spec::ElementType;

use super::tree::Field;
use crate::Code;
use crate::value::{Value, malformed, type_name};

/// What the server allows beyond [`MAX_DOCUMENT_BYTES`] while it builds a document.
const BUILDING_ROOM: usize = 16 * 1024;

/// Checks the size of a complete document, which is a new one or an updated one.
pub(super) fn check_size(document: &RawDocument, is_insert: bool) -> Result<()> {
    let size = document.as_bytes().len();
    if size <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    if size > MAX_DOCUMENT_BYTES + BUILDING_ROOM {
        return Err(Code::BSON_OBJECT_TOO_LARGE.error(format!(
            "BSONObj size: {size} (0x{size:X}) is invalid. Size must be between 0 and {}(16MB)",
            MAX_DOCUMENT_BYTES + BUILDING_ROOM
        )));
    }
    let (code, what) = if is_insert {
        (17420, "Document to upsert")
    } else {
        (17419, "Resulting document after update")
    };
    Err(Code::location(code).error(format!("{what} is larger than {MAX_DOCUMENT_BYTES}")))
}

/// Checks how deep a value nests, which itself is at a level. The limit is Argon's own, which
/// MongoDB documents; its server has 180.
pub(super) fn check_depth(value: &Value<'_>, level: usize) -> Result<()> {
    match value.get() {
        Some(value) => check_depth_of(value, level),
        None => Ok(()),
    }
}

fn check_depth_of(value: RawBsonRef<'_>, level: usize) -> Result<()> {
    let nests = matches!(value, RawBsonRef::Document(_) | RawBsonRef::Array(_));
    if level + usize::from(nests) > MAX_DEPTH {
        return Err(
            Code::OVERFLOW.error(format!("Document exceeds maximum nesting depth of {MAX_DEPTH}"))
        );
    }
    match value {
        RawBsonRef::Document(document) => {
            for field in document {
                check_depth_of(field.map_err(malformed)?.1, level + 1)?;
            }
        }
        RawBsonRef::Array(array) => {
            for element in array {
                check_depth_of(element.map_err(malformed)?, level + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Checks the name of a field of a document: if it begins with `$`, it must be one of a reference,
/// in the right order.
pub(super) fn check_name(fields: &[Field<'_>], at: usize) -> Result<()> {
    let names: Vec<_> =
        fields.iter().map(|(name, value)| (name.as_str(), value.element_type())).collect();
    check_reference(&names, at)
}

/// Checks a whole document. `any_names` allows names at its top that begin with `$`.
pub(super) fn check_document(document: &RawDocument, any_names: bool) -> Result<()> {
    check_depth(&document.into(), 0)?;
    let names = names(document)?;
    for (at, (name, _)) in names.iter().enumerate() {
        if name.starts_with('$') && !any_names {
            check_reference(&names, at)?;
        }
    }
    match document.get("_id").map_err(malformed)? {
        Some(id) => check_id(id),
        None => Ok(()),
    }
}

fn check_id(id: RawBsonRef<'_>) -> Result<()> {
    match id {
        RawBsonRef::Array(_) | RawBsonRef::RegularExpression(_) | RawBsonRef::Undefined => {
            Err(Code::INVALID_ID_FIELD
                .error(format!("The '_id' value cannot be of type {}", type_name(id))))
        }
        RawBsonRef::Document(document) => {
            let names = names(document)?;
            for (at, (name, _)) in names.iter().enumerate() {
                if name.starts_with('$') {
                    check_reference(&names, at)?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn names(document: &RawDocument) -> Result<Vec<(&str, ElementType)>> {
    let mut names = Vec::new();
    for field in document.iter_elements() {
        let field = field.map_err(malformed)?;
        names.push((field.key().as_str(), field.element_type()));
    }
    Ok(names)
}

/// Checks a name that begins with `$`: `$ref`, `$id` after it, `$db` after that.
fn check_reference(names: &[(&str, ElementType)], at: usize) -> Result<()> {
    let wrong = |message: &str| Err(Code::INVALID_DB_REF.error(message));
    let name = |at: Option<usize>| at.and_then(|at| names.get(at)).map(|(name, _)| *name);
    let mut current = Some(at);
    if name(current) == Some("$db") {
        if names[at].1 != ElementType::String {
            return wrong("The DBRef $db field must be a String");
        }
        current = at.checked_sub(1);
        if name(current) != Some("$id") {
            return wrong("Found $db field without a $id before it, which is invalid.");
        }
    }
    if name(current) == Some("$id") {
        current = current.and_then(|at| at.checked_sub(1));
        if name(current) != Some("$ref") {
            return wrong("Found $id field without a $ref before it, which is invalid.");
        }
    }
    match current {
        Some(reference) if name(current) == Some("$ref") => {
            if names[reference].1 != ElementType::String {
                return wrong("The DBRef $ref field must be a String");
            }
            if name(Some(reference + 1)) != Some("$id") {
                return wrong("The DBRef $ref field must be followed by a $id field");
            }
            Ok(())
        }
        _ => {
            let name = names[at].0;
            Err(Code::DOLLAR_PREFIXED_FIELD_NAME.error(format!(
                "The dollar ($) prefixed field '{name}' in '{name}' is not allowed in the context \
                 of an update's replacement document. Consider using an aggregation pipeline with \
                 $replaceWith."
            )))
        }
    }
}
