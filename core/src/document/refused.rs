//! The reason why a filter, or a regular expression in it, is refused.

use crate::Error;

/// The operators of filters.
pub const FILTER_OPERATORS: &[&str] = &[
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$type",
    "$not",
    "$regex",
    "$mod",
    "$size",
    "$all",
    "$elemMatch",
    "$bitsAllSet",
    "$bitsAllClear",
    "$bitsAnySet",
    "$bitsAnyClear",
    "$and",
    "$or",
    "$nor",
];

/// The refused part of a filter, in words that follow "it has": `the operator $expr`.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The part is malformed in MongoDB too, and the words say what was expected.
    Malformed(String),
    /// The part is unsupported.
    Unknown(String),
    /// The operator of this name is unsupported.
    Operator(String),
    /// An extension of the language refused it.
    Extension(Error),
}

impl Refused {
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown(what.into())
    }

    /// The part and its problem.
    pub(crate) fn into_words(self) -> String {
        match self {
            Self::Malformed(words) | Self::Unknown(words) => words,
            Self::Operator(name) => format!("the operator {name}"),
            Self::Extension(error) => error.message().to_owned(),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Malformed(what) => Self::invalid(format!("the query has {what}")),
            Refused::Extension(error) => error,
            Refused::Unknown(_) | Refused::Operator(_) => Self::invalid(format!(
                "the query has {}, which is not supported; supported operators: {}",
                refused.into_words(),
                FILTER_OPERATORS.join(", ")
            )),
        }
    }
}
