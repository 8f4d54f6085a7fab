//! What the projection of a query does with arrays (`projection_executor_utils.cpp`).

use argon_core::Result;
use argon_core::document::Filter;
use bson::raw::{RawArray, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf, cstr};

use crate::Code;
use crate::value::{Value, elements, malformed};

/// Changes an array in a document that was projected.
#[derive(Debug)]
pub(super) enum ArrayStep {
    /// Keeps some elements of the array at a path.
    Slice { path: Vec<String>, range: Slice },
    /// Keeps the element of the first array on a path that the query matched.
    Positional { path: Vec<String> },
}

/// Which elements of an array are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    /// The elements before them; from the end if negative.
    pub(super) skip: Option<i32>,
    /// How many; the last ones if negative.
    pub(super) limit: i32,
}

impl ArrayStep {
    pub(super) fn is_positional(&self) -> bool {
        matches!(self, Self::Positional { .. })
    }

    pub(super) fn apply(
        &self,
        document: &RawDocument,
        matched: Option<usize>,
    ) -> Result<RawDocumentBuf> {
        match self {
            Self::Slice { path, range } => change(document, path, true, &|array| range.of(array)),
            Self::Positional { path } => position(document, path, matched),
        }
    }
}

impl Slice {
    fn of(self, array: &RawArray) -> Result<RawArrayBuf> {
        let all = elements(array)?;
        let from_end = |count: i32| all.len().saturating_sub(count.unsigned_abs() as usize);
        let start = match (self.skip, self.limit) {
            (None, limit) if limit < 0 => from_end(limit),
            (Some(skip), _) if skip < 0 => from_end(skip),
            (skip, _) => skip.map_or(0, |skip| skip.unsigned_abs() as usize),
        };
        let limit = match (self.skip, self.limit) {
            (None, limit) if limit < 0 => usize::MAX,
            (_, limit) => limit.unsigned_abs() as usize,
        };
        Ok(all.into_iter().skip(start).take(limit).collect())
    }
}

/// Changes the arrays at a path. In an array before its end, the path continues in each document if
/// `through_arrays`; else that array is changed.
fn change(
    document: &RawDocument,
    path: &[String],
    through_arrays: bool,
    edit: &dyn Fn(&RawArray) -> Result<RawArrayBuf>,
) -> Result<RawDocumentBuf> {
    let mut output = RawDocumentBuf::new();
    for field in document {
        let (name, value) = field.map_err(malformed)?;
        let rest = path.split_first().filter(|(first, _)| name.as_str() == first.as_str());
        let Some((_, rest)) = rest else {
            output.append(name, value);
            continue;
        };
        let changed = match value {
            RawBsonRef::Array(array) if rest.is_empty() || !through_arrays => edit(array)?.into(),
            RawBsonRef::Array(array) => {
                let mut output = RawArrayBuf::new();
                for element in elements(array)? {
                    match element {
                        RawBsonRef::Document(inner) => {
                            output.push(change(inner, rest, through_arrays, edit)?);
                        }
                        other => output.push(other),
                    }
                }
                output.into()
            }
            RawBsonRef::Document(inner) if !rest.is_empty() => {
                Value::from(change(inner, rest, through_arrays, edit)?)
            }
            other => Value::Ref(other),
        };
        if let Some(value) = changed.get() {
            output.append(name, value);
        }
    }
    Ok(output)
}

/// Keeps the element that the query matched; a document without an array stays as it is.
fn position(
    document: &RawDocument,
    path: &[String],
    matched: Option<usize>,
) -> Result<RawDocumentBuf> {
    change(document, path, false, &|array| {
        let matched = matched.ok_or_else(|| {
            Code::location(51246)
                .error("positional operator '.$' couldn't find a matching element in the array")
        })?;
        let element = array.into_iter().nth(matched).transpose().map_err(malformed)?;
        let element = element.ok_or_else(|| {
            Code::location(51247).error("positional operator '.$' element mismatch")
        })?;
        Ok(RawArrayBuf::from_iter([element]))
    })
}

/// An array of the first element that matches a filter on the field `value`; missing if none does.
pub(super) fn element_match<'a>(
    document: &'a RawDocument,
    name: &str,
    filter: &Filter,
) -> Result<Value<'a>> {
    let Some(RawBsonRef::Array(array)) = document.get(name).map_err(malformed)? else {
        return Ok(Value::Missing);
    };
    for element in array {
        let element = element.map_err(malformed)?;
        let mut one = RawDocumentBuf::new();
        one.append(cstr!("value"), RawArrayBuf::from_iter([element]));
        if filter.matches(&one)? {
            return Ok(RawBson::Array(RawArrayBuf::from_iter([element])).into());
        }
    }
    Ok(Value::Missing)
}
