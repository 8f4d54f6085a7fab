//! Documents through policies.

use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::spec::ElementType;
use bson::{Document as BsonDocument, doc, rawdoc};
use proptest::prelude::*;

use crate::model::Document;
use crate::store::mask::hash::Secret;
use crate::store::mask::transform::Rules;
use crate::store::mask::{CollectionPolicy, Fake, FieldPolicy, MaskPolicy, Transform, Unlisted};

fn field(path: &str, with: Transform) -> FieldPolicy {
    FieldPolicy { path: path.to_owned(), with, fake: None }
}

fn entry(fields: &[(&str, Transform)]) -> CollectionPolicy {
    let fields = fields.iter().map(|(path, with)| field(path, *with)).collect();
    CollectionPolicy { name: "users".to_owned(), fields, ..CollectionPolicy::default() }
}

fn policy(entry: CollectionPolicy) -> MaskPolicy {
    MaskPolicy { collections: vec![entry], ..MaskPolicy::default() }
}

/// The masked form of a document, with a key of one repeated byte.
fn with_key(key: u8, entry: &CollectionPolicy, raw: &RawDocument) -> Option<RawDocumentBuf> {
    policy(entry.clone()).check().unwrap();
    let (_, document) = Document::checked(raw.to_owned()).unwrap();
    let rules = Rules::new(entry, true).unwrap();
    let shown = rules.shown(&Secret::new([key; 32]), &document).unwrap()?;
    Some(Document::checked(shown.into_raw()).expect("it can be stored again").1.into_raw())
}

fn shown(entry: &CollectionPolicy, raw: &RawDocument) -> RawDocumentBuf {
    with_key(1, entry, raw).unwrap()
}

/// A value of every type, with a field before and one after.
fn every_type() -> RawDocumentBuf {
    rawdoc! {
        "_id": 1, "first": "kept",
        "double": 2.5, "string": "text", "document": { "a": 1 }, "array": [1, "b"],
        "binary": bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![9; 5] },
        "uuid": bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: vec![9; 16] },
        "bool": true, "date": bson::DateTime::from_millis(1), "timestamp": bson::Timestamp { time: 7, increment: 7 },
        "regex": bson::Regex { pattern: bson::cstr!("^a").to_owned(), options: bson::cstr!("i").to_owned() },
        "code": bson::RawBson::JavaScriptCode("f()".to_owned()),
        "scoped": bson::RawJavaScriptCodeWithScope { code: "x".to_owned(), scope: rawdoc! { "x": 1 } },
        "symbol": bson::RawBson::Symbol("symbol".to_owned()),
        "int32": 5, "int64": i64::MAX, "decimal": "1.5".parse::<bson::Decimal128>().unwrap(),
        "oid": bson::oid::ObjectId::from_bytes([7; 12]), "last": "kept",
    }
}

fn types(document: &RawDocument) -> Vec<(String, ElementType)> {
    document
        .into_iter()
        .map(|element| element.unwrap())
        .map(|(key, value)| (key.as_str().to_owned(), value.element_type()))
        .collect()
}

#[test]
fn a_masked_value_keeps_its_type_and_its_place_and_loses_its_content() {
    let document = every_type();
    for with in [Transform::Hash, Transform::Fake, Transform::Redact] {
        let policy = CollectionPolicy {
            allow: Some(vec!["first".to_owned(), "last".to_owned()]),
            default: Some(with),
            ..entry(&[])
        };
        let masked = shown(&policy, &document);
        assert_eq!(types(&masked), types(&document), "{with}");
        for element in &document {
            let (key, value) = element.unwrap();
            let same = masked.get(key.as_str()).unwrap() == Some(value);
            let stays = ["_id", "first", "last"].contains(&key.as_str());
            // A boolean has only two values.
            assert!(same == stays || key.as_str() == "bool", "{with} of {}", key.as_str());
        }
    }
}

#[test]
fn values_are_left_out_or_null_as_asked_also_in_arrays() {
    let policy = entry(&[
        ("gone", Transform::Remove),
        ("list.*", Transform::Remove),
        ("items.price", Transform::Null),
        ("not.there", Transform::Redact),
    ]);
    let document = rawdoc! {
        "_id": 1, "gone": { "a": 1 }, "list": [1, 2],
        "items": [{ "price": 3, "n": 1 }, { "n": 2 }, 7], "not": 5, "kept": true,
    };
    let expected = rawdoc! {
        "_id": 1, "list": [],
        "items": [{ "price": null, "n": 1 }, { "n": 2 }, 7], "not": 5, "kept": true,
    };
    assert_eq!(shown(&policy, &document), expected);
}

