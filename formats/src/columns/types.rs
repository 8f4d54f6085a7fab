//! The types of the values of a column.

use bson::raw::RawBsonRef;

/// The names of the types in MongoDB's `$type`, sorted. A type is a bit, by its place here.
const NAMES: [&str; 20] = [
    "array",
    "binData",
    "bool",
    "date",
    "dbPointer",
    "decimal",
    "double",
    "int",
    "javascript",
    "javascriptWithScope",
    "long",
    "maxKey",
    "minKey",
    "null",
    "object",
    "objectId",
    "regex",
    "string",
    "symbol",
    "timestamp",
];
const INT: u32 = 7;
const LONG: u32 = 10;
const NULL: u32 = 13;

/// A set of types of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Types(u32);

impl Types {
    pub(super) fn insert(&mut self, value: RawBsonRef<'_>) {
        self.0 |= 1 << place(value);
    }

    pub(super) fn has_null(self) -> bool {
        self.has(NULL)
    }

    pub(super) fn has_int(self) -> bool {
        self.has(INT)
    }

    /// Whether there are integers of any size.
    pub(super) fn has_integer(self) -> bool {
        self.has(INT) || self.has(LONG)
    }

    /// The names of the types besides null, sorted.
    pub(super) fn names(self) -> Vec<&'static str> {
        let named = (0..).zip(NAMES).filter(|(place, _)| *place != NULL && self.has(*place));
        named.map(|(_, name)| name).collect()
    }

    fn has(self, place: u32) -> bool {
        self.0 & (1 << place) != 0
    }
}

/// The place of a type among the names.
fn place(value: RawBsonRef<'_>) -> u32 {
    match value {
        RawBsonRef::Array(_) => 0,
        RawBsonRef::Binary(_) => 1,
        RawBsonRef::Boolean(_) => 2,
        RawBsonRef::DateTime(_) => 3,
        RawBsonRef::DbPointer(_) => 4,
        RawBsonRef::Decimal128(_) => 5,
        RawBsonRef::Double(_) => 6,
        RawBsonRef::Int32(_) => INT,
        RawBsonRef::JavaScriptCode(_) => 8,
        RawBsonRef::JavaScriptCodeWithScope(_) => 9,
        RawBsonRef::Int64(_) => LONG,
        RawBsonRef::MaxKey => 11,
        RawBsonRef::MinKey => 12,
        RawBsonRef::Null | RawBsonRef::Undefined => NULL,
        RawBsonRef::Document(_) => 14,
        RawBsonRef::ObjectId(_) => 15,
        RawBsonRef::RegularExpression(_) => 16,
        RawBsonRef::String(_) => 17,
        RawBsonRef::Symbol(_) => 18,
        RawBsonRef::Timestamp(_) => 19,
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;

    use super::*;

    #[test]
    fn names_are_sorted_and_belong_to_their_types() {
        assert!(NAMES.is_sorted());
        let mut types = Types::default();
        let document = rawdoc! { "a": 1, "b": 2_i64, "c": null, "d": "x", "e": [], "f": {} };
        document.iter().for_each(|element| types.insert(element.unwrap().1));
        assert_eq!(types.names(), ["array", "int", "long", "object", "string"]);
        assert!(types.has_null());
    }
}
