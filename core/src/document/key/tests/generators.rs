//! Random values that are often equal or close: small alphabets, numbers around the same landmarks
//! in all types, and pairs whose second value is the first one, respelled or changed in one place.

use bson::{
    Binary, Bson, DateTime, Decimal128, Document, JavaScriptCodeWithScope, Regex, Timestamp,
    oid::ObjectId, raw::CString, spec::BinarySubtype,
};
use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};

use super::super::{db_pointer, decimal::to_decimal128};

/// Numbers of all types where their order is hardest to get right.
pub(super) fn number() -> impl Strategy<Value = Bson> {
    prop_oneof![
        4 => near_a_landmark(),
        2 => any::<u64>().prop_map(|bits| Bson::Double(f64::from_bits(bits))),
        1 => any::<i64>().prop_map(Bson::Int64),
        1 => (-200..200).prop_map(Bson::Int32),
        1 => (-2000..2000).prop_map(|n| Bson::Double(f64::from(n) / 16.0)),
        1 => any::<[u8; 16]>().prop_map(|bytes| Bson::Decimal128(Decimal128::from_bytes(bytes))),
        2 => decimal_parts(),
        2 => any::<u64>().prop_map(|bits| nearest_decimal(f64::from_bits(bits))),
        1 => select(special_numbers()),
    ]
}

fn special_numbers() -> Vec<Bson> {
    let decimals = ["NaN", "Infinity", "-Infinity", "-0", "0E+6000", "1E-6176", "-1E-6176"];
    let doubles = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 0.1, -0.1];
    let extremes = [f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::from_bits(1), f64::from_bits(2)];
    let decimals = decimals.into_iter().chain(["0.1", "9.999999999999999999999999999999999E+6144"]);
    let doubles = doubles.into_iter().chain(extremes).map(Bson::Double);
    decimals.map(super::decimal).chain(doubles).collect()
}

/// A power of two or ten, plus or minus a little, as any of the types that can be near it.
fn near_a_landmark() -> impl Strategy<Value = Bson> {
    let landmarks: Vec<i128> =
        vec![0, 1, 10, 100, 1 << 31, 1 << 53, 1 << 54, 1 << 63, 1 << 64, 10_i128.pow(18)];
    (select(landmarks), -3..=3_i128, any::<bool>(), 0..5_u8).prop_map(
        |(landmark, offset, negative, form)| {
            let integer = (landmark + offset) * if negative { -1 } else { 1 };
            respelled_integer(integer, form)
        },
    )
}

#[expect(clippy::cast_precision_loss, reason = "a near number is as good")]
fn respelled_integer(integer: i128, form: u8) -> Bson {
    let decimal = |exponent: i32| {
        let scaled = integer.unsigned_abs() * 10_u128.pow(exponent.unsigned_abs());
        let bits = to_decimal128(integer < 0, scaled, -exponent);
        bits.map_or(Bson::Null, Bson::Decimal128)
    };
    match (form, i32::try_from(integer), i64::try_from(integer)) {
        (0, Ok(integer), _) => Bson::Int32(integer),
        (0 | 1, _, Ok(integer)) => Bson::Int64(integer),
        (0..=2, ..) => Bson::Double(integer as f64),
        (3, ..) => decimal(0),
        _ => decimal(2),
    }
}

/// Decimals with trailing zeros, and with exponents at both extremes.
fn decimal_parts() -> impl Strategy<Value = Bson> {
    let coefficient = prop_oneof![
        0..20_u128,
        (0..20_u128, 0..33_u32).prop_map(|(n, zeros)| n * 10_u128.pow(zeros)),
        (0..5_u128).prop_map(|below| 10_u128.pow(34) - 1 - below),
    ];
    let exponent = prop_oneof![-6176..-6170, -40..40, 6105..6112_i32];
    (any::<bool>(), coefficient, exponent).prop_map(|(negative, coefficient, exponent)| {
        let exact = to_decimal128(negative, coefficient, exponent);
        exact.map_or_else(|| super::decimal("0"), Bson::Decimal128)
    })
}

/// The decimal of 34 digits next to a double: equal, or different in a far digit.
fn nearest_decimal(double: f64) -> Bson {
    let text = format!("{double:.33e}").replace("inf", "Infinity");
    text.parse().map_or(Bson::Double(double), Bson::Decimal128)
}

fn text() -> impl Strategy<Value = String> {
    let characters = vec!['\0', '\u{1}', '\u{2}', 'a', 'b', 'é', '\u{10FFFF}'];
    vec(select(characters), 0..4).prop_map(String::from_iter)
}

fn name() -> impl Strategy<Value = String> {
    vec(select(vec!['\u{1}', 'a', 'b', 'é']), 0..3).prop_map(String::from_iter)
}

fn c_string() -> impl Strategy<Value = CString> {
    name().prop_map(|name| CString::try_from(name).unwrap())
}

fn object_id() -> impl Strategy<Value = ObjectId> {
    (0..3_u8, 0..3_u8).prop_map(|(first, last)| {
        let mut bytes = [0x80; 12];
        (bytes[0], bytes[11]) = (first, last);
        ObjectId::from_bytes(bytes)
    })
}

fn binary() -> impl Strategy<Value = Binary> {
    let subtype = select(vec![0, 2, 4, 5, 9, 0x10, 0x80, 0xFF]).prop_map(BinarySubtype::from);
    (subtype, vec(select(vec![0, 1, 0xFF]), 0..6))
        .prop_map(|(subtype, bytes)| Binary { subtype, bytes })
}

