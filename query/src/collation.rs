//! Collations: the order of texts by the rules of a language, from Unicode's data.

use std::cmp::Ordering;
use std::fmt;

use argon_core::Result;
use argon_core::key::TextOrder;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef, RawDocumentBuf};
use bson::{Bson, Document};
use data_encoding::HEXLOWER;
use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

use crate::Code;
use crate::locale;
use crate::value::{malformed, to_owned};

/// A collation, as MongoDB's commands, collections and indexes have one.
///
/// The order is that of Unicode's data in the library, which may differ from another version's in
/// rare characters. So nothing that is stored depends on it.
pub struct Collation {
    collator: CollatorBorrowed<'static>,
    specification: Document,
}

impl Collation {
    /// Compiles a collation; `None` for that of `{ locale: "simple" }`, byte by byte.
    ///
    /// # Errors
    /// MongoDB's error for an unknown field (40415), a missing locale (40414), an unknown locale or
    /// a value that is not allowed (`BadValue`), or a value of the wrong type (`TypeMismatch`).
    /// `NotImplemented` for `backwards: true`.
    pub fn compile(specification: &Document) -> Result<Option<Self>> {
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Tertiary);
        let (mut case_first, mut numeric, mut locale) = (None, None, None);
        for (name, value) in specification {
            match name.as_str() {
                "locale" => locale = Some(text(name, value)?),
                "strength" => options.strength = Some(strength(value)?),
                "caseLevel" => {
                    let on = boolean(name, value)?;
                    options.case_level = Some(if on { CaseLevel::On } else { CaseLevel::Off });
                }
                "caseFirst" => {
                    case_first = Some(match text(name, value)? {
                        "off" => CollationCaseFirst::False,
                        "upper" => CollationCaseFirst::Upper,
                        "lower" => CollationCaseFirst::Lower,
                        other => return Err(not_allowed(name, other, "off, upper or lower")),
                    });
                }
                "numericOrdering" => {
                    let on = boolean(name, value)?;
                    numeric = on.then_some(CollationNumericOrdering::True);
                }
                "alternate" => {
                    options.alternate_handling = Some(match text(name, value)? {
                        "non-ignorable" => AlternateHandling::NonIgnorable,
                        "shifted" => AlternateHandling::Shifted,
                        other => return Err(not_allowed(name, other, "non-ignorable or shifted")),
                    });
                }
                "maxVariable" => {
                    options.max_variable = Some(match text(name, value)? {
                        "punct" => MaxVariable::Punctuation,
                        "space" => MaxVariable::Space,
                        other => return Err(not_allowed(name, other, "punct or space")),
                    });
                }
                "backwards" if boolean(name, value)? => {
                    return Err(Code::NOT_IMPLEMENTED.error(
                        "the collation has backwards: true, which is not supported; leave it out",
                    ));
                }
                "backwards" | "version" => {}
                // The library always normalizes, so that the order is right with either value.
                "normalization" => drop(boolean(name, value)?),
                _ => {
                    return Err(Code::location(40415)
                        .error(format!("BSON field 'collation.{name}' is an unknown field.")));
                }
            }
        }
        let name = locale.ok_or_else(|| {
            Code::location(40414)
                .error("BSON field 'collation.locale' is missing but a required field")
        })?;
        if name == "simple" {
            return match specification.len() {
                1 => Ok(None),
                _ => Err(Code::FAILED_TO_PARSE.error(format!(
                    "If locale=simple, no other fields should be present in: {specification}"
                ))),
            };
        }
        let locale = locale::parse(name, specification)?;
        let mut preferences = CollatorPreferences::from(&locale);
        if case_first.is_some_and(|first| first != CollationCaseFirst::False)
            && options.case_level != Some(CaseLevel::On)
            && matches!(options.strength, Some(Strength::Primary | Strength::Secondary))
        {
            return Err(Code::BAD_VALUE.error(format!(
                "'caseFirst' is invalid unless 'caseLevel' is on or 'strength' is greater than 2 \
                 in: {specification}"
            )));
        }
        preferences.case_first = case_first.or(preferences.case_first);
        preferences.numeric_ordering = numeric.or(preferences.numeric_ordering);
        let collator = Collator::try_new(preferences, options).map_err(|source| {
            Code::BAD_VALUE
                .error(format!("the collation {specification} is not available: {source}"))
        })?;
        Ok(Some(Self { collator, specification: specification.clone() }))
    }

    /// The collation as it was given.
    pub fn specification(&self) -> &Document {
        &self.specification
    }

    /// A value that compares byte by byte as this one does in the collation: each text in it is
    /// replaced by its sort key, in hexadecimal digits.
    ///
    /// # Errors
    /// `Corrupt` if the value can't be decoded.
    pub fn comparable(&self, value: RawBsonRef<'_>) -> Result<RawBson> {
        Ok(match value {
            RawBsonRef::String(text) | RawBsonRef::Symbol(text) => {
                let mut key = Vec::new();
                let Ok(()) = self.collator.write_sort_key_to(text, &mut key);
                RawBson::String(HEXLOWER.encode(&key))
            }
            RawBsonRef::Document(document) => {
                let mut out = RawDocumentBuf::new();
                for field in document {
                    let (name, value) = field.map_err(malformed)?;
                    out.append(name, self.comparable(value)?);
                }
                RawBson::Document(out)
            }
            RawBsonRef::Array(array) => {
                let mut out = RawArrayBuf::new();
                for element in array {
                    out.push(self.comparable(element.map_err(malformed)?)?);
                }
                RawBson::Array(out)
            }
            other => to_owned(other),
        })
    }
}

impl TextOrder for Collation {
    fn compare(&self, a: &str, b: &str) -> Ordering {
        self.collator.compare(a, b)
    }
}

impl fmt::Debug for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collation({})", self.specification)
    }
}

fn strength(value: &Bson) -> Result<Strength> {
    let number = match value {
        Bson::Int32(number) => f64::from(*number),
        #[expect(clippy::cast_precision_loss, reason = "a large number is refused")]
        Bson::Int64(number) => *number as f64,
        Bson::Double(number) => *number,
        other => return Err(wrong_type("strength", other, "number")),
    };
    Ok(match number.trunc() {
        1.0 => Strength::Primary,
        2.0 => Strength::Secondary,
        3.0 => Strength::Tertiary,
        4.0 => Strength::Quaternary,
        5.0 => Strength::Identical,
        other => return Err(not_allowed("strength", &other.to_string(), "a number from 1 to 5")),
    })
}

fn text<'v>(name: &str, value: &'v Bson) -> Result<&'v str> {
    value.as_str().ok_or_else(|| wrong_type(name, value, "string"))
}

fn boolean(name: &str, value: &Bson) -> Result<bool> {
    value.as_bool().ok_or_else(|| wrong_type(name, value, "bool"))
}

fn wrong_type(name: &str, value: &Bson, expected: &str) -> argon_core::Error {
    Code::TYPE_MISMATCH.error(format!(
        "BSON field 'collation.{name}' is the wrong type '{}', expected type '{expected}'",
        crate::expression::Compiler::type_name(value)
    ))
}

fn not_allowed(name: &str, value: &str, expected: &str) -> argon_core::Error {
    Code::BAD_VALUE.error(format!(
        "Enumeration value '{value}' for field 'collation.{name}' is not a valid value; expected \
         {expected}"
    ))
}
