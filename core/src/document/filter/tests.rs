//! The answers of MongoDB's server, as tables of queries and documents.

use std::sync::Arc;

use bson::{Bson, Document as BsonDocument, RawDocument, RawDocumentBuf, doc, rawdoc};

use super::{Collation, Compiler, Condition, Environment, Extension, Filter, TextOrder, Undecided};

fn compile(query: &BsonDocument) -> Result<Filter, String> {
    Compiler::default().query(query).map_err(crate::document::Refused::into_words)
}

fn raw(document: &BsonDocument) -> RawDocumentBuf {
    RawDocumentBuf::try_from(document).unwrap()
}

/// Queries, each with documents that match and documents that don't.
#[track_caller]
fn table(rows: Vec<(BsonDocument, Vec<BsonDocument>, Vec<BsonDocument>)>) {
    for (query, matching, others) in rows {
        let filter = compile(&query).unwrap();
        for document in matching {
            assert!(filter.matches(&raw(&document)).unwrap(), "{query} should match {document}");
        }
        for document in others {
            assert!(
                !filter.matches(&raw(&document)).unwrap(),
                "{query} should not match {document}"
            );
        }
    }
}

fn decimal(text: &str) -> Bson {
    Bson::Decimal128(text.parse().unwrap())
}

fn regex(pattern: &str) -> Bson {
    let pattern = pattern.to_owned().try_into().unwrap();
    Bson::RegularExpression(bson::Regex { pattern, options: bson::cstr!("").to_owned() })
}

#[test]
fn values_compare_by_number_and_within_their_type() {
    table(vec![
        (
            doc! { "a": 1 },
            vec![doc! { "a": 1.0 }, doc! { "a": 1_i64 }, doc! { "a": decimal("1.0") }],
            vec![doc! { "a": "1" }],
        ),
        (
            doc! { "a": { "$gt": 5 } },
            vec![doc! { "a": 6 }, doc! { "a": 5.1 }],
            vec![doc! { "a": 5 }, doc! { "a": "z" }, doc! {}, doc! { "a": Bson::Null }],
        ),
        (
            doc! { "a": { "$lte": 5 } },
            vec![doc! { "a": 5 }, doc! { "a": -1_i64 }],
            vec![doc! { "a": 6 }, doc! { "a": f64::NAN }, doc! {}],
        ),
        (doc! { "a": { "$lt": f64::NAN } }, vec![], vec![doc! { "a": 1 }, doc! { "a": f64::NAN }]),
        (
            doc! { "a": { "$gte": f64::NAN } },
            vec![doc! { "a": f64::NAN }, doc! { "a": decimal("NaN") }],
            vec![doc! { "a": 1 }],
        ),
        (
            doc! { "a": { "$gt": "b" } },
            vec![doc! { "a": "c" }, doc! { "a": Bson::Symbol("c".into()) }],
            vec![doc! { "a": "B" }, doc! { "a": 1 }],
        ),
        (doc! { "a": { "$lt": true } }, vec![doc! { "a": false }], vec![doc! { "a": 0 }]),
        (
            doc! { "a": { "b": 1, "c": 2 } },
            vec![doc! { "a": { "b": 1.0, "c": 2 } }],
            vec![doc! { "a": { "c": 2, "b": 1 } }, doc! { "a": { "b": 1 } }],
        ),
        (doc! { "a": {} }, vec![doc! { "a": {} }], vec![doc! { "a": { "b": 1 } }, doc! {}]),
        (
            doc! { "a": { "$gt": 9_007_199_254_740_992_i64 } },
            vec![doc! { "a": 9_007_199_254_740_993_i64 }],
            vec![doc! { "a": 9_007_199_254_740_992.0 }],
        ),
    ]);
}

