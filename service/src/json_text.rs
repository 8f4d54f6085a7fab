//! A value of a request as JSON, however its request is read.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A value as JSON, with the fields of objects in their order.
///
/// Unlike `serde_json::value::RawValue`, it can be in a request that is flattened into another one,
/// whose values serde holds in memory before it assigns them.
pub(crate) struct JsonText(String);

impl JsonText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let mut text = Vec::new();
        Copied(&mut text).deserialize(input)?;
        String::from_utf8(text).map(Self).map_err(D::Error::custom)
    }
}

/// Writes the value that is read to the end of a text.
pub(crate) struct Copied<'t>(pub(crate) &'t mut Vec<u8>);

impl Copied<'_> {
    fn write<E: Error>(self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        serde_json::to_writer(self.0, value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Copied<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copied<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.write(value)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        self.0.push(b'[');
        let first = self.0.len();
        loop {
            let here = self.0.len();
            if here > first {
                self.0.push(b',');
            }
            if values.next_element_seed(Copied(self.0))?.is_none() {
                self.0.truncate(here);
                break;
            }
        }
        self.0.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.0.push(b'{');
        let first = self.0.len();
        while let Some(name) = fields.next_key::<String>()? {
            if self.0.len() > first {
                self.0.push(b',');
            }
            Copied(self.0).write::<A::Error>(&name)?;
            self.0.push(b':');
            fields.next_value_seed(Copied(self.0))?;
        }
        self.0.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Deserialize)]
    struct Inner {
        value: JsonText,
    }

    #[test]
    fn a_value_is_as_it_was_written_also_in_a_request_that_is_flattened() {
        for text in [
            r#"{"b":1,"a":[],"c":{},"":null}"#,
            r#"[1,-2,18446744073709551615,1.0,-0.5,true,"\"\u0001ä",[[]]]"#,
            "9007199254740993",
            "null",
        ] {
            let request = format!(r#"{{"value": {text}}}"#);
            let alone: Inner = serde_json::from_str(&request).unwrap();
            let flattened: Outer = serde_json::from_str(&request).unwrap();
            assert_eq!([alone.value.as_str(), flattened.inner.value.as_str()], [text; 2]);
        }
    }
}
