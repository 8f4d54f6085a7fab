//! Filters: core's [`Filter`] with what needs expressions, schemas and collations.

use std::sync::Arc;

use argon_core::document::{
    Condition, Environment, Extension, FILTER_OPERATORS, Filter, Undecided,
};
use argon_core::key::TextOrder;
use argon_core::{Error, ErrorKind, Result};
use bson::raw::RawDocument;
use bson::{Bson, Document};

use crate::Code;
use crate::collation::Collation;
use crate::expression::{Compiler, Evaluation, Expression};
use crate::message::suggestion;

/// What filters have besides the operators of core's [list](FILTER_OPERATORS).
const OTHER_OPERATORS: &[&str] =
    &["$alwaysFalse", "$alwaysTrue", "$comment", "$expr", "$jsonSchema", "$options", "$sampleRate"];

/// What a filter is compiled with.
#[derive(Debug, Clone, Default)]
pub struct FilterOptions<'c> {
    /// The variables that `$expr` may use.
    pub compiler: Compiler<'c>,
    /// The order of texts; `None` for byte by byte.
    pub collation: Option<Arc<Collation>>,
}

/// Compiles a filter of MongoDB's language. It must be evaluated in an [`Evaluation`]: see
/// [`Filter::matches_in`].
///
/// # Errors
/// MongoDB's error with its code; `BadValue` for an unknown operator; `CommandNotSupported` for `$expr`
/// with a collation. `$jsonSchema` compares byte by byte, as in MongoDB.
pub fn compile(filter: &Document, options: &FilterOptions<'_>) -> Result<Filter> {
    Filter::extended(filter, options).map_err(coded)
}

/// Compiles a filter of the elements of an array: core's language alone, without `$expr`.
///
/// # Errors
/// See [`compile`].
pub(crate) fn of_elements(filter: &Document) -> Result<Filter> {
    Filter::parse(filter).map_err(coded)
}

/// The error of a filter with its code, which is `BadValue` where core gave none.
fn coded(error: Error) -> Error {
    if Code::of(&error).is_some() || error.kind() != ErrorKind::Invalid {
        return error;
    }
    Code::BAD_VALUE.error(error.message()).with_source(error)
}

impl Extension for FilterOptions<'_> {
    fn condition(&self, operator: &str, argument: &Bson) -> Option<Result<Arc<dyn Condition>>> {
        let condition: Result<Arc<dyn Condition>> = match operator {
            "$expr" if self.collation.is_some() => Err(Code::COMMAND_NOT_SUPPORTED.error(
                "$expr with a collation is not supported: expressions compare text byte by byte; leave out \
                 the collation, or compare fields with values by operators such as $eq",
            )),
            "$expr" => {
                let expression = self.compiler.compile(argument);
                expression.map(|expression| Arc::new(Computed(expression)) as _)
            }
            "$jsonSchema" => match argument {
                Bson::Document(schema) => argon_core::checks::schema(schema)
                    .map_err(|problem| Code::FAILED_TO_PARSE.error(problem)),
                other => Err(Code::TYPE_MISMATCH.error(format!(
                    "$jsonSchema must be an object; found {}",
                    Compiler::type_name(other)
                ))),
            },
            "$sampleRate" => sample_rate(argument),
            "$alwaysTrue" | "$alwaysFalse" => always(operator, argument),
            _ => return refused(operator).map(Err),
        };
        Some(condition)
    }

    fn unknown(&self, operator: &str) -> Option<Error> {
        let meant = suggestion(operator, FILTER_OPERATORS.iter().chain(OTHER_OPERATORS).copied());
        let message =
            format!("the query has the operator {operator}, which is not supported{meant}");
        (!meant.is_empty()).then(|| Code::BAD_VALUE.error(message))
    }

    fn text_order(&self) -> Option<Arc<dyn TextOrder>> {
        self.collation.clone().map(|collation| collation as Arc<dyn TextOrder>)
    }
}

