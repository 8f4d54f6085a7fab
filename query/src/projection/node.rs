//! The fields of a projection, and one pass by them over a document.

use std::collections::BTreeMap;

use argon_core::Result;
use argon_core::document::Filter;
use bson::raw::{CString, RawArrayBuf, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::expression::{Expression, Scope, field_name};
use crate::value::{Value, malformed};

/// What happens to fields that a projection does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are left out.
    Include,
    /// They are kept.
    Exclude,
}

/// What a projection does with the fields of a document.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The fields in the order in which they were specified.
    fields: Vec<(CString, Action)>,
    by_name: BTreeMap<String, usize>,
    /// Whether a field is computed, here or below.
    computes: bool,
}

#[derive(Debug)]
enum Action {
    /// The field is kept, or left out by [`Mode::Exclude`].
    Project,
    /// The fields in it are projected.
    Inner(Node),
    Compute(Computed),
}

/// A field that is computed.
#[derive(Debug)]
pub(super) enum Computed {
    Expression(Expression),
    /// The first element of the array that matches the filter on the field `value`.
    ElementMatch(Filter),
}

impl Node {
    /// Adds a field that is kept or left out.
    pub(super) fn project(&mut self, path: &[String]) -> Result<()> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        if rest.is_empty() {
            if !self.by_name.contains_key(name) {
                self.push(name, Action::Project)?;
            }
            return Ok(());
        }
        self.inner(name)?.map_or(Ok(()), |inner| inner.project(rest))
    }

    /// Adds a field that is computed.
    pub(super) fn compute(&mut self, path: &[String], computed: Computed) -> Result<()> {
        self.computes = true;
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        if rest.is_empty() {
            return self.push(name, Action::Compute(computed));
        }
        self.inner(name)?.map_or(Ok(()), |inner| inner.compute(rest, computed))
    }

    fn push(&mut self, name: &str, action: Action) -> Result<()> {
        self.by_name.insert(name.to_owned(), self.fields.len());
        self.fields.push((field_name(name)?, action));
        Ok(())
    }

    /// The node of a field, which is made if there is none. `None` can't be: paths do not collide.
    fn inner(&mut self, name: &str) -> Result<Option<&mut Self>> {
        if !self.by_name.contains_key(name) {
            self.push(name, Action::Inner(Self::default()))?;
        }
        let at = self.by_name[name];
        Ok(match &mut self.fields[at].1 {
            Action::Inner(node) => Some(node),
            Action::Project | Action::Compute(_) => None,
        })
    }

    /// Projects a document; expressions are evaluated in the scope.
    pub(super) fn document(
        &self,
        mode: Mode,
        document: &RawDocument,
        scope: &Scope<'_>,
    ) -> Result<RawDocumentBuf> {
        let mut output = RawDocumentBuf::new();
        let mut done = vec![false; if self.computes { self.fields.len() } else { 0 }];
        for field in document {
            let (name, value) = field.map_err(malformed)?;
            let Some(at) = self.by_name.get(name.as_str()) else {
                if mode == Mode::Exclude {
                    output.append(name, value);
                }
                continue;
            };
            let projected = match &self.fields[*at].1 {
                Action::Project if mode == Mode::Include => Value::Ref(value),
                Action::Project => Value::Missing,
                Action::Inner(node) => node.value(mode, value, scope)?,
                Action::Compute(_) if mode == Mode::Include => continue,
                Action::Compute(computed) => computed.evaluate(name.as_str(), scope)?,
            };
            if let Some(done) = done.get_mut(*at) {
                *done = true;
            }
            if let Some(value) = projected.get() {
                output.append(name, value);
            }
        }
        for (at, _) in done.iter().enumerate().filter(|(_, done)| !**done) {
            self.add(at, mode, scope, &mut output)?;
        }
        Ok(output)
    }

    /// Adds a field to a document that does not have it.
    fn add(
        &self,
        at: usize,
        mode: Mode,
        scope: &Scope<'_>,
        output: &mut RawDocumentBuf,
    ) -> Result<()> {
        let (name, action) = &self.fields[at];
        let value = match action {
            Action::Compute(computed) => computed.evaluate(name.as_str(), scope)?,
            Action::Inner(node) if node.computes => node.computed(mode, scope)?.into(),
            Action::Inner(_) | Action::Project => Value::Missing,
        };
        if let Some(value) = value.get() {
            output.append(name, value);
        }
        Ok(())
    }

    /// A document of the computed fields.
    fn computed(&self, mode: Mode, scope: &Scope<'_>) -> Result<RawDocumentBuf> {
        let mut output = RawDocumentBuf::new();
        for at in 0..self.fields.len() {
            self.add(at, mode, scope, &mut output)?;
        }
        Ok(output)
    }

    /// Projects the fields in a value: those of a document, or of the documents in an array, which
    /// may be in arrays again.
    fn value<'v>(&self, mode: Mode, value: RawBsonRef<'v>, scope: &Scope<'_>) -> Result<Value<'v>> {
        match value {
            RawBsonRef::Document(document) => Ok(self.document(mode, document, scope)?.into()),
            RawBsonRef::Array(array) => {
                let mut output = RawArrayBuf::new();
                for element in array {
                    let element = element.map_err(malformed)?;
                    if let Some(projected) = self.value(mode, element, scope)?.get() {
                        output.push(projected);
                    }
                }
                Ok(output.into())
            }
            _ if self.computes => Ok(self.computed(mode, scope)?.into()),
            _ if mode == Mode::Include => Ok(Value::Missing),
            other => Ok(Value::Ref(other)),
        }
    }
}

impl Computed {
    fn evaluate<'a>(&'a self, name: &str, scope: &Scope<'a>) -> Result<Value<'a>> {
        match self {
            Self::Expression(expression) => expression.evaluate(scope),
            Self::ElementMatch(filter) => super::array::element_match(scope.root(), name, filter),
        }
    }
}
