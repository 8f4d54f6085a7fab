use bson::oid::ObjectId;
use bson::{Bson, Decimal128, Document as BsonDocument, doc};

use super::*;

fn compile(schema: &BsonDocument) -> Schema {
    Schema::compile(&CollectionName::new("things").unwrap(), schema).unwrap()
}

fn document(fields: &BsonDocument) -> Document {
    let mut whole = doc! { "_id": 1 };
    whole.extend(fields.clone());
    Document::checked(bson::RawDocumentBuf::try_from(&whole).unwrap()).unwrap().1
}

/// Returns whether a schema for the field `x` accepts this value.
fn takes(schema: &BsonDocument, value: impl Into<Bson>) -> bool {
    let value = value.into();
    let schema = compile(&doc! { "properties": { "x": schema.clone() } });
    let document = document(&doc! { "x": value });
    let problems = schema.problems(&document, 9).unwrap().unwrap();
    let takes = schema.takes(&document.to_bson().unwrap());
    assert_eq!(takes, Some(problems.is_empty()), "{problems:?}");
    problems.is_empty()
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse::<Decimal128>().unwrap())
}

#[track_caller]
fn table(rows: Vec<(BsonDocument, Vec<Bson>, Vec<Bson>)>) {
    for (schema, valid, invalid) in rows {
        for value in valid {
            assert!(takes(&schema, value.clone()), "{schema} should take {value}");
        }
        for value in invalid {
            assert!(!takes(&schema, value.clone()), "{schema} should not take {value}");
        }
    }
}

/// One value of each BSON type, with the alias of the type.
fn one_of_each() -> Vec<(&'static str, Bson)> {
    let id = ObjectId::from_bytes([7; 12]);
    vec![
        ("double", 1.5.into()),
        ("string", "a".into()),
        ("object", doc! { "a": 1 }.into()),
        ("array", vec![1, 2].into()),
        (
            "binData",
            Bson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic,
                bytes: vec![1],
            }),
        ),
        ("undefined", Bson::Undefined),
        ("objectId", id.into()),
        ("bool", true.into()),
        ("date", bson::DateTime::from_millis(0).into()),
        ("null", Bson::Null),
        (
            "regex",
            Bson::RegularExpression(bson::Regex {
                pattern: bson::cstr!("a").to_owned(),
                options: bson::cstr!("").to_owned(),
            }),
        ),
        ("javascript", Bson::JavaScriptCode("f".into())),
        ("symbol", Bson::Symbol("s".into())),
        (
            "javascriptWithScope",
            Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope {
                code: "f".into(),
                scope: doc! {},
            }),
        ),
        ("int", 1.into()),
        ("timestamp", Bson::Timestamp(bson::Timestamp { time: 1, increment: 1 })),
        ("long", 1_i64.into()),
        ("decimal", decimal("1.5")),
        ("minKey", Bson::MinKey),
        ("maxKey", Bson::MaxKey),
    ]
}

#[test]
fn a_bson_type_takes_its_own_values_and_no_others() {
    for (alias, _) in one_of_each() {
        for (found, value) in one_of_each() {
            assert_eq!(
                takes(&doc! { "bsonType": alias }, value),
                alias == found,
                "{alias} {found}"
            );
        }
    }
}

#[test]
fn the_types_of_json_and_number_take_what_mongodb_says() {
    let numbers = ["double", "int", "long", "decimal"];
    for (found, value) in one_of_each() {
        let number = numbers.contains(&found);
        assert_eq!(takes(&doc! { "bsonType": "number" }, value.clone()), number, "{found}");
        assert_eq!(takes(&doc! { "type": "number" }, value.clone()), number, "{found}");
        for (json, alias) in [
            ("object", "object"),
            ("array", "array"),
            ("string", "string"),
            ("boolean", "bool"),
            ("null", "null"),
        ] {
            assert_eq!(
                takes(&doc! { "type": json }, value.clone()),
                alias == found,
                "{json} {found}"
            );
        }
        let several = doc! { "bsonType": ["string", "date"] };
        assert_eq!(takes(&several, value.clone()), ["string", "date"].contains(&found), "{found}");
    }
}

