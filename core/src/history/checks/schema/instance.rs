//! BSON as `jsonschema` reads it: the document's own values, none of them turned into JSON.
//!
//! Documents are objects, the four types of numbers are numbers, and arrays, strings, booleans and
//! null are what they are called. Every other type is none of these, so no keyword for strings or
//! objects applies to an `ObjectId` or a date; what they are is for `bsonType` to see.

use std::borrow::Cow;

use bson::{Bson, Document};
use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use serde_json::Value;

/// Values of BSON, as a representation of what is validated.
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

    /// Only asked to tell objects, arrays, strings and numbers from the rest: `type` is a keyword of
    /// ours. So what JSON does not have is said to be null.
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

    /// Only for messages, which are ours, and for `enum` and `uniqueItems`, which are ours too.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Value::Null)
    }

    /// Guards against cycles of `$ref`, of which there are none.
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

/// A number of a BSON type. Only `multipleOf` asks for it, and it reads doubles.
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
