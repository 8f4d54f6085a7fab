//! What `$convert` converts to.

use argon_core::{Error, Result};
use bson::raw::RawBsonRef;
use bson::spec::ElementType;

use super::super::numeric;
use crate::Code;
use crate::number::Number;
use crate::value::{Value, malformed};

/// The types by their names.
const TYPES: &[(&str, ElementType)] = &[
    ("double", ElementType::Double),
    ("string", ElementType::String),
    ("object", ElementType::EmbeddedDocument),
    ("array", ElementType::Array),
    ("binData", ElementType::Binary),
    ("undefined", ElementType::Undefined),
    ("objectId", ElementType::ObjectId),
    ("bool", ElementType::Boolean),
    ("date", ElementType::DateTime),
    ("null", ElementType::Null),
    ("regex", ElementType::RegularExpression),
    ("dbPointer", ElementType::DbPointer),
    ("javascript", ElementType::JavaScriptCode),
    ("symbol", ElementType::Symbol),
    ("javascriptWithScope", ElementType::JavaScriptCodeWithScope),
    ("int", ElementType::Int32),
    ("timestamp", ElementType::Timestamp),
    ("long", ElementType::Int64),
    ("decimal", ElementType::Decimal128),
    ("minKey", ElementType::MinKey),
    ("maxKey", ElementType::MaxKey),
];
const MISSING: &str = "missing";

/// A type to convert to.
pub(super) struct Target {
    /// The type; `None` is that of missing values.
    pub(super) element_type: Option<ElementType>,
    /// The type's name.
    pub(super) name: &'static str,
    /// The subtype of binary data as given, which is not checked before it is needed.
    subtype: Value<'static>,
}

impl Target {
    /// Reads a type: its name, its number, or a document of type and subtype. `None` if it is null.
    ///
    /// # Errors
    /// `BadValue` for an unknown name, `FailedToParse` for what is no type.
    pub(super) fn parse(to: &Value<'_>) -> Result<Option<Self>> {
        let (to, subtype) = match to.as_document() {
            None => (to.borrowed(), 0.into()),
            Some(fields) => {
                let get = |name: &str| fields.get(name).map_err(malformed);
                let subtype = get("subtype")?.map_or(0.into(), Value::from);
                (Value::from(get("type")?), subtype.into_owned())
            }
        };
        let is_given = !to.is_missing();
        if is_given && to.is_nullish() {
            return Ok(None);
        }
        let (name, element_type) = match to.get() {
            Some(RawBsonRef::String(name)) => of_name(name)?,
            Some(_) if to.is_number() => of_number(&to)?,
            _ => {
                return Err(Code::FAILED_TO_PARSE.error(format!(
                    "$convert's 'to' argument must be a string or number, but is {}",
                    to.type_name()
                )));
            }
        };
        Ok(Some(Self { element_type, name, subtype }))
    }

    /// The subtype of binary data.
    ///
    /// # Errors
    /// If it is not the number of one.
    pub(super) fn subtype(&self) -> Result<u8> {
        /// The highest of those that BSON defines, and the lowest of a user's.
        const DEFINED: u8 = 8;
        const USER_DEFINED: u8 = 128;
        let number = numeric::of(&self.subtype).ok_or_else(|| {
            Code::location(4_341_108).error(format!(
                "For BinData, $convert's 'subtype' argument must be a number, but is {}",
                self.subtype.type_name()
            ))
        })?;
        let code = number.exact_int().ok_or_else(|| {
            Code::location(4_341_106)
                .error("In $convert, numeric 'subtype' argument is not an integer")
        })?;
        let subtype = u8::try_from(code).ok();
        subtype.filter(|code| *code <= DEFINED || *code >= USER_DEFINED).ok_or_else(|| {
            Code::location(4_341_107).error(format!(
                "In $convert, numeric value for 'subtype' does not correspond to a BinData type: \
                 {code}"
            ))
        })
    }
}

type NamedType = (&'static str, Option<ElementType>);

fn of_name(name: &str) -> Result<NamedType> {
    if name == MISSING {
        return Ok((MISSING, None));
    }
    let known = TYPES.iter().find(|(known, _)| *known == name);
    let (name, element_type) =
        known.ok_or_else(|| Code::BAD_VALUE.error(format!("Unknown type name: {name}")))?;
    Ok((name, Some(*element_type)))
}

fn of_number(to: &Value<'_>) -> Result<NamedType> {
    let code = numeric::of(to).and_then(Number::exact_int).ok_or_else(|| {
        Code::FAILED_TO_PARSE.error("In $convert, numeric 'to' argument is not an integer")
    })?;
    let unknown = || -> Error {
        Code::FAILED_TO_PARSE.error(format!(
            "In $convert, numeric value for 'to' does not correspond to a BSON type: {code}"
        ))
    };
    if code == 0 {
        return Ok((MISSING, None));
    }
    // The number of the smallest type is -1; its byte is 255.
    let element_type = i8::try_from(code)
        .ok()
        .and_then(|code| ElementType::from(code.cast_unsigned()))
        .ok_or_else(unknown)?;
    let known = TYPES.iter().find(|(_, known)| *known == element_type);
    known.map(|(name, element_type)| (*name, Some(*element_type))).ok_or_else(unknown)
}