/// The error for an operator of MongoDB that is not supported.
fn refused(operator: &str) -> Option<Error> {
    Some(match operator {
        "$where" => Code::BAD_VALUE.error(
            "$where is not supported: it runs JavaScript; use $expr, such as { $expr: { $gt: \
             [\"$a\", \"$b\"] } }",
        ),
        "$text" => Code::location(27).error(
            "$text is not supported: there are no text indexes; use $regex, such as { title: { \
             $regex: \"word\", $options: \"i\" } }",
        ),
        _ => return None,
    })
}

/// `$expr`: holds if an expression is true.
#[derive(Debug)]
struct Computed(Expression);

impl Condition for Computed {
    fn holds(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        let evaluation = evaluation(environment)?;
        let value = self.0.evaluate(&evaluation.scope(document));
        value.map(|value| value.is_true()).map_err(|error| Undecided::Failed(Arc::new(error)))
    }
}

fn evaluation(environment: Environment<'_>) -> Result<&Evaluation, Undecided> {
    environment.downcast_ref().ok_or_else(|| {
        let error = Error::internal("a filter with $expr was evaluated without its variables");
        Undecided::Failed(Arc::new(error))
    })
}

/// `$sampleRate`: holds for this part of the documents, at random.
#[derive(Debug)]
struct Sample(f64);

impl Condition for Sample {
    fn holds(&self, _: &RawDocument, environment: Environment<'_>) -> Result<bool, Undecided> {
        Ok(evaluation(environment)?.context().random() < self.0)
    }
}

fn sample_rate(argument: &Bson) -> Result<Arc<dyn Condition>> {
    let rate = match argument {
        Bson::Double(rate) => *rate,
        Bson::Int32(rate) => f64::from(*rate),
        #[expect(clippy::cast_precision_loss, reason = "it is refused if it is not 0 or 1")]
        Bson::Int64(rate) => *rate as f64,
        _ => return Err(Code::BAD_VALUE.error("argument to $sampleRate must be a number")),
    };
    if !(0.0..=1.0).contains(&rate) {
        return Err(Code::BAD_VALUE.error("numeric argument to $sampleRate must be in [0, 1]"));
    }
    Ok(Arc::new(Sample(rate)))
}

/// `$alwaysTrue` and `$alwaysFalse`.
#[derive(Debug)]
struct Always(bool);

impl Condition for Always {
    fn holds(&self, _: &RawDocument, _: Environment<'_>) -> Result<bool, Undecided> {
        Ok(self.0)
    }
}

fn always(operator: &str, argument: &Bson) -> Result<Arc<dyn Condition>> {
    match argument {
        Bson::Int32(1) | Bson::Int64(1) => Ok(Arc::new(Always(operator == "$alwaysTrue"))),
        Bson::Double(number) if (*number - 1.0).abs() < f64::EPSILON => {
            Ok(Arc::new(Always(operator == "$alwaysTrue")))
        }
        _ => Err(Code::FAILED_TO_PARSE.error(format!("{operator} must be an integer value of 1"))),
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;

    #[test]
    fn an_expression_is_refused_with_a_collation_wherever_it_stands() {
        let collation = Collation::compile(&doc! { "locale": "en", "strength": 1 }).unwrap();
        let collated =
            FilterOptions { collation: collation.map(Arc::new), ..FilterOptions::default() };
        let expression = doc! { "$expr": { "$eq": ["$a", "x"] } };
        for filter in [
            expression.clone(),
            doc! { "$or": [{ "b": 1 }, { "$and": [expression.clone()] }] },
            doc! { "$nor": [expression] },
        ] {
            compile(&filter, &FilterOptions::default()).unwrap();
            let error = compile(&filter, &collated).unwrap_err();
            assert_eq!(Code::of(&error), Some(Code::COMMAND_NOT_SUPPORTED), "{error}");
        }
        compile(&doc! { "a": "x", "$jsonSchema": { "required": ["a"] } }, &collated).unwrap();
    }

    #[test]
    fn a_close_operator_of_core_and_of_this_crate_is_suggested() {
        for (operator, meant) in
            [("$gtee", "$gte"), ("$exsits", "$exists"), ("$jsonShema", "$jsonSchema")]
        {
            let filter = doc! { "a": { operator: 1 } };
            let error = compile(&filter, &FilterOptions::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean {meant}?")), "{error}");
        }
    }
}
