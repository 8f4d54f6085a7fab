//! The bounds of a capped collection.

use bson::{Bson, Document as BsonDocument};

/// The bounds of a capped collection; `None` for one that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CappedLimits {
    /// The most bytes of all documents: the option `size`.
    pub bytes: Option<u64>,
    /// The most documents: the option `max`.
    pub documents: Option<u64>,
}

impl CappedLimits {
    /// The bounds in the options of a collection; `None` if it is not capped. As in MongoDB, a bound that
    /// is not positive is none.
    pub(crate) fn of(options: &BsonDocument) -> Option<Self> {
        let is_capped = options.get("capped").is_some_and(|capped| match capped {
            Bson::Boolean(is) => *is,
            other => positive(other).is_some(),
        });
        let bound = |name| options.get(name).and_then(positive);
        is_capped.then(|| Self { bytes: bound("size"), documents: bound("max") })
    }

    /// Whether that many documents of that many bytes are within the bounds.
    pub(super) fn allow(&self, documents: u64, bytes: u64) -> bool {
        self.documents.is_none_or(|most| documents <= most)
            && self.bytes.is_none_or(|most| bytes <= most)
    }
}

fn positive(number: &Bson) -> Option<u64> {
    let number = match number {
        Bson::Int32(number) => i64::from(*number),
        Bson::Int64(number) => *number,
        #[expect(clippy::cast_possible_truncation, reason = "a bound is a whole number")]
        Bson::Double(number) => *number as i64,
        _ => return None,
    };
    u64::try_from(number).ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn bounds_are_numbers_of_any_type_and_only_a_capped_collection_has_them() {
        let limits = |options| {
            let limits = CappedLimits::of(&options)?;
            Some((limits.bytes, limits.documents))
        };
        assert_eq!(limits(doc! { "capped": true, "size": 4096 }), Some((Some(4096), None)));
        let of_dump = doc! { "capped": true, "size": 4096.0, "max": 3_i64 };
        assert_eq!(limits(of_dump), Some((Some(4096), Some(3))));
        assert_eq!(limits(doc! { "capped": 1, "size": 1, "max": -1 }), Some((Some(1), None)));
        for options in [doc! {}, doc! { "size": 1 }, doc! { "capped": false, "size": 1 }] {
            assert_eq!(limits(options.clone()), None, "{options}");
        }
    }
}
