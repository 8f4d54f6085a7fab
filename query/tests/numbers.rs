//! The arithmetic that expressions, updates and accumulators share.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use argon_query::number::{
    Decimal, DecimalError, Number, Rounding, add, checked_add, checked_multiply, multiply,
    parse_decimal,
};
use bson::Decimal128;

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn a_decimal_of_a_double_has_15_digits() {
    let decimals = [
        (0.1, "0.100000000000000"),
        (1.0, "1.00000000000000"),
        (100_000.0, "100000.000000000"),
        (0.00001, "0.0000100000000000000"),
        (0.999_999_999_999_999_4, "0.999999999999999"),
        (0.999_999_999_999_999_9, "1.00000000000000"),
        (-123_456_789.123_456_79, "-123456789.123457"),
        (f64::MAX, "1.79769313486232E+308"),
        (5e-324, "4.94065645841247E-324"),
        (0.0, "0"),
        (-0.0, "-0"),
        (f64::INFINITY, "Infinity"),
    ];
    for (double, text) in decimals {
        assert_eq!(Decimal::from_double(double).to_string(), text);
    }
    assert!(Decimal::from_double(f64::NAN).is_nan());
}

#[test]
fn a_decimal_is_read_and_written_with_its_exponent() {
    let texts = [
        "0",
        "-0",
        "0E+3",
        "0.00",
        "1",
        "1.50",
        "-12.345",
        "1E+10",
        "1.2E-7",
        "0.000001",
        "9.999999999999999999999999999999999E+6144",
        "1E-6176",
        "Infinity",
        "-Infinity",
        "NaN",
    ];
    for text in texts {
        assert_eq!(decimal(text).to_string(), text);
        // By way of the bits in a document.
        let stored = Decimal128::from(decimal(text));
        assert_eq!(stored, text.parse().unwrap(), "{text}");
        assert_eq!(Decimal::from(stored).to_string(), text);
    }
}

#[test]
fn a_text_that_is_no_decimal_is_refused() {
    for text in ["x", ".", "1.2.3", "1e", "1e+", "e5", "--1", "1 ", " 1", "1e5.0", "é"] {
        assert_eq!(Decimal::parse(text).unwrap_err(), DecimalError::Malformed, "{text}");
    }
    assert!(parse_decimal("").is_err());
    assert_eq!(Decimal::parse("1E+7000").unwrap_err(), DecimalError::Overflow);
    assert_eq!(Decimal::parse("1E-7000").unwrap_err(), DecimalError::Underflow);
    assert_eq!(decimal("0E-9999999999").to_string(), "0E-6176");
}

#[test]
fn a_decimal_with_too_many_digits_is_rounded() {
    let rounded = [
        ("12345678901234567890123456789012345", "1.234567890123456789012345678901234E+34"),
        ("12345678901234567890123456789012355", "1.234567890123456789012345678901236E+34"),
        ("0.12345678901234567890123456789012345000001", "0.1234567890123456789012345678901235"),
    ];
    for (text, expected) in rounded {
        assert_eq!(decimal(text).to_string(), expected);
    }
    let many_digits = format!("1{}1", "0".repeat(500));
    assert_eq!(decimal(&many_digits).to_string(), "1.000000000000000000000000000000000E+501");
}

#[test]
fn integers_widen_where_expressions_add_and_fail_where_updates_do() {
    let most = Number::Long(i64::MAX);
    assert!(matches!(add(Number::Int(i32::MAX), Number::Int(1)), Number::Long(2_147_483_648)));
    assert!(matches!(add(most, Number::Int(1)), Number::Double(_)));
    assert!(matches!(multiply(most, Number::Int(2)), Number::Double(_)));
    assert!(matches!(
        checked_add(Number::Int(i32::MAX), Number::Int(1)),
        Some(Number::Long(2_147_483_648))
    ));
    assert!(checked_add(most, Number::Int(1)).is_none());
    assert!(checked_multiply(most, Number::Int(2)).is_none());
    assert!(matches!(checked_add(most, Number::Double(1.0)), Some(Number::Double(_))));
}

#[test]
fn any_bits_of_a_document_can_be_computed_with() {
    // Marsaglia's xorshift.
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2000 {
        let bits = u128::from(random()) << 64 | u128::from(random());
        let stored = Decimal128::from_bytes(bits.to_le_bytes());
        let (number, other) = (Decimal::from(stored), Decimal::from(random().cast_signed()));
        let results = [
            number.add(other),
            number.subtract(other),
            number.multiply(other),
            number.divide(other),
            other.divide(number),
            number.modulo(other),
            other.modulo(number),
            number.square_root(),
            number.round_to(3, Rounding::Down),
        ];
        for result in results {
            let text = result.to_string();
            assert_eq!(Decimal::from(Decimal128::from(result)).to_string(), text);
        }
    }
}
