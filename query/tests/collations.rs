//! Which collations there are.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use argon_core::key::TextOrder;
use argon_query::{Code, Collation};
use bson::{Document, doc};

fn refused(specification: &Document) -> (Code, String) {
    let error = Collation::compile(specification).unwrap_err();
    (Code::of(&error).unwrap(), error.message().to_owned())
}

#[test]
fn the_locales_of_mongodb_and_their_variants_are_known() {
    for locale in [
        "en",
        "en_US",
        "en_US_POSIX",
        "de",
        "de@collation=phonebook",
        "de_AT@collation=phonebook",
        "es@collation=traditional",
        "fr_CA",
        "si@collation=dictionary",
        "sr_Latn",
        "zh",
        "zh@collation=gb2312han",
        "zh@collation=big5han",
        "zh_Hant",
        "zu",
    ] {
        assert!(Collation::compile(&doc! { "locale": locale }).unwrap().is_some(), "{locale}");
    }
    assert!(Collation::compile(&doc! { "locale": "simple" }).unwrap().is_none());
}

#[test]
fn an_unknown_locale_is_refused_with_the_one_that_was_meant() {
    for (locale, meant) in [
        ("de_DE", Some("de")),
        ("EN", Some("en")),
        ("en@collation=phonebook", Some("en")),
        ("de@strength=1", Some("de")),
        ("tlh", None),
        ("und", None),
        ("", None),
        ("not a locale", None),
    ] {
        let (code, message) = refused(&doc! { "locale": locale });
        assert_eq!(code, Code::BAD_VALUE, "{locale}");
        let suggestion = meant.map(|meant| format!("Did you mean '{meant}'?"));
        match suggestion {
            Some(suggestion) => assert!(message.ends_with(&suggestion), "{message}"),
            None => assert!(!message.contains("Did you mean"), "{message}"),
        }
    }
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    for (specification, code) in [
        (doc! { "locale": "simple", "strength": 1 }, Code::FAILED_TO_PARSE),
        (doc! { "locale": "en", "strength": 2, "caseFirst": "upper" }, Code::BAD_VALUE),
    ] {
        assert_eq!(refused(&specification).0, code, "{specification}");
    }
    let with_case = doc! { "locale": "en", "strength": 2, "caseFirst": "upper", "caseLevel": true };
    assert!(Collation::compile(&with_case).unwrap().is_some());
}

#[test]
fn the_order_is_that_of_the_language() {
    for (locale, texts) in [
        ("en", ["a", "B", "ö", "z"]),
        ("sv", ["a", "B", "z", "ö"]),
        ("en_US_POSIX", ["B", "a", "ö", "z"]),
    ] {
        let collation = Collation::compile(&doc! { "locale": locale }).unwrap().unwrap();
        assert!(texts.is_sorted_by(|a, b| collation.compare(a, b).is_lt()), "{locale}");
    }
}
