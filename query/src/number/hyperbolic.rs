//! The inverse hyperbolic functions of doubles, by the formulas of Sun's `fdlibm`, from which C
//! libraries have them. The standard library's have other last digits.

use std::f64::consts::LN_2;

/// Beyond this, the square of a number plus or minus 1 is the square.
const LARGE: f64 = 268_435_456.0;

/// The inverse of the hyperbolic sine.
pub fn asinh(number: f64) -> f64 {
    let x = number.abs();
    let square = x * x;
    let result = if !x.is_finite() || x < 1.0 / LARGE {
        x
    } else if x > LARGE {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x + 1.0 / ((square + 1.0).sqrt() + x)).ln()
    } else {
        (x + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    result.copysign(number)
}

/// The inverse of the hyperbolic cosine; NaN below 1.
pub fn acosh(number: f64) -> f64 {
    if number >= LARGE {
        number.ln() + LN_2
    } else if number > 2.0 {
        (2.0 * number - 1.0 / (number + (number * number - 1.0).sqrt())).ln()
    } else {
        let t = number - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

/// The inverse of the hyperbolic tangent; an infinity of -1 and 1, NaN beyond.
pub fn atanh(number: f64) -> f64 {
    let x = number.abs();
    let twice = x + x;
    let result = if x < 1.0 / LARGE {
        x
    } else if x < 0.5 {
        0.5 * (twice + twice * x / (1.0 - x)).ln_1p()
    } else {
        0.5 * (twice / (1.0 - x)).ln_1p()
    };
    result.copysign(number)
}