#[test]
fn keywords_of_one_type_leave_values_of_the_others_alone() {
    let numeric = doc! { "minimum": 100, "maximum": 101, "multipleOf": 100 };
    let text = doc! { "minLength": 100, "pattern": "^never$" };
    let array = doc! { "minItems": 100, "uniqueItems": true, "items": { "bsonType": "minKey" } };
    let object = doc! { "minProperties": 100, "required": ["nothing"], "additionalProperties": false, "patternProperties": { "": { "bsonType": "minKey" } }, "dependencies": { "a": ["nothing"] } };
    for (alias, value) in one_of_each() {
        let number = ["double", "int", "long", "decimal"].contains(&alias);
        assert_eq!(takes(&numeric, value.clone()), !number, "{alias}");
        assert_eq!(takes(&text, value.clone()), alias != "string", "{alias}");
        assert_eq!(takes(&array, value.clone()), alias != "array", "{alias}");
        assert_eq!(takes(&object, value.clone()), alias != "object", "{alias}");
    }
}

#[test]
fn keywords_for_numbers() {
    table(vec![
        (
            doc! { "minimum": 3 },
            vec![3.into(), 3.0.into(), 4_i64.into(), decimal("3.0"), f64::INFINITY.into()],
            vec![
                2.into(),
                2.999.into(),
                decimal("2.9999999999999999999999999"),
                f64::NAN.into(),
                f64::NEG_INFINITY.into(),
            ],
        ),
        (
            doc! { "minimum": 3, "exclusiveMinimum": true },
            vec![3.5.into(), 4.into()],
            vec![3.into(), 3.0.into()],
        ),
        (doc! { "minimum": 3, "exclusiveMinimum": false }, vec![3.into()], vec![2.into()]),
        (
            doc! { "maximum": 3.5 },
            vec![3.into(), 3.5.into(), decimal("-Infinity")],
            vec![4.into(), 3.75.into(), f64::NAN.into(), decimal("NaN")],
        ),
        (
            doc! { "maximum": 3, "exclusiveMaximum": true },
            vec![2.into()],
            vec![3.into(), 3_i64.into(), decimal("3")],
        ),
        (
            doc! { "maximum": 9_007_199_254_740_992_i64 },
            vec![9_007_199_254_740_992_i64.into()],
            vec![9_007_199_254_740_993_i64.into()],
        ),
        (
            doc! { "minimum": decimal("0.1") },
            vec![decimal("0.1"), 0.2.into()],
            vec![decimal("0.09"), 0.into()],
        ),
        (
            doc! { "multipleOf": 3 },
            vec![9.into(), 0.into(), 9.0.into(), (-3_i64).into(), decimal("6")],
            vec![10.into(), 1.5.into(), decimal("7")],
        ),
        (doc! { "multipleOf": 0.1 }, vec![0.3.into(), 1.into()], vec![0.35.into()]),
        (doc! { "multipleOf": 2.0 }, vec![4.into()], vec![5.into()]),
    ]);
}

#[test]
fn keywords_for_strings() {
    table(vec![
        (doc! { "minLength": 2 }, vec!["ab".into(), "äö".into()], vec!["a".into(), "ä".into()]),
        (doc! { "maxLength": 2.0 }, vec!["".into(), "äö".into()], vec!["abc".into()]),
        (doc! { "pattern": "b.d" }, vec!["abcde".into()], vec!["bd".into(), "".into()]),
        (
            doc! { "pattern": "^(?=.*[0-9])[a-z0-9]+$" },
            vec!["a1".into()],
            vec!["a".into(), "A1".into()],
        ),
    ]);
}

