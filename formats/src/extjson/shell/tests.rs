use bson::{Bson, bson, doc};

use super::super::parse_value;
use super::{parse_shell_document, parse_shell_value};

#[track_caller]
fn same(shell: &str, extended: &str) {
    assert_eq!(parse_shell_value(shell).unwrap(), parse_value(extended).unwrap(), "{shell}");
}

#[test]
fn what_is_extended_json_is_the_same_value() {
    for text in [
        r#"{"a": 1, "b": [1.5, "x", null, true], "c": {"$numberLong": "5"}}"#,
        r#"{"$oid": "59b99db4cfa9a34dcd7885b6"}"#,
        r#"{"$date": "2026-07-07T09:00:00Z"}"#,
        r#"{"$and": [{"a": {"$regex": "^x", "$options": "i"}}]}"#,
        r#""\u00e9\n\ud83d\ude00""#,
        "-0.0",
        "9223372036854775807",
        "1e3",
        "{}",
        "[]",
    ] {
        same(text, text);
    }
}

#[test]
fn names_and_strings_are_as_in_javascript() {
    let value =
        parse_shell_value("{a: 1, 'b c': 'it\\'s', $gt: \"x\", 5: [1, 2,], /* no */ d: {},}");
    assert_eq!(value.unwrap(), bson!({ "a": 1, "b c": "it's", "$gt": "x", "5": [1, 2], "d": {} }));
    assert_eq!(parse_shell_value("[ // one\n 1 ]").unwrap(), bson!([1]));
    assert_eq!(parse_shell_value("0x1F").unwrap(), Bson::Int32(31));
}

#[test]
fn constructors_make_values_of_their_types() {
    same("ObjectId('59b99db4cfa9a34dcd7885b6')", r#"{"$oid": "59b99db4cfa9a34dcd7885b6"}"#);
    same("new Date(5)", r#"{"$date": {"$numberLong": "5"}}"#);
    same("ISODate(\"2026-07-07\")", r#"{"$date": "2026-07-07T00:00:00Z"}"#);
    same("ISODate('2026-07-07T09:00:00')", r#"{"$date": "2026-07-07T09:00:00Z"}"#);
    same("NumberLong(5)", r#"{"$numberLong": "5"}"#);
    same("NumberLong('-9223372036854775808')", r#"{"$numberLong": "-9223372036854775808"}"#);
    same("Long(\"7\")", r#"{"$numberLong": "7"}"#);
    same("NumberInt(5)", r#"{"$numberInt": "5"}"#);
    same("Double(5)", r#"{"$numberDouble": "5"}"#);
    same("NumberDecimal('1.50')", r#"{"$numberDecimal": "1.50"}"#);
    same("Timestamp(1, 2)", r#"{"$timestamp": {"t": 1, "i": 2}}"#);
    same("Timestamp({t: 1, i: 2})", r#"{"$timestamp": {"t": 1, "i": 2}}"#);
    same("BinData(0, 'AQI=')", r#"{"$binary": {"base64": "AQI=", "subType": "00"}}"#);
    same("HexData(0, '0102')", r#"{"$binary": {"base64": "AQI=", "subType": "00"}}"#);
    same(
        "UUID('73ffd264-44b3-4c69-90e8-e7d1dfc035d4')",
        r#"{"$uuid": "73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}"#,
    );
    same("MinKey", r#"{"$minKey": 1}"#);
    same("MaxKey()", r#"{"$maxKey": 1}"#);
    same("/a[/]b\\/c/mi", r#"{"$regularExpression": {"pattern": "a[/]b\\/c", "options": "im"}}"#);
    same("RegExp('^a', 'i')", r#"{"$regularExpression": {"pattern": "^a", "options": "i"}}"#);
    assert_eq!(parse_shell_value("undefined").unwrap(), Bson::Undefined);
    assert_eq!(parse_shell_value("-Infinity").unwrap(), Bson::Double(f64::NEG_INFINITY));
}

#[test]
fn an_error_names_the_place_and_what_was_expected() {
    for (text, message) in [
        ("{a: }", "expected a value, found '}' (line 1, column 5)"),
        ("{a 1}", "expected ':' after the name \"a\", found '1' (line 1, column 4)"),
        ("{a: 1", "expected ',' or '}', found the end (line 1, column 6)"),
        ("{a: 1}\n x", "expected nothing more, found 'x' (line 2, column 2)"),
        ("{a: 1, a: 2}", "the field \"a\" occurs twice (line 1, column 8)"),
        ("{a: 'b}", "the string does not end on its line (line 1, column 5)"),
        ("{a: /b}", "the regular expression does not end (line 1, column 5)"),
        ("/a/q", "unknown flag 'q'"),
        ("ObjectId('x')", "ObjectId: $oid has \"x\", expected 24 hex digits (line 1, column 1)"),
        ("ObjectId()", "without an argument"),
        ("NumberLong('x')", "NumberLong: $numberLong has"),
        ("UUID(1, 2)", "invalid arguments of UUID: (1, 2)"),
        ("{a: foo}", "unknown word 'foo'"),
        ("{a: foo()}", "unknown word 'foo'"),
        ("1.2.3", "invalid number '1.2.3'"),
        ("", "expected a value, found the end (line 1, column 1)"),
    ] {
        let error = parse_shell_value(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    let deep = "[".repeat(5_000);
    assert!(parse_shell_value(&deep).unwrap_err().to_string().contains("100"));
}

#[test]
fn a_document_is_expected_where_one_is() {
    assert_eq!(parse_shell_document("{a: {$gt: 5}}").unwrap(), doc! { "a": { "$gt": 5 } });
    let error = parse_shell_document("[1]").unwrap_err().to_string();
    assert!(error.starts_with("expected a document such as"), "{error}");
}
