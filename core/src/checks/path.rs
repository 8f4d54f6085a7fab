//! Fields of documents by dotted path.

use std::fmt;
use std::str::FromStr;

use bson::raw::{RawBsonRef, RawDocument};
use serde::{Deserialize, Serialize};

use crate::merge::split;
use crate::model::Document;
use crate::value::malformed;
use crate::{Error, Result};

/// A field: `email`, or `address.zip` for one inside another; `a\.b` is one whose name has a dot. A path
/// that meets an array goes on in each of its documents; positions in arrays are not taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath {
    text: String,
    names: Vec<String>,
}

impl FieldPath {
    /// The path of `_id`.
    pub fn id() -> Self {
        Self { text: "_id".to_owned(), names: vec!["_id".to_owned()] }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a document has there.
    ///
    /// # Errors
    /// `Corrupt` when the document does not decode.
    pub(super) fn values<'a>(&self, document: &'a Document) -> Result<Values<'a>> {
        let mut values = Values::default();
        values.collect(document.as_raw(), &self.names).map_err(malformed)?;
        Ok(values)
    }
}

impl FromStr for FieldPath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        let names: Vec<String> = split(path)?.into_iter().map(|part| part.key).collect();
        if names.is_empty() || names.iter().any(String::is_empty) || path.contains('\0') {
            return Err(Error::invalid(format!(
                "'{}' is no field: names with '.' between them are expected, as in address.zip",
                path.escape_debug()
            )));
        }
        Ok(Self { text: path.to_owned(), names })
    }
}

impl TryFrom<String> for FieldPath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        path.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.text
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a document has at a path.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Values<'a> {
    /// The values, in the order of the document; none if the field is missing.
    pub(super) found: Vec<RawBsonRef<'a>>,
    /// Whether the path led through an array on its way, so that there may be several.
    pub(super) through_array: bool,
}

impl<'a> Values<'a> {
    /// The values, with each element of an array for itself.
    pub(super) fn elements(self) -> Result<Vec<RawBsonRef<'a>>, bson::error::Error> {
        let mut elements = Vec::with_capacity(self.found.len());
        for value in self.found {
            match value {
                RawBsonRef::Array(array) => {
                    for element in array {
                        elements.push(element?);
                    }
                }
                single => elements.push(single),
            }
        }
        Ok(elements)
    }

    fn collect(
        &mut self,
        document: &'a RawDocument,
        path: &[String],
    ) -> Result<(), bson::error::Error> {
        let Some((first, rest)) = path.split_first() else { return Ok(()) };
        let Some(value) = document.get(first)? else { return Ok(()) };
        if rest.is_empty() {
            self.found.push(value);
            return Ok(());
        }
        match value {
            RawBsonRef::Document(inner) => self.collect(inner, rest),
            RawBsonRef::Array(array) => {
                self.through_array = true;
                for element in array {
                    if let RawBsonRef::Document(inner) = element? {
                        self.collect(inner, rest)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn at(path: &str, document: &bson::RawDocumentBuf) -> (Vec<bson::Bson>, bool) {
        let (_, document) = Document::checked(document.clone()).unwrap();
        let values = FieldPath::from_str(path).unwrap().values(&document).unwrap();
        let found = values.found.iter().map(|value| (*value).try_into().unwrap()).collect();
        (found, values.through_array)
    }

    #[test]
    fn a_path_leads_into_documents_and_through_arrays() {
        let document = rawdoc! {
            "_id": 1,
            "address": { "zip": "8001" },
            "items": [{ "sku": 1 }, { "sku": 2, "n": 3 }, "no document"],
            "tags": ["a", "b"],
        };
        assert_eq!(at("address.zip", &document), (vec!["8001".into()], false));
        assert_eq!(at("items.sku", &document), (vec![1.into(), 2.into()], true));
        assert_eq!(at("tags", &document).0.len(), 1, "an array is one value");
        let dotted = rawdoc! { "_id": 1, "a.b": { "c\\": 1 }, "a": { "b": 2 } };
        assert_eq!(at("a\\.b.c\\\\", &dotted), (vec![1.into()], false));
        assert_eq!(at("a.b", &dotted), (vec![2.into()], false));
        for missing in ["address.city", "address.zip.x", "other", "items.0"] {
            assert!(at(missing, &document).0.is_empty(), "{missing}");
        }
    }

    #[test]
    fn a_path_with_an_empty_part_is_refused() {
        for path in ["", ".", "a.", ".a", "a..b"] {
            assert!(FieldPath::from_str(path).is_err(), "{path:?}");
        }
    }
}
