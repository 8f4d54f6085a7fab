//! The variables of a command: `let`.

use std::sync::Arc;

use argon_core::Result;
use bson::Document;
use bson::raw::RawDocumentBuf;

use super::{Compiler, Evaluation, Expression, Variable};

/// Variables that a command declares, with the expressions of their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Declared(Arc<[(String, Variable, Expression)]>);

impl Declared {
    /// Compiles the variables.
    ///
    /// # Errors
    /// MongoDB's error for a name that no variable has, and for a malformed expression.
    pub(crate) fn compile(variables: &Document) -> Result<Self> {
        let outer = Compiler::default();
        let declared = variables
            .iter()
            .map(|(name, value)| Ok((name.clone(), outer.variable(name)?, outer.compile(value)?)));
        declared.collect::<Result<_>>().map(Self)
    }

    /// A compiler that knows the variables.
    pub(crate) fn compiler(&self) -> Compiler<'_> {
        let names: Vec<_> =
            self.0.iter().map(|(name, variable, _)| (name.as_str(), *variable)).collect();
        Compiler::default().with(&names)
    }

    /// The same evaluation with the values of the variables.
    ///
    /// # Errors
    /// The error of the evaluation of a value.
    pub(crate) fn bind(&self, evaluation: &Evaluation) -> Result<Evaluation> {
        if self.0.is_empty() {
            return Ok(evaluation.clone());
        }
        let mut values = Vec::new();
        let empty = RawDocumentBuf::new();
        let scope = evaluation.scope(&empty);
        for (_, variable, value) in &*self.0 {
            let value = value.evaluate(&scope)?;
            if !value.is_missing() {
                values.push((*variable, value.into_bson()));
            }
        }
        Ok(evaluation.with(values))
    }
}
