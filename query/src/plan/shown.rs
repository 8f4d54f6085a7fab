//! Values and intervals as MongoDB's `explain` shows them.

use bson::{Bson, Document};

use super::Direction;
use super::interval::{Interval, Intervals};

/// Returns each interval, such as `[5, 9)`, in the order in which a scan reads them.
pub(super) fn intervals(intervals: &Intervals, direction: Direction) -> Vec<String> {
    match direction {
        Direction::Ascending => intervals.iter().map(|one| interval(one, direction)).collect(),
        Direction::Descending => {
            intervals.iter().rev().map(|one| interval(one, direction)).collect()
        }
    }
}

fn interval(interval: &Interval, direction: Direction) -> String {
    let Interval { low, high } = interval;
    let (from, to) = (value(low.value()), value(high.value()));
    match direction {
        Direction::Ascending => {
            let open = if low.is_after() { '(' } else { '[' };
            let close = if high.is_after() { ']' } else { ')' };
            format!("{open}{from}, {to}{close}")
        }
        Direction::Descending => {
            let open = if high.is_after() { '[' } else { '(' };
            let close = if low.is_after() { ')' } else { ']' };
            format!("{open}{to}, {from}{close}")
        }
    }
}

/// Returns a value in the notation of the server (`BSONElement::toString`).
pub(super) fn value(value: &Bson) -> String {
    match value {
        Bson::MinKey => "MinKey".to_owned(),
        Bson::MaxKey => "MaxKey".to_owned(),
        Bson::Null => "null".to_owned(),
        Bson::Undefined => "undefined".to_owned(),
        Bson::Boolean(value) => value.to_string(),
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        Bson::Double(number) => double(*number),
        Bson::Decimal128(number) => number.to_string(),
        Bson::String(text) | Bson::Symbol(text) => format!("\"{text}\""),
        Bson::DateTime(date) => format!("new Date({})", date.timestamp_millis()),
        Bson::ObjectId(id) => format!("ObjectId('{id}')"),
        Bson::Timestamp(time) => format!("Timestamp({}, {})", time.time, time.increment),
        Bson::RegularExpression(regex) => {
            // The last possible option stands for all.
            let options = regex.options.as_str().trim_end_matches('\u{10FFFF}');
            format!("/{}/{options}", regex.pattern.as_str())
        }
        Bson::Binary(binary) => {
            let bytes = data_encoding::HEXUPPER.encode(&binary.bytes);
            format!("BinData({}, {bytes})", u8::from(binary.subtype))
        }
        Bson::JavaScriptCode(code) => code.clone(),
        Bson::JavaScriptCodeWithScope(code) => {
            format!("CodeWScope( {}, {})", code.code, document(&code.scope))
        }
        Bson::Document(fields) => document(fields),
        Bson::Array(elements) if elements.is_empty() => "[]".to_owned(),
        Bson::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(self::value).collect();
            format!("[ {} ]", elements.join(", "))
        }
        pointer @ Bson::DbPointer(_) => pointer.to_string(),
    }
}

fn document(fields: &Document) -> String {
    if fields.is_empty() {
        return "{}".to_owned();
    }
    let fields: Vec<String> =
        fields.iter().map(|(name, field)| format!("{name}: {}", value(field))).collect();
    format!("{{ {} }}", fields.join(", "))
}

fn double(number: f64) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.1}")
    } else {
        number.to_string()
    }
}
