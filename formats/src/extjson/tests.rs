use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, RawDocumentBuf, Timestamp, doc, rawdoc};
use proptest::prelude::*;

use super::super::arbitrary;
use super::super::validate::{MAX_DEPTH, MAX_DOCUMENT_BYTES};
use super::*;

const OID: &str = "5a9427648b0beebeb69579cc";

fn oid() -> Bson {
    Bson::ObjectId(ObjectId::parse_str(OID).unwrap())
}

fn date(millis: i64) -> Bson {
    Bson::DateTime(DateTime::from_millis(millis))
}

fn binary(subtype: u8, bytes: &[u8]) -> Bson {
    Bson::Binary(Binary { subtype: subtype.into(), bytes: bytes.to_vec() })
}

#[track_caller]
fn assert_parses(text: &str, expected: &Bson) {
    assert_eq!(
        parse_value(text).map_err(|error| error.to_string()).as_ref(),
        Ok(expected),
        "{text}"
    );
}

#[track_caller]
fn assert_refused(text: &str, parts: &[&str]) {
    let message = parse_value(text).expect_err(text).to_string();
    for part in parts {
        assert!(message.contains(part), "{text}: {message:?} should contain {part:?}");
    }
}

fn print(text: &str, mode: Mode) -> String {
    print_value(&parse_value(text).unwrap(), mode, Layout::Compact).unwrap()
}

#[test]
fn numbers_get_the_narrowest_type_that_holds_them_exactly() {
    assert_parses("1", &Bson::Int32(1));
    assert_parses("-2147483648", &Bson::Int32(i32::MIN));
    assert_parses("2147483648", &Bson::Int64(2_147_483_648));
    assert_parses("9223372036854775807", &Bson::Int64(i64::MAX));
    assert_parses("9223372036854775808", &Bson::Double(9_223_372_036_854_775_808.0));
    assert_parses("123456789012345678901234567890", &Bson::Double(1.234_567_890_123_456_8e29));
    assert_parses("1.0", &Bson::Double(1.0));
    assert_parses("1e3", &Bson::Double(1000.0));
}

#[test]
fn a_double_of_seventeen_digits_is_read_exactly() {
    for number in [0.1 + 0.2, 5e-324, 1.797_693_134_862_315_7e308, 7.038_531e-26, 2.225e-308] {
        assert_parses(&format!("{number:?}"), &Bson::Double(number));
    }
}

