//! Parts of a date: `$year` and the like, `$dateToParts`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{CStr, RawDocumentBuf, cstr};

use super::arguments;
use super::calendar::Local;
use crate::Code;
use crate::expression::{Compiler, Expression, Form, Refusal, Scope, Signature};
use crate::value::Value;

pub(super) static SIGNATURE: Signature = Signature {
    object: Refusal(40524, "$dateToParts only supports an object as its argument"),
    unknown: Refusal(40520, "Unrecognized argument to $dateToParts: "),
    required: &[("date", Refusal(40522, "Missing 'date' parameter to $dateToParts"))],
    optional: &["timezone", "iso8601"],
};

/// A part that has an operator.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hour,
    IsoDayOfWeek,
    IsoWeek,
    IsoWeekYear,
    Millisecond,
    Minute,
    Month,
    Second,
    Week,
    Year,
}

/// A part of a date.
#[derive(Debug)]
struct PartOf {
    part: Part,
    date: Expression,
    timezone: Option<Expression>,
}

/// Compiles a date, a list of a date, or a document of a date and a zone.
pub(super) fn part(part: Part, argument: &Bson, compiler: &Compiler<'_>) -> Result<Expression> {
    let (date, timezone) = match argument {
        Bson::Document(fields) if !fields.keys().next().is_some_and(|key| key.starts_with('$')) => {
            let name = part.name();
            if let Some(unknown) =
                fields.keys().find(|key| !matches!(key.as_str(), "date" | "timezone"))
            {
                return Err(Code::location(40535)
                    .error(format!("unrecognized option to {name}: \"{unknown}\"")));
            }
            let date = fields.get("date").ok_or_else(|| {
                Code::location(40539)
                    .error(format!("missing 'date' argument to {name}, provided: {fields}"))
            })?;
            (date, fields.get("timezone"))
        }
        Bson::Array(list) => match list.as_slice() {
            [date] => (date, None),
            list => {
                return Err(Code::location(40536).error(format!(
                    "{} accepts exactly one argument if given an array, but was given {}",
                    part.name(),
                    list.len()
                )));
            }
        },
        date => (date, None),
    };
    let date = compiler.compile(date)?;
    let timezone = timezone.map(|zone| compiler.compile(zone)).transpose()?;
    Ok(Expression::Form(Box::new(PartOf { part, date, timezone })))
}

impl Form for PartOf {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let date = self.date.evaluate(scope)?;
        if date.is_nullish() {
            return Ok(Value::NULL);
        }
        let date = arguments::date(&date)?;
        let timezone = self.timezone.as_ref().map(|zone| zone.evaluate(scope)).transpose()?;
        let zone = arguments::zone(timezone.as_ref())?;
        Ok(zone.map_or(Value::NULL, |zone| self.part.value(&zone.local(date))))
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::DayOfMonth => "$dayOfMonth",
            Self::DayOfWeek => "$dayOfWeek",
            Self::DayOfYear => "$dayOfYear",
            Self::Hour => "$hour",
            Self::IsoDayOfWeek => "$isoDayOfWeek",
            Self::IsoWeek => "$isoWeek",
            Self::IsoWeekYear => "$isoWeekYear",
            Self::Millisecond => "$millisecond",
            Self::Minute => "$minute",
            Self::Month => "$month",
            Self::Second => "$second",
            Self::Week => "$week",
            Self::Year => "$year",
        }
    }

    /// An int, but for the year of weeks, which is a long on MongoDB's server.
    fn value(self, local: &Local) -> Value<'static> {
        let number = match self {
            Self::DayOfMonth => local.day,
            Self::DayOfWeek => local.weekday() + 1,
            Self::DayOfYear => local.day_of_year(),
            Self::Hour => local.hour,
            Self::IsoDayOfWeek => local.iso().day,
            Self::IsoWeek => local.iso().week,
            Self::IsoWeekYear => return local.iso().year.into(),
            Self::Millisecond => local.millisecond,
            Self::Minute => local.minute,
            Self::Month => local.month,
            Self::Second => local.second,
            Self::Week => local.week(),
            Self::Year => local.year,
        };
        int(number).into()
    }
}

/// A part of a date: also the years of all dates are ints.
fn int(part: i64) -> i32 {
    i32::try_from(part).unwrap_or(i32::MAX)
}

pub(super) fn to_parts<'a>(values: &[Option<Value<'_>>]) -> Result<Value<'a>> {
    let [date, timezone, iso] = values else { return Ok(Value::NULL) };
    let Some(zone) = arguments::zone(timezone.as_ref())? else { return Ok(Value::NULL) };
    let iso = match iso {
        None => false,
        Some(iso) if iso.is_nullish() => return Ok(Value::NULL),
        Some(iso) => iso.get().and_then(bson::raw::RawBsonRef::as_bool).ok_or_else(|| {
            Code::location(40521)
                .error(format!("iso8601 must evaluate to a bool, found {}", iso.type_name()))
        })?,
    };
    let Some(date) = date.as_ref().filter(|date| !date.is_nullish()) else {
        return Ok(Value::NULL);
    };
    let local = zone.local(arguments::date(date)?);
    let day: [(&CStr, i64); 3] = if iso {
        let iso = local.iso();
        [
            (cstr!("isoWeekYear"), iso.year),
            (cstr!("isoWeek"), iso.week),
            (cstr!("isoDayOfWeek"), iso.day),
        ]
    } else {
        [(cstr!("year"), local.year), (cstr!("month"), local.month), (cstr!("day"), local.day)]
    };
    let time: [(&CStr, i64); 4] = [
        (cstr!("hour"), local.hour),
        (cstr!("minute"), local.minute),
        (cstr!("second"), local.second),
        (cstr!("millisecond"), local.millisecond),
    ];
    let mut parts = RawDocumentBuf::new();
    for (name, part) in day.into_iter().chain(time) {
        parts.append(name, int(part));
    }
    Ok(parts.into())
}
