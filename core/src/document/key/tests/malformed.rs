//! Malformed keys and malformed BSON: an error, never a panic.

use bson::{RawBsonRef, RawDocument};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    super::{Key, KeyError, decode::decode, encode, tag::Tag},
    encoded, generators,
};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes that decode are the only encoding of their value.
fn decodes_to_itself_or_not_at_all(bytes: &[u8]) {
    if let Ok(value) = decode(bytes) {
        assert_eq!(encoded(&value), bytes);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_bytes_decode_to_themselves_or_not_at_all(bytes in vec(any::<u8>(), 0..40)) {
        decodes_to_itself_or_not_at_all(&bytes);
    }

    #[test]
    fn random_numbers_decode_to_themselves_or_not_at_all(bytes in vec(any::<u8>(), 0..6)) {
        decodes_to_itself_or_not_at_all(&[&[Tag::Number as u8], &bytes[..]].concat());
    }

    #[test]
    fn damaged_keys_decode_to_themselves_or_not_at_all(
        value in generators::value(),
        place in any::<Index>(),
        byte in prop_oneof![0..4_u8, any::<u8>()],
        cut in any::<bool>(),
    ) {
        let mut bytes = encoded(&value);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if cut {
            bytes.truncate(place);
        }
        decodes_to_itself_or_not_at_all(&bytes);
    }

    #[test]
    fn a_key_cut_short_or_followed_by_more_is_refused(value in generators::value(), more: u8) {
        let mut bytes = encoded(&value);
        bytes.push(more);
        prop_assert!(decode(&bytes).is_err());
        bytes.truncate(bytes.len() - 2);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn damaged_bson_is_encoded_or_refused_without_a_trace(
        value in generators::value(),
        place in any::<Index>(),
        byte: u8,
    ) {
        let mut document = bson::doc! { "": value }.to_vec().unwrap();
        let place = 4 + place.index(document.len() - 5);
        document[place] = byte;
        let mut out = vec![7];
        let document = RawDocument::from_bytes(&document).unwrap();
        if encode(RawBsonRef::Document(document), &mut out).is_err() {
            prop_assert_eq!(out, [7]);
        }
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    let error = Key::from_bytes(&[Tag::Boolean as u8, 2]).unwrap_err();
    assert!(matches!(error, KeyError::Malformed { offset: 1, expected: "0 or 1 for a boolean" }));
    let error = Key::from_bytes(&[]).unwrap_err();
    assert!(matches!(error, KeyError::Malformed { offset: 0, expected: "a type tag" }));
}

#[test]
fn a_binary_that_states_a_huge_length_is_refused_without_allocating_it() {
    assert!(decode(&[Tag::Binary as u8, 0xFF, 0xFF, 0xFF, 0xFF, 0]).is_err());
    assert!(decode(&[Tag::Binary as u8, 0, 0, 0, 3, 2, 0, 0, 0]).is_err(), "old subtype below 4");
}

#[test]
fn a_number_that_is_of_no_type_is_refused() {
    let too_many_digits = [&[Tag::Number as u8, 0x90][..], &[3; 40], &[2]].concat();
    assert!(decode(&too_many_digits).is_err());
    let below_the_least_decimal = [Tag::Number as u8, 0x87, 0x00, 0x00, 0x02];
    assert!(decode(&below_the_least_decimal).is_err());
}

#[test]
fn a_number_whose_exponent_is_longer_than_it_must_be_is_refused() {
    let five = [Tag::Number as u8, 0x91, 0x0A];
    let five_at_length = [Tag::Number as u8, 0xA1, 0x10, 0x01, 0x0A];
    assert!(decode(&five).is_ok());
    assert!(decode(&five_at_length).is_err());
}
