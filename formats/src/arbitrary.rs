//! Documents of every BSON type, for property tests.

use bson::raw::CString;
use bson::{
    Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, RawDocumentBuf, Regex, Timestamp,
    oid::ObjectId,
};
use proptest::prelude::*;

use super::extjson::parse_value;

/// Documents that Extended JSON can express: no field has the name of a wrapper, NaN has no
/// payload, decimals are canonical, the options of regular expressions are sorted.
pub(super) fn document() -> impl Strategy<Value = RawDocumentBuf> {
    fields(value().boxed()).prop_map(|document| RawDocumentBuf::try_from(&document).unwrap())
}

fn fields(value: BoxedStrategy<Bson>) -> impl Strategy<Value = Document> {
    prop::collection::vec(("[^$\0][^\0]{0,8}|", value), 0..6)
        .prop_map(|fields| fields.into_iter().collect())
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        let scope = fields(inner.clone().boxed());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Bson::Array),
            fields(inner.boxed()).prop_map(Bson::Document),
            (any::<String>(), scope).prop_map(|(code, scope)| {
                Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope })
            }),
        ]
    })
}

fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        number(),
        any::<String>().prop_map(Bson::String),
        any::<bool>().prop_map(Bson::Boolean),
        any::<i64>().prop_map(|millis| Bson::DateTime(DateTime::from_millis(millis))),
        any::<[u8; 12]>().prop_map(|id| Bson::ObjectId(ObjectId::from_bytes(id))),
        any::<String>().prop_map(Bson::JavaScriptCode),
        any::<String>().prop_map(Bson::Symbol),
        (any::<u32>(), any::<u32>())
            .prop_map(|(time, increment)| Bson::Timestamp(Timestamp { time, increment })),
        (any::<u8>(), any::<Vec<u8>>()).prop_map(|(subtype, bytes)| {
            Bson::Binary(Binary { subtype: subtype.into(), bytes })
        }),
        ("[^\0]{0,9}", prop::collection::vec(prop::char::range('a', 'z'), 0..4)).prop_map(
            |(pattern, mut options)| {
                options.sort_unstable();
                let options = String::from_iter(options);
                let pattern = CString::try_from(pattern).unwrap();
                let options = CString::try_from(options).unwrap();
                Bson::RegularExpression(Regex { pattern, options })
            }
        ),
        ("[a-z.]{0,9}", "[0-9a-f]{24}").prop_map(|(namespace, id)| {
            let pointer = format!(
                r#"{{"$dbPointer": {{"$ref": "{namespace}", "$id": {{"$oid": "{id}"}}}}}}"#
            );
            parse_value(&pointer).unwrap()
        }),
        Just(Bson::Null),
        Just(Bson::Undefined),
        Just(Bson::MinKey),
        Just(Bson::MaxKey),
    ]
}

fn number() -> impl Strategy<Value = Bson> {
    prop_oneof![
        any::<i32>().prop_map(Bson::Int32),
        any::<i64>().prop_map(Bson::Int64),
        any::<f64>().prop_map(|number| Bson::Double(if number.is_nan() {
            f64::NAN
        } else {
            number
        })),
        any::<u64>()
            .prop_map(|bits| Bson::Double(f64::from_bits(bits)))
            .prop_filter("NaN has a payload", |number| number
                .as_f64()
                .is_some_and(|n| !n.is_nan())),
        (any::<i64>(), -6000..6000).prop_map(|(digits, exponent)| {
            Bson::Decimal128(format!("{digits}E{exponent}").parse().unwrap())
        }),
    ]
}
