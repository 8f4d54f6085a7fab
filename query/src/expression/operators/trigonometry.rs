//! The trigonometric and hyperbolic functions, `$degreesToRadians`, `$radiansToDegrees`.

use std::f64::consts::PI;

use argon_core::Result;

use super::numeric;
use crate::Code;
use crate::expression::{Arguments, Definition};
use crate::number::{Decimal, Number, acosh, asinh, atanh, short_text};
use crate::value::Value;

/// The numbers that a function accepts, besides NaN.
enum Domain {
    All,
    Finite,
    MinusOneToOne,
    OneToInfinity,
}

macro_rules! operators {
    ($($name:literal $domain:ident $of_double:path, $of_decimal:path;)*) => {&[
        $(Definition::function($name, Arguments::Exactly(1), |values, _| {
            numeric::apply($name, &values, |number| {
                apply($name, &Domain::$domain, number, $of_double, $of_decimal)
            })
        }),)*
        Definition::function("$atan2", Arguments::Exactly(2), |values, _| atan2(&values)),
    ]};
}

pub(super) const OPERATORS: &[Definition] = operators! {
    "$acos" MinusOneToOne f64::acos, Decimal::acos;
    "$acosh" OneToInfinity acosh, Decimal::acosh;
    "$asin" MinusOneToOne f64::asin, Decimal::asin;
    "$asinh" All asinh, Decimal::asinh;
    "$atan" All f64::atan, Decimal::atan;
    "$atanh" MinusOneToOne atanh, Decimal::atanh;
    "$cos" Finite f64::cos, Decimal::cos;
    "$cosh" All f64::cosh, Decimal::cosh;
    "$degreesToRadians" All radians, radians_of_decimal;
    "$radiansToDegrees" All degrees, degrees_of_decimal;
    "$sin" Finite f64::sin, Decimal::sin;
    "$sinh" All f64::sinh, Decimal::sinh;
    "$tan" Finite f64::tan, Decimal::tan;
    "$tanh" All f64::tanh, Decimal::tanh;
};

fn apply(
    name: &str,
    domain: &Domain,
    number: Number,
    of_double: fn(f64) -> f64,
    of_decimal: fn(Decimal) -> Decimal,
) -> Result<Number> {
    if number.is_nan() {
        return Ok(number);
    }
    if !domain.contains(number) {
        let text = match number {
            Number::Decimal(number) => number.to_string(),
            number => short_text(number.to_double()),
        };
        return Err(Code::location(50989)
            .error(format!("cannot apply {name} to {text}, value must in {}", domain.text())));
    }
    Ok(match number {
        Number::Decimal(number) => Number::Decimal(of_decimal(number)),
        number => Number::Double(of_double(number.to_double())),
    })
}

impl Domain {
    fn contains(&self, number: Number) -> bool {
        let at_most_one = |number: Number| match number {
            Number::Decimal(number) => !number.is_greater(Decimal::ONE),
            number => number.to_double() <= 1.0,
        };
        let at_least = |bound: i64| match number {
            Number::Decimal(number) => !number.is_less(Decimal::from(bound)),
            number => number.compare(Number::Long(bound)).is_ge(),
        };
        match self {
            Self::All => true,
            Self::Finite => number.is_finite(),
            Self::MinusOneToOne => at_least(-1) && at_most_one(number),
            Self::OneToInfinity => at_least(1),
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::All => "[-inf,inf]",
            Self::Finite => "(-inf,inf)",
            Self::MinusOneToOne => "[-1,1]",
            Self::OneToInfinity => "[1,inf]",
        }
    }
}

fn radians(degrees: f64) -> f64 {
    degrees * (PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians * (180.0 / PI)
}

fn radians_of_decimal(degrees: Decimal) -> Decimal {
    degrees.multiply(Decimal::pi().divide(Decimal::from(180)))
}

fn degrees_of_decimal(radians: Decimal) -> Decimal {
    radians.multiply(Decimal::from(180).divide(Decimal::pi()))
}

fn atan2<'a>(values: &[Value<'a>]) -> Result<Value<'a>> {
    let mut numbers = [Number::Int(0); 2];
    for ((value, number), code) in values.iter().zip(&mut numbers).zip([51044, 51045]) {
        if value.is_nullish() {
            return Ok(Value::NULL);
        }
        *number = numeric::of(value).ok_or_else(|| {
            Code::location(code)
                .error(format!("$atan2 only supports numeric types, not {}", value.type_name()))
        })?;
    }
    let [y, x] = numbers;
    let is_decimal = numbers.iter().any(|number| matches!(number, Number::Decimal(_)));
    Ok(if is_decimal {
        Number::Decimal(y.to_decimal().atan2(x.to_decimal())).into()
    } else {
        y.to_double().atan2(x.to_double()).into()
    })
}
