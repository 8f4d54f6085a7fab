//! `$addFields`, `$set` (`add_fields_projection_executor.cpp`).

use argon_core::Result;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document};

use super::Transform;
use super::node::{Computed, Mode, Node};
use crate::Code;
use crate::expression::{Compiler, Expression, Scope, field_path};

/// Adds computed fields, which replace those that exist.
#[derive(Debug)]
pub struct AddFields(Node);

impl AddFields {
    /// Compiles the fields: expressions, or documents of them, which add fields to documents.
    ///
    /// # Errors
    /// MongoDB's error, with its code.
    pub fn compile(fields: &Document, compiler: &Compiler<'_>) -> Result<Self> {
        let mut computed = Vec::new();
        for (name, value) in fields {
            check_name(name)?;
            collect(field_path(name)?, value, compiler, &mut computed)?;
        }
        check_conflicts(&computed, fields)?;
        let mut root = Node::default();
        for (path, expression) in computed {
            root.compute(&path, Computed::Expression(expression))?;
        }
        Ok(Self(root))
    }
}

impl Transform for AddFields {
    fn transform(&self, document: &RawDocument, scope: &Scope<'_>) -> Result<RawDocumentBuf> {
        self.0.document(Mode::Exclude, document, &scope.of(document))
    }
}

fn collect(
    path: Vec<String>,
    value: &Bson,
    compiler: &Compiler<'_>,
    computed: &mut Vec<(Vec<String>, Expression)>,
) -> Result<()> {
    let fields = match value {
        Bson::Document(fields) if !fields.is_empty() => fields,
        value => {
            computed.push((path, compiler.compile(value)?));
            return Ok(());
        }
    };
    if let Some(name) = fields.keys().find(|name| name.starts_with('$')) {
        if fields.len() > 1 {
            return Err(Code::location(40181).error(format!(
                "an expression specification must contain exactly one field, the name of the \
                 expression. Found {} fields in {fields} at {name}",
                fields.len()
            )));
        }
        computed.push((path, compiler.compile(value)?));
        return Ok(());
    }
    for (name, value) in fields {
        if name.contains('.') {
            return Err(Code::location(40183).error(format!(
                "cannot use dotted field name '{name}' in a sub object: {fields}"
            )));
        }
        check_name(name)?;
        let mut inner = path.clone();
        inner.push(name.clone());
        collect(inner, value, compiler, computed)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(
            Code::location(40352).error("FieldPath cannot be constructed with empty string")
        );
    }
    Ok(())
}

fn check_conflicts(computed: &[(Vec<String>, Expression)], fields: &Document) -> Result<()> {
    for (at, (path, _)) in computed.iter().enumerate() {
        let conflict = computed[..at]
            .iter()
            .find(|(other, _)| path.starts_with(other) || other.starts_with(path));
        if let Some((other, _)) = conflict {
            return Err(Code::location(40176).error(format!(
                "specification contains two conflicting paths. Cannot specify both '{}' and '{}': \
                 {fields}",
                path.join("."),
                other.join(".")
            )));
        }
    }
    Ok(())
}
