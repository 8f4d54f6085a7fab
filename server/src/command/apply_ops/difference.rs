//! The differences by which an oplog describes an update (`$v: 2`).
//!
//! A document has sections: `d` has deleted fields, `u` changed ones, `i` new ones, which come last, and `sNAME`
//! is the difference of a field. An array (`a: true`) has a new length `l`, `uINDEX` and `sINDEX`.

use argon_core::{Error, Result};
use argon_query::Code;
use bson::{Bson, Document};

/// The most elements of an array, as in MongoDB's updates.
const MOST_ELEMENTS: usize = 1_500_000;

/// Changes a document by a difference. A part that has another type meanwhile stays as it is: a later
/// operation of the oplog has made it so.
///
/// # Errors
/// `FailedToParse` for a section that is not known.
pub(super) fn apply(document: &mut Document, difference: &Document) -> Result<()> {
    for (section, change) in difference {
        match (section.as_str(), change) {
            ("d", Bson::Document(fields)) => {
                for name in fields.keys() {
                    document.remove(name);
                }
            }
            ("u", Bson::Document(fields)) => {
                document.extend(fields.clone());
            }
            ("i", Bson::Document(fields)) => {
                for (name, value) in fields {
                    document.remove(name);
                    document.insert(name, value.clone());
                }
            }
            (section, Bson::Document(part)) if section.starts_with('s') => {
                if let Some(value) = document.get_mut(&section[1..]) {
                    apply_within(value, part)?;
                }
            }
            _ => return Err(unknown(section)),
        }
    }
    Ok(())
}

fn apply_within(value: &mut Bson, difference: &Document) -> Result<()> {
    let is_of_array = difference.contains_key("a");
    match value {
        Bson::Array(array) if is_of_array => apply_to_array(array, difference),
        Bson::Document(document) if !is_of_array => apply(document, difference),
        _ => Ok(()),
    }
}

fn apply_to_array(array: &mut Vec<Bson>, difference: &Document) -> Result<()> {
    for (section, change) in difference {
        let index = section.get(1..).and_then(|index| index.parse::<usize>().ok());
        match (section.as_str(), index, change) {
            ("a", ..) => {}
            ("l", ..) => resize(array, length(change).ok_or_else(|| unknown(section))?),
            (section, Some(index), value) if section.starts_with('u') && index < MOST_ELEMENTS => {
                resize(array, array.len().max(index + 1));
                array[index] = value.clone();
            }
            (section, Some(index), Bson::Document(part)) if section.starts_with('s') => {
                if let Some(value) = array.get_mut(index) {
                    apply_within(value, part)?;
                }
            }
            _ => return Err(unknown(section)),
        }
    }
    Ok(())
}

fn length(value: &Bson) -> Option<usize> {
    let length = match value {
        Bson::Int32(length) => i64::from(*length),
        Bson::Int64(length) => *length,
        _ => return None,
    };
    usize::try_from(length).ok().filter(|length| *length <= MOST_ELEMENTS)
}

fn resize(array: &mut Vec<Bson>, length: usize) {
    array.resize(length, Bson::Null);
}

fn unknown(section: &str) -> Error {
    Code::FAILED_TO_PARSE.error(format!(
        "applyOps: the difference of an update has the section '{section}', which is not known here"
    ))
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn applied(mut document: Document, difference: &Document) -> String {
        apply(&mut document, difference).unwrap();
        document.to_string()
    }

    #[test]
    fn fields_keep_their_order_and_new_ones_come_last() {
        let document = doc! { "a": 1, "b": 2, "c": 3, "d": { "x": 1, "y": 2 } };
        let difference = doc! {
            "d": { "a": false }, "u": { "c": 4 }, "i": { "b": 5, "e.f": 6 }, "sd": { "d": { "x": false } },
        };
        let expected = doc! { "c": 4, "d": { "y": 2 }, "b": 5, "e.f": 6 };
        assert_eq!(applied(document, &difference), expected.to_string());
    }

    #[test]
    fn arrays_are_cut_changed_and_filled() {
        let document = doc! { "a": [1, { "x": 1 }, 3, 4] };
        for (difference, expected) in [
            (doc! { "a": true, "l": 2 }, doc! { "a": [1, { "x": 1 }] }),
            (doc! { "a": true, "u5": 6 }, doc! { "a": [1, { "x": 1 }, 3, 4, null, 6] }),
            (
                doc! { "a": true, "l": 3_i64, "u0": 9, "s1": { "u": { "x": 2 } } },
                doc! { "a": [9, { "x": 2 }, 3] },
            ),
        ] {
            let difference = doc! { "sa": difference };
            assert_eq!(applied(document.clone(), &difference), expected.to_string());
        }
    }

    #[test]
    fn a_part_of_another_type_stays_and_an_unknown_section_is_refused() {
        let document = doc! { "a": 1, "b": [1] };
        let others = doc! { "sa": { "u": { "x": 1 } }, "sb": { "u": { "x": 1 } }, "sc": { "a": true, "l": 1 } };
        assert_eq!(applied(document.clone(), &others), document.to_string());
        for unknown in [
            doc! { "x": { "a": 1 } },
            doc! { "u": 1 },
            doc! { "sb": { "a": true, "x0": 1 } },
            doc! { "sb": { "a": true, "u9999999": 1 } },
            doc! { "sb": { "a": true, "l": -1 } },
        ] {
            assert!(apply(&mut document.clone(), &unknown).is_err(), "{unknown}");
        }
    }
}
