//! `$percentile`, `$median`.

use argon_core::Result;
use bson::Bson;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::definition::AccumulatorDefinition as Definition;
use super::t_digest::TDigest;
use super::{Accumulation, Accumulator};
use crate::Code;
use crate::expression::{Compiler, Expression};
use crate::number::Number;
use crate::value::{Value, elements};

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$percentile", |argument, compiler| {
        compile("$percentile", argument, compiler, Code::location(7_429_703))
    }),
    Definition::new("$median", |argument, compiler| {
        compile("$median", argument, compiler, Code::location(7_436_100))
    }),
];

/// The argument of `$percentile` or `$median`.
#[derive(Debug, Clone)]
pub(crate) struct Percentiles {
    /// The shares of numbers that are not greater; one half of `$median`.
    shares: Vec<f64>,
    /// Whether the result is one number, not an array.
    single: bool,
}

/// Percentiles of the numbers. They are exact as long as the digest has not joined numbers, which
/// it begins with at about a thousand.
#[derive(Debug)]
struct Approximate {
    percentiles: Percentiles,
    digest: TDigest,
}

/// Compiles the argument of `$percentile` or `$median`, to what it computes and the input.
///
/// # Errors
/// `not_an_object` if the argument is none, or MongoDB's code for what is malformed.
pub(crate) fn arguments(
    name: &'static str,
    argument: &Bson,
    compiler: &Compiler<'_>,
    not_an_object: Code,
) -> Result<(Percentiles, Expression)> {
    let Bson::Document(fields) = argument else {
        return Err(not_an_object
            .error(format!("specification must be an object; found {name}: {argument}")));
    };
    let single = name == "$median";
    for field in fields.keys() {
        if !matches!(field.as_str(), "input" | "method") && (single || field != "p") {
            return Err(Code::location(40415)
                .error(format!("BSON field '{name}.{field}' is an unknown field.")));
        }
    }
    let required = |field: &str| {
        fields.get(field).ok_or_else(|| {
            Code::location(40414)
                .error(format!("BSON field '{name}.{field}' is missing but a required field"))
        })
    };
    let input = required("input")?;
    let shares = if single { None } else { Some(required("p")?) };
    check_method(name, required("method")?)?;
    let input = compiler.compile(input)?;
    let shares = shares.map_or_else(|| Ok(vec![0.5]), |shares| parse_shares(shares, compiler))?;
    Ok((Percentiles { shares, single }, input))
}

fn check_method(name: &str, method: &Bson) -> Result<()> {
    match method {
        Bson::String(method) if method == "approximate" => Ok(()),
        Bson::String(_) => Err(Code::BAD_VALUE
            .error("Currently only 'approximate' can be used as percentile 'method'.")),
        other => Err(Code::TYPE_MISMATCH.error(format!(
            "BSON field '{name}.method' is the wrong type '{}', expected type 'string'",
            Compiler::type_name(other)
        ))),
    }
}

fn parse_shares(shares: &Bson, compiler: &Compiler<'_>) -> Result<Vec<f64>> {
    let compiled = compiler.compile(shares)?;
    let Some(constant) = compiled.constant() else {
        return Err(Code::location(7_750_300).error(format!(
            "The $percentile 'p' field must be an array of constant values, but found value: \
             {shares}."
        )));
    };
    let wrong = |code: u32| {
        Code::location(code).error(format!(
            "The $percentile 'p' field must be an array of numbers from [0.0, 1.0], but found: \
             {shares}"
        ))
    };
    let RawBsonRef::Array(array) = constant else { return Err(wrong(7_750_301)) };
    let shares = elements(array)?;
    if shares.is_empty() {
        return Err(wrong(7_750_301));
    }
    let share = |value: RawBsonRef<'_>| {
        let share = Number::of(value).ok_or_else(|| wrong(7_750_302))?.to_double();
        if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong(7_750_303)) }
    };
    shares.into_iter().map(share).collect()
}

fn compile(
    name: &'static str,
    argument: &Bson,
    compiler: &Compiler<'_>,
    not_an_object: Code,
) -> Result<Accumulation> {
    let (percentiles, input) = arguments(name, argument, compiler, not_an_object)?;
    let none = Compiler::constant(&Bson::Null)?;
    Ok(Accumulation::new(name, input, none, move |_| {
        let percentiles = percentiles.clone();
        Ok(Box::new(Approximate { percentiles, digest: TDigest::default() }))
    }))
}

impl Percentiles {
    /// The percentiles of some numbers, each of which is one of the numbers. NaN is ignored, unless
    /// a value alone is NaN.
    pub(crate) fn of_numbers(&self, mut numbers: Vec<f64>, alone: bool) -> Value<'static> {
        numbers.retain(|number| alone || !number.is_nan());
        numbers.sort_by(f64::total_cmp);
        self.of_sorted(&numbers)
    }

    /// The percentiles of sorted numbers.
    pub(crate) fn of_sorted(&self, numbers: &[f64]) -> Value<'static> {
        self.value(|share| {
            let last = numbers.len().checked_sub(1)?;
            numbers.get(rank(numbers.len(), share).min(last)).copied()
        })
    }

    /// The result of a function that has the percentile of a share; `None` if there are no numbers.
    fn value(&self, percentile: impl Fn(f64) -> Option<f64>) -> Value<'static> {
        let mut results = self.shares.iter().map(|share| percentile(*share));
        if self.single {
            return results.next().flatten().map_or(Value::NULL, Value::from);
        }
        let values = results.map(|result| result.map_or(RawBson::Null, RawBson::Double));
        values.collect::<RawArrayBuf>().into()
    }
}

/// The place of a percentile among `count` sorted numbers.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
#[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
pub(super) fn rank(count: usize, share: f64) -> usize {
    if share >= 1.0 {
        return count.saturating_sub(1);
    }
    ((count as f64 * share).ceil() as usize).saturating_sub(1)
}

impl Accumulator for Approximate {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        if let Some(number) = value.get().and_then(Number::of) {
            self.digest.add(number.to_double());
        }
        Ok(())
    }

    fn partial(&self) -> Result<RawBson> {
        Ok(RawBson::Array(self.digest.partial()))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        self.digest.merge(partial)
    }

    fn memory(&self) -> usize {
        self.digest.memory()
    }

    fn finish(&self) -> Result<Value<'static>> {
        let digest = self.digest.flushed();
        Ok(self.percentiles.value(|share| digest.percentile(share)))
    }
}
