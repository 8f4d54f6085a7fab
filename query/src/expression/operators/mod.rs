//! The operators of expressions, a file a family.

mod arithmetic;
mod array_access;
mod array_build;
mod array_iterate;
mod array_select;
mod bitwise;
mod boolean;
mod comparison;
mod conditional;
mod convert;
mod data_size;
pub(crate) mod dates;
mod hash;
mod literal;
mod logarithm;
mod message;
mod miscellaneous;
mod numeric;
mod object;
mod set;
mod statistics;
mod strings;
mod timestamp;
mod trigonometry;
mod types;
mod variables;

use super::Definition;

/// The operators by the families of MongoDB's documentation.
pub(super) const FAMILIES: &[(&str, &[Definition])] = &[
    ("Array", array_access::OPERATORS),
    ("Array", array_build::OPERATORS),
    ("Array", array_iterate::OPERATORS),
    ("Array", array_select::OPERATORS),
    ("Arithmetic", arithmetic::OPERATORS),
    ("Arithmetic", logarithm::OPERATORS),
    ("Bitwise", bitwise::OPERATORS),
    ("Boolean", boolean::OPERATORS),
    ("Comparison", comparison::OPERATORS),
    ("Conditional", conditional::OPERATORS),
    ("Data Size", data_size::OPERATORS),
    ("Date", dates::OPERATORS),
    ("Literal", literal::OPERATORS),
    ("Object", object::OPERATORS),
    ("Set", set::OPERATORS),
    ("Accumulator", statistics::OPERATORS),
    ("Miscellaneous", miscellaneous::OPERATORS),
    ("String", strings::OPERATORS),
    ("Timestamp", timestamp::OPERATORS),
    ("Trigonometry", trigonometry::OPERATORS),
    ("Type", convert::OPERATORS),
    ("Type", types::OPERATORS),
    ("Variable", variables::OPERATORS),
];
