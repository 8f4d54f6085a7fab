//! Compiles projections (`projection_parser.cpp`).

use argon_core::Result;
use bson::{Bson, Document, doc};

use super::Projection;
use super::array::{ArrayStep, Slice};
use super::node::{Computed, Mode, Node};
use super::specification::{Fields, Item};
use crate::Code;
use crate::expression::{Compiler, Expression, field_path, operators};
use crate::filter;
use crate::value::Value;

/// An operator that has a say in more than its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Special {
    Positional,
    ElementMatch,
    Slice,
    Meta,
}

/// The state of compiling a specification.
struct Parser<'p> {
    compiler: &'p Compiler<'p>,
    /// Whether `$slice`, `$elemMatch` and the positional `$` are known.
    is_find: bool,
    fields: Fields,
    /// Whether fields are included or excluded, as far as that is known.
    mode: Option<Mode>,
    /// What was found that has a say in the mode, or can't stand with others.
    found: Vec<Special>,
    /// Whether `_id` itself is included or excluded.
    id: Option<Mode>,
}

pub(super) fn find(fields: &Document, compiler: &Compiler<'_>) -> Result<Projection> {
    Parser::new(compiler, true).compile(fields)
}

pub(super) fn stage(fields: &Document, compiler: &Compiler<'_>) -> Result<Projection> {
    if fields.is_empty() {
        return Err(
            Code::location(51272).error("projection specification must have at least one field")
        );
    }
    Parser::new(compiler, false).compile(fields)
}

impl<'p> Parser<'p> {
    fn new(compiler: &'p Compiler<'p>, is_find: bool) -> Self {
        Self {
            compiler,
            is_find,
            fields: Fields::default(),
            mode: None,
            found: Vec::new(),
            id: None,
        }
    }

    fn compile(mut self, specification: &Document) -> Result<Projection> {
        for (name, value) in specification {
            self.field(&[], name, value)?;
        }
        let mode = self.mode.unwrap_or_else(|| self.default_mode());
        let names_id = specification.keys().any(|name| name == "_id" || name.starts_with("_id."));
        if mode == Mode::Include && !names_id {
            self.fields.add(&["_id".to_owned()], Item::Include)?;
        }
        let mut projection = Projection { mode, root: Node::default(), steps: Vec::new() };
        build(&mut projection, self.fields, &mut Vec::new())?;
        Ok(projection)
    }

    fn has(&self, special: Special) -> bool {
        self.found.contains(&special)
    }

    /// The mode of a specification that has only `_id` and operators of queries.
    fn default_mode(&self) -> Mode {
        if self.has(Special::Slice) {
            return self.id.unwrap_or(Mode::Exclude);
        }
        if self.has(Special::ElementMatch) {
            return Mode::Include;
        }
        if self.has(Special::Meta) && !self.is_find {
            return Mode::Include;
        }
        self.id.unwrap_or(Mode::Exclude)
    }

    /// Compiles a field in the fields at a path.
    fn field(&mut self, parent: &[String], name: &str, value: &Bson) -> Result<()> {
        let positional = name.ends_with(".$");
        if positional && !self.is_find {
            return Err(Code::location(31324)
                .error("Cannot use positional projection in aggregation projection"));
        }
        if name.contains(".$.") {
            return Err(Code::location(31394).error(
                "As of 4.4, it's illegal to specify positional operator in the middle of a \
                 path.Positional projection may only be used at the end, for example: a.b.$. If the \
                 query previously used a form like a.b.$.d, remove the parts following the '$' and \
                 the results will be equivalent.",
            ));
        }
        match value {
            Bson::Document(_) if positional => Err(Code::location(31271)
                .error("positional projection cannot be used with an expression or sub object")),
            Bson::Document(inner) => self.object(parent, name, inner),
            Bson::Boolean(_)
            | Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::Double(_)
            | Bson::Decimal128(_) => match (is_true(value)?, positional) {
                (true, true) => self.positional(parent, name),
                (true, false) => self.include(parent, name),
                (false, true) => Err(Code::location(31395)
                    .error("positional projection cannot be used with exclusion")),
                (false, false) => self.exclude(parent, name),
            },
            _ if positional => {
                Err(Code::location(31308)
                    .error("positional projection cannot be used with a literal"))
            }
            literal => self.literal(parent, name, literal),
        }
    }