/// A weighted strategy for each type except documents, arrays and scopes.
fn leaves_by_type() -> Vec<(u32, BoxedStrategy<Bson>)> {
    let millis = prop_oneof![any::<i64>(), -2..3_i64];
    let timestamp = (select(vec![0, 1, u32::MAX]), any::<u32>());
    let regex = (c_string(), c_string());
    let pointer = (text(), object_id());
    vec![
        (6, number().boxed()),
        (4, text().prop_map(Bson::String).boxed()),
        (1, text().prop_map(Bson::Symbol).boxed()),
        (1, select(vec![Bson::MinKey, Bson::MaxKey, Bson::Null, Bson::Undefined]).boxed()),
        (1, any::<bool>().prop_map(Bson::Boolean).boxed()),
        (1, millis.prop_map(|millis| Bson::DateTime(DateTime::from_millis(millis))).boxed()),
        (1, timestamp.prop_map(|(time, increment)| Timestamp { time, increment }.into()).boxed()),
        (1, object_id().prop_map(Bson::ObjectId).boxed()),
        (1, binary().prop_map(Bson::Binary).boxed()),
        (1, regex.prop_map(|(pattern, options)| Regex { pattern, options }.into()).boxed()),
        (1, pointer.prop_map(|(name, id)| db_pointer::build(&name, id.bytes()).unwrap()).boxed()),
        (1, text().prop_map(Bson::JavaScriptCode).boxed()),
    ]
}

fn leaf() -> impl Strategy<Value = Bson> {
    Union::new_weighted(leaves_by_type())
}

/// Two values of one type, generated independently.
fn leaves_of_one_type() -> impl Strategy<Value = (Bson, Bson)> {
    Union::new(leaves_by_type().into_iter().map(|(_, leaf)| (leaf.clone(), leaf)))
}

/// A value of any type, nested up to four levels.
pub(super) fn value() -> impl Strategy<Value = Bson> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let document = vec((name(), inner.clone()), 0..4).prop_map(Document::from_iter).boxed();
        prop_oneof![
            3 => document.clone().prop_map(Bson::Document),
            2 => vec(inner, 0..4).prop_map(Bson::Array),
            1 => (text(), document).prop_map(|(code, scope)| {
                Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
            }),
        ]
    })
}

/// Two values, usually equal or different in only one place.
pub(in crate::document) fn pair() -> impl Strategy<Value = (Bson, Bson)> {
    prop_oneof![
        1 => (value(), value()),
        2 => leaves_of_one_type(),
        4 => (value(), any::<u64>()).prop_map(|(first, choices)| {
            let second = varied(&first, &mut { choices });
            (first, second)
        }),
    ]
}

/// Three values, usually close to each other.
pub(super) fn triple() -> impl Strategy<Value = [Bson; 3]> {
    (pair(), any::<u64>()).prop_map(|((first, second), choices)| {
        let third = varied(&first, &mut { choices });
        [first, second, third]
    })
}

/// Takes a number below `bound` from the random bits.
fn choose(choices: &mut u64, bound: u64) -> u64 {
    let chosen = *choices % bound;
    *choices = (*choices / bound).rotate_right(7);
    chosen
}

/// The value itself, in another spelling, or with a change in one or more places.
fn varied(value: &Bson, choices: &mut u64) -> Bson {
    match value {
        Bson::Document(fields) => Bson::Document(varied_document(fields, choices)),
        Bson::JavaScriptCodeWithScope(code) => {
            let scope = varied_document(&code.scope, choices);
            let code = varied_text(&code.code, choices);
            Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
        }
        Bson::Array(elements) => {
            let mut elements: Vec<_> = elements.iter().map(|e| varied(e, choices)).collect();
            match choose(choices, 4) {
                0 => elements.push(Bson::MinKey),
                1 => drop(elements.pop()),
                _ => {}
            }
            Bson::Array(elements)
        }
        Bson::String(text) | Bson::Symbol(text) => match choose(choices, 2) {
            0 => Bson::Symbol(varied_text(text, choices)),
            _ => Bson::String(varied_text(text, choices)),
        },
        _ => varied_number(value, choices).unwrap_or_else(|| value.clone()),
    }
}

fn varied_document(fields: &Document, choices: &mut u64) -> Document {
    let mut varied_fields = Document::new();
    for (name, value) in fields {
        varied_fields.insert(varied_name(name, choices), varied(value, choices));
    }
    if choose(choices, 4) == 0 {
        varied_fields.insert("z", Bson::MinKey);
    }
    varied_fields
}

fn varied_name(name: &str, choices: &mut u64) -> String {
    if choose(choices, 8) == 0 { format!("{name}\u{1}") } else { name.to_owned() }
}

fn varied_text(text: &str, choices: &mut u64) -> String {
    match choose(choices, 6) {
        0 => format!("{text}\0"),
        1 => format!("{text}\u{1}"),
        2 => text.chars().skip(1).collect(),
        _ => text.to_owned(),
    }
}

fn varied_number(value: &Bson, choices: &mut u64) -> Option<Bson> {
    let form = u8::try_from(choose(choices, 6)).unwrap_or(0);
    match value {
        Bson::Int32(n) => Some(respelled_integer((*n).into(), form)),
        Bson::Int64(n) => Some(respelled_integer((*n).into(), form)),
        Bson::Double(x) if form < 2 => Some(nearest_decimal(*x)),
        Bson::Double(x) if form < 4 => Some(Bson::Double(x.next_up())),
        Bson::Decimal128(d) if form < 4 => {
            Some(d.to_string().parse().map_or(value.clone(), Bson::Double))
        }
        _ => None,
    }
}
