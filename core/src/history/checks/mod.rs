//! Checks of a result that is not published yet: schemas, unique fields, references.
//!
//! Merge, undo and the like make changes on top of a state. Together they are a [`Proposed`] state,
//! and [`run`] says what is wrong with it: each rule that it breaks is a [`Violation`]. A rule holds
//! what the changes do to account, not what was there before them.
//!
//! # What is checked
//! 1. **Validators**: every document that the changes write, against the collection's own validator
//!    (`$jsonSchema` and query operators) and the policy's schemas. O(changes). See `validator`.
//! 2. **Indexes**: whether MongoDB would have them beside each other, and the written documents in them.
//!    O(changes). See `indexes`.
//! 3. **Unique fields**: no two documents have the values that a changed document has. One scan of
//!    each collection that has a rule and is changed, in memory of O(changes). See `unique`.
//! 4. **References**: what changed documents name is there, and nothing names what the changes take
//!    away. At most one scan of either collection, in memory of O(changes). See `references`.
//!
//! What a rule says that is not known here is [named](Unchecked), never passed over.
//!
//! Hooks are commands, and so for the command line to run; here they are only part of a policy.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `policy.rs` | what is to be checked, as a policy file and a stored plan have it |
//! | `proposed.rs` | a state with changes on top |
//! | `validator.rs`, `schema/` | validators, `$jsonSchema` |
//! | `index.rs`, `indexes.rs` | one index, and all of a collection |
//! | `unique.rs`, `references.rs` | the rules between documents |
//! | `violation.rs`, `unchecked.rs` | what is found, and what could not be checked |

mod index;
mod indexes;
mod policy;
mod proposed;
mod references;
#[cfg(feature = "json-schema")]
mod schema;
#[cfg(not(feature = "json-schema"))]
#[path = "schema_off.rs"]
mod schema;
mod unchecked;
mod unique;
mod validator;
mod violation;

pub use policy::{Checks, Hook, Reference, Unique};
pub use proposed::{KeyedDocuments, Proposed};
pub use unchecked::{Checked, Unchecked};
pub use violation::{Check, Violation};

use crate::Result;
use crate::history::checks::unchecked::Findings;

/// Checks a result; gives at most `most` violations, the same ones in the same order every time:
/// schemas before indexes before unique fields before references, each by collection or rule, then by key.
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
/// `Invalid` for a schema that can't be used, naming its collection.
pub async fn run(checks: &Checks, proposed: &Proposed, most: usize) -> Result<Checked> {
    let mut found = Findings::at_most(most);
    validator::check(checks, proposed, &mut found).await?;
    indexes::check(checks, proposed, &mut found)?;
    unique::check(checks, proposed, &mut found).await?;
    references::check(checks, proposed, &mut found).await?;
    Ok(found.finish())
}

/// The rules that [`run`] can't check, as far as that can be said without reading documents that are there
/// already: of a pattern that takes too long for one of these, only `run` knows. O(changes).
///
/// # Errors
/// Those of [`run`].
pub fn unchecked(checks: &Checks, proposed: &Proposed) -> Result<Vec<Unchecked>> {
    let mut found = Findings::at_most(0);
    validator::prepare(checks, proposed, &mut found)?;
    indexes::prepare(checks, proposed, &mut found)?;
    unique::prepare(checks, proposed, &mut found)?;
    Ok(found.finish().unchecked)
}
