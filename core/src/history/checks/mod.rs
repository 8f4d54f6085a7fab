//! Checks of a result before it is published: schemas, unique fields, references.
//!
//! Merge, undo and similar operations propose changes on top of a state. Together they are a
//! [`Proposed`] state, which [`run`] checks: each broken rule is a [`Violation`]. A rule applies to
//! the changes, not to the content before them.
//!
//! # What is checked
//! 1. **Validators**: every document that the changes write, against the collection's own validator
//!    (`$jsonSchema` and query operators) and the policy's schemas. O(changes). See `validator`.
//! 2. **Indexes**: whether MongoDB would allow them together, and index the written documents.
//!    O(changes). See `indexes`.
//! 3. **Unique fields**: no two documents have the same value, if one of them changed. One scan of
//!    each changed collection with a rule, in memory of O(changes). See `unique`.
//! 4. **References**: targets of changed documents exist, and no document refers to one that the
//!    changes remove. At most one scan of either collection, in memory of O(changes). See
//!    `references`.
//!
//! Unsupported parts of a rule are [named](Unchecked), never ignored silently.
//!
//! Hooks are commands, so the command line runs them; here they are only part of a policy.
//!
//! | file | content |
//! | --- | --- |
//! | `policy.rs` | the rules to check, in a policy file and in a plan |
//! | `proposed.rs` | a state with changes on top |
//! | `validator.rs` | validators of collections and policies |
//! | `index.rs`, `indexes.rs` | one index, and all of a collection |
//! | `unique.rs`, `references.rs` | the rules between documents |
//! | `violation.rs`, `unchecked.rs` | violations, and rules that could not be checked |

mod index;
mod indexes;
mod policy;
mod proposed;
mod references;
mod unchecked;
mod unique;
mod validator;
mod violation;

pub use crate::engine::rules::validator::schema;
pub use policy::{Checks, Hook, Reference, Unique};
pub use proposed::{KeyedDocuments, Proposed};
pub use unchecked::{Checked, Unchecked};
pub use violation::{Check, Violation};

use crate::Result;
use crate::history::checks::unchecked::Findings;

/// Checks a result; returns at most `most` violations, in a deterministic order: schemas, indexes,
/// unique fields, references, each by collection or rule, then by key.
///
/// ```
/// # use bson::rawdoc;
/// # use argon_core::checks::{self, Checks, Proposed};
/// # use argon_core::model::{Change, CollectionName, Document, Image};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> argon_core::Result<()> {
/// let branch = argon_backends::memory_branch().await?;
/// let users = CollectionName::new("users")?;
/// branch.collection(&users).insert(rawdoc! { "_id": 1, "email": "ada@example.org" }).await?;
/// let head = branch.head().await?;
///
/// let (key, document) = Document::checked(rawdoc! { "_id": 2, "email": "ada@example.org" })?;
/// let collection = head.collection(&users)?.info().id;
/// let change = Change { collection, key, image: Image::Document(document) };
/// let proposed = Proposed::of(head, [change])?;
///
/// let rules = Checks {
///     unique: vec![checks::Unique { collection: users, fields: vec!["email".parse()?] }],
///     ..Checks::default()
/// };
/// let checked = checks::run(&rules, &proposed, 10).await?;
/// assert_eq!(checked.violations[0].problem, "documents 1 and 2 have the same email, which must be unique");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Invalid` for an invalid schema, naming its collection.
pub async fn run(checks: &Checks, proposed: &Proposed, most: usize) -> Result<Checked> {
    let mut found = Findings::at_most(most);
    validator::check(checks, proposed, &mut found).await?;
    indexes::check(checks, proposed, &mut found)?;
    unique::check(checks, proposed, &mut found).await?;
    references::check(checks, proposed, &mut found).await?;
    Ok(found.finish())
}

/// Returns the rules that [`run`] can't check, as far as that is known without reading existing
/// documents: only `run` finds a pattern that takes too long for one of these. O(changes).
///
/// # Errors
/// The errors of [`run`].
pub fn unchecked(checks: &Checks, proposed: &Proposed) -> Result<Vec<Unchecked>> {
    let mut found = Findings::at_most(0);
    validator::prepare(checks, proposed, &mut found)?;
    indexes::prepare(checks, proposed, &mut found)?;
    unique::prepare(checks, proposed, &mut found)?;
    Ok(found.finish().unchecked)
}
