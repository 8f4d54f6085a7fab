//! What MongoDB adds to the definitions of text and geo indexes. They are definitions only, but
//! programs compare them, and MongoDB's tools take a geo index without a version for an old one.

use std::collections::BTreeMap;

use bson::{Bson, Document};

/// The versions of new indexes, as in MongoDB since 3.2.
const VERSION: i32 = 3;

/// A number as MongoDB stores it in a definition: an int32, if it is one.
pub(super) fn whole(number: Bson) -> Bson {
    let whole = match number {
        Bson::Int64(number) => i32::try_from(number).ok(),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is checked to be whole, and in range"
        )]
        Bson::Double(number) if number.fract() == 0.0 && number.abs() < f64::from(i32::MAX) => {
            Some(number as i32)
        }
        _ => None,
    };
    whole.map_or(number, Bson::Int32)
}

/// The definition with what it has by default. A text index has its fields in `weights`, and one pair of
/// fields in their place in the key.
pub(super) fn with_defaults(mut definition: Document) -> Document {
    let Ok(key) = definition.get_document("key") else { return definition };
    let has = |kind: &str| key.values().any(|value| value.as_str() == Some(kind));
    let (is_text, is_geo) = (has("text"), has("2dsphere"));
    if is_text {
        let weights = weights(key, definition.get_document("weights").ok());
        let key = text_key(key);
        definition.insert("key", key);
        definition.insert("weights", weights);
        add(&mut definition, "default_language", "english");
        add(&mut definition, "language_override", "language");
        add(&mut definition, "textIndexVersion", VERSION);
    }
    if is_geo {
        add(&mut definition, "2dsphereIndexVersion", VERSION);
    }
    definition
}

fn add(definition: &mut Document, option: &str, value: impl Into<Bson>) {
    if !definition.contains_key(option) {
        definition.insert(option, value);
    }
}

fn is_text(kind: &Bson) -> bool {
    kind.as_str() == Some("text")
}

/// The weight of each text field, by name.
fn weights(key: &Document, given: Option<&Document>) -> Document {
    let texts = key.iter().filter(|(field, kind)| is_text(kind) && *field != "_fts");
    let mut weights: BTreeMap<_, _> =
        texts.map(|(field, _)| (field.clone(), Bson::Int32(1))).collect();
    let given = given.into_iter().flatten();
    weights.extend(given.map(|(field, weight)| (field.clone(), weight.clone())));
    weights.into_iter().collect()
}

/// The key with `_fts` and `_ftsx` for its text fields.
fn text_key(key: &Document) -> Document {
    let mut changed = Document::new();
    for (field, kind) in key {
        if is_text(kind) {
            changed.insert("_fts", "text");
            changed.insert("_ftsx", 1);
        } else if field != "_ftsx" {
            changed.insert(field, kind.clone());
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn a_whole_number_is_an_int32() {
        for number in [Bson::Int32(7), Bson::Int64(7), Bson::Double(7.0)] {
            assert_eq!(whole(number), Bson::Int32(7));
        }
        for other in [Bson::Int64(1 << 40), Bson::Double(0.5), Bson::Double(f64::NAN)] {
            assert_eq!(whole(other.clone()).to_string(), other.to_string());
        }
    }

    #[test]
    fn a_text_index_has_weights_and_a_geo_index_its_version() {
        let text = doc! {
            "key": { "a": 1, "_fts": "text", "_ftsx": 1, "d": -1 }, "name": "n", "weights": { "b": 1, "c": 5 },
            "default_language": "english", "language_override": "language", "textIndexVersion": 3,
        };
        let short = doc! {
            "key": { "a": 1, "c": "text", "b": "text", "d": -1 }, "name": "n", "weights": { "c": 5 },
        };
        let found = with_defaults(short);
        assert_eq!(found.to_string(), with_defaults(text.clone()).to_string());
        assert_eq!(found, text);
        let geo = doc! { "key": { "a": "2dsphere" }, "2dsphereIndexVersion": 3 };
        assert_eq!(with_defaults(doc! { "key": { "a": "2dsphere" } }), geo);
        let old = doc! { "key": { "a": "2dsphere" }, "2dsphereIndexVersion": 2 };
        assert_eq!(with_defaults(old.clone()), old);
        let plain = doc! { "key": { "a": 1 } };
        assert_eq!(with_defaults(plain.clone()), plain);
    }
}
