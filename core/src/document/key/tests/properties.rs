//! Laws that hold for all values.

use std::cmp::Ordering;

use bson::{Bson, RawBson};
use proptest::prelude::*;

use super::{
    super::{Key, KeyError, decode::decode},
    compare, encoded, generators,
};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn keys_sort_as_their_values_do((a, b) in generators::pair()) {
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), compare(&a, &b));
    }

    #[test]
    fn keys_of_numbers_sort_as_the_numbers_do(
        a in generators::number(),
        b in generators::number(),
    ) {
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), compare(&a, &b));
    }

    #[test]
    fn no_key_begins_another((a, b) in generators::pair()) {
        let (a, b) = (encoded(&a), encoded(&b));
        prop_assert!(a == b || !a.starts_with(&b) && !b.starts_with(&a));
    }

    #[test]
    fn a_key_decodes_to_a_value_that_has_it(value in generators::value()) {
        let bytes = encoded(&value);
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!(encoded(&decoded), bytes);
        prop_assert_eq!(compare(&decoded, &value), Ordering::Equal);
    }

    #[test]
    fn an_id_has_one_key_by_every_way_to_it(id in generators::value()) {
        let raw = RawBson::try_from(id.clone()).unwrap();
        match (Key::of(&id), Key::of_id(raw.as_raw_bson_ref())) {
            (Ok(key), Ok(of_raw)) => {
                prop_assert_eq!(&key, &of_raw);
                prop_assert_eq!(key.as_bytes(), encoded(&id));
                prop_assert_eq!(&Key::of(&key.to_bson()).unwrap(), &key);
                prop_assert_eq!(&Key::from_bytes(key.as_bytes()).unwrap(), &key);
                let shown = format!("{key:?}");
                prop_assert!(shown.starts_with("Key("));
            }
            (Err(KeyError::UnsupportedType { .. }), Err(KeyError::UnsupportedType { .. })) => {
                prop_assert!(matches!(
                    id,
                    Bson::Array(_) | Bson::RegularExpression(_) | Bson::Undefined
                ));
                prop_assert!(Key::from_bytes(&encoded(&id)).is_err());
            }
            (owned, raw) => prop_assert!(false, "{:?}, {:?}", owned, raw),
        }
    }

    #[test]
    fn the_order_of_values_is_total([a, b, c] in generators::triple()) {
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        let mut sorted = [a, b, c];
        sorted.sort_by(compare);
        prop_assert_ne!(compare(&sorted[0], &sorted[2]), Ordering::Greater);
        if compare(&sorted[0], &sorted[2]).is_eq() {
            prop_assert_eq!(compare(&sorted[0], &sorted[1]), Ordering::Equal);
            prop_assert_eq!(compare(&sorted[1], &sorted[2]), Ordering::Equal);
        }
    }
}
