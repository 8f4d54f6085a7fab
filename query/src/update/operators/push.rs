//! `$push`, with `$each`, `$position`, `$sort` and `$slice`.

use std::cell::RefCell;
use std::cmp::Ordering;

use argon_core::Result;
use bson::raw::{RawBson, RawBsonRef, RawDocument};
use bson::{Bson, Document};

use super::{Change, Missing, Modifier, Place, type_of, whole_number};
use crate::Code;
use crate::expression::{Compiler, Context, raw};
use crate::update::tree::{Tree, index};
use crate::value::{Value, malformed};

/// Adds values to an array, then sorts it, then cuts it.
#[derive(Debug)]
struct Push {
    values: Vec<RawBson>,
    /// Where the values are inserted, from the end if negative; at the end if `None`.
    position: Option<i64>,
    sort: Option<Sort>,
    /// How many elements remain: the last ones if negative.
    slice: Option<i64>,
}

/// The order of the elements.
#[derive(Debug)]
enum Sort {
    /// By the elements themselves.
    Values { descending: bool },
    /// By fields of elements that are documents; others are as if all fields were null.
    Fields(Vec<(String, bool)>),
}

pub(super) fn compile(_: &str, argument: &Bson) -> Result<Box<dyn Modifier>> {
    let clauses = match argument {
        Bson::Document(clauses) if clauses.contains_key("$each") => clauses,
        value => {
            let values = vec![raw(value)?];
            return Ok(Box::new(Push { values, position: None, sort: None, slice: None }));
        }
    };
    let known = |name: &str| matches!(name, "$each" | "$slice" | "$sort" | "$position");
    if let Some(name) = clauses.keys().find(|name| !known(name)) {
        return Err(Code::BAD_VALUE.error(format!("Unrecognized clause in $push: {name}")));
    }
    let values = match clauses.get("$each") {
        Some(Bson::Array(values)) => values.iter().map(raw).collect::<Result<_>>()?,
        other => {
            return Err(Code::BAD_VALUE.error(format!(
                "The argument to $each in $push must be an array but it was of type: {}",
                other.map_or("missing", Compiler::type_name)
            )));
        }
    };
    let slice = integer(clauses, "$slice", "but was given type")?;
    let sort = clauses.get("$sort").map(Sort::compile).transpose()?;
    let position = integer(clauses, "$position", "not of type")?;
    Ok(Box::new(Push { values, position, sort, slice }))
}

fn integer(clauses: &Document, name: &str, problem: &str) -> Result<Option<i64>> {
    let number = |value: &Bson| {
        whole_number(value).map_err(|found| {
            let comma = if name == "$position" { "," } else { "" };
            Code::BAD_VALUE.error(format!(
                "The value for {name} must be an integer value{comma} {problem}: {found}"
            ))
        })
    };
    clauses.get(name).map(number).transpose()
}

impl Push {
    fn insert<'a>(&'a self, elements: &mut Vec<Tree<'a>>) {
        let length = elements.len();
        let at = match self.position {
            None => length,
            Some(position) => match usize::try_from(position.unsigned_abs()) {
                Ok(from_end) if position < 0 => length.saturating_sub(from_end),
                Ok(position) => position.min(length),
                Err(_) if position < 0 => 0,
                Err(_) => length,
            },
        };
        let values = self.values.iter().map(|value| Tree::Raw(value.as_raw_bson_ref()));
        elements.splice(at..at, values);
    }

    /// Changes an array; returns whether it did.
    fn change<'a>(&'a self, elements: &mut Vec<Tree<'a>>) -> Result<bool> {
        self.insert(elements);
        if let Some(sort) = &self.sort {
            sort.apply(elements)?;
        }
        let mut changed = !self.values.is_empty() || self.sort.is_some();
        if let Some(slice) = self.slice {
            let length = usize::try_from(slice.unsigned_abs()).unwrap_or(usize::MAX);
            let excess = elements.len().saturating_sub(length);
            changed |= excess > 0;
            if slice < 0 {
                elements.drain(..excess);
            } else {
                elements.truncate(length);
            }
        }
        Ok(changed)
    }
}

