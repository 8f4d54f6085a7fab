//! Facts about numbers, each checked on the order of values and on keys.

use std::cmp::Ordering;

use bson::{Bson, Decimal128};
use proptest::prelude::*;

use super::{
    super::{
        decimal::{Decimal, to_decimal128},
        decode::decode,
    },
    compare, decimal, encoded,
};

const TWO_53: i64 = 1 << 53;

fn assert_order(a: &Bson, b: &Bson, expected: Ordering) {
    assert_eq!(compare(a, b), expected, "{a} and {b}");
    assert_eq!(compare(b, a), expected.reverse(), "{b} and {a}");
    assert_eq!(encoded(a).cmp(&encoded(b)), expected, "keys of {a} and {b}");
}

#[test]
fn a_number_is_equal_to_itself_in_every_type_and_spelling() {
    let equal = [
        vec![Bson::Int32(1), Bson::Int64(1), Bson::Double(1.0), decimal("1"), decimal("1.00")],
        vec![Bson::Int32(0), Bson::Double(-0.0), decimal("0"), decimal("-0E+3"), decimal("0E-9")],
        vec![Bson::Int32(-1200), Bson::Double(-1200.0), decimal("-12E2"), decimal("-1.2E+3")],
        vec![Bson::Double(f64::NAN), Bson::Double(-f64::NAN), decimal("NaN"), decimal("-NaN")],
        vec![Bson::Double(f64::INFINITY), decimal("Infinity")],
        vec![Bson::Double(f64::NEG_INFINITY), decimal("-Infinity")],
        vec![Bson::Double(0.5), decimal("0.5"), decimal("0.50")],
        vec![Bson::Double(2_f64.powi(63)), decimal("9223372036854775808")],
        vec![decimal("1E+6111"), decimal("1.000E+6111")],
    ];
    for group in &equal {
        for (a, b) in group.iter().zip(&group[1..]) {
            assert_order(a, b, Ordering::Equal);
        }
    }
}

#[test]
fn numbers_that_are_nearly_equal_are_told_apart() {
    let ascending = [
        Bson::Double(f64::NAN),
        Bson::Double(f64::NEG_INFINITY),
        decimal("-1E+6111"),
        Bson::Double(f64::MIN),
        Bson::Int64(i64::MIN),
        Bson::Double(-0.1),
        decimal("-0.1"),
        Bson::Double(-f64::from_bits(1)),
        decimal("-1E-6176"),
        Bson::Int32(0),
        decimal("1E-6176"),
        decimal("4.940656458412465441765687928682213E-324"),
        Bson::Double(f64::from_bits(1)),
        decimal("4.940656458412465441765687928682214E-324"),
        Bson::Double(f64::from_bits(2)),
        decimal("0.1"),
        decimal("0.1000000000000000055511151231257827"),
        Bson::Double(0.1),
        decimal("0.1000000000000000055511151231257828"),
        Bson::Double(0.3),
        decimal("0.3"),
        Bson::Int64(TWO_53 - 1),
        Bson::Int64(TWO_53),
        decimal("9007199254740992.5"),
        Bson::Int64(TWO_53 + 1),
        Bson::Double(9_007_199_254_740_994.0),
        Bson::Int64(i64::MAX),
        Bson::Double(2_f64.powi(63)),
        decimal("9223372036854775808.1"),
        Bson::Double(f64::MAX),
        decimal("9.999999999999999999999999999999999E+6144"),
        Bson::Double(f64::INFINITY),
    ];
    for (a, b) in ascending.iter().zip(&ascending[1..]) {
        assert_order(a, b, Ordering::Less);
    }
}

#[test]
fn a_number_decodes_to_the_first_type_that_holds_it() {
    let decoded = [
        (decimal("5.0"), Bson::Int32(5)),
        (Bson::Double(-2_147_483_648.0), Bson::Int32(i32::MIN)),
        (Bson::Double(2_147_483_648.0), Bson::Int64(1 << 31)),
        (decimal("-9223372036854775808"), Bson::Int64(i64::MIN)),
        (decimal("9223372036854775808"), Bson::Double(2_f64.powi(63))),
        (decimal("0.50"), Bson::Double(0.5)),
        (decimal("1E+22"), Bson::Double(1e22)),
        (decimal("0.10"), decimal("0.1")),
        (decimal("1.000E+6111"), decimal("1E+6111")),
        (decimal("1E+6144"), decimal("1.000000000000000000000000000000000E+6144")),
    ];
    for (number, expected) in decoded {
        assert_eq!(decode(&encoded(&number)).unwrap(), expected);
    }
}

#[test]
fn a_decimal_that_is_not_canonical_is_zero() {
    let coefficient_too_great = (6176_u128 << 113) | 10_u128.pow(34);
    let other_form = 0b11_u128 << 125;
    for bits in [coefficient_too_great, other_form, other_form | (1 << 127)] {
        let number = Bson::Decimal128(Decimal128::from_bytes(bits.to_le_bytes()));
        assert_order(&number, &Bson::Int32(0), Ordering::Equal);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Compares our decoding of the bits with the parser and the printer of `bson`.
    #[test]
    fn the_parts_of_a_decimal_are_those_of_its_text(
        negative: bool,
        coefficient in 1..10_u128.pow(34),
        exponent in -6176..=6111,
    ) {
        let text = format!("{}{coefficient}E{exponent}", if negative { "-" } else { "" });
        let parsed: Decimal128 = text.parse().unwrap();
        prop_assert_eq!(Decimal::from(parsed), Decimal::Finite { negative, coefficient, exponent });
        prop_assert_eq!(to_decimal128(negative, coefficient, exponent), Some(parsed));
    }

    /// Rounding to the nearest double can't reverse an order: an oracle independent of both
    /// implementations.
    #[test]
    fn rounding_numbers_to_doubles_keeps_their_order(
        a in super::generators::number(),
        b in super::generators::number(),
    ) {
        let rounded = |number: &Bson| -> f64 { number.to_string().parse().unwrap() };
        if let Some(order) = rounded(&a).partial_cmp(&rounded(&b)) && order.is_ne() {
            prop_assert_eq!(compare(&a, &b), order);
        }
    }
}