#[test]
fn what_is_missing_is_null() {
    table(vec![
        (
            doc! { "a": Bson::Null },
            vec![
                doc! {},
                doc! { "a": Bson::Null },
                doc! { "a": Bson::Undefined },
                doc! { "a": [Bson::Null] },
            ],
            vec![doc! { "a": 0 }, doc! { "a": [] }],
        ),
        (
            doc! { "a": { "$gte": Bson::Null } },
            vec![doc! {}, doc! { "a": Bson::Null }],
            vec![doc! { "a": 1 }],
        ),
        (doc! { "a": { "$gt": Bson::Null } }, vec![], vec![doc! {}, doc! { "a": Bson::Null }]),
        (
            doc! { "a": { "$ne": Bson::Null } },
            vec![doc! { "a": 1 }, doc! { "a": [] }],
            vec![doc! {}, doc! { "a": Bson::Null }],
        ),
        (
            doc! { "a": { "$in": [1, Bson::Null] } },
            vec![doc! {}, doc! { "a": 1 }],
            vec![doc! { "a": 2 }],
        ),
        (
            doc! { "a": { "$nin": [1, Bson::Null] } },
            vec![doc! { "a": 2 }],
            vec![doc! {}, doc! { "a": [1, 2] }],
        ),
        (
            doc! { "a": { "$exists": true } },
            vec![doc! { "a": Bson::Null }, doc! { "a": [] }],
            vec![doc! {}],
        ),
        (doc! { "a": { "$exists": 0 } }, vec![doc! {}], vec![doc! { "a": Bson::Null }]),
        (
            doc! { "a.b": Bson::Null },
            vec![doc! { "a": 1 }, doc! { "a": {} }, doc! { "a": [{ "b": 1 }, {}] }],
            vec![doc! { "a": [] }, doc! { "a": [1, 2] }, doc! { "a": { "b": 1 } }],
        ),
    ]);
}

#[test]
fn an_array_stands_for_its_elements_and_for_itself() {
    table(vec![
        (doc! { "a": 1 }, vec![doc! { "a": [2, 1] }], vec![doc! { "a": [[1]] }]),
        (
            doc! { "a": [1, 2] },
            vec![doc! { "a": [1, 2] }, doc! { "a": [[1, 2]] }],
            vec![doc! { "a": [2, 1] }],
        ),
        // Each of the two conditions holds for a different element.
        (doc! { "a": { "$gt": 5, "$lt": 3 } }, vec![doc! { "a": [1, 9] }], vec![doc! { "a": [4] }]),
        (doc! { "a": { "$ne": 1 } }, vec![doc! { "a": [2] }], vec![doc! { "a": [1, 2] }]),
        (
            doc! { "a": { "$not": { "$gt": 5 } } },
            vec![doc! {}, doc! { "a": "x" }, doc! { "a": [1] }],
            vec![doc! { "a": [1, 9] }],
        ),
        (
            doc! { "a.b": 1 },
            vec![doc! { "a": [{ "b": 2 }, { "b": [1] }] }, doc! { "a": { "b": 1 } }],
            vec![doc! { "a": [[{ "b": 1 }]] }],
        ),
        (
            doc! { "a.0": 1 },
            vec![doc! { "a": [1, 2] }, doc! { "a": { "0": 1 } }, doc! { "a": [{ "0": 1 }] }],
            vec![doc! { "a": [2, 1] }, doc! { "a": [[1]] }],
        ),
        (
            doc! { "a.0.b": 1 },
            vec![doc! { "a": [{ "b": 1 }] }, doc! { "a": [[{ "b": 1 }]] }],
            vec![doc! { "a": [2, { "b": 1 }] }],
        ),
        (
            doc! { "a": { "$size": 2 } },
            vec![doc! { "a": [1, 2] }],
            vec![doc! { "a": [[1, 2]] }, doc! { "a": 2 }, doc! {}],
        ),
        (
            doc! { "a": { "$all": [1, 2] } },
            vec![doc! { "a": [2, 3, 1] }],
            vec![doc! { "a": [1] }, doc! { "a": 1 }],
        ),
        (doc! { "a": { "$all": [] } }, vec![], vec![doc! { "a": [] }, doc! {}]),
        (
            doc! { "a": { "$all": [[1]] } },
            vec![doc! { "a": [1] }, doc! { "a": [[1], 2] }],
            vec![doc! { "a": [2] }],
        ),
        (
            doc! { "a": { "$elemMatch": { "$gt": 5, "$lt": 8 } } },
            vec![doc! { "a": [1, 6] }],
            vec![doc! { "a": [1, 9] }, doc! { "a": 6 }],
        ),
        (
            doc! { "a": { "$elemMatch": { "b": 1, "c": 2 } } },
            vec![doc! { "a": [{ "b": 1, "c": 2 }] }],
            vec![doc! { "a": [{ "b": 1 }, { "c": 2 }] }, doc! { "a": { "b": 1, "c": 2 } }],
        ),
        (
            doc! { "a": { "$elemMatch": { "0": 1 } } },
            vec![doc! { "a": [[1]] }],
            vec![doc! { "a": [1] }],
        ),
        (
            doc! { "a": { "$all": [{ "$elemMatch": { "b": 1 } }, { "$elemMatch": { "b": 2 } }] } },
            vec![doc! { "a": [{ "b": 2 }, { "b": 1 }] }],
            vec![doc! { "a": [{ "b": 1 }] }],
        ),
        (
            doc! { "a": { "$elemMatch": { "$not": { "$gt": 5 } } } },
            vec![doc! { "a": [9, 1] }],
            vec![doc! { "a": [9] }],
        ),
    ]);
}