impl Sort {
    fn compile(sort: &Bson) -> Result<Self> {
        let wrong = |message: String| Err(Code::BAD_VALUE.error(message));
        let fields = match sort {
            Bson::Document(fields) => fields,
            Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => {
                return match direction(sort) {
                    Some(descending) => Ok(Self::Values { descending }),
                    None => wrong("The $sort element value must be either 1 or -1".to_owned()),
                };
            }
            _ => {
                return wrong(
                    "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to \
                     sort embedded fields"
                        .to_owned(),
                );
            }
        };
        if fields.is_empty() {
            return wrong(
                "The sort pattern is empty when it should be a set of fields.".to_owned(),
            );
        }
        let mut compiled = Vec::with_capacity(fields.len());
        for (path, value) in fields {
            let Some(descending) = direction(value) else {
                return wrong("The sort element value must be either 1 or -1".to_owned());
            };
            if path.is_empty() {
                return wrong("The sort field cannot be empty".to_owned());
            }
            if path.split('.').any(str::is_empty) {
                return wrong(format!(
                    "The sort field is a dotted field but has an empty part: {path}"
                ));
            }
            compiled.push((path.clone(), descending));
        }
        Ok(Self::Fields(compiled))
    }

    /// Sorts; equal elements keep their order.
    fn apply(&self, elements: &mut Vec<Tree<'_>>) -> Result<()> {
        let values: Vec<_> = elements.iter().map(Tree::value).collect();
        let failure = RefCell::new(None);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|left, right| {
            self.compare(&values[*left], &values[*right]).unwrap_or_else(|error| {
                failure.borrow_mut().get_or_insert(error);
                Ordering::Equal
            })
        });
        if let Some(error) = failure.into_inner() {
            return Err(error);
        }
        drop(values);
        let mut unsorted: Vec<_> = elements.drain(..).map(Some).collect();
        elements.extend(order.into_iter().filter_map(|from| unsorted[from].take()));
        Ok(())
    }

    fn compare(&self, left: &Value<'_>, right: &Value<'_>) -> Result<Ordering> {
        match self {
            Self::Values { descending } => Ok(directed(left.compare(right)?, *descending)),
            Self::Fields(fields) => {
                for (path, descending) in fields {
                    let order = key(left, path)?.compare(&key(right, path)?)?;
                    if order.is_ne() {
                        return Ok(directed(order, *descending));
                    }
                }
                Ok(Ordering::Equal)
            }
        }
    }
}

/// Whether a direction is descending; `None` if it is none.
fn direction(value: &Bson) -> Option<bool> {
    match whole_number(value) {
        Ok(1) => Some(false),
        Ok(-1) => Some(true),
        _ => None,
    }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

/// The value at a path in a document, without going through arrays but by indexes; else null.
fn key<'v>(value: &'v Value<'_>, path: &str) -> Result<Value<'v>> {
    Ok(match value.as_document() {
        Some(document) => at(document, path)?.unwrap_or(RawBsonRef::Null).into(),
        None => Value::NULL,
    })
}

fn at<'v>(document: &'v RawDocument, path: &str) -> Result<Option<RawBsonRef<'v>>> {
    if let Some(value) = document.get(path).map_err(malformed)? {
        return Ok(Some(value));
    }
    let Some((name, rest)) = path.split_once('.') else { return Ok(None) };
    match document.get(name).map_err(malformed)? {
        Some(RawBsonRef::Document(inner)) => at(inner, rest),
        Some(RawBsonRef::Array(array)) => {
            let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
            let Some(index) = index(name) else { return Ok(None) };
            let element = array.into_iter().nth(index).transpose().map_err(malformed)?;
            match element {
                Some(RawBsonRef::Document(inner)) if !rest.is_empty() => at(inner, rest),
                element => Ok(element.filter(|_| rest.is_empty())),
            }
        }
        _ => Ok(None),
    }
}

impl Modifier for Push {
    fn update<'a>(&'a self, value: &mut Tree<'a>, place: &Place<'_>) -> Result<Change> {
        let found = type_of(value);
        let Some(elements) = value.elements()? else {
            return Err(Code::BAD_VALUE.error(format!(
                "The field '{}' must be an array but is of type {found} in document {{{}}}",
                place.path(),
                place.id()
            )));
        };
        Ok(if self.change(elements)? { Change::Updated } else { Change::Nothing })
    }

    fn create<'a>(&'a self, _: &Context) -> Result<Missing<'a>> {
        let mut elements = Vec::new();
        self.change(&mut elements)?;
        Ok(Missing::Create(Tree::Array(elements)))
    }
}
