//! A value of a document in a request: JSON from most front ends, BSON from one that holds it as such.

use std::fmt;

use argon_formats::extjson::parse_value;
use bson::Bson;
use bson::raw::RawDocument;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::json_text::Copied;

/// The only field of the document that carries a value as BSON.
const FIELD: &str = "v";

/// A value, which is Extended JSON, or the bytes of a BSON document whose field `v` has it.
///
/// Extended JSON takes a document such as `{"$oid": "…"}` for a value of another type. The bytes don't: they give
/// the value that the front end has. No text of JSON has bytes, so the two can't be confused.
pub(crate) struct ValueInput(pub(crate) Bson);

impl<'de> Deserialize<'de> for ValueInput {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Either)
    }
}

struct Either;

/// Reads JSON: a visitor of its text sees the same value.
fn json<E: Error>(copy: impl FnOnce(Copied<'_>) -> Result<(), E>) -> Result<ValueInput, E> {
    let mut text = Vec::new();
    copy(Copied(&mut text))?;
    let text = String::from_utf8(text).map_err(E::custom)?;
    parse_value(&text).map(ValueInput).map_err(E::custom)
}

fn bson<E: Error>(bytes: &[u8]) -> Result<ValueInput, E> {
    let document = RawDocument::from_bytes(bytes).map_err(E::custom)?;
    let value = document.get(FIELD).map_err(E::custom)?;
    let value = value.ok_or_else(|| E::missing_field(FIELD))?;
    Bson::try_from(value).map(ValueInput).map_err(E::custom)
}

impl<'de> Visitor<'de> for Either {
    type Value = ValueInput;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a document")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<ValueInput, E> {
        bson(bytes)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<ValueInput, E> {
        json(|copied| copied.visit_bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ValueInput, E> {
        json(|copied| copied.visit_i64(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ValueInput, E> {
        json(|copied| copied.visit_u64(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<ValueInput, E> {
        json(|copied| copied.visit_f64(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<ValueInput, E> {
        json(|copied| copied.visit_str(value))
    }

    fn visit_unit<E: Error>(self) -> Result<ValueInput, E> {
        json(|copied| copied.visit_unit())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<ValueInput, A::Error> {
        json(|copied| copied.visit_seq(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<ValueInput, A::Error> {
        json(|copied| copied.visit_map(fields))
    }
}

#[cfg(test)]
mod tests {
    use argon_formats::extjson::Mode;
    use bson::doc;
    use bson::oid::ObjectId;
    use bson::raw::RawBson;
    use serde::Serialize;

    use super::*;
    use crate::json::{ExtJson, Value};

    #[derive(Deserialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Deserialize)]
    struct Inner {
        value: Value,
    }

    #[derive(Serialize)]
    struct Shown<'s> {
        #[serde(flatten)]
        part: Part<'s>,
    }

    #[derive(Serialize)]
    struct Part<'s> {
        value: &'s ExtJson,
    }

    #[test]
    fn a_value_that_looks_like_extended_json_survives_as_bson() {
        let id = ObjectId::from_bytes([7; 12]);
        for value in [
            Bson::Document(doc! { "$oid": "not" }),
            Bson::Document(doc! { "$oid": id.to_hex() }),
            Bson::Document(doc! { "$numberLong": "x", "a": [{ "$date": {} }] }),
            Bson::ObjectId(id),
            Bson::Int64(1),
            Bson::Null,
        ] {
            let request = bson::serialize_to_vec(&doc! { "value": encoded(&value) }).unwrap();
            let alone: Inner = bson::deserialize_from_slice(&request).unwrap();
            let flattened: Outer = bson::deserialize_from_slice(&request).unwrap();
            let expected = RawBson::try_from(value.clone()).unwrap();
            assert_eq!([&alone.value.0, &flattened.inner.value.0], [&expected; 2]);

            let shown = ExtJson::value(expected.as_raw_bson_ref(), Mode::Relaxed).unwrap();
            let shown = Shown { part: Part { value: &shown } };
            let result = bson::serialize_to_vec(&shown).unwrap();
            let result = bson::deserialize_from_slice::<bson::Document>(&result).unwrap();
            assert_eq!(result, doc! { "value": encoded(&value) });
        }
    }

    fn encoded(value: &Bson) -> Bson {
        let bytes = bson::serialize_to_vec(&doc! { FIELD: value.clone() }).unwrap();
        bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes }.into()
    }

    #[test]
    fn json_is_extended_json() {
        let Inner { value } = serde_json::from_str(r#"{"value": {"$numberLong": "7"}}"#).unwrap();
        assert_eq!(value.0, RawBson::Int64(7));
    }
}
