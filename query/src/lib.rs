//! The MongoDB query language over any state of any branch.
//!
//! Expressions, filters, projections, sorts, updates and pipelines compile once, and run on the
//! bytes of documents. Whatever can't be compiled is refused with MongoDB's code and name: see
//! [`Code`].
//!
//! | module | content |
//! | --- | --- |
//! | [`code`] | MongoDB's error codes, as details of an [`argon_core::Error`] |
//! | [`value`] | values of documents and expressions |
//! | [`number`] | MongoDB's arithmetic over its four types of numbers |
//! | [`expression`] | expressions: field paths, variables, and the operators by family |
//! | [`filter`] | filters: core's, with expressions, schemas and collations |
//! | [`find`] | which documents match, and how they are read |
//! | [`Interrupt`] | ending what is evaluated, from outside |
//! | [`modify`] | changes of the documents that match |
//! | [`commands`] | insertions, updates and deletions as drivers send them |
//! | [`transaction`] | several of them in one commit, which reads what it writes |
//! | [`collation`] | the order of texts by the rules of a language |
//! | [`accumulator`] | the functions of `$group` over many documents |
//! | [`sort`] | sort patterns, and the keys by which documents are sorted |
//! | [`pipeline`] | the aggregation pipeline |
//! | [`plan`] | by which index a query reads a collection |
//! | [`projection`] | which fields of a document are given, and which are computed |
//! | [`update`] | updates: operators, replacements and pipelines |
//! | [`window`] | the functions of `$setWindowFields` |

pub mod accumulator;
pub mod code;
pub mod collation;
pub mod commands;
pub mod expression;
mod fields;
pub mod filter;
pub mod find;
mod interrupt;
mod locale;
mod message;
pub mod modify;
pub mod number;
pub mod pipeline;
pub mod plan;
pub mod projection;
pub mod sort;
pub mod transaction;
pub mod update;
pub mod value;
mod value_set;
pub mod window;

pub use code::Code;
pub use collation::Collation;
pub use expression::Expression;
pub use interrupt::Interrupt;
pub use value::Value;
