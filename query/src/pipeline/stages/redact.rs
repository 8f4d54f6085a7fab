//! `$redact`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawArray, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};

use crate::Code;
use crate::expression::{Compiler, Expression, Scope, Variable};
use crate::pipeline::execution::Execution;
use crate::pipeline::row_steps::Transform;
use crate::pipeline::rows::Row;
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler};
use crate::value::malformed;

pub(super) const STAGES: &[Definition] = &[Definition::new("$redact", Position::Any, compile)];

/// The values of `$$DESCEND`, `$$PRUNE` and `$$KEEP`, which the server has too.
const DESCEND: &str = "descend";
const PRUNE: &str = "prune";
const KEEP: &str = "keep";

#[derive(Debug)]
struct Redact {
    expression: Expression,
    /// `$$CURRENT`: the document at the level.
    current: Variable,
    /// The variables whose values are the decisions.
    decisions: [(Variable, RawBson); 3],
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let [current, descend, prune, keep] = [(); 4].map(|()| Compiler::system_variable());
    let names = [("CURRENT", current), ("DESCEND", descend), ("PRUNE", prune), ("KEEP", keep)];
    let value = |text: &str| RawBson::String(text.to_owned());
    Ok(Part::transform(Redact {
        expression: compiler.expressions.with(&names).compile(argument)?,
        current,
        decisions: [(descend, value(DESCEND)), (prune, value(PRUNE)), (keep, value(KEEP))],
    }))
}

impl Transform for Redact {
    fn apply(&self, row: Row, execution: &Execution) -> Result<Option<Row>> {
        let execution = execution.with(self.decisions.iter().cloned());
        let document = row.as_raw();
        let redacted = self.document(document, &execution.scope(document))?;
        Ok(match redacted {
            Redacted::Kept => Some(row),
            Redacted::Pruned => None,
            Redacted::Changed(document) => Some(document.into()),
        })
    }

    fn keeps_count(&self) -> bool {
        false
    }
}

enum Redacted {
    Kept,
    Pruned,
    Changed(RawDocumentBuf),
}

impl Redact {
    fn document(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<Redacted> {
        let binding = scope.bind(self.current, document.into());
        let decision = self.expression.evaluate(&scope.with(&binding))?;
        match decision.as_str() {
            Some(KEEP) => Ok(Redacted::Kept),
            Some(PRUNE) => Ok(Redacted::Pruned),
            Some(DESCEND) => self.descend(document, scope).map(Redacted::Changed),
            _ => Err(Code::location(17053).error(format!(
                "$redact's expression should not return anything aside from the variables $$KEEP, \
                 $$DESCEND, and $$PRUNE, but returned {:?}",
                decision.get()
            ))),
        }
    }

    fn descend(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<RawDocumentBuf> {
        let mut redacted = RawDocumentBuf::new();
        for field in document {
            let (name, value) = field.map_err(malformed)?;
            match value {
                RawBsonRef::Document(inner) => match self.document(inner, scope)? {
                    Redacted::Kept => redacted.append(name, inner),
                    Redacted::Pruned => {}
                    Redacted::Changed(inner) => redacted.append(name, inner),
                },
                RawBsonRef::Array(array) => redacted.append(name, self.array(array, scope)?),
                other => redacted.append(name, other),
            }
        }
        Ok(redacted)
    }

    fn array(&self, array: &RawArray, scope: &Scope<'_>) -> Result<RawArrayBuf> {
        let mut redacted = RawArrayBuf::new();
        for element in array {
            match element.map_err(malformed)? {
                RawBsonRef::Document(inner) => match self.document(inner, scope)? {
                    Redacted::Kept => redacted.push(inner),
                    Redacted::Pruned => {}
                    Redacted::Changed(inner) => redacted.push(inner),
                },
                RawBsonRef::Array(inner) => redacted.push(self.array(inner, scope)?),
                other => redacted.push(other),
            }
        }
        Ok(redacted)
    }
}