    fn include(&mut self, parent: &[String], name: &str) -> Result<()> {
        self.fields.add(&path(parent, name)?, Item::Include)?;
        if parent.is_empty() && name == "_id" {
            self.id = Some(Mode::Include);
            return Ok(());
        }
        self.set_including(name)
    }

    fn set_including(&mut self, name: &str) -> Result<()> {
        if self.mode == Some(Mode::Exclude) {
            return Err(Code::location(31253)
                .error(format!("Cannot do inclusion on field {name} in exclusion projection")));
        }
        self.mode = Some(Mode::Include);
        Ok(())
    }

    fn exclude(&mut self, parent: &[String], name: &str) -> Result<()> {
        self.fields.add(&path(parent, name)?, Item::Exclude)?;
        if parent.is_empty() && name == "_id" {
            self.id = Some(Mode::Exclude);
            return Ok(());
        }
        if self.mode == Some(Mode::Include) {
            return Err(Code::location(31254)
                .error(format!("Cannot do exclusion on field {name} in inclusion projection")));
        }
        self.mode = Some(Mode::Exclude);
        Ok(())
    }

    fn literal(&mut self, parent: &[String], name: &str, value: &Bson) -> Result<()> {
        let computed = Computed::Expression(self.compiler.compile(value)?);
        self.fields.add(&path(parent, name)?, Item::Compute(computed))?;
        if self.mode == Some(Mode::Exclude) {
            return Err(Code::location(31310).error(format!(
                "Cannot use an expression {name}: {value} in an exclusion projection"
            )));
        }
        self.mode = Some(Mode::Include);
        Ok(())
    }

    fn positional(&mut self, parent: &[String], name: &str) -> Result<()> {
        if self.has(Special::Positional) {
            return Err(Code::location(31276)
                .error("Cannot specify more than one positional projection per query."));
        }
        if self.has(Special::ElementMatch) {
            return Err(
                Code::location(31256).error("Cannot specify positional operator and $elemMatch.")
            );
        }
        let field = name.strip_suffix(".$").unwrap_or_default();
        if field.is_empty() {
            return Err(
                Code::location(5_392_900).error(format!("Projection on field {name} is invalid"))
            );
        }
        self.fields.add(&path(parent, field)?, Item::Positional)?;
        self.found.push(Special::Positional);
        self.set_including(name)
    }

    /// Compiles a document: an operator, or the fields in a field.
    fn object(&mut self, parent: &[String], name: &str, object: &Document) -> Result<()> {
        let path = path(parent, name)?;
        if object.is_empty() {
            return Err(
                Code::location(51270).error(format!("Invalid empty sub-projection: {name}"))
            );
        }
        let mut entries = object.iter();
        if let (Some((operator, argument)), None) = (entries.next(), entries.next())
            && operator.starts_with('$')
        {
            match operator.as_str() {
                "$slice" if self.is_find => return self.slice(&path, object, argument),
                "$elemMatch" if self.is_find => return self.element_match(&path, argument),
                "$elemMatch" => {
                    return Err(Code::INVALID_PIPELINE_OPERATOR
                        .error("Cannot use $elemMatch in this context"));
                }
                name if operators().contains_key(name) || name == "$meta" => {
                    return self.expression(&path, object);
                }
                // It may be a field of a reference.
                name if field_path(name.strip_suffix(".$").unwrap_or(name)).is_ok() => {}
                _ => {
                    return Err(
                        Code::location(31325).error(format!("Unknown expression {operator}"))
                    );
                }
            }
        }
        if !self.fields.has_fields_at(&path) {
            self.fields.add(&path, Item::Fields(Fields::default()))?;
        }
        for (name, value) in object {
            self.field(&path, name, value)?;
        }
        Ok(())
    }

