//! Operators on strings.
//!
//! | file | content |
//! | --- | --- |
//! | `coerce.rs` | other values as strings |
//! | `text.rs` | concatenation, case, splitting, replacement |
//! | `position.rs` | lengths, positions and substrings, in bytes and code points |
//! | `trim.rs` | trimming |
//! | `regex.rs` | regular expressions |

mod coerce;
mod position;
mod regex;
mod text;
mod trim;

use crate::expression::{Arguments, Definition};

pub(super) const OPERATORS: &[Definition] = &[
    Definition::function("$concat", Arguments::AtLeast(0), |values, _| text::concat(&values)),
    Definition::function("$indexOfBytes", Arguments::Between(2, 4), |values, _| {
        position::index_of_bytes(&values)
    }),
    Definition::function("$indexOfCP", Arguments::Between(2, 4), |values, _| {
        position::index_of_code_points(&values)
    }),
    Definition::signed("$ltrim", &trim::LEFT, trim::left),
    Definition::form("$regexFind", regex::find),
    Definition::form("$regexFindAll", regex::find_all),
    Definition::form("$regexMatch", regex::matches),
    Definition::signed("$replaceAll", &text::REPLACE_ALL, text::replace_all),
    Definition::signed("$replaceOne", &text::REPLACE_ONE, text::replace_one),
    Definition::signed("$rtrim", &trim::RIGHT, trim::right),
    Definition::function("$split", Arguments::Exactly(2), |values, _| text::split(&values)),
    Definition::function("$strLenBytes", Arguments::Exactly(1), |values, _| {
        position::length_in_bytes(&values)
    }),
    Definition::function("$strLenCP", Arguments::Exactly(1), |values, _| {
        position::length_in_code_points(&values)
    }),
    Definition::function("$strcasecmp", Arguments::Exactly(2), |values, _| {
        text::compare_ignoring_case(&values)
    }),
    Definition::function("$substr", Arguments::Exactly(3), |values, _| {
        position::substring_of_bytes(&values)
    }),
    Definition::function("$substrBytes", Arguments::Exactly(3), |values, _| {
        position::substring_of_bytes(&values)
    }),
    Definition::function("$substrCP", Arguments::Exactly(3), |values, _| {
        position::substring_of_code_points(&values)
    }),
    Definition::function("$toLower", Arguments::Exactly(1), |values, _| text::to_lower(&values)),
    Definition::function("$toUpper", Arguments::Exactly(1), |values, _| text::to_upper(&values)),
    Definition::signed("$trim", &trim::BOTH, trim::both),
];
