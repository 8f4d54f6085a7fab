//! Valid and invalid `_id`s, and their display.

use bson::{
    Bson, DateTime, RawBsonRef, RawDocument, Regex, bson, doc, oid::ObjectId, raw::CString,
};

use super::super::{Key, KeyError, MAX_NESTING};

fn nested(levels: usize) -> Bson {
    (0..levels).fold(Bson::Int32(1), |inner, _| Bson::Document(doc! { "": inner }))
}

#[test]
fn the_types_that_mongodb_refuses_as_an_id_are_refused_at_the_top_only() {
    let pattern = CString::try_from("a").unwrap();
    let regex = Bson::RegularExpression(Regex { options: pattern.clone(), pattern });
    for refused in [bson!([1]), regex, Bson::Undefined] {
        assert!(matches!(Key::of(&refused), Err(KeyError::UnsupportedType { .. })));
        assert!(Key::of(&bson!({ "inside": refused })).is_ok());
    }
}

#[test]
fn nesting_has_a_bound_for_owned_and_for_raw_values() {
    assert!(Key::of(&nested(MAX_NESTING)).is_ok());
    let too_deep = nested(MAX_NESTING + 1);
    assert!(matches!(Key::of(&too_deep), Err(KeyError::TooDeep { .. })));
    let bytes = too_deep.as_document().unwrap().to_vec().unwrap();
    let raw = RawBsonRef::Document(RawDocument::from_bytes(&bytes).unwrap());
    assert!(matches!(Key::of_id(raw), Err(KeyError::TooDeep { .. })));
    let too_deep_key = [&[0x30][..], &[0x30, 0].repeat(MAX_NESTING)].concat();
    assert!(matches!(Key::from_bytes(&too_deep_key), Err(KeyError::TooDeep { .. })));
}

#[test]
fn the_length_of_a_key_has_a_bound() {
    let longest = Bson::String("x".repeat(Key::MAX_BYTES - 2));
    assert_eq!(Key::of(&longest).unwrap().as_bytes().len(), Key::MAX_BYTES);
    let too_long = Bson::String("x".repeat(Key::MAX_BYTES - 1));
    assert!(matches!(Key::of(&too_long), Err(KeyError::TooLong { found: 1025, limit: 1024 })));
}

#[test]
fn two_fields_of_one_name_are_refused() {
    let twice = [19, 0, 0, 0, 0x10, b'a', 0, 1, 0, 0, 0, 0x10, b'a', 0, 2, 0, 0, 0, 0];
    let raw = RawBsonRef::Document(RawDocument::from_bytes(&twice).unwrap());
    assert!(matches!(Key::of_id(raw), Err(KeyError::DuplicateField { name }) if name == "a"));
}

#[test]
fn a_field_name_with_nul_is_refused() {
    assert!(matches!(Key::of(&bson!({ "a\0b": 1 })), Err(KeyError::InvalidBson { .. })));
}

#[test]
fn a_key_is_shown_as_its_value() {
    let id = ObjectId::parse_str("0123456789abcdef01234567").unwrap();
    let shown = [
        (Bson::ObjectId(id), r#"ObjectId("0123456789abcdef01234567")"#),
        (bson!("text\n"), r#""text\n""#),
        (bson!(42.0), "42"),
        (bson!({ "a": 1, "b": [true] }), r#"{ "a": 1, "b": [true] }"#),
        (Bson::DateTime(DateTime::from_millis(0)), r#"DateTime("1970-01-01 0:00:00.0 +00:00:00")"#),
    ];
    for (value, text) in shown {
        let key = Key::of(&value).unwrap();
        assert_eq!(key.to_string(), text);
        assert_eq!(format!("{key:?}"), format!("Key({text})"));
    }
}

#[test]
fn types_sort_in_the_order_of_mongodb() {
    let scope = doc! {};
    let code = bson::JavaScriptCodeWithScope { code: String::new(), scope };
    let ascending = [
        Bson::MinKey,
        Bson::Null,
        bson!(1),
        bson!("a"),
        bson!({}),
        Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![] }),
        Bson::ObjectId(ObjectId::from_bytes([0; 12])),
        bson!(false),
        bson!(true),
        Bson::DateTime(DateTime::MIN),
        Bson::Timestamp(bson::Timestamp { time: 0, increment: 0 }),
        super::super::db_pointer::build("", [0; 12]).unwrap(),
        Bson::JavaScriptCode(String::new()),
        Bson::JavaScriptCodeWithScope(code),
        Bson::MaxKey,
    ];
    let keys: Vec<_> = ascending.iter().map(|id| Key::of(id).unwrap()).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
}