#[test]
fn keywords_for_arrays() {
    let items = |values: &[i32]| Bson::from(values.to_vec());
    table(vec![
        (doc! { "minItems": 1 }, vec![items(&[1])], vec![items(&[])]),
        (doc! { "maxItems": 1_i64 }, vec![items(&[])], vec![items(&[1, 2])]),
        (
            doc! { "uniqueItems": true },
            vec![items(&[1, 2]), vec![Bson::from(1), "1".into()].into(), items(&[])],
            vec![
                items(&[1, 2, 1]),
                vec![Bson::from(1), 1.0.into()].into(),
                vec![doc! { "a": 1, "b": 2 }, doc! { "b": 2_i64, "a": 1 }].into(),
            ],
        ),
        (doc! { "uniqueItems": false }, vec![items(&[1, 1])], vec![]),
        (
            doc! { "items": { "minimum": 2 } },
            vec![items(&[2, 3]), items(&[])],
            vec![items(&[2, 1])],
        ),
        (
            doc! { "items": [{ "bsonType": "int" }, { "bsonType": "string" }] },
            vec![vec![Bson::from(1), "a".into(), true.into()].into(), items(&[1])],
            vec![items(&[1, 2])],
        ),
        (
            doc! { "items": [{ "bsonType": "int" }], "additionalItems": false },
            vec![items(&[1])],
            vec![items(&[1, 2])],
        ),
        (
            doc! { "items": [{ "bsonType": "int" }], "additionalItems": { "bsonType": "bool" } },
            vec![vec![Bson::from(1), true.into()].into()],
            vec![items(&[1, 2])],
        ),
    ]);
}

#[test]
fn keywords_for_documents() {
    let of = |document: BsonDocument| Bson::from(document);
    table(vec![
        (
            doc! { "required": ["a", "b"] },
            vec![of(doc! { "a": 1, "b": null })],
            vec![of(doc! { "a": 1 })],
        ),
        (
            doc! { "properties": { "a": { "minimum": 2 } } },
            vec![of(doc! { "a": 2 }), of(doc! {})],
            vec![of(doc! { "a": 1 })],
        ),
        (doc! { "minProperties": 1 }, vec![of(doc! { "a": 1 })], vec![of(doc! {})]),
        (doc! { "maxProperties": 1 }, vec![of(doc! { "a": 1 })], vec![of(doc! { "a": 1, "b": 1 })]),
        (
            doc! { "properties": { "a": {} }, "patternProperties": { "^n_": { "bsonType": "int" } }, "additionalProperties": false },
            vec![of(doc! { "a": "x", "n_b": 1 })],
            vec![of(doc! { "n_b": "x" }), of(doc! { "c": 1 })],
        ),
        (
            doc! { "properties": { "a": {} }, "additionalProperties": { "bsonType": "date" } },
            vec![of(doc! { "a": 1, "b": bson::DateTime::from_millis(1) })],
            vec![of(doc! { "b": "1970-01-01" })],
        ),
        (
            doc! { "dependencies": { "card": ["address"] } },
            vec![of(doc! { "card": 1, "address": 1 }), of(doc! {})],
            vec![of(doc! { "card": 1 })],
        ),
        (
            doc! { "dependencies": { "card": { "properties": { "limit": { "bsonType": "int" } } } } },
            vec![of(doc! { "card": 1, "limit": 1 }), of(doc! { "limit": "x" })],
            vec![of(doc! { "card": 1, "limit": "x" })],
        ),
        (doc! { "title": "a title", "description": "words" }, vec![of(doc! {})], vec![]),
    ]);
}

