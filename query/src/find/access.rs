//! How a query reads a collection: by `_id`, or in the order of all `_id`s.

use argon_core::key::Key;
use argon_core::storage::KeyRange;
use bson::raw::RawBson;
use bson::{Bson, Document};

use crate::Collation;

/// The part of a collection that can have documents that match a filter. It may have others too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The documents with these `_id`s, ascending.
    Points(Vec<Key>),
    /// The documents with `_id`s in a range.
    Range {
        /// The range, without its end.
        from: Option<Key>,
        /// The last `_id`.
        last: Option<Key>,
    },
}

impl Access {
    /// All documents.
    pub const ALL: Self = Self::Range { from: None, last: None };

    /// The smallest part that the conditions on `_id` in a filter give.
    ///
    /// A condition whose values are no keys, or are texts that a collation compares, gives no
    /// bounds.
    #[must_use]
    pub fn of(filter: &Document, collation: Option<&Collation>) -> Self {
        let mut access = Self::ALL;
        for (name, condition) in filter {
            match (name.as_str(), condition) {
                ("_id", condition) => access = access.and(of_id(condition, collation)),
                ("$and", Bson::Array(queries)) => {
                    for query in queries.iter().filter_map(Bson::as_document) {
                        access = access.and(Self::of(query, collation));
                    }
                }
                _ => {}
            }
        }
        access
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Points(keys), other) | (other, Self::Points(keys)) => {
                Self::Points(keys.into_iter().filter(|key| other.has(key)).collect())
            }
            (Self::Range { from, last }, Self::Range { from: other_from, last: other_last }) => {
                Self::Range {
                    from: from.max(other_from),
                    last: match (last, other_last) {
                        (Some(last), Some(other)) => Some(last.min(other)),
                        (last, other) => last.or(other),
                    },
                }
            }
        }
    }

    fn has(&self, key: &Key) -> bool {
        match self {
            Self::Points(keys) => keys.binary_search(key).is_ok(),
            Self::Range { from, last } => {
                from.as_ref().is_none_or(|from| from <= key)
                    && last.as_ref().is_none_or(|last| key <= last)
            }
        }
    }

    /// Whether a key lies after the part, so that a scan may end.
    #[must_use]
    pub fn is_before(&self, key: &Key) -> bool {
        match self {
            Self::Points(keys) => keys.last().is_none_or(|last| last < key),
            Self::Range { last, .. } => last.as_ref().is_some_and(|last| last < key),
        }
    }

    /// The range of keys for a scan, which must end at the first key that the part
    /// [is before](Self::is_before).
    #[must_use]
    pub fn range(&self) -> KeyRange {
        match self {
            Self::Points(keys) => KeyRange { from: keys.first().cloned(), to: None },
            Self::Range { from, .. } => KeyRange { from: from.clone(), to: None },
        }
    }
}

fn of_id(condition: &Bson, collation: Option<&Collation>) -> Access {
    let key = |value: &Bson| key(value, collation);
    let Bson::Document(operators) = condition else {
        return key(condition).map_or(Access::ALL, |key| Access::Points(vec![key]));
    };
    if !operators.keys().next().is_some_and(|name| name.starts_with('$') && name != "$ref") {
        return key(condition).map_or(Access::ALL, |key| Access::Points(vec![key]));
    }
    let mut access = Access::ALL;
    for (operator, value) in operators {
        let bounds = match (operator.as_str(), value) {
            ("$eq", value) => key(value).map(|key| Access::Points(vec![key])),
            ("$in", Bson::Array(values)) => {
                let keys: Option<Vec<Key>> = values.iter().map(key).collect();
                keys.map(|mut keys| {
                    keys.sort_unstable();
                    keys.dedup();
                    Access::Points(keys)
                })
            }
            ("$gt" | "$gte", value) => {
                key(value).map(|from| Access::Range { from: Some(from), last: None })
            }
            ("$lt" | "$lte", value) => {
                key(value).map(|last| Access::Range { from: None, last: Some(last) })
            }
            _ => None,
        };
        access = access.and(bounds.unwrap_or(Access::ALL));
    }
    access
}

/// The key of a value that an `_id` is compared with; `None` if others may be equal to it.
fn key(value: &Bson, collation: Option<&Collation>) -> Option<Key> {
    if collation.is_some() && has_text(value) {
        return None;
    }
    // Null also matches undefined, which no `_id` is; a pattern matches texts.
    if matches!(value, Bson::RegularExpression(_)) {
        return None;
    }
    RawBson::try_from(value.clone()).ok().and_then(|value| Key::of_id(value.as_raw_bson_ref()).ok())
}

fn has_text(value: &Bson) -> bool {
    match value {
        Bson::String(_) | Bson::Symbol(_) => true,
        Bson::Array(values) => values.iter().any(has_text),
        Bson::Document(fields) => fields.values().any(has_text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    fn key_of(value: impl Into<Bson>) -> Key {
        Key::of(&value.into()).unwrap()
    }

    fn points(values: &[i32]) -> Access {
        Access::Points(values.iter().map(|value| key_of(*value)).collect())
    }

    #[test]
    fn conditions_on_the_id_bound_what_is_read() {
        let range = |from: Option<i32>, last: Option<i32>| Access::Range {
            from: from.map(key_of),
            last: last.map(key_of),
        };
        for (filter, access) in [
            (doc! {}, Access::ALL),
            (doc! { "a": 1 }, Access::ALL),
            (doc! { "_id": 1, "a": 2 }, points(&[1])),
            (doc! { "_id": { "$eq": 1 } }, points(&[1])),
            (doc! { "_id": { "$in": [3, 1, 3, 1.0] } }, points(&[1, 3])),
            (doc! { "_id": { "$in": [1, 2, 3], "$gte": 2 } }, points(&[2, 3])),
            (doc! { "_id": { "$gt": 1, "$lte": 5 } }, range(Some(1), Some(5))),
            (
                doc! { "$and": [{ "_id": { "$gte": 2 } }, { "_id": { "$lt": 9, "$gt": 3 } }] },
                range(Some(3), Some(9)),
            ),
            (doc! { "$or": [{ "_id": 1 }, { "a": 2 }] }, Access::ALL),
            (doc! { "_id": { "$ne": 1 } }, Access::ALL),
            (doc! { "_id": { "$in": [1, [2]] } }, Access::ALL),
            (doc! { "_id.a": 1 }, Access::ALL),
        ] {
            assert_eq!(Access::of(&filter, None), access, "{filter}");
        }
        let id = doc! { "a": 1 };
        assert_eq!(Access::of(&doc! { "_id": id.clone() }, None), Access::Points(vec![key_of(id)]));
    }

    #[test]
    fn a_collation_gives_no_bounds_for_text() {
        let collation = Collation::compile(&doc! { "locale": "en", "strength": 1 }).unwrap();
        let collation = collation.as_ref();
        assert_eq!(Access::of(&doc! { "_id": "a" }, collation), Access::ALL);
        assert_eq!(Access::of(&doc! { "_id": 1 }, collation), points(&[1]));
    }
}
