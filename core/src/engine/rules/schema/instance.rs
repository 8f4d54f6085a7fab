//! Lets `jsonschema` read BSON values without conversion to JSON.
//!
//! Documents are objects, the four types of numbers are numbers, and arrays, strings, booleans and
//! null are their JSON equivalents. All other types are none of these, so no keyword for strings or
//! objects applies to an `ObjectId` or a date; only `bsonType` distinguishes them.

use std::borrow::Cow;

use bson::{Bson, Document};
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::Value;

/// BSON values as input of the validator.
pub(super) struct BsonValues;

impl Json for BsonValues {
    type Node<'a> = &'a Bson;
    type PreparedKey = String;
    type StringBuffer = Bson;

    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(buffer: &mut Bson, string: &str, f: impl FnOnce(&Bson) -> T) -> T {
        *buffer = Bson::String(string.to_owned());
        f(buffer)
    }
}

impl<'a> Node<'a, BsonValues> for &'a Bson {
    type Object = &'a Document;
    type Array = &'a [Bson];
    type Number = Number<'a>;

    fn as_object(&self) -> Option<&'a Document> {
        self.as_document()
    }

    fn as_array(&self) -> Option<&'a [Bson]> {
        Bson::as_array(self).map(Vec::as_slice)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number<'a>> {
        (self.json_type() == JsonType::Number).then_some(Number(self))
    }

    fn as_boolean(&self) -> Option<bool> {
        self.as_bool()
    }

    fn is_null(&self) -> bool {
        matches!(self, Bson::Null)
    }

    /// Only used to distinguish objects, arrays, strings and numbers from the rest, because `type`
    /// is implemented here. So types without a JSON equivalent are reported as null.
    fn json_type(&self) -> JsonType {
        match self {
            Bson::Document(_) => JsonType::Object,
            Bson::Array(_) => JsonType::Array,
            Bson::String(_) => JsonType::String,
            Bson::Boolean(_) => JsonType::Boolean,
            Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => {
                JsonType::Number
            }
            _ => JsonType::Null,
        }
    }

    /// Only used for messages, `enum` and `uniqueItems`, which are implemented here.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Value::Null)
    }

    /// Guards against cycles of `$ref`, which is refused.
    fn identity(&self) -> Option<NodeIdentity> {
        None
    }
}

impl<'a> Object<'a, BsonValues> for &'a Document {
    type Node = &'a Bson;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        Document::len(self)
    }

    fn get(&self, key: &String) -> Option<&'a Bson> {
        Document::get(self, key)
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

/// The fields of a document.
pub(super) struct Members<'a>(bson::document::Iter<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Bson);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_str(), value))
    }
}

impl<'a> Array<'a, BsonValues> for &'a [Bson] {
    type Node = &'a Bson;
    type ElementsIter = std::slice::Iter<'a, Bson>;

    fn len(&self) -> usize {
        <[Bson]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }
}

/// A BSON number. Only `multipleOf` reads it, as a double.
pub(super) struct Number<'a>(&'a Bson);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|integer| u64::try_from(integer).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        match self.0 {
            Bson::Int32(integer) => Some((*integer).into()),
            Bson::Int64(integer) => Some(*integer),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "documented in mod.rs")]
    fn as_f64(&self) -> Option<f64> {
        match self.0 {
            Bson::Double(double) => Some(*double),
            Bson::Decimal128(decimal) => decimal.to_string().parse().ok(),
            _ => self.as_i64().map(|integer| integer as f64),
        }
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.0.to_string())
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        let double = || self.as_f64().and_then(serde_json::Number::from_f64);
        let number = self.as_i64().map(Into::into).or_else(double);
        Cow::Owned(number.unwrap_or_else(|| 0.into()))
    }
}
