//! Reading queries.

use std::collections::BTreeSet;
use std::sync::Arc;

use bson::{Bson, Document};

use super::operand::Operand;
use super::{Filter, Judge, Options, Predicate, Test};
use crate::document::path::Path;
use crate::document::regex::{Refused, Regex};

/// The types by their names and numbers; `$type` takes both.
const TYPES: [(&str, u8); 21] = [
    ("double", 1),
    ("string", 2),
    ("object", 3),
    ("array", 4),
    ("binData", 5),
    ("undefined", 6),
    ("objectId", 7),
    ("bool", 8),
    ("date", 9),
    ("null", 10),
    ("regex", 11),
    ("dbPointer", 12),
    ("javascript", 13),
    ("symbol", 14),
    ("javascriptWithScope", 15),
    ("int", 16),
    ("timestamp", 17),
    ("long", 18),
    ("decimal", 19),
    ("minKey", 0xFF),
    ("maxKey", 0x7F),
];

const NUMBERS: [u8; 4] = [1, 16, 18, 19];

/// How a query compares text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collation {
    /// Byte by byte.
    Simple,
    /// By the rules of a language, which are not known here.
    Other,
}

/// Makes a `Judge` of a `$jsonSchema`, or says what of it is not understood.
pub(crate) type SchemaReader<'a> = &'a dyn Fn(&Document) -> Result<Arc<dyn Judge>, String>;

/// What the queries of one place have in common.
#[derive(Clone, Copy)]
pub(crate) struct Compiler<'a> {
    pub(crate) collation: Collation,
    /// Without it `$jsonSchema` is not understood.
    pub(crate) schema: Option<SchemaReader<'a>>,
}

/// What is not understood.
type Unknown = String;