#[test]
fn types_patterns_and_remainders() {
    table(vec![
        (
            doc! { "a": { "$type": "number" } },
            vec![doc! { "a": 1 }, doc! { "a": [decimal("1")] }],
            vec![doc! { "a": "1" }, doc! {}],
        ),
        (
            doc! { "a": { "$type": ["string", 10] } },
            vec![doc! { "a": "" }, doc! { "a": Bson::Null }],
            vec![doc! { "a": 1 }, doc! {}],
        ),
        (doc! { "a": { "$type": "array" } }, vec![doc! { "a": [] }], vec![doc! { "a": 1 }]),
        (doc! { "a": { "$type": -1 } }, vec![doc! { "a": Bson::MinKey }], vec![doc! { "a": 1 }]),
        (
            doc! { "a": { "$regex": "^x", "$options": "i" } },
            vec![doc! { "a": "Xy" }, doc! { "a": ["b", "x"] }],
            vec![doc! { "a": "yx" }, doc! { "a": 1 }],
        ),
        (
            doc! { "a": regex("b$") },
            vec![doc! { "a": "ab" }, doc! { "a": regex("b$") }],
            vec![doc! { "a": "ba" }, doc! { "a": regex("b") }],
        ),
        (
            doc! { "a": { "$in": [1, regex("^x")] } },
            vec![doc! { "a": "xy" }, doc! { "a": 1 }],
            vec![doc! { "a": "y" }],
        ),
        (
            doc! { "a": { "$not": regex("^x") } },
            vec![doc! { "a": "y" }, doc! {}],
            vec![doc! { "a": "xy" }],
        ),
        (
            doc! { "a": { "$mod": [4, 1] } },
            vec![doc! { "a": 5 }, doc! { "a": 5.9 }, doc! { "a": decimal("5.5") }],
            vec![doc! { "a": -5 }, doc! { "a": f64::NAN }, doc! { "a": 1e300 }, doc! { "a": "5" }],
        ),
        (
            doc! { "a": { "$mod": [4, -1] } },
            vec![doc! { "a": -5 }, doc! { "a": decimal("-5E0") }],
            vec![doc! { "a": 5 }],
        ),
    ]);
}

#[test]
fn queries_are_put_together() {
    table(vec![
        (doc! {}, vec![doc! {}, doc! { "a": 1 }], vec![]),
        (doc! { "a": 1, "b": 2 }, vec![doc! { "b": 2, "a": 1 }], vec![doc! { "a": 1 }]),
        (
            doc! { "$or": [{ "a": 1 }, { "b": 2 }], "$comment": "x" },
            vec![doc! { "b": 2 }],
            vec![doc! {}],
        ),
        (
            doc! { "$nor": [{ "a": 1 }, { "b": 2 }] },
            vec![doc! {}],
            vec![doc! { "a": 1 }, doc! { "b": 2 }],
        ),
        (
            doc! { "$and": [{ "a": { "$gt": 1 } }, { "a": { "$lt": 3 } }] },
            vec![doc! { "a": 2 }],
            vec![doc! { "a": 3 }],
        ),
        (
            doc! { "a": { "$ref": "c", "$id": 1 } },
            vec![doc! { "a": { "$ref": "c", "$id": 1 } }],
            vec![doc! {}],
        ),
    ]);
}

