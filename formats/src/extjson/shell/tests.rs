use bson::{Bson, bson, doc};

use super::super::{Layout, Mode, parse_value, print_value};
use super::{
    ParsedShell, ShellCall, ShellMethod, ShellStatement, parse_shell_document,
    parse_shell_statement, parse_shell_value, print_shell_bson,
};

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

/// The first statement of a text, and the rest.
#[track_caller]
fn statement(text: &str) -> (ShellStatement, &str) {
    match parse_shell_statement(text).unwrap() {
        ParsedShell::Statement(statement, length) => (statement, &text[length..]),
        other => panic!("{text}: {other:?}"),
    }
}

fn call(collection: Option<&str>, methods: &[(&str, &[Bson])]) -> ShellStatement {
    let methods = methods.iter().map(|(name, arguments)| ShellMethod {
        name: (*name).to_owned(),
        arguments: arguments.to_vec(),
    });
    let collection = collection.map(str::to_owned);
    ShellStatement::Database(ShellCall { collection, methods: methods.collect() })
}

#[test]
fn calls_are_chains_of_methods_on_a_collection() {
    let find = call(Some("users"), &[("find", &[bson!({ "a": 1 })]), ("limit", &[Bson::Int32(5)])]);
    for text in [
        "db.users.find({a: 1}).limit(5)",
        "db.users.find({a: 1})\n  .limit(5);",
        "db.getCollection('users').find({a: 1}).limit(5)",
        "db['users'].find({a: 1}).limit(5) // five",
    ] {
        assert_eq!(statement(text).0, find, "{text}");
    }
    assert_eq!(statement("db.a.b.count()").0, call(Some("a.b"), &[("count", &[])]));
    assert_eq!(statement("db.getName()").0, call(None, &[("getName", &[])]));
    assert_eq!(statement("db").0, call(None, &[]));
    assert_eq!(statement("db.users").0, call(Some("users"), &[]));
}

#[test]
fn statements_end_at_semicolons_and_line_breaks() {
    let (first, rest) = statement("db.a.drop(); use shop@try\ndb.b.drop()\n");
    assert_eq!(first, call(Some("a"), &[("drop", &[])]));
    let (second, rest) = statement(rest);
    let use_shop = |name: &str, arguments: &[&str]| ShellStatement::Command {
        name: name.to_owned(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
    };
    assert_eq!(second, use_shop("use", &["shop@try"]));
    let (third, rest) = statement(rest);
    assert_eq!(third, call(Some("b"), &[("drop", &[])]));
    assert_eq!(parse_shell_statement(rest).unwrap(), ParsedShell::Empty);
    assert_eq!(statement("exit()").0, use_shop("exit", &[]));
    assert!(parse_shell_statement("db.a.drop() db.b.drop()").is_err());
}

#[test]
fn what_may_go_on_is_incomplete_and_what_is_wrong_is_not() {
    for text in
        ["db.users.find({a: 1", "db.users.insertOne({\n", "db.users.find().", "db.users.find(["]
    {
        assert_eq!(parse_shell_statement(text).unwrap(), ParsedShell::Incomplete, "{text}");
    }
    for (text, message) in [
        ("foo", "foo is not defined (line 1, column 1)"),
        ("let x = 1", "'let' is JavaScript"),
        ("db.users.find({a: 'b", "does not end on its line"),
        ("db.users.find(x => x)", "unknown word 'x'"),
        ("db.users.find().limit", "expected '('"),
        ("{a: 1}", "expected a statement"),
    ] {
        match parse_shell_statement(text) {
            Err(error) => assert!(error.to_string().contains(message), "{text}: {error}"),
            Ok(ParsedShell::Incomplete) => assert_eq!(text, "db.users.find().limit"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn values_are_printed_as_in_the_shell_and_read_back() {
    let id = bson::oid::ObjectId::parse_str("59b99db4cfa9a34dcd7885b6").unwrap();
    let value = bson!({
        "_id": id, "a-b": 1, "n": 5_i64, "d": 2.0, "h": 1.5, "t": "it's\n", "e": {}, "l": [1, "x"],
    });
    let text = print_shell_bson(&value).unwrap();
    assert_eq!(
        text,
        "{\n  _id: ObjectId('59b99db4cfa9a34dcd7885b6'),\n  'a-b': 1,\n  n: Long('5'),\n  \
         d: 2.0,\n  h: 1.5,\n  t: 'it\\'s\\n',\n  e: {},\n  l: [ 1, 'x' ]\n}"
    );
    assert_eq!(parse_shell_value(&text).unwrap(), value);
    assert_eq!(print_shell_bson(&bson!({ "a": 1, "b": [] })).unwrap(), "{ a: 1, b: [] }");
    // ISO 8601 has no year of five digits.
    let late = Bson::DateTime(bson::DateTime::from_millis(253_402_300_800_000));
    assert_eq!(print_shell_bson(&late).unwrap(), "Date(253402300800000)");
}

proptest::proptest! {
    #[test]
    fn what_the_shell_prints_it_reads(document in crate::arbitrary::document()) {
        let value = bson::RawBsonRef::Document(&document);
        let text = super::print_shell_value(value).unwrap();
        let read = parse_shell_value(&text).unwrap();
        let typed = |value: &Bson| {
            print_value(value, Mode::Canonical, Layout::Compact)
        };
        let expected = Bson::Document(bson::Document::try_from(document.as_ref()).unwrap());
        proptest::prop_assert_eq!(typed(&read).unwrap(), typed(&expected).unwrap(), "{}", text);
    }
}
