//! Unwraps objects with a `$` name: `{"$oid": …}`, `{"$date": …}` and others.
//!
//! Wrappers are unwrapped from the inside out: in `{"$date": {"$numberLong": "5"}}` the inner one
//! is already an `Int64` when the outer one is read.

use bson::raw::CString;
use bson::spec::BinarySubtype;
use bson::{
    Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, Regex, Timestamp, Uuid,
    oid::ObjectId,
};

use super::print::excerpt;
use super::{dates, db_pointer, decimal};

/// A wrapper with invalid content.
#[derive(Debug, thiserror::Error)]
#[error("{wrapper} has {found}, expected {expected}")]
pub(super) struct WrapperError {
    wrapper: &'static str,
    found: String,
    expected: &'static str,
}

/// Every wrapper that one name identifies; not `$regex`, which is also a query operator.
const WRAPPERS: [&str; 16] = [
    "$oid",
    "$date",
    "$numberInt",
    "$numberLong",
    "$numberDouble",
    "$numberDecimal",
    "$binary",
    "$uuid",
    "$regularExpression",
    "$timestamp",
    "$symbol",
    "$code",
    "$dbPointer",
    "$minKey",
    "$maxKey",
    "$undefined",
];

/// Returns whether an object with a field of this name may be a wrapper.
pub(super) fn is_wrapper(name: &str) -> bool {
    name == "$regex" || WRAPPERS.contains(&name)
}

/// Returns the value of `document`, or the document itself if it is not a wrapper, such as
/// `{"$ref": …, "$id": …}` and query operators.
pub(super) fn unwrap(document: Document) -> Result<Bson, WrapperError> {
    if let Some(regex) = legacy_regex(&document)? {
        return Ok(regex);
    }
    let known = |name: &String| WRAPPERS.into_iter().find(|wrapper| wrapper == name);
    let Some(wrapper) = document.keys().find_map(known) else {
        return Ok(Bson::Document(document));
    };
    let companion = match wrapper {
        "$binary" => Some("$type"),
        "$code" => Some("$scope"),
        _ => None,
    };
    let allowed = |name: &str| name == wrapper || companion.is_some_and(|other| name == other);
    if let Some(extra) = document.keys().find(|name| !allowed(name)) {
        let found = format!("the field {extra:?} beside it");
        return Err(WrapperError { wrapper, found, expected: "no other field" });
    }
    let value = document.get(wrapper).unwrap_or(&Bson::Null);
    open(wrapper, value, companion.and_then(|name| document.get(name)))
}

fn open(
    wrapper: &'static str,
    value: &Bson,
    companion: Option<&Bson>,
) -> Result<Bson, WrapperError> {
    let (opened, expected) = match wrapper {
        "$oid" => (object_id(value), "24 hex digits"),
        "$date" => (date(value), "an ISO 8601 date with its offset, or milliseconds"),
        "$numberInt" => (int32(value), "a 32-bit integer"),
        "$numberLong" => (int64(value).map(Bson::Int64), "a 64-bit integer"),
        "$numberDouble" => (double(value), "a number, \"NaN\", \"Infinity\" or \"-Infinity\""),
        "$numberDecimal" => (decimal(value), "a decimal number of up to 34 digits as a string"),
        "$binary" => (binary(value, companion), "base64 text and a subtype of two digits"),
        "$uuid" => (uuid(value), "a UUID such as 73ffd264-44b3-4c69-90e8-e7d1dfc035d4"),
        "$regularExpression" => (regular_expression(value), "a pattern and options as strings"),
        "$timestamp" => (timestamp(value), "{\"t\": …, \"i\": …}, both unsigned 32-bit integers"),
        "$symbol" => (text(value).map(Bson::Symbol), "a string"),
        "$code" => (code(value, companion), "code as a string, and a document as its $scope"),
        "$dbPointer" => (pointer(value), "{\"$ref\": a string, \"$id\": an ObjectId}"),
        "$minKey" => ((*value == Bson::Int32(1)).then_some(Bson::MinKey), "1"),
        "$maxKey" => ((*value == Bson::Int32(1)).then_some(Bson::MaxKey), "1"),
        _ => ((*value == Bson::Boolean(true)).then_some(Bson::Undefined), "true"),
    };
    opened.ok_or_else(|| WrapperError { wrapper, found: excerpt(value), expected })
}

