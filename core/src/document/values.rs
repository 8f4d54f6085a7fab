//! The values of a document at a path.

use bson::raw::{RawBsonRef, RawDocument};

use super::path::Path;
use super::{Undecided, walk};

/// The values of a document at a path.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Values<'a> {
    /// The values, in the order of the document; none if the field is missing.
    pub(crate) found: Vec<RawBsonRef<'a>>,
    /// Whether the path went through an array, so that there may be several.
    pub(crate) through_array: bool,
}

impl Path {
    /// Returns the values at this path. At an array, the path continues in each of its documents,
    /// and in the element whose index it names; the elements of an array at its end are values.
    ///
    /// # Errors
    /// [`Undecided::Malformed`] if the document can't be decoded.
    pub fn elements<'a>(
        &self,
        document: &'a RawDocument,
    ) -> Result<Vec<RawBsonRef<'a>>, Undecided> {
        self.values(document)?.elements()
    }

    /// Returns the values of a document at this path: those of [`elements`](Self::elements), but an
    /// array at the end of the path is one value.
    ///
    /// # Errors
    /// [`Undecided::Malformed`] if the document can't be decoded.
    pub(crate) fn values<'a>(&self, document: &'a RawDocument) -> Result<Values<'a>, Undecided> {
        let through_array = matches!(
            walk::follow(document, self.as_slice())?,
            Some((RawBsonRef::Array(_), [_, ..]))
        );
        let mut values = Values { found: Vec::new(), through_array };
        walk::any(document, self.as_slice(), false, &mut |value| {
            values.found.extend(value);
            Ok(false)
        })?;
        Ok(values)
    }
}

impl<'a> Values<'a> {
    /// The values, with each element of an array separately.
    pub(crate) fn elements(self) -> Result<Vec<RawBsonRef<'a>>, Undecided> {
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
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    fn at(path: &str, document: &RawDocument) -> (Vec<bson::Bson>, bool) {
        let values = path.parse::<Path>().unwrap().values(document).unwrap();
        let found = values.found.iter().map(|value| (*value).try_into().unwrap()).collect();
        (found, values.through_array)
    }

    #[test]
    fn a_path_leads_into_documents_and_through_arrays() {
        let document = rawdoc! {
            "_id": 1,
            "address": { "zip": "8001", "1": "numbered" },
            "items": [{ "sku": 1 }, { "sku": 2, "n": 3 }, "no document"],
            "tags": ["a", "b"],
        };
        assert_eq!(at("address.zip", &document), (vec!["8001".into()], false));
        assert_eq!(at("address.1", &document), (vec!["numbered".into()], false));
        assert_eq!(at("items.sku", &document), (vec![1.into(), 2.into()], true));
        assert_eq!(at("items.1.sku", &document), (vec![2.into()], true));
        assert_eq!(at("tags.1", &document), (vec!["b".into()], true));
        assert_eq!(at("tags", &document).0.len(), 1, "an array is one value");
        let dotted = rawdoc! { "_id": 1, "a.b": { "c\\": 1 }, "a": { "b": 2 } };
        assert_eq!(at("a\\.b.c\\\\", &dotted), (vec![1.into()], false));
        assert_eq!(at("a.b", &dotted), (vec![2.into()], false));
        for missing in ["address.city", "address.zip.x", "other", "items.7", "tags.x"] {
            assert!(at(missing, &document).0.is_empty(), "{missing}");
        }
    }
}
