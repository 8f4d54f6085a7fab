//! Contracts of keys: golden bytes, laws on random values, and malformed bytes.

pub(in crate::document) mod generators;
mod golden;
mod ids;
mod malformed;
mod numbers;
mod properties;

use std::cmp::Ordering;

use bson::{Bson, RawBson};

/// The encoding of any value, including one that can't be an `_id`.
fn encoded(value: &Bson) -> Vec<u8> {
    let raw = RawBson::try_from(value.clone()).unwrap();
    let mut bytes = Vec::new();
    super::encode(raw.as_raw_bson_ref(), &mut bytes).unwrap();
    bytes
}

fn compare(a: &Bson, b: &Bson) -> Ordering {
    let [a, b] = [a, b].map(|value| RawBson::try_from(value.clone()).unwrap());
    super::compare(a.as_raw_bson_ref(), b.as_raw_bson_ref()).unwrap()
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse().unwrap())
}
