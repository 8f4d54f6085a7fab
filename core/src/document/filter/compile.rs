//! Compiles queries.

use std::sync::Arc;

use bson::raw::RawBson;
use bson::{Bson, Document};

use super::arguments::{
    has_text, is_operator, is_operators, is_true, list, modulo, operator_in, regex, size, types,
};
use super::operand::{Limit, Options, operand};
use super::predicate::{Predicate, Test};
use super::{Condition, Filter, Term, bits};
use crate::document::key::TextOrder;
use crate::document::path::Path;
use crate::document::refused::Refused;
use crate::document::regex::Regex;
use crate::document::value::MAX_DEPTH;

/// The comparison of text in a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Collation {
    /// Byte by byte.
    #[default]
    Simple,
    /// By the rules of a language, which are unsupported.
    Other,
}

/// The syntax of field names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// MongoDB's: each dot separates two names.
    Dotted,
    /// The syntax of a [`Path`].
    Path,
    /// The syntax of a [`Path`]; paths that could never match are refused.
    Checked,
}

/// Compiles an operator on whole documents, such as `$jsonSchema`; `None` if it is unknown.
pub(crate) type ConditionReader<'a> =
    &'a dyn Fn(&str, &Bson) -> Option<Result<Arc<dyn Condition>, Refused>>;

/// The common settings of a query and its subqueries.
#[derive(Clone, Copy)]
pub(crate) struct Compiler<'a> {
    collation: Collation,
    conditions: Option<ConditionReader<'a>>,
    text: Option<&'a Arc<dyn TextOrder>>,
    names: Names,
    levels_left: usize,
}

impl Default for Compiler<'_> {
    fn default() -> Self {
        Self::of(Names::Dotted)
    }
}

impl<'a> Compiler<'a> {
    fn of(names: Names) -> Self {
        Self {
            collation: Collation::Simple,
            conditions: None,
            text: None,
            names,
            levels_left: MAX_DEPTH,
        }
    }

    /// For a new rule of Argon.
    pub(super) fn of_new_rule() -> Self {
        Self::of(Names::Checked)
    }

    /// For a rule of Argon that was checked when it was created.
    pub(crate) fn of_rule() -> Self {
        Self::of(Names::Path)
    }

    pub(crate) fn with_collation(self, collation: Collation) -> Self {
        Self { collation, ..self }
    }

    pub(crate) fn with_conditions(self, conditions: ConditionReader<'a>) -> Self {
        Self { conditions: Some(conditions), ..self }
    }

    pub(super) fn with_text(self, text: Option<&'a Arc<dyn TextOrder>>) -> Self {
        Self { text, ..self }
    }

    /// Compiles a query.
    ///
    /// # Errors
    /// The unsupported or malformed part.
    pub(crate) fn query(&self, query: &Document) -> Result<Filter, Refused> {
        self.terms(query).map(|terms| Filter(Term::All(terms)))
    }

    /// Compiles one field of a query with its value; the query is the conjunction of its clauses.
    ///
    /// # Errors
    /// The unsupported or malformed part.
    pub(crate) fn clause(&self, name: &str, value: &Bson) -> Result<Filter, Refused> {
        self.term(name, value).map(Filter)
    }

    fn terms(&self, query: &Document) -> Result<Vec<Term>, Refused> {
        let clauses = query.iter().filter(|(name, _)| *name != "$comment");
        clauses.map(|(name, value)| self.term(name, value)).collect()
    }

    fn term(&self, name: &str, value: &Bson) -> Result<Term, Refused> {
        match name {
            "$and" => self.several(name, value).map(Term::All),
            "$or" => self.several(name, value).map(Term::Any),
            "$nor" => Ok(Term::Not(Box::new(Term::Any(self.several(name, value)?)))),
            operator
                if operator.starts_with('$')
                    && let Some(condition) =
                        self.conditions.and_then(|read| read(operator, value)) =>
            {
                condition.map(Term::Condition)
            }
            _ if is_operator(name) || (name.starts_with('$') && self.names == Names::Dotted) => {
                Err(Refused::Operator(name.to_owned()))
            }
            _ => Ok(Term::At(self.path(name)?, self.predicate(value)?)),
        }
    }

    fn path(&self, name: &str) -> Result<Path, Refused> {
        let wrong = |error: crate::Error| Refused::malformed(format!("the {error}"));
        match self.names {
            Names::Dotted => Ok(Path::dotted(name)),
            Names::Path => name.parse().map_err(wrong),
            Names::Checked => {
                let path: Path = name.parse().map_err(wrong)?;
                path.check().map_err(wrong)?;
                Ok(path)
            }
        }
    }

    fn several(&self, operator: &str, value: &Bson) -> Result<Vec<Term>, Refused> {
        let inner = self.deeper()?;
        let wrong = || {
            Refused::malformed(format!(
                "{operator} with {value}; expected a list of queries that is not empty"
            ))
        };
        let queries = value.as_array().filter(|queries| !queries.is_empty()).ok_or_else(wrong)?;
        let read = |query: &Bson| {
            let query = query.as_document().ok_or_else(wrong)?;
            inner.terms(query).map(Term::All)
        };
        queries.iter().map(read).collect()
    }

