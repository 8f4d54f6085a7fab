//! `$cmp`, `$eq`, `$gt`, `$gte`, `$lt`, `$lte`, `$ne`.

use std::cmp::Ordering;

use crate::expression::{Arguments, Definition};

macro_rules! operators {
    ($($name:literal $answer:expr;)*) => {&[
        $(Definition::function($name, Arguments::Exactly(2), |values, _| {
            let answer = $answer;
            Ok(answer(values[0].compare(&values[1])?).into())
        }),)*
    ]};
}

pub(super) const OPERATORS: &[Definition] = operators! {
    "$cmp" |order: Ordering| order as i32;
    "$eq" Ordering::is_eq;
    "$gt" Ordering::is_gt;
    "$gte" Ordering::is_ge;
    "$lt" Ordering::is_lt;
    "$lte" Ordering::is_le;
    "$ne" Ordering::is_ne;
};
