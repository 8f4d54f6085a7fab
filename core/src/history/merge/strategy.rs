//! Strategies that resolve conflicts automatically.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A strategy to resolve a conflict.
///
/// A strategy that does not fit the values (a sum of strings, the maximum of a value and none)
/// leaves the conflict, with a note that gives the reason. `Union` and `ByKey` define the meaning
/// of an array; so they apply whenever both sides changed it, not only if the other rules find a
/// conflict. [`Strategy::Touched`] makes conflicts where the other rules find none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Strategy {
    /// Takes ours.
    Ours,
    /// Takes theirs.
    Theirs,
    /// Takes the side whose document was changed last; ours if both were changed at the same time.
    Newest,
    /// Takes the greater value in MongoDB's order of values. Of equal values of two types, it takes
    /// the one whose type has the higher number in BSON, so that swapping the sides gives the same
    /// result.
    Max,
    /// Takes the lesser value; equal ones as for `Max`.
    Min,
    /// Adds the changes of both sides to the base, or to 0.
    ///
    /// The result has the widest type of the three; an int32 becomes an int64 if required. A result
    /// that fits no int64, no finite double or not the 34 digits of a decimal stays a conflict, and
    /// so do doubles combined with decimals: nothing wraps, and no decimal is rounded.
    Sum,
    /// Merges arrays as sets: the base without elements that either side removed, then elements
    /// added by ours, then elements added by theirs. Elements are equal if type and bytes are.
    Union,
    /// Merges the elements of the base one by one; then appends those of ours, then those of
    /// theirs.
    Append,
    /// Merges arrays of documents, whose elements are matched by the value of this field and merged
    /// one by one. An element without the field, or two with one value, make the whole array a
    /// conflict.
    ByKey(String),
    /// Never resolves anything: a value that both sides wrote stays a conflict, also if they wrote
    /// the same, or both removed it. For a value whose change is an exclusive claim: a version
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
                    "unknown strategy '{text}'; expected ours, theirs, newest, max, min, sum, \
                     union, append, touched or by-key(<field>)"
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