#[test]
fn the_match_nearest_to_the_root_counts_and_there_the_first() {
    let policy = entry(&[
        ("a.b.c", Transform::Hash),
        ("a.b", Transform::Null),
        ("a.*", Transform::Remove),
        ("**.secret", Transform::Redact),
    ]);
    let document = rawdoc! {
        "_id": { "secret": 1 }, "a": { "b": { "c": 1 }, "d": 1 },
        "secret": "x", "deep": [[{ "in": { "secret": [1] } }]],
    };
    let expected = rawdoc! {
        "_id": { "secret": 1 }, "a": { "b": null },
        "secret": "[redacted]", "deep": [[{ "in": { "secret": [] } }]],
    };
    assert_eq!(shown(&policy, &document), expected);
}

#[test]
fn with_a_list_of_what_is_allowed_nothing_else_is_shown_not_even_names_of_fields() {
    let policy = CollectionPolicy {
        allow: Some(vec!["name".to_owned(), "country.*".to_owned(), "home.city".to_owned()]),
        ..entry(&[("country.ruler", Transform::Null)])
    };
    let document = rawdoc! {
        "_id": 1, "name": { "first": "Ada" }, "country": { "code": "GB", "ruler": "V" },
        "home": { "city": "London", "street": "St James's Square" },
        "visits": { "babbage@example.org": 3 }, "pets": ["cat"], "age": 36,
    };
    let expected = rawdoc! {
        "_id": 1, "name": { "first": "Ada" }, "country": { "code": "GB", "ruler": null },
        "home": { "city": "London", "street": "[redacted]" },
        "visits": {}, "pets": [], "age": 0,
    };
    assert_eq!(shown(&policy, &document), expected);
}

#[test]
fn what_no_rule_touches_keeps_its_bytes() {
    let document = every_type();
    assert_eq!(shown(&entry(&[("nothing.here", Transform::Redact)]), &document), document);
}

#[test]
fn equal_values_have_equal_hashes_whatever_their_place_and_numeric_type() {
    let policy = entry(&[("**", Transform::Hash)]);
    let masked = shown(
        &policy,
        &rawdoc! { "_id": 1, "a": 5, "b": [5_i64, { "c": 5.0 }], "s": "x", "t": "x", "u": "y" },
    );
    let masked = BsonDocument::try_from(masked).unwrap();
    let number = i64::from(masked.get_i32("a").unwrap());
    let list = masked.get_array("b").unwrap();
    assert_eq!(list[0].as_i64(), Some(number));
    let expected = bson::Bson::Double(f64::from(masked.get_i32("a").unwrap()));
    assert_eq!(list[1].as_document().unwrap().get("c"), Some(&expected));
    assert_eq!(masked.get_str("s").unwrap(), masked.get_str("t").unwrap());
    assert_ne!(masked.get_str("s").unwrap(), masked.get_str("u").unwrap());
}

#[test]
fn hashes_and_made_up_values_are_the_same_for_one_key_and_others_for_another() {
    for with in [Transform::Hash, Transform::Fake] {
        let policy = entry(&[("email", with)]);
        let document = rawdoc! { "_id": 1, "email": "ada@example.org" };
        assert_eq!(shown(&policy, &document), shown(&policy, &document));
        assert_ne!(with_key(1, &policy, &document), with_key(2, &policy, &document));
    }
    let fixed = shown(&entry(&[("s", Transform::Hash)]), &rawdoc! { "_id": 1, "s": "text" });
    assert_eq!(fixed.get_str("s").unwrap(), "d7417005d1628fef8c6d25c4a4e44606");
}

#[test]
fn made_up_strings_are_of_the_kind_asked_for_or_that_the_name_says() {
    let fake = |path: &str, fake| FieldPolicy { fake, ..field(path, Transform::Fake) };
    let fields = vec![
        fake("contact", Some(Fake::Email)),
        fake("work_email", None),
        fake("born", Some(Fake::Date)),
        fake("Phone", None),
        fake("note", None),
    ];
    let policy = CollectionPolicy { fields, ..entry(&[]) };
    let masked = shown(
        &policy,
        &rawdoc! { "_id": 1, "contact": "a", "work_email": "b", "born": "c", "Phone": "d", "note": "e" },
    );
    let text = |name: &str| masked.get_str(name).unwrap();
    assert!(text("contact").ends_with("@example.com"));
    assert!(text("work_email").ends_with("@example.com"));
    assert!(bson::DateTime::parse_rfc3339_str(format!("{}T00:00:00Z", text("born"))).is_ok());
    assert!(text("Phone").starts_with("+999 "));
    assert_eq!(text("note").split(' ').count(), 3);
}

