//! What settles a conflict without a person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to settle a conflict.
///
/// One that does not fit the values (a sum of strings, the greatest of a value and none) leaves the
/// conflict, with a note that says why. `Union` and `ByKey` say what an array is; so they decide how
/// one is merged whenever both sides changed it, not only where the other rules would give up.
/// [`Strategy::Touched`] makes conflicts where the other rules see none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Strategy {
    /// What ours has.
    Ours,
    /// What theirs has.
    Theirs,
    /// The side whose document was changed last; ours if both were at the same time.
    Newest,
    /// The greater value in MongoDB's order of values. Of equal ones of two types the one whose
    /// type has the higher number in BSON, so that it is the same from both sides.
    Max,
    /// The lesser value; equal ones as for `Max`.
    Min,
    /// What both sides added to a number, on top of what was there, or of 0.
    ///
    /// Has the widest type of the three; an int32 becomes an int64 where it must. What fits no
    /// int64, no finite double or not the 34 digits of a decimal stays a conflict, and so do
    /// doubles and decimals together: nothing is wrapped, and no decimal rounded.
    Sum,
    /// Arrays as sets: what was there without what either side removed, then what ours added, then
    /// what theirs added. Elements are the same if type and bytes are.
    Union,
    /// What was there, merged element by element; then what ours appended, then what theirs did.
    Append,
    /// Arrays of documents, whose elements are matched by the value of this field and merged each
    /// by itself. One without the field, or two with one value, make the whole array a conflict.
    ByKey(String),
    /// Never settles anything: what both sides wrote stays a conflict, also where they wrote the same,
    /// or both took it away. For a value whose change is a claim that only one may make: a version
    /// counter, the owner of a job.
    Touched,
}

/// The strategies without a parameter, by name.
const PLAIN: [(&str, Strategy); 9] = [
    ("ours", Strategy::Ours),
    ("theirs", Strategy::Theirs),
    ("newest", Strategy::Newest),
    ("max", Strategy::Max),
    ("min", Strategy::Min),
    ("sum", Strategy::Sum),
    ("union", Strategy::Union),
    ("append", Strategy::Append),
    ("touched", Strategy::Touched),
];

impl FromStr for Strategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, strategy)) = PLAIN.iter().find(|(name, _)| *name == text) {
            return Ok(strategy.clone());
        }
        let field = text.strip_prefix("by-key(").and_then(|rest| rest.strip_suffix(')'));
        field.filter(|field| !field.is_empty()).map(|field| Self::ByKey(field.into())).ok_or_else(
            || {
                Error::invalid(format!(
                    "'{text}' is no strategy; use ours, theirs, newest, max, min, sum, union, \
                     append, touched or by-key(<field>)"
                ))
            },
        )
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::ByKey(field) = self {
            return write!(f, "by-key({field})");
        }
        let name = PLAIN.iter().find(|(_, strategy)| strategy == self).map(|(name, _)| *name);
        f.pad(name.unwrap_or_default())
    }
}

impl TryFrom<String> for Strategy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Strategy> for String {
    fn from(strategy: Strategy) -> Self {
        strategy.to_string()
    }
}