impl Compiler<'_> {
    /// Reads a query.
    ///
    /// # Errors
    /// What of it is not understood, in words.
    pub(crate) fn query(&self, query: &Document) -> Result<Filter, Unknown> {
        let clauses = query.iter().filter(|(name, _)| *name != "$comment");
        let clauses = clauses.map(|(name, value)| self.clause(name, value));
        Ok(Filter::All(clauses.collect::<Result<_, _>>()?))
    }

    /// Reads one field of a query with its value; the query is all of its clauses together.
    ///
    /// # Errors
    /// What of it is not understood, in words.
    pub(crate) fn clause(&self, name: &str, value: &Bson) -> Result<Filter, Unknown> {
        match (name, value) {
            ("$and", _) => self.several(name, value).map(Filter::All),
            ("$or", _) => self.several(name, value).map(Filter::Any),
            ("$nor", _) => Ok(Filter::Not(Box::new(Filter::Any(self.several(name, value)?)))),
            ("$jsonSchema", Bson::Document(schema)) if let Some(read) = self.schema => {
                read(schema).map(Filter::Judge)
            }
            _ if name.starts_with('$') => Err(format!("the operator {name}")),
            _ => Ok(Filter::At(Path::dotted(name), self.predicate(value)?)),
        }
    }

    fn several(&self, operator: &str, value: &Bson) -> Result<Vec<Filter>, Unknown> {
        let queries = value.as_array().filter(|queries| !queries.is_empty());
        let queries = queries.ok_or_else(|| format!("{operator} without a list of queries"))?;
        let read = |query: &Bson| match query {
            Bson::Document(query) => self.query(query),
            other => Err(format!("{operator} with {other}")),
        };
        queries.iter().map(read).collect()
    }

    /// What is asked of a field: a value, a pattern or operators.
    fn predicate(&self, value: &Bson) -> Result<Predicate, Unknown> {
        match value {
            Bson::Document(operators) if is_operators(operators) => self.operators(operators),
            Bson::RegularExpression(regex) => {
                matches(regex.pattern.as_str(), regex.options.as_str()).map(Predicate::Test)
            }
            value => self.equals(value),
        }
    }

    fn operators(&self, operators: &Document) -> Result<Predicate, Unknown> {
        let mut predicates = Vec::with_capacity(operators.len());
        for (operator, value) in operators {
            predicates.push(match operator.as_str() {
                "$eq" => self.equals(value)?,
                "$ne" => not(self.equals(value)?),
                "$gt" | "$gte" => {
                    Predicate::Test(Test::Greater(self.limit(value)?, operator == "$gte"))
                }
                "$lt" | "$lte" => {
                    Predicate::Test(Test::Less(self.limit(value)?, operator == "$lte"))
                }
                "$in" => self.one_of(operator, value)?,
                "$nin" => not(self.one_of(operator, value)?),
                "$exists" if is_true(value) => Predicate::Test(Test::Exists),
                "$exists" => not(Predicate::Test(Test::Exists)),
                "$type" => Predicate::Test(Test::Type(types(value)?)),
                "$not" => not(self.negated(value)?),
                "$regex" => Predicate::Test(regex(value, operators.get("$options"))?),
                "$options" if operators.contains_key("$regex") => continue,
                "$mod" => Predicate::Test(modulo(value)?),
                "$size" => Predicate::Test(size(value)?),
                "$all" => self.all(value)?,
                "$elemMatch" => Predicate::Test(self.element(value)?),
                _ => return Err(format!("the operator {operator}")),
            });
        }
        Ok(match predicates.len() {
            1 => predicates.remove(0),
            _ => Predicate::All(predicates),
        })
    }

    fn equals(&self, value: &Bson) -> Result<Predicate, Unknown> {
        self.options(std::slice::from_ref(value), false).map(|one| Predicate::Test(Test::In(one)))
    }

    fn limit(&self, value: &Bson) -> Result<Operand, Unknown> {
        match value {
            Bson::RegularExpression(_) | Bson::MinKey | Bson::MaxKey | Bson::Undefined => {
                Err(format!("an order by {value}"))
            }
            value => self.operand(value),
        }
    }

    fn operand(&self, value: &Bson) -> Result<Operand, Unknown> {
        if self.collation == Collation::Other && has_text(value) {
            return Err(format!("the text {value} compared by a collation"));
        }
        Operand::of(value).ok_or_else(|| format!("the value {value}"))
    }

    fn one_of(&self, operator: &str, value: &Bson) -> Result<Predicate, Unknown> {
        let values = value.as_array().ok_or_else(|| format!("{operator} without a list"))?;
        Ok(Predicate::Test(Test::In(self.options(values, true)?)))
    }

    /// The values that are allowed; in a list, a regular expression is a pattern.
    fn options(&self, values: &[Bson], list: bool) -> Result<Options, Unknown> {
        let mut options = Options::default();
        for value in values {
            match value {
                Bson::RegularExpression(regex) if list => {
                    let (source, flags) = (regex.pattern.as_str(), regex.options.as_str());
                    let pattern = Regex::compile(source, flags).map_err(Refused::into_words)?;
                    options.patterns.push(pattern);
                }
                Bson::Undefined => return Err("a comparison with undefined".to_owned()),
                value => {
                    options.null |= *value == Bson::Null;
                    options.values.insert(self.operand(value)?);
                }
            }
        }
        Ok(options)
    }

    fn negated(&self, value: &Bson) -> Result<Predicate, Unknown> {
        match value {
            Bson::Document(operators) if is_operators(operators) => self.operators(operators),
            Bson::RegularExpression(_) => self.predicate(value),
            _ => Err("$not without operators".to_owned()),
        }
    }

    fn all(&self, value: &Bson) -> Result<Predicate, Unknown> {
        let values = value.as_array().ok_or("$all without a list")?;
        if values.is_empty() {
            return Ok(Predicate::Test(Test::Never));
        }
        let each = values.iter().map(|value| match value {
            Bson::Document(operators) if is_operators(operators) => match operators.iter().next() {
                Some((operator, inner)) if operator == "$elemMatch" && operators.len() == 1 => {
                    self.element(inner).map(Predicate::Test)
                }
                _ => Err("$all with operators".to_owned()),
            },
            value => self.predicate(value),
        });
        each.collect::<Result<_, _>>().map(Predicate::All)
    }

    fn element(&self, value: &Bson) -> Result<Test, Unknown> {
        let inner = value.as_document().ok_or("$elemMatch without a query")?;
        let first = inner.keys().next().map(String::as_str);
        let is_query = matches!(first, Some("$and" | "$or" | "$nor" | "$jsonSchema"));
        if is_operators(inner) && !is_query {
            return self.operators(inner).map(|inner| Test::Element(Box::new(inner)));
        }
        self.query(inner).map(|query| Test::Document(Box::new(query)))
    }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

