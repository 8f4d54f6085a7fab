//! Random documents, and versions of them with a few changes.

use bson::{
    Binary, Bson, DateTime, DbPointer, Document, JavaScriptCodeWithScope, RawDocumentBuf, Regex,
    Timestamp, cstr, oid::ObjectId, spec::BinarySubtype,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// The three versions of a document.
#[derive(Debug, Clone)]
pub(super) struct Three {
    pub(super) base: RawDocumentBuf,
    pub(super) ours: RawDocumentBuf,
    pub(super) theirs: RawDocumentBuf,
}

impl Three {
    pub(super) fn versions(&self) -> super::Versions<'_> {
        super::versions(&self.base, &self.ours, &self.theirs)
    }

    pub(super) fn exchanged(&self) -> super::Versions<'_> {
        super::versions(&self.base, &self.theirs, &self.ours)
    }
}

/// A document, and two versions of it with changes, often in the same places.
pub(super) fn three() -> impl Strategy<Value = Three> {
    let choices = || vec(any::<u8>(), 64);
    (document(), choices(), choices()).prop_map(|(base, ours, theirs)| Three {
        ours: raw(&edited(&base, &mut ours.into_iter())),
        theirs: raw(&edited(&base, &mut theirs.into_iter())),
        base: raw(&base),
    })
}

/// A document with fields of every kind, and one with the same names and some changes.
pub(super) fn document() -> impl Strategy<Value = Document> {
    fields(value())
}

pub(super) fn raw(document: &Document) -> RawDocumentBuf {
    let mut whole = Document::new();
    whole.insert("_id", 1);
    whole.extend(document.clone());
    RawDocumentBuf::try_from(&whole).unwrap()
}

fn fields(value: impl Strategy<Value = Bson>) -> impl Strategy<Value = Document> {
    let name = select(vec!["a", "b", "c", "d", "é", ""]);
    vec((name.prop_map(str::to_owned), value), 0..6).prop_map(Document::from_iter)
}

pub(super) fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        4 => (-3..3).prop_map(Bson::Int32),
        1 => (-3..3_i64).prop_map(Bson::Int64),
        1 => (-3..3).prop_map(|n| Bson::Double(f64::from(n) / 2.0)),
        1 => select(vec!["1.0", "-2", "0.25"]).prop_map(|n| Bson::Decimal128(n.parse().unwrap())),
        1 => select(vec![f64::NAN, f64::INFINITY, -0.0]).prop_map(Bson::Double),
        1 => select(vec![Bson::Int32(i32::MAX), Bson::Int64(i64::MAX), Bson::Int64(i64::MIN)]),
        2 => select(vec!["", "x", "y"]).prop_map(Bson::from),
        1 => select(vec![Bson::Null, Bson::Boolean(true), Bson::MinKey]),
    ]
}

fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(3, 24, 6, |inner| {
        let keyed = (0..4, inner.clone()).prop_map(|(k, v)| {
            let mut element = Document::new();
            element.extend([("k".to_owned(), Bson::Int32(k)), ("v".to_owned(), v)]);
            Bson::Document(element)
        });
        prop_oneof![
            3 => fields(inner.clone()).prop_map(Bson::Document),
            2 => vec(inner, 0..5).prop_map(Bson::Array),
            2 => vec(keyed, 0..4).prop_map(Bson::Array),
        ]
    })
}

/// Returns the next random byte, below a bound; 0, which changes nothing, after the last.
fn choose(choices: &mut impl Iterator<Item = u8>, bound: u8) -> u8 {
    choices.next().unwrap_or(0) % bound
}