#[test]
fn documents_that_don_t_match_look_absent() {
    let keep = Some(doc! { "country": { "$in": ["DE", "FR"] } });
    let policy = CollectionPolicy { keep, ..entry(&[("country", Transform::Redact)]) };
    let kept = with_key(1, &policy, &rawdoc! { "_id": 1, "country": "DE" });
    assert_eq!(kept, Some(rawdoc! { "_id": 1, "country": "[redacted]" }));
    assert_eq!(with_key(1, &policy, &rawdoc! { "_id": 1, "country": "GB" }), None);
    assert_eq!(with_key(1, &policy, &rawdoc! { "_id": 1 }), None);
}

#[test]
fn a_policy_that_can_t_be_enforced_is_refused() {
    let keep = |query| CollectionPolicy { keep: Some(query), ..entry(&[]) };
    let hidden = CollectionPolicy { hide: true, ..entry(&[("a", Transform::Hash)]) };
    let kind = FieldPolicy { fake: Some(Fake::City), ..field("a", Transform::Hash) };
    for refused in [
        entry(&[]),
        entry(&[("_id", Transform::Hash)]),
        entry(&[("_id.email", Transform::Hash)]),
        entry(&[("a..b", Transform::Hash)]),
        CollectionPolicy { fields: vec![kind], ..entry(&[]) },
        CollectionPolicy { allow: Some(vec![String::new()]), ..entry(&[]) },
        CollectionPolicy { name: String::new(), ..entry(&[("a", Transform::Hash)]) },
        keep(doc! { "a": { "$where": "x" } }),
        keep(doc! { "items[0].n": { "$ne": 1 } }),
        hidden,
    ] {
        let error = policy(refused).check().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Invalid);
        assert!(error.to_string().contains("in the policy"), "{error}");
    }
    let nothing = MaskPolicy { unlisted: Unlisted::Show, ..MaskPolicy::default() };
    assert!(nothing.check().is_err());
    assert!(MaskPolicy::default().check().is_ok(), "it hides everything");
}

#[test]
fn a_key_is_never_printed() {
    assert_eq!(format!("{:?}", Secret::new([0xab; 32])), "Secret");
}

/// Documents in which every string contains `secret`, and the paths of their leaves.
fn secretive() -> impl Strategy<Value = RawDocumentBuf> {
    let leaf = "secret[a-z]{8,16}".prop_map(bson::Bson::String);
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(bson::Bson::Array),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|fields| bson::Bson::Document(fields.into_iter().collect())),
        ]
    });
    prop::collection::vec(("[a-c]", value), 0..4).prop_map(|fields| {
        let mut document: BsonDocument = fields.into_iter().collect();
        document.insert("_id", 1);
        RawDocumentBuf::try_from(&document).unwrap()
    })
}

/// Every string of a document at a path whose last name is `name`, ignoring arrays, or below.
fn strings_below<'a>(value: RawBsonRef<'a>, name: &str, inside: bool, found: &mut Vec<&'a str>) {
    match value {
        RawBsonRef::String(text) if inside => found.push(text),
        RawBsonRef::Document(document) => {
            for element in document {
                let (key, value) = element.unwrap();
                strings_below(value, name, inside || key.as_str() == name, found);
            }
        }
        RawBsonRef::Array(array) => {
            for value in array {
                strings_below(value.unwrap(), name, inside, found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_original_below_a_masked_path_is_shown_and_all_else_is(
        document in secretive(),
        with in prop::sample::select(vec![
            Transform::Hash, Transform::Redact, Transform::Fake, Transform::Null, Transform::Remove,
        ]),
    ) {
        let masked = shown(&entry(&[("**.b", with)]), &document);
        let bytes = |document: &RawDocument| String::from_utf8_lossy(document.as_bytes()).into_owned();
        let (shown, original) = (bytes(&masked), bytes(&document));
        let mut hidden = Vec::new();
        strings_below(RawBsonRef::Document(&document), "b", false, &mut hidden);
        for text in &hidden {
            prop_assert!(!shown.contains(text), "{text} in {masked:?}");
        }
        prop_assert_eq!(
            shown.matches("secret").count(),
            original.matches("secret").count() - hidden.len()
        );
    }
}
