//! Which documents match: MongoDB's queries.
//!
//! Exactly as the server has it: a path goes through arrays, a test of an array holds if it holds for an
//! element, null is what is missing too, and the tests of an order compare values of one type only.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `compile.rs`, `arguments.rs` | reading queries, and what their operators take |
//! | `predicate.rs`, `operand.rs` | what holds of a value; comparing values |
//! | `sight.rs` | whether a query sees what its paths mean |

mod arguments;
mod compile;
mod operand;
mod predicate;
mod sight;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_rules;

use std::fmt;
use std::sync::Arc;

use bson::raw::RawDocument;

pub(crate) use self::compile::{Collation, Compiler};
use self::predicate::{Predicate, each};
use super::path::Path;
use crate::{Error, Result};

/// A query of MongoDB's language, read once; it matches documents as bytes.
///
/// Known are equality, `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`, `$exists`, `$type`, `$not`,
/// `$regex`, `$mod`, `$size`, `$all`, `$elemMatch`, `$and`, `$or`, `$nor`, and regular expressions as values.
/// Text is compared byte by byte.
///
/// ```
/// use argon_core::document::Filter;
/// use bson::{doc, rawdoc};
///
/// # fn main() -> argon_core::Result<()> {
/// let filter = Filter::parse(&doc! { "items.price": { "$gt": 5 }, "gone": null })?;
/// assert!(filter.matches(&rawdoc! { "items": [{ "price": 3 }, { "price": 9.5 }] })?);
/// assert!(!filter.matches(&rawdoc! { "items": { "price": "9" } })?);
///
/// let error = Filter::parse(&doc! { "price": { "$near": [1, 2] } }).unwrap_err();
/// assert!(error.to_string().contains("the operator $near"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Filter(Term);

#[derive(Debug, Clone)]
enum Term {
    All(Vec<Term>),
    Any(Vec<Term>),
    Not(Box<Term>),
    /// What holds at a path.
    At(Path, Predicate),
    /// What somebody else knows to judge: `$jsonSchema`.
    Judge(Arc<dyn Judge>),
}

/// Judges whole documents.
pub(crate) trait Judge: fmt::Debug + Send + Sync {
    /// Whether a document passes.
    fn passes(&self, document: &RawDocument) -> Result<bool, Undecided>;
}

/// Why it can't be said whether a document matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// It does not decode.
    Malformed,
    /// A regular expression took too long.
    GaveUp,
}

impl Filter {
    /// Reads a query as MongoDB's drivers, validators and indexes have it: each dot in a name stands between
    /// two names.
    ///
    /// # Errors
    /// `Invalid`, naming the operator, or whatever is not understood.
    pub fn parse(query: &bson::Document) -> Result<Self> {
        Ok(Compiler::default().query(query)?)
    }

    /// Reads the query of a rule that is Argon's own. The names of its fields are those of a [`Path`], so
    /// that `a\.b` is one field; what could match nothing as it is written is refused.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), with what to write instead.
    pub fn rule(query: &bson::Document) -> Result<Self> {
        Ok(Compiler::of_new_rule().query(query)?)
    }

    /// Whether a document matches. O(document × query).
    ///
    /// # Errors
    /// Why it can't be said.
    pub fn matches(&self, document: &RawDocument) -> Result<bool, Undecided> {
        self.0.matches(document)
    }

    /// Whether each path of the query can mean one field of the document only. It can mean several
    /// where two fields have one name, or a dot in a field's name could stand between two names:
    /// the query does not see such a field, and `$ne` would hold of a value that it never looked at.
    pub(crate) fn sees(&self, document: &RawDocument) -> Result<bool, Undecided> {
        self.0.sees(document)
    }
}

impl Term {
    fn matches(&self, document: &RawDocument) -> Result<bool, Undecided> {
        match self {
            Self::All(terms) => each(terms, |term| term.matches(document)),
            Self::Any(terms) => each(terms, |term| Ok(!term.matches(document)?)).map(|none| !none),
            Self::Not(term) => Ok(!term.matches(document)?),
            Self::At(path, predicate) => predicate.holds_at(document, path.as_slice()),
            Self::Judge(judge) => judge.passes(document),
        }
    }

    fn sees(&self, document: &RawDocument) -> Result<bool, Undecided> {
        match self {
            Self::All(terms) | Self::Any(terms) => each(terms, |term| term.sees(document)),
            Self::Not(term) => term.sees(document),
            Self::At(path, predicate) => Ok(sight::is_unambiguous(document, path.as_slice())?
                && predicate.sees_at(document, path.as_slice())?),
            // What it looks at is not known.
            Self::Judge(_) => Ok(false),
        }
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "a stored document does not decode",
            Self::GaveUp => {
                "a regular expression took too long on a document; write one that goes back less"
            }
        })
    }
}

impl std::error::Error for Undecided {}

impl From<Undecided> for Error {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Malformed => Self::corrupt(undecided.to_string()),
            Undecided::GaveUp => Self::unsupported(undecided.to_string()),
        }
    }
}

impl From<bson::error::Error> for Undecided {
    fn from(_: bson::error::Error) -> Self {
        Self::Malformed
    }
}