/// The document with some fields changed, removed, added or in another order.
pub(super) fn edited(document: &Document, choices: &mut impl Iterator<Item = u8>) -> Document {
    let mut fields: Vec<(String, Bson)> = Vec::new();
    for (name, value) in document {
        match choose(choices, 10) {
            1 => {}
            2..=5 => fields.push((name.clone(), edited_value(value, choices))),
            _ => fields.push((name.clone(), value.clone())),
        }
    }
    match choose(choices, 8) {
        1 if !fields.is_empty() => fields.rotate_left(1),
        2 => fields.reverse(),
        3 => fields.push(("new".into(), Bson::Int32(choose(choices, 3).into()))),
        4 => {
            let mut inner = Document::new();
            inner
                .insert(["x", "y"][usize::from(choose(choices, 2))], i32::from(choose(choices, 3)));
            fields.push(("inner".into(), inner.into()));
        }
        _ => {}
    }
    fields.into_iter().collect()
}

fn edited_value(value: &Bson, choices: &mut impl Iterator<Item = u8>) -> Bson {
    match value {
        Bson::Document(fields) if choose(choices, 8) != 1 => edited(fields, choices).into(),
        Bson::Array(elements) if choose(choices, 8) != 1 => edited_array(elements, choices).into(),
        _ => match choose(choices, 6) {
            1 => Bson::String("z".into()),
            2 => Bson::Double(f64::from(choose(choices, 4)) / 2.0),
            3 => Bson::Document(Document::new()),
            _ => Bson::Int32(i32::from(choose(choices, 6)) - 2),
        },
    }
}

fn edited_array(elements: &[Bson], choices: &mut impl Iterator<Item = u8>) -> Vec<Bson> {
    let mut elements = elements.to_vec();
    let count = u8::try_from(elements.len()).unwrap();
    if count > 0 {
        let at = usize::from(choose(choices, count));
        match choose(choices, 6) {
            1 => drop(elements.remove(at)),
            2 => elements.swap(0, at),
            3 | 4 => elements[at] = edited_value(&elements[at].clone(), choices),
            _ => {}
        }
    }
    for _ in 0..choose(choices, 3) {
        elements.push(Bson::Int32(choose(choices, 4).into()));
    }
    elements
}

/// One field of each type of BSON.
pub(super) fn every_type() -> RawDocumentBuf {
    let id = ObjectId::from_bytes([7; 12]);
    let scope = [("x".to_owned(), Bson::Int32(1))].into_iter().collect::<Document>();
    let values = [
        Bson::Double(1.5),
        "text".into(),
        Bson::Array(vec![Bson::Int32(1), "x".into()]),
        Bson::Document(scope.clone()),
        Bson::Boolean(true),
        Bson::Null,
        Bson::RegularExpression(Regex {
            pattern: cstr!("p+").to_owned(),
            options: cstr!("im").to_owned(),
        }),
        Bson::JavaScriptCode("f()".into()),
        Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code: "f()".into(), scope }),
        Bson::Int32(-1),
        Bson::Int64(i64::MIN),
        Bson::Timestamp(Timestamp { time: 3, increment: 4 }),
        Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] }),
        Bson::Binary(Binary { subtype: BinarySubtype::BinaryOld, bytes: vec![1, 2] }),
        Bson::ObjectId(id),
        Bson::DateTime(DateTime::from_millis(-5)),
        Bson::Symbol("symbol".into()),
        Bson::Decimal128("1.50".parse().unwrap()),
        Bson::Undefined,
        Bson::MaxKey,
        Bson::MinKey,
        Bson::DbPointer(db_pointer(id)),
    ];
    let named = values.into_iter().enumerate().map(|(n, value)| (format!("f{n}"), value));
    RawDocumentBuf::try_from(&named.collect::<Document>()).unwrap()
}

/// `bson` has no constructor for it.
fn db_pointer(id: ObjectId) -> DbPointer {
    let mut bytes = vec![0, 0, 0, 0, 0x0C, b'p', 0, 3, 0, 0, 0, b'd', b'b', 0];
    bytes.extend(id.bytes());
    bytes.push(0);
    bytes[0] = u8::try_from(bytes.len()).unwrap();
    let document = RawDocumentBuf::from_bytes(bytes).unwrap();
    match Document::try_from(&document).unwrap().remove("p") {
        Some(Bson::DbPointer(pointer)) => pointer,
        other => panic!("{other:?}"),
    }
}
