//! Why a filter, or a regular expression in it, can't be used.

use crate::Error;

/// The operators that are known, as a message names them.
const OPERATORS: &str = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $type, $not, $regex, $mod, \
     $size, $all, $elemMatch, $and, $or and $nor";

/// Why a filter can't be used: a part of it, in words that follow "it has": `the operator $expr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The part is wrong, to MongoDB too, and the words say what is expected.
    Malformed(String),
    /// It is not known here.
    Unknown(String),
}

impl Refused {
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed(what.into())
    }

    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Self::Unknown(what.into())
    }

    /// The part, and what is wrong with it.
    pub(crate) fn into_words(self) -> String {
        match self {
            Self::Malformed(words) | Self::Unknown(words) => words,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::invalid(match refused {
            Refused::Malformed(what) => format!("the query has {what}"),
            Refused::Unknown(what) => {
                format!("the query has {what}, which is not known; the operators are {OPERATORS}")
            }
        })
    }
}
