//! `$isNumber`, `$type`. The conversions are in `convert`.

use crate::expression::{Arguments, Definition};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$isNumber", Arguments::Exactly(1), |values, _| {
        Ok(values[0].is_number().into())
    }),
    Definition::function("$type", Arguments::Exactly(1), |values, _| {
        Ok(values[0].type_name().to_owned().into())
    }),
];
