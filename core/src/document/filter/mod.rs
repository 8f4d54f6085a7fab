//! Filters: MongoDB's queries.
//!
//! The semantics are exactly those of the server: a path goes through arrays, a condition on an
//! array also holds if it holds for an element, null includes missing, and comparisons of order
//! only compare values of one type.
//!
//! | file | content |
//! | --- | --- |
//! | `compile.rs`, `arguments.rs` | compiles queries, and the arguments of operators |
//! | `predicate.rs`, `operand.rs`, `bits.rs` | conditions on values; comparison of values; bits |
//! | `position.rs` | the array element that made a query match |
//! | `sight.rs` | whether the paths of a query are unambiguous |

mod arguments;
mod bits;
mod compile;
mod operand;
mod position;
mod predicate;
mod sight;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_rules;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bson::Bson;
use bson::raw::RawDocument;

pub(crate) use self::compile::{Collation, Compiler};
use self::predicate::{Predicate, each};
use super::key::TextOrder;
use super::path::Path;
use super::refused::Refused;
use crate::{Error, Result};

/// A compiled query of MongoDB's language; it matches documents as bytes.
///
/// Supported are equality, `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`, `$exists`,
/// `$type`, `$not`, `$regex`, `$mod`, `$size`, `$all`, `$elemMatch`, `$and`, `$or`, `$nor`, and
/// regular expressions as values; and `$bitsAllSet`, `$bitsAllClear`, `$bitsAnySet` and
/// `$bitsAnyClear`. Text is compared byte by byte. An [`Extension`] adds other operators and
/// another order of texts.
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
    /// A condition at a path.
    At(Path, Predicate),
    /// A condition that is evaluated elsewhere, such as `$jsonSchema`.
    Condition(Arc<dyn Condition>),
}

/// A condition on whole documents.
pub trait Condition: fmt::Debug + Send + Sync {
    /// Returns whether a document satisfies the condition, in the environment that
    /// [`Filter::matches_in`] was given.
    ///
    /// # Errors
    /// The reason why that is undecidable.
    fn holds(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided>;
}

/// What the conditions of an extension are evaluated with, such as the values of variables.
pub type Environment<'e> = &'e (dyn Any + Send + Sync);

/// What a query language adds to the filters of core.
pub trait Extension {
    /// Compiles an operator that stands where a field's name may: `$expr`. `None` if the extension
    /// has no such operator.
    ///
    /// # Errors
    /// The error of [`Filter::extended`].
    fn condition(
        &self,
        operator: &str,
        argument: &Bson,
    ) -> Option<crate::Result<Arc<dyn Condition>>>;

    /// The error for an operator that neither the language nor the extension has; `None` for the error of
    /// [`Filter::parse`].
    fn unknown(&self, _operator: &str) -> Option<Error> {
        None
    }

    /// The order of texts; `None` for byte by byte.
    fn text_order(&self) -> Option<Arc<dyn TextOrder>>;
}

/// The reason why it is undecidable whether a document matches.
#[derive(Debug, Clone)]
pub enum Undecided {
    /// The document can't be decoded.
    Malformed,
    /// A regular expression exceeded its limit.
    GaveUp,
    /// A [`Condition`] failed.
    Failed(Arc<Error>),
}

impl Filter {
    /// Compiles a query of MongoDB's drivers, validators and indexes: each dot in a name separates
    /// two names.
    ///
    /// # Errors
    /// `Invalid`, naming the unsupported operator or value.
    pub fn parse(query: &bson::Document) -> Result<Self> {
        Ok(Compiler::default().query(query)?)
    }

    /// Compiles the query of a rule of Argon. Its field names use the syntax of a [`Path`], so that
    /// `a\.b` is one field; a path that could never match is refused.
    ///
    /// # Errors
    /// See [`parse`](Self::parse), with a valid alternative.
    pub fn rule(query: &bson::Document) -> Result<Self> {
        Ok(Compiler::of_new_rule().query(query)?)
    }

    /// Compiles a query of an extended language, with MongoDB's names of fields.
    ///
    /// # Errors
    /// See [`parse`](Self::parse), or the error of the extension.
    pub fn extended(query: &bson::Document, extension: &dyn Extension) -> Result<Self> {
        let text = extension.text_order();
        let condition = |operator: &str, argument: &Bson| {
            let condition = extension.condition(operator, argument)?;
            Some(condition.map_err(Refused::Extension))
        };
        let compiler = Compiler::default().with_conditions(&condition).with_text(text.as_ref());
        compiler.query(query).map_err(|refused| match refused {
            Refused::Operator(name) => {
                extension.unknown(&name).unwrap_or_else(|| Refused::Operator(name).into())
            }
            refused => refused.into(),
        })
    }

    /// Returns whether a document matches. O(document × query).
    ///
    /// # Errors
    /// The reason why it is undecidable.
    pub fn matches(&self, document: &RawDocument) -> Result<bool, Undecided> {
        self.matches_in(document, &())
    }

    /// [`matches`](Self::matches) for a filter of an extended language, whose conditions are
    /// evaluated in an environment.
    ///
    /// # Errors
    /// The reason why it is undecidable.
    pub fn matches_in(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        self.0.matches(document, environment)
    }

    /// Returns whether each path of the query identifies a single field of the document. A path is
    /// ambiguous if two fields have one name, or a dot in a field's name could be a separator: the
    /// query ignores such a field, so `$ne` would hold for a value that it never compared.
    pub(crate) fn sees(&self, document: &RawDocument) -> Result<bool, Undecided> {
        self.0.sees(document)
    }
}

impl Term {
    fn matches(
        &self,
        document: &RawDocument,
        environment: Environment<'_>,
    ) -> Result<bool, Undecided> {
        match self {
            Self::All(terms) => each(terms, |term| term.matches(document, environment)),
            Self::Any(terms) => {
                each(terms, |term| Ok(!term.matches(document, environment)?)).map(|none| !none)
            }
            Self::Not(term) => Ok(!term.matches(document, environment)?),
            Self::At(path, predicate) => predicate.holds_at(document, path.as_slice(), environment),
            Self::Condition(condition) => condition.holds(document, environment),
        }
    }

    fn sees(&self, document: &RawDocument) -> Result<bool, Undecided> {
        match self {
            Self::All(terms) | Self::Any(terms) => each(terms, |term| term.sees(document)),
            Self::Not(term) => term.sees(document),
            Self::At(path, predicate) => Ok(sight::is_unambiguous(document, path.as_slice())?
                && predicate.sees_at(document, path.as_slice())?),
            // Its paths are unknown.
            Self::Condition(_) => Ok(false),
        }
    }
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "failed to decode a stored document",
            Self::GaveUp => {
                "a regular expression took too long on a document; use one with less backtracking"
            }
            Self::Failed(error) => error.message(),
        })
    }
}

impl std::error::Error for Undecided {}

impl From<Undecided> for Error {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Malformed => Self::corrupt(undecided.to_string()),
            Undecided::GaveUp => Self::unsupported(undecided.to_string()),
            Undecided::Failed(error) => Arc::try_unwrap(error).unwrap_or_else(Self::shared),
        }
    }
}

impl From<bson::error::Error> for Undecided {
    fn from(_: bson::error::Error) -> Self {
        Self::Malformed
    }
}