#[test]
fn keywords_for_any_value() {
    let id = ObjectId::from_bytes([7; 12]);
    table(vec![
        (
            doc! { "enum": [1, "a", null, id, { "a": 1, "b": [2] }] },
            vec![
                1.into(),
                1.0.into(),
                decimal("1.0"),
                "a".into(),
                Bson::Null,
                id.into(),
                doc! { "b": [2], "a": 1 }.into(),
            ],
            vec![
                2.into(),
                "1".into(),
                id.to_hex().into(),
                doc! { "a": 1 }.into(),
                ObjectId::from_bytes([8; 12]).into(),
            ],
        ),
        (
            doc! { "allOf": [{ "minimum": 1 }, { "maximum": 3 }] },
            vec![2.into()],
            vec![0.into(), 4.into()],
        ),
        (
            doc! { "anyOf": [{ "bsonType": "string" }, { "minimum": 3, "bsonType": "number" }] },
            vec!["a".into(), 3.into()],
            vec![2.into(), true.into()],
        ),
        (
            doc! { "oneOf": [{ "multipleOf": 3 }, { "multipleOf": 5 }] },
            vec![9.into(), 10.into()],
            vec![15.into(), 7.into()],
        ),
        (doc! { "not": { "bsonType": "objectId" } }, vec!["a".into()], vec![id.into()]),
        (
            doc! { "oneOf": [
                { "properties": { "kind": { "enum": ["a"] }, "n": { "bsonType": "int" } }, "required": ["kind"] },
                { "properties": { "kind": { "enum": ["b"] }, "n": { "bsonType": "date" } }, "required": ["kind"] },
            ] },
            vec![
                doc! { "kind": "a", "n": 1 }.into(),
                doc! { "kind": "b", "n": bson::DateTime::from_millis(1) }.into(),
            ],
            vec![
                doc! { "kind": "a", "n": "1" }.into(),
                doc! { "n": 1 }.into(),
                doc! { "kind": "b", "n": 1 }.into(),
            ],
        ),
    ]);
}

#[test]
fn what_mongodb_refuses_is_refused_with_its_place() {
    for (schema, place) in [
        (doc! { "$ref": "#/a" }, "$ref"),
        (doc! { "$schema": "http://json-schema.org/draft-04/schema#" }, "$schema"),
        (doc! { "properties": { "a": { "default": 1 } } }, "properties.a.default"),
        (doc! { "definitions": {} }, "definitions"),
        (doc! { "anyOf": [{}, { "format": "date" }] }, "anyOf.1.format"),
        (doc! { "id": "a" }, "id"),
        (doc! { "$jsonSchema": {} }, "$jsonSchema"),
        (doc! { "requierd": ["a"] }, "requierd"),
        (doc! { "const": 1 }, "const"),
        (doc! { "type": "integer" }, "type"),
        (doc! { "type": "bool" }, "type"),
        (doc! { "bsonType": "boolean" }, "bsonType"),
        (doc! { "bsonType": [] }, "bsonType"),
        (doc! { "items": { "bsonType": "int", "type": "number" } }, "items"),
        (doc! { "enum": [] }, "enum"),
        (doc! { "enum": [1, 1.0] }, "enum"),
        (doc! { "required": "a" }, "required"),
        (doc! { "required": [] }, "required"),
        (doc! { "properties": { "a": 1 } }, "properties.a"),
        (doc! { "minLength": -1 }, "minLength"),
        (doc! { "minLength": 1.5 }, "minLength"),
        (doc! { "maxItems": ObjectId::from_bytes([7; 12]) }, "maxItems"),
        (doc! { "exclusiveMinimum": true }, "exclusiveMinimum"),
        (doc! { "minimum": 1, "exclusiveMinimum": 1 }, "exclusiveMinimum"),
        (doc! { "maximum": "3" }, "maximum"),
        (doc! { "multipleOf": 0 }, "multipleOf"),
        (doc! { "allOf": [] }, "allOf"),
        (doc! { "not": [{}] }, "not"),
        (doc! { "pattern": "(" }, "pattern"),
        (doc! { "title": 1 }, "title"),
        (doc! { "uniqueItems": "yes" }, "uniqueItems"),
    ] {
        let name = CollectionName::new("things").unwrap();
        let Err(error) = Schema::compile(&name, &schema) else { panic!("{schema} was taken") };
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains("collection 'things'") && text.contains(place), "{schema}: {text}");
    }
}

