//! Checks whether the paths of a query are unambiguous in a document.

use std::collections::HashSet;

use bson::raw::{RawBsonRef, RawDocument};

use super::Undecided;
use crate::document::path::Name;

/// Returns whether a path can only identify a single field of the document.
pub(super) fn is_unambiguous(document: &RawDocument, path: &[Name]) -> Result<bool, Undecided> {
    let Some((first, rest)) = path.split_first() else { return Ok(true) };
    let mut known = false;
    for element in document {
        let (name, value) = element?;
        let name = name.as_str();
        if name == first.as_str() {
            if known || !leads_to_one(value, rest)? {
                return Ok(false);
            }
            known = true;
        } else if name.contains('.') && may_mean(name, path) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn leads_to_one(value: RawBsonRef<'_>, path: &[Name]) -> Result<bool, Undecided> {
    match value {
        _ if path.is_empty() => has_each_name_once(value),
        RawBsonRef::Document(document) => is_unambiguous(document, path),
        RawBsonRef::Array(array) => {
            for (index, element) in array.into_iter().enumerate() {
                let element = element?;
                let by_index = path[0].as_str() == index.to_string();
                let one = match element {
                    _ if by_index && !leads_to_one(element, &path[1..])? => false,
                    RawBsonRef::Document(document) => is_unambiguous(document, path)?,
                    // A path goes through one array, and names the index of an element in an array
                    // inside it.
                    RawBsonRef::Array(_) => by_index,
                    _ => true,
                };
                if !one {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Returns whether no document in a value has two fields of one name: a comparison would ignore one
/// of them.
fn has_each_name_once(value: RawBsonRef<'_>) -> Result<bool, Undecided> {
    match value {
        RawBsonRef::Document(document) => {
            let mut names = HashSet::new();
            for element in document {
                let (name, value) = element?;
                if !names.insert(name.as_str()) || !has_each_name_once(value)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        RawBsonRef::Array(array) => {
            for element in array {
                if !has_each_name_once(element?)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Returns whether a name with dots could be what a path names, a prefix of it, or something below
/// it. Numbers in the name may be indexes of elements, which a path may omit.
fn may_mean(name: &str, path: &[Name]) -> bool {
    let mut wanted = path.iter().flat_map(|name| name.as_str().split('.')).peekable();
    for part in name.split('.') {
        match wanted.peek() {
            None => return true,
            Some(next) if *next == part => drop(wanted.next()),
            Some(_) if part.parse::<u32>().is_ok() => {}
            Some(_) => return false,
        }
    }
    true
}
