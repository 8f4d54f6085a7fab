//! Sums, products, differences, quotients and remainders.
//!
//! The types of results follow the evaluation of expressions in MongoDB's server
//! (`evaluate_math.cpp`): the widest type of the operands; `int` widens to `long`, and `long` to
//! `double`, where a result would overflow. A decimal stays a decimal.

use super::{Decimal, Number, NumberType};

/// A sum that grows by one number at a time, with the type that MongoDB's `$add` gives it.
#[derive(Debug, Clone, Copy)]
pub struct Sum {
    long: i64,
    double: f64,
    decimal: Decimal,
    widest: NumberType,
}

/// A product that grows by one number at a time, with the type that MongoDB's `$multiply` gives it.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    long: i64,
    /// The product as a double, which is kept until a decimal comes: it is not that of the long.
    double: f64,
    decimal: Decimal,
    widest: NumberType,
}

impl Default for Sum {
    /// The sum of no numbers: the `int` 0.
    fn default() -> Self {
        Self { long: 0, double: 0.0, decimal: Decimal::ZERO, widest: NumberType::Int }
    }
}

impl Default for Product {
    /// The product of no numbers: the `int` 1.
    fn default() -> Self {
        Self { long: 1, double: 1.0, decimal: Decimal::ZERO, widest: NumberType::Int }
    }
}

impl Sum {
    /// Adds a number.
    pub fn add(&mut self, number: Number) {
        self.widen(number.number_type());
        match self.widest {
            NumberType::Int | NumberType::Long => match self.long.checked_add(number.to_long()) {
                Some(sum) => self.long = sum,
                None => {
                    self.double = Number::Long(self.long).to_double() + number.to_double();
                    self.widest = NumberType::Double;
                }
            },
            NumberType::Double => self.double += number.to_double(),
            NumberType::Decimal => self.decimal = self.decimal.add(number.to_decimal()),
        }
    }

    fn widen(&mut self, with: NumberType) {
        let before = self.widest;
        self.widest = before.max(with);
        if before == self.widest {
            return;
        }
        let integral = before <= NumberType::Long;
        match self.widest {
            NumberType::Double if integral => self.double = Number::Long(self.long).to_double(),
            NumberType::Decimal if integral => self.decimal = self.long.into(),
            NumberType::Decimal => self.decimal = Decimal::from_double(self.double),
            _ => {}
        }
    }

    /// The sum so far.
    pub fn value(&self) -> Number {
        match self.widest {
            NumberType::Int => Number::int_or_long(self.long),
            NumberType::Long => Number::Long(self.long),
            NumberType::Double => Number::Double(self.double),
            NumberType::Decimal => Number::Decimal(self.decimal),
        }
    }
}

impl Product {
    /// Multiplies by a number.
    pub fn multiply(&mut self, number: Number) {
        let before = self.widest;
        self.widest = before.max(number.number_type());
        if self.widest == NumberType::Decimal {
            self.decimal = match before {
                NumberType::Decimal => self.decimal,
                NumberType::Double => Decimal::from_double(self.double),
                NumberType::Int | NumberType::Long => self.long.into(),
            };
            self.decimal = self.decimal.multiply(number.to_decimal());
            return;
        }
        self.double *= number.to_double();
        if self.widest != NumberType::Double {
            match self.long.checked_mul(number.to_long()) {
                Some(product) => self.long = product,
                None => self.widest = NumberType::Double,
            }
        }
    }

    /// The product so far.
    pub fn value(&self) -> Number {
        match self.widest {
            NumberType::Int => Number::int_or_long(self.long),
            NumberType::Long => Number::Long(self.long),
            NumberType::Double => Number::Double(self.double),
            NumberType::Decimal => Number::Decimal(self.decimal),
        }
    }
}

/// `a + b`, as `$add` has it.
pub fn add(a: Number, b: Number) -> Number {
    let mut sum = Sum::default();
    sum.add(a);
    sum.add(b);
    sum.value()
}

/// `a * b`, as `$multiply` has it.
pub fn multiply(a: Number, b: Number) -> Number {
    let mut product = Product::default();
    product.multiply(a);
    product.multiply(b);
    product.value()
}

/// `a - b`, as `$subtract` has it.
pub fn subtract(a: Number, b: Number) -> Number {
    match a.number_type().max(b.number_type()) {
        NumberType::Decimal => Number::Decimal(a.to_decimal().subtract(b.to_decimal())),
        NumberType::Double => Number::Double(a.to_double() - b.to_double()),
        widest => match a.to_long().checked_sub(b.to_long()) {
            None => Number::Double(a.to_double() - b.to_double()),
            Some(difference) if widest == NumberType::Long => Number::Long(difference),
            Some(difference) => Number::int_or_long(difference),
        },
    }
}

/// `a / b`, a double or a decimal, as `$divide` has it; `None` if `b` is zero.
pub fn divide(a: Number, b: Number) -> Option<Number> {
    if b.is_zero() {
        return None;
    }
    Some(if a.number_type().max(b.number_type()) == NumberType::Decimal {
        Number::Decimal(a.to_decimal().divide(b.to_decimal()))
    } else {
        Number::Double(a.to_double() / b.to_double())
    })
}

/// The remainder of `a / b`, with the sign of `a`, as `$mod` has it; `None` if `b` is zero.
pub fn modulo(a: Number, b: Number) -> Option<Number> {
    if b.is_zero() {
        return None;
    }
    Some(match (a, b) {
        (Number::Int(a), Number::Int(b)) => Number::Int(a.wrapping_rem(b)),
        _ => match a.number_type().max(b.number_type()) {
            NumberType::Decimal => Number::Decimal(a.to_decimal().modulo(b.to_decimal())),
            NumberType::Double => Number::Double(a.to_double() % b.to_double()),
            NumberType::Long | NumberType::Int => {
                Number::Long(a.to_long().wrapping_rem(b.to_long()))
            }
        },
    })
}

/// `a + b`, as `$inc` has it (the server's `SafeNum`): `None` if integers overflow 64 bits.
pub fn checked_add(a: Number, b: Number) -> Option<Number> {
    checked(a, b, i64::checked_add, |a, b| a + b, Decimal::add)
}

/// `a * b`, as `$mul` has it (the server's `SafeNum`): `None` if integers overflow 64 bits.
pub fn checked_multiply(a: Number, b: Number) -> Option<Number> {
    checked(a, b, i64::checked_mul, |a, b| a * b, Decimal::multiply)
}

fn checked(
    a: Number,
    b: Number,
    of_longs: fn(i64, i64) -> Option<i64>,
    of_doubles: fn(f64, f64) -> f64,
    of_decimals: fn(Decimal, Decimal) -> Decimal,
) -> Option<Number> {
    Some(match a.number_type().max(b.number_type()) {
        NumberType::Decimal => Number::Decimal(of_decimals(a.to_decimal(), b.to_decimal())),
        NumberType::Double => Number::Double(of_doubles(a.to_double(), b.to_double())),
        NumberType::Long => Number::Long(of_longs(a.to_long(), b.to_long())?),
        NumberType::Int => Number::int_or_long(of_longs(a.to_long(), b.to_long())?),
    })
}