#[test]
fn a_problem_names_the_field_and_what_was_expected() {
    let schema = compile(&doc! {
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "_id": {},
            "name": {},
            "address": { "required": ["zip"], "properties": { "zip": { "bsonType": ["string", "int"] } } },
            "tags": { "items": { "maxLength": 3 } },
            "age": { "minimum": 0, "exclusiveMinimum": true },
        },
    });
    let problems = |fields: BsonDocument| schema.problems(&document(&fields), 9).unwrap().unwrap();
    let named = |path: &str, problem: &str| (Some(path.to_owned()), problem.to_owned());
    for (fields, expected) in [
        (doc! {}, named("name", "missing required field name")),
        (
            doc! { "name": 1, "address": {} },
            named("address.zip", "missing required field address.zip"),
        ),
        (
            doc! { "name": 1, "address": { "zip": true } },
            named("address.zip", "address.zip is of type bool, expected string or int"),
        ),
        (
            doc! { "name": 1, "tags": ["a", "abcd"] },
            named("tags.1", "tags.1 has more than 3 characters"),
        ),
        (doc! { "name": 1, "age": 0 }, named("age", "age is 0, expected greater than 0")),
        (
            doc! { "name": 1, "nmae": 2 },
            (None, "the document has fields that are not allowed: nmae".to_owned()),
        ),
    ] {
        assert_eq!(problems(fields.clone()), [expected], "{fields}");
    }
}

#[test]
fn only_as_many_problems_are_given_as_are_wanted() {
    let schema = compile(&doc! { "required": ["a", "b", "c"] });
    assert_eq!(schema.problems(&document(&doc! {}), 2).unwrap().unwrap().len(), 2);
}

#[test]
fn patterns_are_those_of_pcre() {
    table(vec![
        (doc! { "pattern": "(?i)ABC" }, vec!["xabc".into()], vec!["ab".into()]),
        (doc! { "pattern": r"\Aab\z" }, vec!["ab".into()], vec!["ab\n".into()]),
        (doc! { "pattern": r"^\d$" }, vec!["1".into(), "1\n".into()], vec!["١".into()]),
        (
            doc! { "patternProperties": { "(?i)^N": { "bsonType": "int" } }, "additionalProperties": { "bsonType": "string" } },
            vec![doc! { "n": 1, "m": "x" }.into()],
            vec![doc! { "N": "x" }.into(), doc! { "m": 1 }.into()],
        ),
    ]);
}

#[test]
fn what_is_not_known_is_left_out_and_named() {
    let unknown = doc! { "pattern": r"(a)\1" };
    for (schema, left) in [
        (doc! { "properties": { "x": unknown.clone(), "y": { "bsonType": "int" } } }, true),
        (
            doc! { "allOf": [unknown.clone(), { "properties": { "y": { "bsonType": "int" } } }] },
            true,
        ),
        (doc! { "properties": { "x": { "encrypt": {} }, "y": { "bsonType": "int" } } }, true),
        // A negated schema, or one in `oneOf`, would refuse more then.
        (doc! { "properties": { "x": { "not": unknown.clone() } } }, false),
        (doc! { "properties": { "x": { "oneOf": [unknown.clone(), { "minLength": 1 }] } } }, false),
        (doc! { "patternProperties": { r"(a)\1": {} }, "additionalProperties": false }, false),
    ] {
        let compiled = compile(&schema);
        assert_eq!(compiled.unknown().len(), 1, "{schema}");
        let problems = |fields| compiled.problems(&document(&fields), 9).unwrap().unwrap();
        assert_eq!(problems(doc! { "x": "b" }), [], "{schema}");
        assert_eq!(problems(doc! { "x": "b", "y": "z" }).is_empty(), !left, "{schema}");
    }
}

#[test]
fn a_pattern_that_takes_too_long_decides_nothing() {
    let schema = compile(&doc! { "properties": { "x": { "pattern": "^(?:(?=a)a+)+$b" } } });
    let slow = document(&doc! { "x": "a".repeat(40) });
    assert_eq!(schema.problems(&slow, 9).unwrap(), None);
    assert_eq!(schema.takes(&slow.to_bson().unwrap()), None);
    assert_eq!(schema.problems(&document(&doc! { "x": 1 }), 9).unwrap(), Some(Vec::new()));
}
