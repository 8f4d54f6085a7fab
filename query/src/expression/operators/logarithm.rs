//! `$exp`, `$ln`, `$log`, `$log10`, `$pow`, `$sqrt`.

use argon_core::Result;

use super::numeric;
use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::number::{Decimal, Number, power, short_text};
use crate::value::Value;

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$exp", Arguments::Exactly(1), |values, _| {
        numeric::apply("$exp", &values, |number| {
            Ok(match number {
                Number::Decimal(number) => Number::Decimal(number.exponential()),
                number => Number::Double(number.to_double().exp()),
            })
        })
    }),
    Definition::function("$ln", Arguments::Exactly(1), |values, _| {
        numeric::apply("$ln", &values, |number| {
            of_positive("$ln", 28766, number, f64::ln, Decimal::natural_logarithm)
        })
    }),
    Definition::function("$log", Arguments::Exactly(2), |values, _| logarithm(&values)),
    Definition::function("$log10", Arguments::Exactly(1), |values, _| {
        numeric::apply("$log10", &values, |number| {
            let of_decimal = |number: Decimal| number.logarithm(Decimal::from(10));
            of_positive("$log10", 28761, number, f64::log10, of_decimal)
        })
    }),
    Definition::function("$pow", Arguments::Exactly(2), |values, _| raise(&values)),
    Definition::function("$sqrt", Arguments::Exactly(1), |values, _| {
        numeric::apply("$sqrt", &values, square_root)
    }),
];

/// Applies a logarithm to a positive number. NaN gives NaN, as a double.
fn of_positive(
    name: &str,
    code: u32,
    number: Number,
    of_double: fn(f64) -> f64,
    of_decimal: fn(Decimal) -> Decimal,
) -> Result<Number> {
    match number {
        Number::Decimal(number) if number.is_greater(Decimal::ZERO) => {
            return Ok(Number::Decimal(of_decimal(number)));
        }
        _ => {}
    }
    let number = number.to_double();
    if number > 0.0 || number.is_nan() {
        return Ok(Number::Double(of_double(number)));
    }
    Err(Code::location(code).error(format!(
        "{name}'s argument must be a positive number, but is {}",
        short_text(number)
    )))
}

fn logarithm<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let (argument, base) = (&values[0], &values[1]);
    if argument.is_nullish() || base.is_nullish() {
        return Ok(Value::NULL);
    }
    let must_be_numeric = |code, what, value: &Value<'_>| {
        Code::location(code)
            .error(format!("$log's {what} must be numeric, not {}", value.type_name()))
    };
    let argument_number =
        numeric::of(argument).ok_or_else(|| must_be_numeric(28756, "argument", argument))?;
    let base_number = numeric::of(base).ok_or_else(|| must_be_numeric(28757, "base", base))?;
    if let Some(logarithm) = decimal_logarithm(argument_number, base_number) {
        return Ok(Number::Decimal(logarithm).into());
    }
    let (argument, base) = (argument_number.to_double(), base_number.to_double());
    if !(argument > 0.0 || argument.is_nan()) {
        return Err(Code::location(28758).error(format!(
            "$log's argument must be a positive number, but is {}",
            short_text(argument)
        )));
    }
    #[expect(clippy::float_cmp, reason = "the only base that is refused")]
    let is_valid = (base > 0.0 && base != 1.0) || base.is_nan();
    if !is_valid {
        return Err(Code::location(28759).error(format!(
            "$log's base must be a positive number not equal to 1, but is {}",
            short_text(base)
        )));
    }
    Ok((argument.ln() / base.ln()).into())
}

/// The logarithm, if one of the numbers is a decimal and both are valid.
fn decimal_logarithm(argument: Number, base: Number) -> Option<Decimal> {
    if ![argument, base].iter().any(|number| matches!(number, Number::Decimal(_))) {
        return None;
    }
    let (argument, base) = (argument.to_decimal(), base.to_decimal());
    let is_valid = argument.is_greater(Decimal::ZERO)
        && base.is_greater(Decimal::ZERO)
        && !base.equals(Decimal::ONE);
    is_valid.then(|| argument.logarithm(base))
}

fn raise<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let (base, exponent) = (&values[0], &values[1]);
    if base.is_nullish() || exponent.is_nullish() {
        return Ok(Value::NULL);
    }
    let must_be_numeric = |code, what, value: &Value<'_>| {
        Code::location(code)
            .error(format!("$pow's {what} must be numeric, not {}", value.type_name()))
    };
    let base = numeric::of(base).ok_or_else(|| must_be_numeric(28762, "base", base))?;
    let exponent =
        numeric::of(exponent).ok_or_else(|| must_be_numeric(28763, "exponent", exponent))?;
    let power = power(base, exponent).ok_or_else(|| {
        Code::location(28764).error("$pow cannot take a base of 0 and a negative exponent")
    })?;
    Ok(power.into())
}

fn square_root(number: Number) -> Result<Number> {
    let negative = match number {
        Number::Decimal(number) => number.is_less(Decimal::ZERO),
        number => number.to_double() < 0.0,
    };
    if negative {
        return Err(
            Code::location(28714).error("$sqrt's argument must be greater than or equal to 0")
        );
    }
    Ok(match number {
        Number::Decimal(number) => Number::Decimal(number.square_root()),
        number => Number::Double(number.to_double().sqrt()),
    })
}
