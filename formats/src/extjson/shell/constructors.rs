//! The values of the shell's constructors.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use data_encoding::HEXLOWER_PERMISSIVE;

use super::parse::regex;
use crate::extjson::print::excerpt;
use crate::extjson::wrappers;

/// The constructors.
pub(super) const NAMES: [&str; 21] = [
    "ObjectId",
    "ISODate",
    "Date",
    "NumberInt",
    "NumberLong",
    "NumberDecimal",
    "Int32",
    "Long",
    "Double",
    "Decimal128",
    "UUID",
    "BinData",
    "HexData",
    "Timestamp",
    "RegExp",
    "DBRef",
    "Symbol",
    "Code",
    "MinKey",
    "MaxKey",
    "BSONRegExp",
];

pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The value of a constructor with these arguments.
///
/// # Errors
/// The constructor, what it was given, and what was expected.
pub(super) fn value(name: &str, arguments: &[Bson]) -> Result<Bson, String> {
    let wrapped =
        |document: Document| wrappers::unwrap(document).map_err(|error| format!("{name}: {error}"));
    let of_number = |value: &Bson| Bson::String(as_text(value));
    match (name, arguments) {
        ("ObjectId", [id]) => wrapped(doc! { "$oid": id }),
        ("ISODate" | "Date", [Bson::String(date)]) => wrapped(doc! { "$date": full(date) }),
        ("Date", [millis]) => wrapped(doc! { "$date": { "$numberLong": of_number(millis) } })
            .or_else(|_| wrapped(doc! { "$date": millis })),
        ("NumberInt" | "Int32", [number]) => wrapped(doc! { "$numberInt": of_number(number) }),
        ("NumberLong" | "Long", [number]) => wrapped(doc! { "$numberLong": of_number(number) }),
        ("Double", [number]) => wrapped(doc! { "$numberDouble": of_number(number) }),
        ("NumberDecimal" | "Decimal128", [number]) => {
            wrapped(doc! { "$numberDecimal": of_number(number) })
        }
        ("UUID", [uuid]) => wrapped(doc! { "$uuid": uuid }),
        ("BinData", [Bson::Int32(subtype), Bson::String(base64)]) => {
            let subtype = u8::try_from(*subtype).map_err(|_| {
                format!("BinData: expected a subtype from 0 to 255, found {subtype}")
            })?;
            wrapped(doc! { "$binary": { "base64": base64, "subType": format!("{subtype:02x}") } })
        }
        ("HexData", [Bson::Int32(subtype), Bson::String(digits)]) => hex(*subtype, digits),
        ("Timestamp", [Bson::Document(parts)]) => wrapped(doc! { "$timestamp": parts }),
        ("Timestamp", [time, increment]) => {
            wrapped(doc! { "$timestamp": { "t": time, "i": increment } })
        }
        ("RegExp" | "BSONRegExp", [Bson::String(pattern)]) => regex(pattern, ""),
        ("RegExp" | "BSONRegExp", [Bson::String(pattern), Bson::String(flags)]) => {
            regex(pattern, flags)
        }
        ("DBRef", [collection, id]) => Ok(doc! { "$ref": collection, "$id": id }.into()),
        ("DBRef", [collection, id, database]) => {
            Ok(doc! { "$ref": collection, "$id": id, "$db": database }.into())
        }
        ("Symbol", [Bson::String(text)]) => Ok(Bson::Symbol(text.clone())),
        ("Code", [Bson::String(code)]) => Ok(Bson::JavaScriptCode(code.clone())),
        ("MinKey", []) => Ok(Bson::MinKey),
        ("MaxKey", []) => Ok(Bson::MaxKey),
        ("ObjectId" | "ISODate" | "Date", []) => Err(format!(
            "{name}() without an argument makes a new value each time; write the value, such as \
             {}",
            if name == "ObjectId" {
                "ObjectId(\"59b99db4cfa9a34dcd7885b6\")"
            } else {
                "ISODate(\"2026-07-07T09:00:00Z\")"
            }
        )),
        (_, given) => {
            let given: Vec<String> = given.iter().map(excerpt).collect();
            Err(format!("invalid arguments of {name}: ({})", given.join(", ")))
        }
    }
}

/// A number as text, or a text as it is.
fn as_text(value: &Bson) -> String {
    match value {
        Bson::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A date alone is its start in UTC, and a time without an offset is in UTC.
fn full(date: &str) -> String {
    let time = date.split_once('T').map(|(_, time)| time);
    match time {
        None if date.len() == 10 => format!("{date}T00:00:00Z"),
        Some(time) if !time.contains(['Z', 'z', '+', '-']) => format!("{date}Z"),
        _ => date.to_owned(),
    }
}

fn hex(subtype: i32, digits: &str) -> Result<Bson, String> {
    let wrong =
        || format!("HexData: expected a subtype and hex digits, found {subtype}, {digits:?}");
    let subtype = u8::try_from(subtype).map_err(|_| wrong())?;
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| wrong())?;
    Ok(Bson::Binary(Binary { subtype: BinarySubtype::from(subtype), bytes }))
}
