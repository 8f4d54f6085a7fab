//! `$unwind`.

use std::sync::Arc;

use argon_core::Result;
use bson::Bson;
use bson::raw::{CStr, CString, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::Code;
use crate::expression::Compiler;
use crate::pipeline::row_steps::{Flow, RowStep};
use crate::pipeline::rows::Row;
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler};
use crate::pipeline::values::{dollar_path, names, nested, with_nested};
use crate::value::malformed;

pub(super) const STAGES: &[Definition] = &[Definition::new("$unwind", Position::Any, compile)];

/// A compiled `$unwind`.
#[derive(Debug, Default)]
pub(crate) struct Unwind {
    path: Vec<CString>,
    /// The field of an element's position.
    index: Option<Vec<CString>>,
    preserve: bool,
}

/// A document without the field that is unwound. The fields before it are copied at once.
struct Around<'a> {
    before: RawDocumentBuf,
    name: &'a CStr,
    after: Vec<(&'a CStr, RawBsonRef<'a>)>,
}

impl Around<'_> {
    fn with(&self, element: RawBsonRef<'_>) -> RawDocumentBuf {
        let mut document = self.before.clone();
        document.append(self.name, element);
        for (name, value) in &self.after {
            document.append(name, *value);
        }
        document
    }
}

fn compile(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let mut unwind = Unwind::default();
    let mut path = None;
    match argument {
        Bson::String(text) => path = Some(text),
        Bson::Document(options) => {
            for (name, value) in options {
                unwind.set(name, value, &mut path)?;
            }
        }
        other => {
            let expected = "either a string or an object as specification for";
            return Err(wrong_type(15981, expected, other));
        }
    }
    let path = path
        .filter(|path| !path.is_empty())
        .ok_or_else(|| Code::location(28812).error("no path specified to $unwind stage"))?;
    let code = Code::location(28818);
    let message = format!("path option to $unwind stage should be prefixed with a '$': {path}");
    unwind.path = dollar_path(path, code, &message)?;
    Ok(vec![Part::Row(RowStep::Unwind(Arc::new(unwind)))])
}

fn index(path: &str) -> Result<Vec<CString>> {
    if path.starts_with('$') {
        return Err(Code::location(28822).error(format!(
            "includeArrayIndex option to $unwind stage should not be prefixed with a '$': {path}"
        )));
    }
    names(path)
}

fn wrong_type(code: u32, expected: &str, found: &Bson) -> argon_core::Error {
    Code::location(code)
        .error(format!("expected {expected} $unwind stage, got {}", Compiler::type_name(found)))
}

impl Unwind {
    /// Sets an option; `path` is that of the array.
    fn set<'b>(
        &mut self,
        name: &str,
        value: &'b Bson,
        path: &mut Option<&'b String>,
    ) -> Result<()> {
        match (name, value) {
            ("path", Bson::String(text)) => *path = Some(text),
            ("path", other) => return Err(wrong_type(28808, "a string as the path for", other)),
            ("preserveNullAndEmptyArrays", Bson::Boolean(preserve)) => self.preserve = *preserve,
            ("preserveNullAndEmptyArrays", other) => {
                let expected = "a boolean for the preserveNullAndEmptyArrays option to";
                return Err(wrong_type(28809, expected, other));
            }
            ("includeArrayIndex", Bson::String(text)) if !text.is_empty() => {
                self.index = Some(index(text)?);
            }
            ("includeArrayIndex", other) => {
                let expected = "a non-empty string for the includeArrayIndex option to";
                return Err(wrong_type(28810, expected, other));
            }
            (other, _) => {
                return Err(Code::location(28811)
                    .error(format!("unrecognized option to $unwind stage: {other}")));
            }
        }
        Ok(())
    }

    /// Calls `each` with the rows that a row gives, until it has enough.
    pub(crate) fn for_each(
        &self,
        row: Row,
        each: &mut dyn FnMut(Row) -> Result<Flow>,
    ) -> Result<Flow> {
        let document = row.as_raw();
        match nested(document, &self.path)? {
            Some(RawBsonRef::Array(array)) => {
                let mut any = false;
                let around = self.around(document)?;
                for (index, element) in array.into_iter().enumerate() {
                    any = true;
                    let element = element.map_err(malformed)?;
                    let unwound = match &around {
                        Some(around) => around.with(element),
                        None => with_nested(document, &self.path, Some(element))?,
                    };
                    let unwound = unwound.into();
                    let index = i64::try_from(index).unwrap_or(i64::MAX);
                    if each(self.with_index(unwound, Some(index))?)? == Flow::Enough {
                        return Ok(Flow::Enough);
                    }
                }
                if any || !self.preserve {
                    return Ok(Flow::More);
                }
                let without = with_nested(document, &self.path, None)?.into();
                each(self.with_index(without, None)?)
            }
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) if !self.preserve => {
                Ok(Flow::More)
            }
            _ => each(self.with_index(row, None)?),
        }
    }

    /// The fields around the array, if it is at the top level.
    fn around<'a>(&'a self, document: &'a RawDocument) -> Result<Option<Around<'a>>> {
        let [name] = self.path.as_slice() else { return Ok(None) };
        let (mut before, mut after) = (RawDocumentBuf::new(), Vec::new());
        let mut found = false;
        for field in document {
            let (field, value) = field.map_err(malformed)?;
            match found {
                false if field.as_str() == name.as_str() => found = true,
                false => before.append(field, value),
                true => after.push((field, value)),
            }
        }
        Ok(Some(Around { before, name, after }))
    }

    fn with_index(&self, row: Row, index: Option<i64>) -> Result<Row> {
        let Some(path) = &self.index else { return Ok(row) };
        let value = index.map_or(RawBsonRef::Null, RawBsonRef::Int64);
        Ok(with_nested(row.as_raw(), path, Some(value))?.into())
    }
}