#[test]
fn queries_mean_what_they_mean_in_mongodb() {
    let document = bson::rawdoc! {
        "_id": 1, "n": 5, "s": "b", "tags": ["x", "y"], "nothing": null,
        "in": { "n": 2.5 }, "items": [{ "price": 3 }, { "price": 9, "free": true }],
    };
    for (holds, query) in [
        (true, doc! {}),
        (true, doc! { "n": 5_i64, "s": "b" }),
        (false, doc! { "n": 5, "s": "c" }),
        (true, doc! { "n": { "$gt": 4, "$lte": 5.0 } }),
        (false, doc! { "n": { "$lt": 5 } }),
        (false, doc! { "s": { "$gt": 4 } }),
        (true, doc! { "s": { "$gte": "b", "$lt": "c" } }),
        (true, doc! { "tags": "y" }),
        (true, doc! { "tags": ["x", "y"] }),
        (true, doc! { "tags.1": "y" }),
        (false, doc! { "tags.0": "y" }),
        (false, doc! { "tags": { "$nin": ["y", "z"] } }),
        (true, doc! { "tags": { "$in": ["y", "z"] } }),
        (true, doc! { "in.n": { "$ne": 2 } }),
        (true, doc! { "items.price": 9 }),
        (true, doc! { "items.1.price": { "$gt": 3 } }),
        (false, doc! { "items.0.price": { "$gt": 3 } }),
        (true, doc! { "items.free": { "$exists": true } }),
        (true, doc! { "gone": { "$exists": false } }),
        (true, doc! { "nothing": { "$exists": true } }),
        (true, doc! { "nothing": Bson::Null, "gone": Bson::Null }),
        (false, doc! { "n": Bson::Null }),
        (true, doc! { "n": { "$not": { "$gt": 5 } } }),
        (true, doc! { "$or": [{ "n": 6 }, { "s": "b" }] }),
        (false, doc! { "$and": [{ "n": 6 }, { "s": "b" }] }),
        (true, doc! { "$nor": [{ "n": 6 }, { "s": "c" }] }),
    ] {
        assert_eq!(compile(&query).unwrap().matches(&document).unwrap(), holds, "{query}");
    }
}

#[test]
fn what_is_not_known_is_named() {
    for (query, named) in [
        (doc! { "$expr": { "$gt": ["$a", "$b"] } }, "$expr"),
        (doc! { "$where": "1" }, "$where"),
        (doc! { "a": { "$bitsAllSet": -1 } }, "$bitsAllSet"),
        (doc! { "a": { "$bitsAnySet": [1, -2] } }, "$bitsAnySet"),
        (doc! { "a": { "$bitsAllClear": 1.5 } }, "$bitsAllClear"),
        (doc! { "$or": [{ "a": { "$near": [1, 2] } }] }, "$near"),
        (doc! { "a": { "$type": "strin" } }, "strin"),
        (doc! { "a": { "$regex": "(a)\\1" } }, "\\1"),
        (doc! { "a": { "$gt": regex("b") } }, "order"),
        (doc! { "$or": [] }, "$or"),
        (doc! { "$jsonSchema": {} }, "$jsonSchema"),
    ] {
        let error = compile(&query).unwrap_err();
        assert!(error.contains(named), "{query}: {error}");
    }
    let other = Compiler::default().with_collation(Collation::Other);
    let error = other.query(&doc! { "a": { "$in": [1, "x"] } }).unwrap_err();
    assert!(error.into_words().contains("collation"));
    assert!(other.query(&doc! { "a": { "$exists": true }, "b": { "$gt": 1 } }).is_ok());
}

#[test]
fn a_divisor_is_truncated_as_the_number_is() {
    let least = Bson::Double(-9_223_372_036_854_775_808.0);
    table(vec![
        (
            doc! { "a": { "$mod": [4.9, 1] } },
            vec![doc! { "a": 5 }, doc! { "a": 5.9 }, doc! { "a": decimal("9.5") }],
            vec![doc! { "a": 4 }, doc! { "a": "5" }],
        ),
        (
            doc! { "a": { "$mod": [least, 0] } },
            vec![doc! { "a": 0 }, doc! { "a": i64::MIN }],
            vec![doc! { "a": 1 }],
        ),
        (doc! { "a": { "$mod": [decimal("2"), decimal("1")] } }, vec![doc! { "a": 3 }], vec![]),
    ]);
    for wrong in [Bson::Double(f64::NAN), Bson::Double(1e300), "2".into(), 0.into(), 0.5.into()] {
        assert!(compile(&doc! { "a": { "$mod": [wrong, 0] } }).is_err());
    }
}

#[test]
fn all_values_lie_between_the_least_and_the_greatest_key() {
    table(vec![
        (
            doc! { "a": { "$gt": Bson::MinKey } },
            vec![doc! { "a": 1 }, doc! { "a": "x" }, doc! { "a": Bson::MaxKey }, doc! {}],
            vec![doc! { "a": Bson::MinKey }],
        ),
        (
            doc! { "a": { "$lte": Bson::MaxKey } },
            vec![doc! { "a": 1 }, doc! { "a": Bson::MaxKey }, doc! {}],
            vec![],
        ),
        (doc! { "a": { "$lt": Bson::MinKey } }, vec![], vec![doc! { "a": 1 }, doc! {}]),
    ]);
}

