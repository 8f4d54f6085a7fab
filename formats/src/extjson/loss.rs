//! Finds values that Extended JSON can't express.

use bson::raw::{RawBsonRef, RawDocument, RawIter};

use super::super::validate::InvalidDocument;
use super::parse::{DoubledNames, parse_raw};
use super::print::{Layout, Mode, print_raw_value};

/// A value that changes, or is lost, when it is printed as canonical Extended JSON and parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The names down to it; empty for the document itself.
    path: Vec<String>,
    reason: &'static str,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_slice() {
            [] => write!(f, "it {}", self.reason),
            path => write!(f, "its field '{}' {}", path.join("."), self.reason),
        }
    }
}

/// Returns the first value that Extended JSON can't express, inner values before those that contain
/// them.
///
/// Linear in the size of the document, except for nested documents with `$` names.
pub fn find_loss(document: &RawDocument) -> Result<Option<Loss>, InvalidDocument> {
    let mut path = Vec::new();
    let reason = of_value(RawBsonRef::Document(document), &mut path)?;
    path.reverse();
    Ok(reason.map(|reason| Loss { path, reason }))
}

/// Returns the reason why the value can't be expressed; `path` gets the names from it down to the
/// culprit, the innermost first.
fn of_value(
    value: RawBsonRef<'_>,
    path: &mut Vec<String>,
) -> Result<Option<&'static str>, InvalidDocument> {
    Ok(match value {
        RawBsonRef::Document(document) => {
            if let Some(reason) = of_elements(document.iter_elements(), path)? {
                return Ok(Some(reason));
            }
            let mut names = document.iter_elements();
            let suspicious =
                names.any(|element| element.is_ok_and(|e| e.key().as_str().starts_with('$')));
            (suspicious && !is_read_back(value)?)
                .then_some("looks like an Extended JSON wrapper, but is not one")
        }
        RawBsonRef::Array(array) => {
            for (index, element) in array.iter_elements().enumerate() {
                if element?.key().as_str() != index.to_string() {
                    return Ok(Some("is an array whose elements are not named 0, 1, 2 …"));
                }
            }
            of_elements(array.iter_elements(), path)?
        }
        RawBsonRef::JavaScriptCodeWithScope(_) => {
            (!is_read_back(value)?).then_some("is code whose scope can't be decoded")
        }
        RawBsonRef::Double(number) => (number.is_nan() && number.to_bits() != f64::NAN.to_bits())
            .then_some("is a NaN with a sign or a payload"),
        RawBsonRef::Decimal128(_) => {
            (!is_read_back(value)?).then_some("is a decimal with a non-canonical encoding")
        }
        RawBsonRef::RegularExpression(regex) => (!regex.options.as_str().chars().is_sorted())
            .then_some("is a regular expression whose options are not in alphabetical order"),
        _ => None,
    })
}

fn of_elements(
    elements: RawIter<'_>,
    path: &mut Vec<String>,
) -> Result<Option<&'static str>, InvalidDocument> {
    for element in elements {
        let element = element?;
        if let Some(reason) = of_value(element.value()?, path)? {
            path.push(element.key().as_str().to_owned());
            return Ok(Some(reason));
        }
    }
    Ok(None)
}

/// Returns whether the value has the same bytes after printing and parsing.
fn is_read_back(value: RawBsonRef<'_>) -> Result<bool, InvalidDocument> {
    let text = print_raw_value(value, Mode::Canonical, Layout::Compact)?;
    let read = parse_raw(text.as_bytes(), 0, DoubledNames::Keep).map(|(value, _)| value);
    Ok(read.is_ok_and(|read| bytes_of(read.as_raw_bson_ref()) == bytes_of(value)))
}

fn bytes_of(value: RawBsonRef<'_>) -> Vec<u8> {
    let mut holder = bson::RawDocumentBuf::new();
    holder.append(bson::raw::cstr!(""), value);
    holder.into_bytes()
}