#[test]
fn canonical_wrappers_are_opened() {
    assert_parses(&format!(r#"{{"$oid": "{OID}"}}"#), &oid());
    assert_parses(r#"{"$numberInt": "5"}"#, &Bson::Int32(5));
    assert_parses(r#"{"$numberLong": "5"}"#, &Bson::Int64(5));
    assert_parses(r#"{"$numberDouble": "5"}"#, &Bson::Double(5.0));
    assert_parses(r#"{"$numberDouble": "-Infinity"}"#, &Bson::Double(f64::NEG_INFINITY));
    assert_parses(r#"{"$numberDecimal": "1.20"}"#, &Bson::Decimal128("1.20".parse().unwrap()));
    assert_parses(r#"{"$date": {"$numberLong": "-1"}}"#, &date(-1));
    assert_parses(r#"{"$binary": {"base64": "AQI=", "subType": "80"}}"#, &binary(0x80, &[1, 2]));
    assert_parses(r#"{"$binary": {"subType": "0", "base64": ""}}"#, &binary(0, &[]));
    let stamp = Bson::Timestamp(Timestamp { time: 4_294_967_295, increment: 1 });
    assert_parses(r#"{"$timestamp": {"t": 4294967295, "i": 1}}"#, &stamp);
    assert_parses(r#"{"$symbol": "a"}"#, &Bson::Symbol("a".into()));
    assert_parses(r#"{"$code": "f()"}"#, &Bson::JavaScriptCode("f()".into()));
    assert_parses(r#"{"$undefined": true}"#, &Bson::Undefined);
    assert_parses(r#"{"$minKey": 1}"#, &Bson::MinKey);
    assert_parses(r#"{"$maxKey": 1}"#, &Bson::MaxKey);
}

#[test]
fn nan_is_read_and_printed_with_its_wrapper() {
    let Ok(Bson::Double(number)) = parse_value(r#"{"$numberDouble": "NaN"}"#) else {
        panic!("not a double")
    };
    assert!(number.is_nan());
    assert_eq!(
        print_value(&Bson::Double(f64::NAN), Mode::Relaxed, Layout::Compact).unwrap(),
        r#"{"$numberDouble":"NaN"}"#
    );
}

#[test]
fn legacy_wrappers_are_opened() {
    assert_parses(r#"{"$numberLong": 5}"#, &Bson::Int64(5));
    assert_parses(r#"{"$date": 1234567890123}"#, &date(1_234_567_890_123));
    assert_parses(r#"{"$date": 5}"#, &date(5));
    assert_parses(r#"{"$binary": "AQI=", "$type": "00"}"#, &binary(0, &[1, 2]));
    assert_parses(r#"{"$type": "05", "$binary": "AQI="}"#, &binary(5, &[1, 2]));
    assert_parses(r#"{"$binary": "AQI=", "$type": 3}"#, &binary(3, &[1, 2]));
    let uuid = parse_value(r#"{"$uuid": "73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}"#).unwrap();
    assert!(matches!(uuid, Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes })
        if bytes.len() == 16 && bytes[0] == 0x73));
    let modern = parse_value(r#"{"$regularExpression": {"pattern": "^a", "options": "i"}}"#);
    assert_parses(r#"{"$regex": "^a", "$options": "i"}"#, &modern.unwrap());
}

#[test]
fn dates_are_read_in_every_form_that_mongodb_tools_wrote() {
    let expected = date(1_238_569_200_000);
    for text in [
        "2009-04-01T00:00:00.000-0700",
        "2009-04-01T00:00:00-0700",
        "2009-04-01T00:00-0700",
        "2009-04-01T00:00:00-07:00",
        "2009-04-01T00:00:00-07",
        "2009-04-01T07:00:00.000Z",
        "2009-04-01T07:00:00z",
        "2009-04-01T07:00Z",
        "2009-04-01T07:00:00.0001Z",
    ] {
        assert_parses(&format!(r#"{{"$date": "{text}"}}"#), &expected);
    }
    assert_parses(r#"{"$date": "1970-01-02"}"#, &date(86_400_000));
    assert_parses(r#"{"$date": "1969-12-31T23:59:59.999Z"}"#, &date(-1));
}

#[test]
fn dates_without_an_offset_or_out_of_range_are_refused() {
    for text in
        ["2009-04-01T00:00:00", "2009-02-30T00:00:00Z", "yesterday", "", "T", "é", "TZ", "T+é"]
    {
        assert_refused(&format!(r#"{{"$date": "{text}"}}"#), &["$date", text, "ISO 8601"]);
    }
}

#[test]
fn a_document_names_the_types_of_its_numbers_or_does_not() {
    let types = |text: &str| super::parse_typed_document(text).unwrap().1;
    for text in [
        r#"{"a": 5, "b": 5.5}"#,
        r#"{"a": {"$numberDecimal": "5"}, "b": {"$numberDouble": "NaN"}}"#,
        r#"{"a": {"$date": {"$numberLong": "-5"}}}"#,
        r#"{"$text": "$numberInt"}"#,
    ] {
        assert_eq!(types(text), super::NumberTypes::Inferred, "{text}");
    }
    for text in [
        r#"{"a": {"$numberInt": "5"}, "b": 5}"#,
        r#"{"a": [{"b": {"$numberLong": "5"}}, {"$date": {"$numberLong": "5"}}]}"#,
        r#"{"a": {"$numberDouble": "5"}}"#,
    ] {
        assert_eq!(types(text), super::NumberTypes::Named, "{text}");
    }
}

#[test]
fn relaxed_dates_are_readable_within_four_digit_years_and_numbers_outside() {
    let print = |millis| print_value(&date(millis), Mode::Relaxed, Layout::Compact).unwrap();
    assert_eq!(print(0), r#"{"$date":"1970-01-01T00:00:00Z"}"#);
    assert_eq!(print(100), r#"{"$date":"1970-01-01T00:00:00.100Z"}"#);
    assert_eq!(print(253_402_300_799_999), r#"{"$date":"9999-12-31T23:59:59.999Z"}"#);
    assert_eq!(print(253_402_300_800_000), r#"{"$date":{"$numberLong":"253402300800000"}}"#);
    assert_eq!(print(-1), r#"{"$date":{"$numberLong":"-1"}}"#);
    assert_eq!(print(i64::MIN), format!(r#"{{"$date":{{"$numberLong":"{}"}}}}"#, i64::MIN));
}

#[test]
fn what_only_looks_like_a_wrapper_stays_a_document() {
    for text in [
        r#"{"$ref":"users","$id":1}"#,
        r#"{"$ref":"users","$id":1,"$db":"other"}"#,
        r#"{"$regex":"^a"}"#,
        r#"{"$regex":{"a":1},"$options":"i"}"#,
        r#"{"$type":"string"}"#,
        r#"{"$scope":{}}"#,
        r#"{"$gt":5,"$lt":6}"#,
        r#"{"$jsonSchema":{"bsonType":"object"}}"#,
    ] {
        assert!(matches!(parse_value(text), Ok(Bson::Document(_))), "{text}");
        assert_eq!(print(text, Mode::Relaxed), text);
    }
}

#[test]
fn a_wrong_wrapper_is_refused_with_its_name_its_value_and_what_was_expected() {
    assert_refused(r#"{"$oid": "xyz"}"#, &["$oid", "\"xyz\"", "24 hex digits"]);
    assert_refused(r#"{"$oid": 5}"#, &["$oid", "5"]);
    assert_refused(r#"{"$numberInt": "2147483648"}"#, &["$numberInt", "2147483648", "32-bit"]);
    assert_refused(r#"{"$numberLong": "1.5"}"#, &["$numberLong", "\"1.5\"", "64-bit"]);
    assert_refused(r#"{"$numberDouble": "1e999"}"#, &["$numberDouble", "1e999"]);
    assert_refused(r#"{"$numberDouble": "inf"}"#, &["$numberDouble", "inf"]);
    assert_refused(r#"{"$numberDecimal": 1}"#, &["$numberDecimal", "string"]);
    assert_refused(r#"{"$date": true}"#, &["$date", "true"]);
    assert_refused(r#"{"$binary": "AQI="}"#, &["$binary", "subtype"]);
    assert_refused(r#"{"$binary": {"base64": "!", "subType": "00"}}"#, &["$binary", "base64"]);
    assert_refused(r#"{"$binary": {"base64": "", "subType": "100"}}"#, &["$binary", "subtype"]);
    assert_refused(r#"{"$uuid": "73ff"}"#, &["$uuid", "73ff"]);
    assert_refused(r#"{"$timestamp": {"t": -1, "i": 0}}"#, &["$timestamp", "unsigned"]);
    assert_refused(r#"{"$timestamp": {"t": 1}}"#, &["$timestamp"]);
    assert_refused(r#"{"$code": "f", "$scope": 1}"#, &["$code", "$scope"]);
    assert_refused(r#"{"$dbPointer": {"$ref": "a", "$id": 1}}"#, &["$dbPointer", "ObjectId"]);
    assert_refused(r#"{"$minKey": 2}"#, &["$minKey", "expected 1"]);
    assert_refused(r#"{"$undefined": false}"#, &["$undefined", "expected true"]);
    assert_refused(r#"{"$regex": "a\u0000", "$options": ""}"#, &["$regex", "NUL"]);
    assert_refused(r#"{"$oid": "5a9427648b0beebeb69579cc", "a": 1}"#, &["$oid", "\"a\""]);
}

#[test]
fn minus_zero_is_an_integer_without_a_point() {
    assert_parses("-0", &Bson::Int32(0));
    let found = parse_document(r#"{"a": -0, "b": [-0,-0 ], "s": "-0, \\\"-0", "-0": 1}"#).unwrap();
    let expected = rawdoc! { "a": 0, "b": [0, 0], "s": "-0, \\\"-0", "-0": 1 };
    assert_eq!(found.as_bytes(), expected.as_bytes());
    for text in ["-0.0", "-0e1", "-0E0", r#"{"$numberDouble": "-0.0"}"#] {
        let value = parse_value(text).unwrap().as_f64().unwrap();
        assert!(value == 0.0 && value.is_sign_negative(), "{text}");
    }
    assert_parses("[1e-0,1E-0]", &Bson::Array(vec![Bson::Double(1.0); 2]));
    for text in ["- 0", "--0", "1-0", "-01", "-"] {
        assert!(parse_value(text).is_err(), "{text}");
    }
}

#[test]
fn a_decimal_has_digits() {
    for text in [
        "", ".", "e5", "+", "-.", "+-1", "-+1", "1e", "1e+", ".e1", "1_0", "1 ", "0x1", "sNaN",
        "-snan",
    ] {
        assert_refused(
            &format!(r#"{{"$numberDecimal": "{text}"}}"#),
            &["$numberDecimal", "34 digits"],
        );
    }
    for text in [".5", "5.", "+5", "-5E-3", "1e+3", "NaN", "-nan", "Infinity", "-inf", "00.10"] {
        let parsed = parse_value(&format!(r#"{{"$numberDecimal": "{text}"}}"#)).unwrap();
        assert_eq!(parsed, Bson::Decimal128(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn the_options_of_a_regular_expression_are_sorted() {
    for text in [
        r#"{"$regularExpression":{"pattern":"a","options":"xim"}}"#,
        r#"{"$regex":"a","$options":"xim"}"#,
    ] {
        let sorted = r#"{"$regularExpression":{"pattern":"a","options":"imx"}}"#;
        assert_eq!(print(text, Mode::Relaxed), sorted);
    }
}

#[test]
fn what_extended_json_can_not_express_is_found_and_named() {
    let loss = |document: &RawDocumentBuf| {
        find_loss(document).unwrap().map(|loss| loss.to_string()).unwrap_or_default()
    };
    for (value, reason) in [
        (rawdoc! { "$oid": OID }, "looks like an Extended JSON wrapper"),
        (rawdoc! { "$date": "tomorrow" }, "looks like an Extended JSON wrapper"),
        (rawdoc! { "$numberLong": "5" }, "looks like an Extended JSON wrapper"),
        (rawdoc! { "$regex": "^a", "$options": "i" }, "looks like an Extended JSON wrapper"),
        (rawdoc! { "$minKey": 1, "more": 1 }, "looks like an Extended JSON wrapper"),
        (rawdoc! { "deep": [{ "$uuid": "x" }] }, "'a.deep.0' looks like"),
        (rawdoc! { "n": f64::from_bits(0x7ff8_0000_0000_0001) }, "'a.n' is a NaN with"),
        (rawdoc! { "n": -f64::NAN }, "'a.n' is a NaN with"),
        (rawdoc! { "d": bson::Decimal128::from_bytes([0xff; 16]) }, "'a.d' is a decimal"),
        (rawdoc! { "r": regex("xi") }, "'a.r' is a regular expression"),
    ] {
        let found = loss(&rawdoc! { "_id": 1, "a": value.clone() });
        assert!(found.contains(reason), "{value:?}: {found}");
    }
    assert!(loss(&rawdoc! { "$oid": OID }).starts_with("it looks like"));
    // The type of the field changed to array.
    let mut odd = rawdoc! { "a": { "0": 1, "x": 2 } }.into_bytes();
    odd[4] = 0x04;
    assert!(loss(&RawDocumentBuf::from_bytes(odd).unwrap()).contains("'a' is an array"));
    for text in [
        r#"{"_id":1,"a":{"$ref":"x","$id":1},"b":{"$gt":5},"c":{"$regex":"^a"},"d":[[],{}]}"#,
        r#"{"n":{"$numberDouble":"NaN"},"d":{"$numberDecimal":"1.20"},"c":{"$code":"x","$scope":{}}}"#,
    ] {
        assert_eq!(loss(&parse_document(text).unwrap()), "", "{text}");
    }
}

fn regex(options: &str) -> bson::Regex {
    bson::Regex {
        pattern: bson::raw::CString::try_from("a").unwrap(),
        options: bson::raw::CString::try_from(options).unwrap(),
    }
}

#[test]
fn an_error_says_line_and_column() {
    assert_refused("{\n  \"a\" 1\n}", &["(line 2, column 7)"]);
}

#[test]
fn a_field_that_occurs_twice_is_refused() {
    assert_refused(r#"{"a": 1, "b": {"c": 1, "c": 2}}"#, &["\"c\" occurs twice"]);
}

#[test]
fn field_order_is_kept() {
    let text = r#"{"z":1,"a":2,"m":{"y":1,"b":2}}"#;
    assert_eq!(print(text, Mode::Relaxed), text);
}

#[test]
fn a_nul_in_a_field_name_is_refused() {
    assert!(parse_document(r#"{"a\u0000b": 1}"#).is_err());
}

#[test]
fn only_a_document_is_a_document() {
    for (text, found) in [("[1]", "[1]"), ("5", "5"), (r#"{"$numberInt": "5"}"#, "5")] {
        let message = parse_document(text).unwrap_err().to_string();
        assert!(message.contains("expected a document") && message.ends_with(found), "{message}");
    }
}

fn nested(levels: usize, innermost: &str) -> String {
    format!("{}{innermost}{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

#[test]
fn nesting_is_limited_to_what_mongodb_takes() {
    assert!(parse_document(&nested(MAX_DEPTH, "1")).is_ok());
    assert!(parse_document(&nested(MAX_DEPTH + 1, "1")).is_err());
    let pointer = format!(r#"{{"$dbPointer": {{"$ref": "a", "$id": {{"$oid": "{OID}"}}}}}}"#);
    let deepest = parse_document(&nested(MAX_DEPTH, &pointer)).unwrap();
    let printed = print_document(&deepest, Mode::Canonical, Layout::Compact).unwrap();
    assert_eq!(parse_document(&printed).unwrap(), deepest);
}

#[test]
fn absurd_nesting_is_an_error_and_no_overflow_of_the_stack() {
    for text in ["[".repeat(1_000_000), r#"{"a":"#.repeat(1_000_000), nested(110, "1")] {
        let message = parse_value(&text).unwrap_err().to_string();
        assert!(message.contains("deeper than 100 levels"), "{message}");
    }
    let mut deep = doc! {};
    for _ in 0..150 {
        deep = doc! { "a": deep };
    }
    let deep = RawDocumentBuf::try_from(&deep).unwrap();
    assert!(print_document(&deep, Mode::Relaxed, Layout::Compact).is_err());
}

#[test]
fn what_becomes_too_large_is_refused_while_it_is_read() {
    let text = format!("\"{}\"", "x".repeat(MAX_DOCUMENT_BYTES));
    for (times, reason) in [(1, "the document has 16777237 bytes"), (5, "(line 1, column")] {
        let document = format!("{{\"a\":[{}]}}", vec![text.as_str(); times].join(","));
        let message = parse_document(&document).unwrap_err().to_string();
        assert!(
            message.contains(reason) && message.contains("at most 16777216 are allowed"),
            "{message}"
        );
    }
}

#[test]
fn pretty_has_a_field_a_line_and_wrappers_on_one() {
    let document = parse_document(&format!(
        r#"{{"_id":{{"$oid":"{OID}"}},"a":[1,{{}}],"e":[],"f":{{"$code":"x","$scope":{{"y":1}}}}}}"#
    ));
    let pretty = print_document(&document.unwrap(), Mode::Relaxed, Layout::Pretty).unwrap();
    let expected = "{
  \"_id\": {\"$oid\":\"5a9427648b0beebeb69579cc\"},
  \"a\": [
    1,
    {}
  ],
  \"e\": [],
  \"f\": {\"$code\":\"x\",\"$scope\":{\"y\":1}}
}";
    assert_eq!(pretty, expected);
}

#[test]
fn an_id_is_read_as_a_person_means_it() {
    let document = |document: Document| Bson::Document(document);
    for (text, expected) in [
        ("5", Bson::Int32(5)),
        (" 5.5 ", Bson::Double(5.5)),
        ("\"5\"", Bson::String("5".into())),
        ("text", Bson::String("text".into())),
        ("007", Bson::String("007".into())),
        ("a b: {", Bson::String("a b: {".into())),
        ("null", Bson::Null),
        (r#"{"a": 1}"#, document(doc! { "a": 1 })),
        (OID, oid()),
        ("5A9427648B0BEEBEB69579CC", oid()),
        ("ObjectId(5a9427648b0beebeb69579cc)", oid()),
        ("ObjectId(\"5a9427648b0beebeb69579cc\")", oid()),
        ("ObjectId( '5a9427648b0beebeb69579cc' )", oid()),
        (r#"{"$oid": "5a9427648b0beebeb69579cc"}"#, oid()),
        ("111111111111111111111111", Bson::ObjectId(ObjectId::from_bytes([0x11; 12]))),
    ] {
        assert_eq!(parse_id(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn what_was_meant_as_a_value_and_is_none_is_no_string_id() {
    for text in
        ["{a: 1}", "\"open", "[1]", "ObjectId(5)", r#"{"$oid": "5"}"#, r#"{"$undefined": true}"#]
    {
        let message = parse_id(text).unwrap_err().to_string();
        assert!(message.starts_with(&format!("invalid _id {text}: ")), "{message}");
    }
}

proptest! {
    #[test]
    fn canonical_text_parses_to_the_same_bytes(document in arbitrary::document()) {
        for layout in [Layout::Compact, Layout::Pretty] {
            let text = print_document(&document, Mode::Canonical, layout).unwrap();
            let parsed = parse_document(&text).unwrap();
            prop_assert_eq!(parsed.as_bytes(), document.as_bytes(), "{}", text);
        }
        prop_assert_eq!(find_loss(&document).unwrap(), None);
    }

    #[test]
    fn typed_text_parses_to_the_same_bytes(document in arbitrary::document()) {
        let text = print_document(&document, Mode::Typed, Layout::Pretty).unwrap();
        let parsed = parse_document(&text).unwrap();
        prop_assert_eq!(parsed.as_bytes(), document.as_bytes(), "{}", text);
    }

    #[test]
    fn relaxed_text_parses_and_prints_to_itself(document in arbitrary::document()) {
        let text = print_document(&document, Mode::Relaxed, Layout::Compact).unwrap();
        prop_assert!(!text.contains('\n'));
        let parsed = parse_document(&text).unwrap();
        prop_assert_eq!(print_document(&parsed, Mode::Relaxed, Layout::Compact).unwrap(), text);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in any::<String>()) {
        let _ = parse_value(&text);
        let _ = parse_id(&text);
        for wrapper in ["$date", "$numberDecimal", "$numberDouble", "$uuid", "$oid", "$binary"] {
            let quoted = print_value(&Bson::String(text.clone()), Mode::Relaxed, Layout::Compact);
            let quoted = quoted.unwrap();
            let _ = parse_value(&format!("{{\"{wrapper}\":{quoted}}}"));
        }
    }

    #[test]
    fn no_decimal_makes_the_parser_panic(text in "[+-]?[0-9.eE+-]{0,40}") {
        let _ = parse_value(&format!(r#"{{"$numberDecimal":"{text}"}}"#));
        let _ = parse_value(&format!(r#"{{"$date":"{text}T{text}Z"}}"#));
    }

    #[test]
    fn any_decimal_bytes_print(bytes in any::<[u8; 16]>()) {
        let value = Bson::Decimal128(bson::Decimal128::from_bytes(bytes));
        let text = print_value(&value, Mode::Canonical, Layout::Compact).unwrap();
        prop_assert!(parse_value(&text).is_ok(), "{}", text);
    }
}
