//! `$limit`, `$skip`.

use argon_core::Result;
use bson::Bson;

use crate::Code;
use crate::pipeline::row_steps::RowStep;
use crate::pipeline::stage::{Definition, Part, Position, StageCompiler};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$limit", Position::Any, limit),
    Definition::new("$skip", Position::Any, skip),
];

fn limit(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let count = natural_number(argument).map_err(|reason| {
        Code::location(5_107_201).error(format!("invalid argument to $limit stage: {reason}"))
    })?;
    if count == 0 {
        return Err(Code::location(15958).error("the limit must be positive"));
    }
    Ok(vec![Part::Row(RowStep::Limit(count))])
}

fn skip(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let count = natural_number(argument).map_err(|reason| {
        Code::location(5_107_200).error(format!("invalid argument to $skip stage: {reason}"))
    })?;
    Ok(vec![Part::Row(RowStep::Skip(count))])
}

/// `BSONElement::parseIntegerElementToNonNegativeLong` of the server.
fn natural_number(argument: &Bson) -> Result<u64, String> {
    let number = match argument {
        Bson::Int32(number) => i64::from(*number),
        Bson::Int64(number) => *number,
        Bson::Double(number) => {
            if number.is_nan() {
                return Err(format!("Expected an integer, but found NaN in: {argument}"));
            }
            if number.trunc().to_bits() != number.to_bits() {
                return Err(format!("Expected an integer: {argument}"));
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a double out of range is kept apart"
            )]
            let whole = *number as i64;
            if whole == i64::MAX || whole == i64::MIN {
                return Err(format!("Cannot represent as a 64-bit integer: {argument}"));
            }
            whole
        }
        Bson::Decimal128(number) => {
            number.to_string().parse().map_err(|_| format!("Expected an integer: {argument}"))?
        }
        other => return Err(format!("Expected a number in: {other}")),
    };
    u64::try_from(number).map_err(|_| format!("Expected a non-negative number in: {argument}"))
}
