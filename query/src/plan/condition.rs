//! The bounds of a condition on one path: a value, a pattern or operators.

use bson::{Bson, Document};

use super::bounds::{Bounds, Reading, all_of, any, not};
use super::interval::{Cut, Interval, Intervals, bracket, nullish};
use super::pattern;

/// Returns the bounds of a condition on a path: a value, a pattern or operators.
pub(super) fn of_condition(condition: &Bson, reading: Reading) -> Bounds {
    match condition {
        Bson::Document(operators) if is_operators(operators) => of_operators(operators, reading),
        Bson::RegularExpression(_) => matches(condition, &Document::new()),
        value => equals(value, reading),
    }
}

fn of_operators(operators: &Document, reading: Reading) -> Bounds {
    all_of(each_operator(operators, reading), reading)
}

pub(super) fn each_operator(operators: &Document, reading: Reading) -> Vec<Bounds> {
    let each = operators.iter().filter(|(operator, _)| *operator != "$options");
    each.map(|(operator, argument)| of_operator(operator, argument, operators, reading)).collect()
}

fn of_operator(operator: &str, argument: &Bson, operators: &Document, reading: Reading) -> Bounds {
    match (operator, argument) {
        ("$eq", value) => equals(value, reading),
        ("$ne", value) => not(&equals(value, reading), reading),
        ("$in", Bson::Array(values)) => one_of(values, reading),
        ("$nin", Bson::Array(values)) => not_one_of(values, reading),
        ("$gt" | "$gte" | "$lt" | "$lte", value) => compared(operator, value, reading),
        ("$exists", value) if is_true(value) => Bounds::existing(),
        // A missing value is null in an index.
        ("$exists", _) => Bounds::inexact(Intervals::point(Bson::Null)),
        ("$type", Bson::Array(types)) => any(types.iter().map(|one| of_type(one, reading))),
        ("$type", one) => of_type(one, reading),
        ("$not", Bson::Document(inner)) => not(&of_operators(inner, reading), reading),
        ("$regex", pattern) => matches(pattern, operators),
        ("$mod", _) => Bounds { exists: true, ..numbers() },
        ("$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear", _) => {
            let binary = Bson::Binary(bson::Binary {
                subtype: bson::spec::BinarySubtype::Generic,
                bytes: Vec::new(),
            });
            any([numbers(), typed(&binary)])
        }
        ("$all", Bson::Array(conditions)) if conditions.is_empty() => {
            Bounds::exact(Intervals::none())
        }
        ("$all", Bson::Array(conditions)) => {
            all_of(conditions.iter().map(|inner| of_condition(inner, reading)).collect(), reading)
        }
        ("$elemMatch", Bson::Document(inner)) => element(inner, reading),
        ("$size", _) => Bounds::existing(),
        _ => Bounds::all(),
    }
}

fn not_one_of(values: &[Bson], reading: Reading) -> Bounds {
    // A document has none of the values; the patterns leave nothing out.
    let each = values.iter().filter(|value| !matches!(value, Bson::RegularExpression(_)));
    let exact = each.map(|value| equals(value, reading)).filter(|bounds| bounds.exact);
    let excluded = any(exact);
    let bounds = not(&Bounds { exact: true, ..excluded }, reading);
    Bounds { exact: false, ..bounds }
}

fn one_of(values: &[Bson], reading: Reading) -> Bounds {
    any(values.iter().map(|value| match value {
        Bson::RegularExpression(_) => matches(value, &Document::new()),
        value => equals(value, reading),
    }))
}

fn equals(value: &Bson, reading: Reading) -> Bounds {
    if reading.collated && has_text(value) {
        return match value {
            Bson::Array(_) => Bounds::existing(),
            text => typed(text),
        };
    }
    match value {
        Bson::Null => Bounds::exact(nullish()),
        Bson::Array(elements) if !reading.is_single() => {
            // The array itself is not in an index, but its first element is, or it is in another.
            let first = elements.first().cloned().unwrap_or(Bson::Undefined);
            let points = [Intervals::point(value.clone()), Intervals::point(first)];
            Bounds { exists: true, ..Bounds::inexact(Intervals::union(points)) }
        }
        value => Bounds::exact(Intervals::point(value.clone())),
    }
}

/// A comparison of order, which holds for values of the same type only.
fn compared(operator: &str, limit: &Bson, reading: Reading) -> Bounds {
    let or_equal = operator.ends_with('e');
    let greater = operator.starts_with("$gt");
    match limit {
        Bson::MinKey | Bson::MaxKey => return extreme(limit, greater, or_equal),
        Bson::Null if or_equal => return equals(limit, reading),
        Bson::Null => return Bounds::exact(Intervals::none()),
        Bson::Array(_) if !reading.is_single() => return Bounds::existing(),
        limit if reading.collated && has_text(limit) => return typed(limit),
        limit if is_nan(limit) => {
            let equal = if or_equal { Intervals::point(limit.clone()) } else { Intervals::none() };
            return Bounds::exact(equal);
        }
        _ => {}
    }
    let Some(Interval { low, high }) = bracket(limit) else { return Bounds::all() };
    let cut = |after| if after { Cut::after(limit.clone()) } else { Cut::before(limit.clone()) };
    Bounds::exact(if greater {
        Intervals::between(cut(!or_equal), Some(high))
    } else {
        Intervals::between(Some(low), cut(or_equal))
    })
}