    fn expression(&mut self, path: &[String], expression: &Document) -> Result<()> {
        let is_meta = expression.contains_key("$meta");
        if self.mode == Some(Mode::Exclude) && !is_meta {
            return Err(Code::location(31252)
                .error("Cannot use expression other than $meta in exclusion projection"));
        }
        let compiled: Expression = self.compiler.compile(&expression.clone().into())?;
        self.fields.add(path, Item::Compute(Computed::Expression(compiled)))?;
        if is_meta {
            self.found.push(Special::Meta);
        } else {
            self.mode = Some(Mode::Include);
        }
        Ok(())
    }

    fn slice(&mut self, path: &[String], expression: &Document, argument: &Bson) -> Result<()> {
        match slice(argument).map(|range| self.fields.add(path, Item::Slice(range))) {
            Some(Ok(())) => {
                self.found.push(Special::Slice);
                Ok(())
            }
            // It may be the operator of expressions.
            Some(Err(_)) | None => self.expression(path, expression),
        }
    }

    fn element_match(&mut self, path: &[String], argument: &Bson) -> Result<()> {
        if !matches!(argument, Bson::Document(_)) {
            return Err(Code::location(31274).error(format!(
                "elemMatch: Invalid argument, object required, but got {}",
                Compiler::type_name(argument)
            )));
        }
        if self.has(Special::Positional) {
            return Err(
                Code::location(31255).error("Cannot specify positional operator and $elemMatch.")
            );
        }
        if path.len() > 1 {
            return Err(
                Code::location(31275).error("Cannot use $elemMatch projection on a nested field.")
            );
        }
        let query = doc! { "value": { "$elemMatch": argument.clone() } };
        let filter = filter::of_elements(&query)?;
        self.fields.add(path, Item::Compute(Computed::ElementMatch(filter)))?;
        self.found.push(Special::ElementMatch);
        Ok(())
    }
}

/// Adds the fields at a path to a projection.
fn build(projection: &mut Projection, fields: Fields, path: &mut Vec<String>) -> Result<()> {
    let including = projection.mode == Mode::Include;
    for (name, item) in fields.0 {
        path.push(name);
        match item {
            Item::Fields(inner) => build(projection, inner, path)?,
            Item::Compute(computed) => projection.root.compute(path, computed)?,
            // Only `_id` may be included in an exclusion, and excluded in an inclusion.
            Item::Include if including => projection.root.project(path)?,
            Item::Exclude if !including => projection.root.project(path)?,
            Item::Include | Item::Exclude => {}
            Item::Slice(range) => {
                if including {
                    projection.root.project(path)?;
                }
                projection.steps.push(ArrayStep::Slice { path: path.clone(), range });
            }
            Item::Positional => {
                projection.root.project(path)?;
                projection.steps.push(ArrayStep::Positional { path: path.clone() });
            }
        }
        path.pop();
    }
    Ok(())
}

/// The path of a field in the fields at another.
fn path(parent: &[String], name: &str) -> Result<Vec<String>> {
    if name.is_empty() {
        return Err(
            Code::location(40352).error("FieldPath cannot be constructed with empty string")
        );
    }
    let mut path = parent.to_vec();
    path.extend(field_path(name)?);
    Ok(path)
}

fn is_true(value: &Bson) -> Result<bool> {
    Ok(Value::Owned(crate::expression::raw(value)?).is_true())
}

/// The argument of a query's `$slice`; `None` if it is not one.
fn slice(argument: &Bson) -> Option<Slice> {
    match argument {
        Bson::Array(numbers) => match numbers.as_slice() {
            [skip, limit] => {
                let (skip, limit) = (number(skip)?, number(limit)?);
                (limit > 0).then_some(Slice { skip: Some(skip), limit })
            }
            _ => None,
        },
        limit => number(limit).map(|limit| Slice { skip: None, limit }),
    }
}

/// A number as the nearest integer of 32 bits towards zero; `None` for other values.
#[expect(clippy::cast_possible_truncation, reason = "it saturates")]
fn number(value: &Bson) -> Option<i32> {
    let clamp = |number: i64| number.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
    match value {
        Bson::Int32(number) => Some(*number),
        Bson::Int64(number) => Some(clamp(*number)),
        Bson::Double(number) => Some(*number as i32),
        Bson::Decimal128(number) => Some(crate::number::Decimal::from(*number).to_double() as i32),
        _ => None,
    }
}