/// Whether a document has operators rather than being a value: its first name has a `$`, and is not that of
/// a reference to another document.
fn is_operators(document: &Document) -> bool {
    let first = document.keys().next();
    first.is_some_and(|name| {
        name.starts_with('$') && !["$ref", "$id", "$db"].contains(&name.as_str())
    })
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

fn has_text(value: &Bson) -> bool {
    match value {
        Bson::String(_) | Bson::Symbol(_) => true,
        Bson::Array(items) => items.iter().any(has_text),
        Bson::Document(document) => document.values().any(has_text),
        _ => false,
    }
}

fn types(value: &Bson) -> Result<BTreeSet<u8>, Unknown> {
    let wanted = match value {
        Bson::Array(wanted) => wanted.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut types = BTreeSet::new();
    for wanted in wanted {
        match wanted {
            Bson::String(name) if name == "number" => types.extend(NUMBERS),
            Bson::String(name) => {
                let known = TYPES.iter().find(|(known, _)| known == name);
                types.insert(known.ok_or_else(|| format!("the type {name}"))?.1);
            }
            number => {
                let number = integer(number).and_then(|number| match number {
                    -1 => Some(0xFF),
                    number => u8::try_from(number).ok(),
                });
                let known = TYPES.iter().find(|(_, known)| Some(*known) == number);
                types.insert(known.ok_or_else(|| format!("the type {wanted}"))?.1);
            }
        }
    }
    Ok(types)
}

fn regex(value: &Bson, options: Option<&Bson>) -> Result<Test, Unknown> {
    let options = match options {
        Some(Bson::String(options)) => Some(options.as_str()),
        Some(other) => return Err(format!("the options {other}")),
        None => None,
    };
    match value {
        Bson::String(pattern) => matches(pattern, options.unwrap_or_default()),
        Bson::RegularExpression(regex) => {
            matches(regex.pattern.as_str(), options.unwrap_or(regex.options.as_str()))
        }
        other => Err(format!("the pattern {other}")),
    }
}

fn matches(pattern: &str, options: &str) -> Result<Test, Unknown> {
    Regex::compile(pattern, options).map(Test::Matches).map_err(Refused::into_words)
}

fn modulo(value: &Bson) -> Result<Test, Unknown> {
    let numbers = value.as_array().filter(|numbers| numbers.len() == 2);
    let numbers = numbers.and_then(|numbers| Some((integer(&numbers[0])?, integer(&numbers[1])?)));
    match numbers {
        Some((divisor, remainder)) if divisor != 0 => Ok(Test::Modulo { divisor, remainder }),
        _ => Err(format!("$mod with {value}")),
    }
}

fn size(value: &Bson) -> Result<Test, Unknown> {
    integer(value).map(Test::Size).ok_or_else(|| format!("$size with {value}"))
}

/// A whole number of any type but decimal.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
fn integer(value: &Bson) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Bson::Int32(number) => Some((*number).into()),
        Bson::Int64(number) => Some(*number),
        Bson::Double(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
            Some(*number as i64)
        }
        _ => None,
    }
}