/// All values, missing ones too, are after `MinKey` and before `MaxKey`.
fn extreme(limit: &Bson, greater: bool, or_equal: bool) -> Bounds {
    match (greater == (*limit == Bson::MinKey), or_equal) {
        (true, _) => Bounds::all(),
        (false, true) => Bounds::exact(Intervals::point(limit.clone())),
        (false, false) => Bounds::exact(Intervals::none()),
    }
}

fn matches(pattern: &Bson, operators: &Document) -> Bounds {
    match pattern::parts(pattern, operators) {
        Some((pattern, options)) => Bounds::inexact(pattern::matching(&pattern, &options)),
        None => Bounds::all(),
    }
}

/// `$elemMatch`: each element of the array is in an index on its path, as one value.
fn element(query: &Document, reading: Reading) -> Bounds {
    if reading.element || !is_on_values(query) {
        return Bounds::existing();
    }
    let inner = of_operators(query, Reading { element: true, ..reading });
    Bounds { exact: false, exists: true, ..inner }
}

fn numbers() -> Bounds {
    Bounds::inexact(Intervals::between(
        Cut::before(Bson::Double(f64::NAN)),
        Cut::after(Bson::Double(f64::INFINITY)),
    ))
}

/// The values of the type of a value.
fn typed(value: &Bson) -> Bounds {
    match bracket(value) {
        Some(bracket) => Bounds::inexact(Intervals::of(vec![bracket])),
        None => Bounds::all(),
    }
}

/// `$type`.
fn of_type(name: &Bson, reading: Reading) -> Bounds {
    let number = match name {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "the filter was compiled: it is whole")]
        Bson::Double(number) => Some(*number as i64),
        _ => None,
    };
    let name = name.as_str().unwrap_or_default();
    let is = |number_of_type: i64, name_of_type: &str| {
        number == Some(number_of_type) || name == name_of_type
    };
    let bounds = if name == "number"
        || [(1, "double"), (16, "int"), (18, "long"), (19, "decimal")]
            .iter()
            .any(|(number, name)| is(*number, name))
    {
        numbers()
    } else if is(4, "array") && !reading.element {
        // Its elements are in an index.
        Bounds::existing()
    } else {
        let sample = samples().into_iter().find(|(number, name, _)| is(*number, name));
        match sample {
            Some((.., point @ (Bson::Null | Bson::Undefined | Bson::MinKey | Bson::MaxKey))) => {
                Bounds::inexact(Intervals::point(point))
            }
            Some((.., sample)) => typed(&sample),
            None => Bounds::all(),
        }
    };
    Bounds { exact: false, exists: true, ..bounds }
}

/// A value of each type that is not a number, with the number and the name of the type.
fn samples() -> Vec<(i64, &'static str, Bson)> {
    let text = || Bson::String(String::new());
    let code = bson::JavaScriptCodeWithScope { code: String::new(), scope: Document::new() };
    let binary = bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: Vec::new() };
    vec![
        (2, "string", text()),
        (3, "object", Bson::Document(Document::new())),
        (4, "array", Bson::Array(Vec::new())),
        (5, "binData", Bson::Binary(binary)),
        (6, "undefined", Bson::Undefined),
        (7, "objectId", Bson::ObjectId(bson::oid::ObjectId::from_bytes([0; 12]))),
        (8, "bool", false.into()),
        (9, "date", Bson::DateTime(bson::DateTime::from_millis(0))),
        (10, "null", Bson::Null),
        (13, "javascript", Bson::JavaScriptCode(String::new())),
        (14, "symbol", text()),
        (15, "javascriptWithScope", Bson::JavaScriptCodeWithScope(code)),
        (17, "timestamp", Bson::Timestamp(bson::Timestamp { time: 0, increment: 0 })),
        (-1, "minKey", Bson::MinKey),
        (255, "minKey", Bson::MinKey),
        (127, "maxKey", Bson::MaxKey),
    ]
}

/// Whether a document has operators: its first name is one, and does not belong to a reference.
pub(super) fn is_operators(document: &Document) -> bool {
    let is =
        |name: &String| name.starts_with('$') && !matches!(name.as_str(), "$ref" | "$id" | "$db");
    document.keys().next().is_some_and(is)
}

/// Whether the query of `$elemMatch` is on the elements as values.
pub(super) fn is_on_values(query: &Document) -> bool {
    const VALUES: [&str; 19] = [
        "$eq",
        "$ne",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$in",
        "$nin",
        "$exists",
        "$type",
        "$not",
        "$regex",
        "$options",
        "$mod",
        "$size",
        "$all",
        "$elemMatch",
        "$bitsAllSet",
        "$bitsAllClear",
    ];
    let first = query.keys().next().map(String::as_str);
    first.is_some_and(|first| VALUES.contains(&first) || first.starts_with("$bits"))
}

pub(super) fn has_text(value: &Bson) -> bool {
    match value {
        Bson::String(_) | Bson::Symbol(_) => true,
        Bson::Array(values) => values.iter().any(has_text),
        Bson::Document(fields) => fields.values().any(has_text),
        _ => false,
    }
}

fn is_nan(value: &Bson) -> bool {
    match value {
        Bson::Double(number) => number.is_nan(),
        Bson::Decimal128(number) => number.to_string().trim_start_matches('-') == "NaN",
        _ => false,
    }
}

fn is_true(value: &Bson) -> bool {
    match value {
        Bson::Boolean(value) => *value,
        Bson::Int32(value) => *value != 0,
        Bson::Int64(value) => *value != 0,
        Bson::Double(value) => *value != 0.0,
        Bson::Null | Bson::Undefined => false,
        _ => true,
    }
}