    /// Compiles the condition of a field: a value, a pattern or operators.
    fn predicate(&self, value: &Bson) -> Result<Predicate, Refused> {
        match value {
            Bson::Document(operators) if is_operators(operators) => self.operators(operators),
            Bson::RegularExpression(_) => regex(value, None).map(Predicate::Test),
            value => self.equals(value),
        }
    }

    fn operators(&self, operators: &Document) -> Result<Predicate, Refused> {
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
                "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
                    Predicate::Test(Test::Bits(bits::compile(operator, value)?))
                }
                _ => return Err(Refused::Operator(operator.clone())),
            });
        }
        Ok(match predicates.len() {
            1 => predicates.remove(0),
            _ => Predicate::All(predicates),
        })
    }

    fn equals(&self, value: &Bson) -> Result<Predicate, Refused> {
        self.options(std::slice::from_ref(value), false).map(|one| Predicate::Test(Test::In(one)))
    }

    fn limit(&self, value: &Bson) -> Result<Limit, Refused> {
        match value {
            Bson::RegularExpression(_) | Bson::Undefined => {
                Err(Refused::malformed(format!("a comparison of order with {value}")))
            }
            value => self.operand(value).map(|operand| Limit::new(operand, self.text.cloned())),
        }
    }

    fn operand(&self, value: &Bson) -> Result<RawBson, Refused> {
        if self.collation == Collation::Other && has_text(value) {
            return Err(Refused::unknown(format!("the text {value} compared by a collation")));
        }
        if let Some(name) = operator_in(value).filter(|_| self.names == Names::Checked) {
            return Err(Refused::malformed(format!(
                "'{name}' inside the value {value}, where it is a field name, not an operator; \
                 query the field by its path, such as \"a.b\": {{ \"{name}\": … }}"
            )));
        }
        operand(value).ok_or_else(|| Refused::unknown(format!("the value {value}")))
    }

    fn one_of(&self, operator: &str, value: &Bson) -> Result<Predicate, Refused> {
        self.options(list(operator, value)?, true).map(|one| Predicate::Test(Test::In(one)))
    }

    /// Compiles a set of allowed values; in a list, a regular expression is a pattern.
    fn options(&self, values: &[Bson], list: bool) -> Result<Options, Refused> {
        let (mut operands, mut regexes) = (Vec::with_capacity(values.len()), Vec::new());
        for value in values {
            match value {
                Bson::RegularExpression(regex) if list => {
                    let (source, flags) = (regex.pattern.as_str(), regex.options.as_str());
                    regexes.push(Regex::compile(source, flags)?);
                }
                Bson::Undefined => return Err(Refused::malformed("a comparison with undefined")),
                value => operands.push(self.operand(value)?),
            }
        }
        Ok(Options::new(operands, regexes, self.text.cloned()))
    }

    fn negated(&self, value: &Bson) -> Result<Predicate, Refused> {
        match value {
            Bson::Document(operators) if is_operators(operators) => {
                self.deeper()?.operators(operators)
            }
            Bson::RegularExpression(_) => self.predicate(value),
            _ => Err(Refused::malformed(format!(
                "$not with {value}; expected operators, such as {{ \"$gt\": 5 }}"
            ))),
        }
    }

    fn all(&self, value: &Bson) -> Result<Predicate, Refused> {
        let values = list("$all", value)?;
        if values.is_empty() {
            return Ok(Predicate::Test(Test::Never));
        }
        let each = values.iter().map(|value| match value {
            Bson::Document(operators) if is_operators(operators) => match operators.iter().next() {
                Some((operator, inner)) if operator == "$elemMatch" && operators.len() == 1 => {
                    self.element(inner).map(Predicate::Test)
                }
                _ => Err(Refused::malformed("$all with operators other than $elemMatch")),
            },
            value => self.predicate(value),
        });
        each.collect::<Result<_, _>>().map(Predicate::All)
    }

    fn element(&self, value: &Bson) -> Result<Test, Refused> {
        let inner = value.as_document().ok_or_else(|| {
            Refused::malformed(format!("$elemMatch with {value}; expected a query"))
        })?;
        let deeper = self.deeper()?;
        let is_query = inner.iter().next().is_some_and(|(name, value)| {
            matches!(name.as_str(), "$and" | "$or" | "$nor" | "$comment")
                || self.conditions.is_some_and(|read| read(name, value).is_some())
        });
        if is_operators(inner) && !is_query {
            return deeper.operators(inner).map(|inner| Test::Element(Box::new(inner)));
        }
        deeper.query(inner).map(|query| Test::Document(Box::new(query)))
    }

    fn deeper(&self) -> Result<Self, Refused> {
        let levels_left = self
            .levels_left
            .checked_sub(1)
            .ok_or_else(|| Refused::malformed(format!("more than {MAX_DEPTH} nested levels")))?;
        Ok(Self { levels_left, ..*self })
    }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}