fn text(value: &Bson) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn object_id(value: &Bson) -> Option<Bson> {
    ObjectId::parse_str(value.as_str()?).ok().map(Bson::ObjectId)
}

fn date(value: &Bson) -> Option<Bson> {
    let date = match value {
        Bson::String(text) => dates::parse(text)?,
        Bson::Int32(_) | Bson::Int64(_) => DateTime::from_millis(int64(value)?),
        _ => return None,
    };
    Some(Bson::DateTime(date))
}

fn int32(value: &Bson) -> Option<Bson> {
    i32::try_from(int64(value)?).ok().map(Bson::Int32)
}

fn int64(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        Bson::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn double(value: &Bson) -> Option<Bson> {
    let number = match value {
        Bson::Double(number) => *number,
        Bson::Int32(number) => f64::from(*number),
        Bson::String(text) => match text.as_str() {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            digits => digits.parse().ok().filter(|number: &f64| number.is_finite())?,
        },
        _ => return None,
    };
    Some(Bson::Double(number))
}

fn decimal(value: &Bson) -> Option<Bson> {
    decimal::parse(value.as_str()?).map(Bson::Decimal128)
}

fn binary(value: &Bson, companion: Option<&Bson>) -> Option<Bson> {
    let (base64, subtype) = match (value, companion) {
        (Bson::Document(body), None) if body.len() == 2 => {
            (body.get("base64")?, body.get("subType")?)
        }
        (legacy, Some(subtype)) => (legacy, subtype),
        _ => return None,
    };
    let subtype = match subtype {
        Bson::String(digits) if digits.len() <= 2 => u8::from_str_radix(digits, 16).ok()?,
        Bson::Int32(number) => u8::try_from(*number).ok()?,
        _ => return None,
    };
    let subtype = BinarySubtype::from(subtype);
    Binary::from_base64(base64.as_str()?, subtype).ok().map(Bson::Binary)
}

fn uuid(value: &Bson) -> Option<Bson> {
    let bytes = Uuid::parse_str(value.as_str()?).ok()?.bytes().to_vec();
    Some(Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes }))
}

/// `{"$regex": "a", "$options": "i"}`. With any other names or types it is a query.
fn legacy_regex(document: &Document) -> Result<Option<Bson>, WrapperError> {
    match (document.get("$regex"), document.get("$options")) {
        (Some(Bson::String(pattern)), Some(Bson::String(options))) if document.len() == 2 => {
            regex(pattern, options).map(Some).ok_or_else(|| WrapperError {
                wrapper: "$regex",
                found: excerpt(&Bson::String(pattern.clone())),
                expected: "a pattern and options without NUL characters",
            })
        }
        _ => Ok(None),
    }
}

fn regular_expression(value: &Bson) -> Option<Bson> {
    let body = value.as_document().filter(|body| body.len() == 2)?;
    regex(body.get("pattern")?.as_str()?, body.get("options")?.as_str()?)
}

/// Sorts the options alphabetically, as BSON requires, and all drivers expect.
fn regex(pattern: &str, options: &str) -> Option<Bson> {
    let pattern = CString::try_from(pattern).ok()?;
    let mut options: Vec<char> = options.chars().collect();
    options.sort_unstable();
    let options = CString::try_from(String::from_iter(options)).ok()?;
    Some(Bson::RegularExpression(Regex { pattern, options }))
}

fn timestamp(value: &Bson) -> Option<Bson> {
    let body = value.as_document().filter(|body| body.len() == 2)?;
    let part = |name| u32::try_from(int64(body.get(name)?)?).ok();
    Some(Bson::Timestamp(Timestamp { time: part("t")?, increment: part("i")? }))
}

fn code(value: &Bson, companion: Option<&Bson>) -> Option<Bson> {
    let code = text(value)?;
    match companion {
        None => Some(Bson::JavaScriptCode(code)),
        Some(Bson::Document(scope)) => {
            let scope = scope.clone();
            Some(Bson::JavaScriptCodeWithScope(JavaScriptCodeWithScope { code, scope }))
        }
        Some(_) => None,
    }
}

fn pointer(value: &Bson) -> Option<Bson> {
    let body = value.as_document().filter(|body| body.len() == 2)?;
    let namespace = body.get("$ref")?.as_str()?;
    db_pointer::build(namespace, body.get("$id")?.as_object_id()?)
}
