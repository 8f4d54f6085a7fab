//! The bytes of every type. A failure means that existing stores can't be read any more: raise the
//! version of the format, don't change the test.

use bson::{
    Binary, Bson, DateTime, JavaScriptCodeWithScope, Regex, Timestamp, bson, doc, oid::ObjectId,
    raw::CString, spec::BinarySubtype,
};

use super::{super::db_pointer, decimal, encoded};

fn assert_bytes(value: &Bson, hex: &str) {
    let hex = hex.replace(' ', "");
    let pairs = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    let expected: Vec<_> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert_eq!(format!("{:02x?}", encoded(value)), format!("{expected:02x?}"), "{value:?}");
}

#[test]
fn numbers_keep_their_bytes() {
    assert_bytes(&Bson::Double(f64::NAN), "20 01");
    assert_bytes(&Bson::Double(f64::NEG_INFINITY), "20 5d");
    assert_bytes(&Bson::Int32(-5), "20 6e f5");
    assert_bytes(&Bson::Int32(0), "20 80");
    assert_bytes(&decimal("1E-6176"), "20 87 03f1 02");
    assert_bytes(&Bson::Double(0.5), "20 90 64");
    assert_bytes(&Bson::Int32(5), "20 91 0a");
    assert_bytes(&Bson::Int64(1000), "20 92 14");
    assert_bytes(&Bson::Int64(1_234_500), "20 94 03 2f 5a");
    assert_bytes(&decimal("0.001"), "20 8f 14");
    assert_bytes(&Bson::Int64(i64::MAX), "20 9a 13 2d 43 91 07 89 6d 9b 75 0e");
    assert_bytes(&decimal("9E+6111"), "20 a1 1bf0 b4");
    assert_bytes(&Bson::Double(f64::INFINITY), "20 a2");
}

#[test]
fn text_keeps_its_bytes() {
    assert_bytes(&bson!(""), "28 00");
    assert_bytes(&bson!("a\0\u{1}é"), "28 61 0101 0102 c3a9 00");
    assert_bytes(&Bson::Symbol("a".into()), "28 61 00");
    assert_bytes(&Bson::JavaScriptCode("a".into()), "78 61 00");
}

#[test]
fn containers_keep_their_bytes() {
    assert_bytes(&bson!({}), "30 00");
    assert_bytes(&bson!({ "a": 5, "b": { "": null } }), "30 20 6100 910a 30 6200 18 00 00 00");
    assert_bytes(&bson!([]), "38 00");
    assert_bytes(&bson!([5, "a", []]), "38 20 910a 28 6100 38 00 00");
    let code = JavaScriptCodeWithScope { code: "a".into(), scope: doc! { "b": 5 } };
    assert_bytes(&Bson::JavaScriptCodeWithScope(code), "80 6100 20 6200 910a 00");
}

#[test]
fn the_other_types_keep_their_bytes() {
    assert_bytes(&Bson::MinKey, "08");
    assert_bytes(&Bson::Undefined, "10");
    assert_bytes(&Bson::Null, "18");
    let binary = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1, 2] };
    assert_bytes(&Bson::Binary(binary), "40 00000002 04 0102");
    let binary = Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2] };
    assert_bytes(&Bson::Binary(binary), "40 00000006 02 0102");
    let id = ObjectId::parse_str("0123456789abcdef01234567").unwrap();
    assert_bytes(&Bson::ObjectId(id), "48 0123456789abcdef01234567");
    assert_bytes(&bson!(false), "50 00");
    assert_bytes(&bson!(true), "50 01");
    assert_bytes(&Bson::DateTime(DateTime::from_millis(-1)), "58 7fffffffffffffff");
    assert_bytes(&Bson::DateTime(DateTime::from_millis(1)), "58 8000000000000001");
    assert_bytes(&Bson::Timestamp(Timestamp { time: 1, increment: 2 }), "60 00000001 00000002");
    let (pattern, options) = (CString::try_from("a").unwrap(), CString::try_from("i").unwrap());
    assert_bytes(&Bson::RegularExpression(Regex { pattern, options }), "68 6100 6900");
    let pointer = db_pointer::build("d.c", id.bytes()).unwrap();
    assert_bytes(&pointer, "70 642e6300 0123456789abcdef01234567");
    assert_bytes(&Bson::MaxKey, "f8");
}
