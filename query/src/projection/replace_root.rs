//! `$replaceRoot`, `$replaceWith`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawBson, RawDocument, RawDocumentBuf};

use super::Transform;
use crate::Code;
use crate::expression::{Compiler, Expression, Scope};

/// Makes a document that an expression gives.
#[derive(Debug)]
pub struct ReplaceRoot {
    expression: Expression,
    /// What the expression is called in messages.
    role: &'static str,
}

impl ReplaceRoot {
    /// Compiles the argument of `$replaceRoot`.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn compile(argument: &Bson, compiler: &Compiler<'_>) -> Result<Self> {
        let Bson::Document(fields) = argument else {
            return Err(Code::location(40229).error(format!(
                "expected an object as specification for $replaceRoot stage, got {}",
                Compiler::type_name(argument)
            )));
        };
        if let Some(name) = fields.keys().find(|name| *name != "newRoot") {
            return Err(Code::location(40415)
                .error(format!("BSON field '$replaceRoot.{name}' is an unknown field.")));
        }
        let Some(new_root) = fields.get("newRoot") else {
            return Err(Code::location(40414)
                .error("BSON field '$replaceRoot.newRoot' is missing but a required field"));
        };
        Ok(Self { expression: compiler.compile(new_root)?, role: "'newRoot' expression" })
    }

    /// Compiles the argument of `$replaceWith`: the expression itself.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn with(expression: &Bson, compiler: &Compiler<'_>) -> Result<Self> {
        Ok(Self { expression: compiler.compile(expression)?, role: "'replacement document'" })
    }
}

impl Transform for ReplaceRoot {
    fn transform(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<RawDocumentBuf> {
        let value = self.expression.evaluate(&scope.of(document))?;
        if let Some(document) = value.as_document() {
            return Ok(document.to_owned());
        }
        let found = value.type_name();
        let shown = if value.is_missing() {
            "MISSING".to_owned()
        } else {
            Bson::try_from(value.into_bson()).unwrap_or(Bson::Null).to_string()
        };
        Err(Code::location(40228).error(format!(
            "{} must evaluate to an object, but resulting value was: {shown}. Type of resulting \
             value: '{found}'. Input document: {}",
            self.role,
            Bson::try_from(RawBson::Document(document.to_owned())).unwrap_or(Bson::Null)
        )))
    }
}