#[test]
fn bits_are_those_of_whole_numbers_and_of_binary_data() {
    let binary = |bytes: &[u8]| {
        Bson::Binary(bson::Binary {
            subtype: bson::spec::BinarySubtype::Generic,
            bytes: bytes.to_vec(),
        })
    };
    table(vec![
        (
            doc! { "a": { "$bitsAllSet": 50 } },
            vec![doc! { "a": 54 }, doc! { "a": 54.0 }, doc! { "a": binary(&[0b11_0110]) }],
            vec![doc! { "a": 20 }, doc! { "a": 54.5 }, doc! { "a": "54" }, doc! {}],
        ),
        (
            doc! { "a": { "$bitsAllSet": [1, 5] } },
            vec![doc! { "a": 54_i64 }, doc! { "a": [1, 54] }, doc! { "a": decimal("54") }],
            vec![doc! { "a": 20 }],
        ),
        (
            doc! { "a": { "$bitsAllClear": [1, 5] } },
            vec![doc! { "a": 20 }, doc! { "a": binary(&[20]) }],
            vec![doc! { "a": 54 }, doc! { "a": 2 }],
        ),
        (
            doc! { "a": { "$bitsAnySet": binary(&[0x30]) } },
            vec![doc! { "a": 54 }, doc! { "a": 20 }],
            vec![doc! { "a": 15 }],
        ),
        (
            doc! { "a": { "$bitsAnyClear": [1, 5] } },
            vec![doc! { "a": 20 }, doc! { "a": 2 }],
            vec![doc! { "a": 54 }],
        ),
        // The sign of a number extends without end; after binary data all bits are clear.
        (
            doc! { "a": { "$bitsAllSet": [200] } },
            vec![doc! { "a": -1 }],
            vec![doc! { "a": 1 }, doc! { "a": binary(&[255]) }],
        ),
    ]);
}

/// Adds `$odd`, which holds if the field `n` is odd, and compares text without regard to case.
struct WithOdd;

#[derive(Debug)]
struct Odd;

#[derive(Debug)]
struct NoCase;

impl Extension for WithOdd {
    fn condition(
        &self,
        operator: &str,
        argument: &Bson,
    ) -> Option<crate::Result<Arc<dyn Condition>>> {
        (operator == "$odd").then(|| match argument {
            Bson::Boolean(true) => Ok(Arc::new(Odd) as Arc<dyn Condition>),
            other => Err(crate::Error::invalid(format!("$odd of {other}"))),
        })
    }

    fn text_order(&self) -> Option<Arc<dyn TextOrder>> {
        Some(Arc::new(NoCase))
    }
}

impl Condition for Odd {
    fn holds(&self, document: &RawDocument, _: Environment<'_>) -> Result<bool, Undecided> {
        Ok(document.get_i32("n").is_ok_and(|number| number % 2 == 1))
    }
}

impl TextOrder for NoCase {
    fn compare(&self, a: &str, b: &str) -> std::cmp::Ordering {
        a.to_lowercase().cmp(&b.to_lowercase())
    }
}

#[test]
fn an_extension_adds_operators_and_an_order_of_texts() {
    let extended = |query: BsonDocument| Filter::extended(&query, &WithOdd);
    for (query, holds) in [
        (doc! { "$odd": true }, true),
        (doc! { "$nor": [{ "$odd": true }] }, false),
        (doc! { "items": { "$elemMatch": { "$odd": true } } }, true),
        (doc! { "s": "TEXT" }, true),
        (doc! { "s": { "$in": ["other", "tExt"] } }, true),
        (doc! { "s": { "$gt": "SZ", "$lte": "Text" } }, true),
        (doc! { "in": { "s": "A" } }, true),
        (doc! { "s": regex("TEXT") }, false),
    ] {
        let document = rawdoc! { "n": 1, "s": "text", "in": { "s": "a" }, "items": [{ "n": 3 }] };
        assert_eq!(extended(query.clone()).unwrap().matches(&document).unwrap(), holds, "{query}");
    }
    assert_eq!(extended(doc! { "$odd": 1 }).unwrap_err().message(), "$odd of 1");
    assert!(extended(doc! { "$even": 1 }).unwrap_err().message().contains("the operator $even"));
}

#[test]
fn every_operator_of_the_list_is_known() {
    for operator in crate::document::FILTER_OPERATORS {
        let within = doc! { "a": { *operator: Bson::MinKey } };
        let beside = doc! { *operator: Bson::MinKey };
        let is_known = |query| {
            let refused = Compiler::default().query(&query).err();
            !matches!(refused, Some(crate::document::Refused::Operator(_)))
        };
        assert!(is_known(within) || is_known(beside), "{operator}");
    }
}
