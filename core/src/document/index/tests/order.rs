//! Laws of keys.

use bson::{Bson, Document, RawBson, doc};
use proptest::prelude::*;

use super::{entries, index_on};
use crate::document::index::{cut, is_cut};
use crate::document::key::compare;
use crate::document::key::tests::generators;

fn order(a: &Bson, b: &Bson, direction: i32) -> std::cmp::Ordering {
    let [a, b] = [a, b].map(|value| RawBson::try_from(value.clone()).unwrap());
    let order = compare(a.as_raw_bson_ref(), b.as_raw_bson_ref()).unwrap();
    if direction < 0 { order.reverse() } else { order }
}

fn only_key(key: &Document, a: &Bson, b: &Bson) -> Vec<u8> {
    let document = doc! { "a": a.clone(), "b": b.clone() };
    let mut keys = entries(&index_on(key.clone()), &document).unwrap().keys;
    assert_eq!(keys.len(), 1);
    keys.pop_first().unwrap()
}

fn pair() -> impl Strategy<Value = (Bson, Bson)> {
    generators::pair().prop_filter("an array has several keys", |(one, other)| {
        one.as_array().is_none() && other.as_array().is_none()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn keys_sort_as_the_values_do_by_field_and_direction(
        (a, other_a) in pair(),
        (b, other_b) in pair(),
        [of_a, of_b] in [prop_oneof![Just(1), Just(-1)], prop_oneof![Just(1), Just(-1)]],
    ) {
        let pattern = doc! { "a": of_a, "b": of_b };
        let [one, other] = [(&a, &b), (&other_a, &other_b)].map(|(a, b)| only_key(&pattern, a, b));
        let wanted = order(&a, &other_a, of_a).then_with(|| order(&b, &other_b, of_b));
        if is_cut(&one) && is_cut(&other) && one[..384] == other[..384] {
            prop_assert_eq!(one == other, wanted.is_eq());
        } else {
            prop_assert_eq!(one.cmp(&other), wanted);
        }
    }

    #[test]
    fn no_key_begins_another((a, other_a) in pair(), (b, other_b) in pair(), long in 0..400_usize) {
        let pattern = doc! { "a": -1, "b": 1 };
        let grown = |value: &Bson| match value {
            Bson::String(text) => Bson::String(text.clone() + &"x".repeat(long)),
            other => other.clone(),
        };
        let one = only_key(&pattern, &grown(&a), &b);
        let other = only_key(&pattern, &grown(&other_a), &other_b);
        prop_assert!(one == other || !one.starts_with(&other) && !other.starts_with(&one));
        prop_assert!(one.len() <= 400);
    }

    #[test]
    fn cut_keys_sort_by_their_prefix(one in ".{0,300}", other in ".{0,300}") {
        let [one, other] = [one, other].map(String::into_bytes);
        let differ_early = one.iter().zip(&other).take(384).any(|(one, other)| one != other);
        if differ_early {
            prop_assert_eq!(cut(one.clone()).cmp(&cut(other.clone())), one.cmp(&other));
        }
    }
}
