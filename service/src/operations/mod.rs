//! Operations by their names, for front ends that do not call each function: REST, MCP, the server's own commands,
//! the package for Python.
//!
//! An [`Operation`] has the schemas of its request and of its result, which carry their documentation, and says what
//! it works on and whether it changes anything. So a front end offers all of them by one table.
//!
//! | file | content |
//! | --- | --- |
//! | `target.rs` | what an operation works on |
//! | `request.rs` | requests as JSON or BSON |
//! | `output.rs` | where results go |
//! | `of_store.rs`, `of_project.rs`, `of_history.rs`, `of_plans.rs`, `of_documents.rs` | the operations |

mod of_documents;
mod of_history;
mod of_plans;
mod of_project;
mod of_store;
mod output;
mod request;
mod shown;
mod target;

use argon_core::Error;
use futures::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use self::output::BsonOutput;
pub use self::output::Output;
pub use self::request::Request;
pub use self::target::{Sees, Target};
use crate::{Failure, Result};

/// An operation of the service.
pub struct Operation {
    /// Its name, such as `branch.create`.
    pub name: &'static str,
    /// What it works on.
    pub scope: Scope,
    /// Whether it changes anything.
    pub effect: Effect,
    /// Whether its result is a list of items, each given as soon as it is known.
    pub is_list: bool,
    request: fn(&mut SchemaGenerator) -> Schema,
    result: fn(&mut SchemaGenerator) -> Schema,
    run: for<'r> fn(&'r Target, &'r Request, &'r mut dyn Output) -> BoxFuture<'r, Result>,
}

/// What an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The store.
    Store,
    /// A project, and a branch that is meant where the request names none.
    Project,
    /// A branch.
    Branch,
    /// The state that the field `revision` of the request names; without it, the head of the branch.
    State,
}

/// Whether an operation changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It reads.
    Read,
    /// It writes.
    Write,
    /// It removes what can't be brought back by another operation, such as past states.
    Destroy,
}

impl Operation {
    /// All operations.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let families = [
            of_store::OPERATIONS,
            of_project::OPERATIONS,
            of_history::OPERATIONS,
            of_plans::OPERATIONS,
            of_documents::OPERATIONS,
        ];
        families.into_iter().flatten()
    }

    /// The operation of this name.
    ///
    /// # Errors
    /// `Invalid` if there is none.
    pub fn named(name: &str) -> Result<&'static Self> {
        Self::all()
            .find(|operation| operation.name == name)
            .ok_or_else(|| Error::invalid(format!("unknown operation '{name}'")).into())
    }

    /// The schema of the request: an object, whose description says what the operation does.
    pub fn request(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = (self.request)(generator);
        if self.scope == Scope::State {
            let properties = schema.ensure_object().entry("properties").or_insert(json!({}));
            if let Some(properties) = properties.as_object_mut() {
                properties.entry("revision").or_insert(json!({
                    "type": ["string", "null"],
                    "description": "The state; without it, the head of the current branch."
                }));
            }
        }
        schema
    }

    /// The schema of the result; of a list, that of an item.
    pub fn result(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.result)(generator)
    }

    /// Runs the operation. What it gives, in the order of the results, goes to `output`.
    ///
    /// # Errors
    /// Those of the operation; `Invalid` for a request that can't be read.
    pub async fn run(
        &self,
        target: &Target,
        request: &Request,
        output: &mut dyn Output,
    ) -> Result<(), Failure> {
        (self.run)(target, request, output).await
    }

    /// Runs the operation. Gives a BSON document whose field `result` has the result, with the values of documents
    /// as [`ExtJson`](crate::json::ExtJson) says.
    ///
    /// # Errors
    /// Those of [`run`](Self::run); `Unsupported` for a result of more than 2 GiB.
    pub async fn run_to_bson(&self, target: &Target, request: &Request) -> Result<Vec<u8>> {
        let mut output = BsonOutput::of(self);
        self.run(target, request, &mut output).await?;
        Ok(output.finish())
    }
}

/// Operations: the name, the effect, what it works on, the request, the result, and the call that gives it: `One`
/// value, or a `List`, from a stream.
macro_rules! operations {
    (|$target:ident, $output:ident| $(
        $name:literal $effect:ident $scope:ident($at:ident), $asked:ident: $request:ty => $kind:ident<$result:ty>
            = $run:expr;
    )*) => {
        pub(super) const OPERATIONS: &[$crate::operations::Operation] = &[$(
            $crate::operations::Operation {
                name: $name,
                scope: $crate::operations::Scope::$scope,
                effect: $crate::operations::Effect::$effect,
                is_list: $crate::operations::operations!(@is_list $kind),
                request: |generator| <$request as schemars::JsonSchema>::json_schema(generator),
                result: |generator| generator.subschema_for::<$result>(),
                run: |$target, request, $output| {
                    Box::pin(async move {
                        let $asked: $request = request.read()?;
                        let $at = $crate::operations::operations!(@at $scope $target request);
                        $crate::operations::operations!(@give $kind $output $run);
                        Ok(())
                    })
                },
            },
        )*];
    };
    (@is_list One) => { false };
    (@is_list List) => { true };
    (@at Store $target:ident $request:ident) => { &$target.opened };
    (@at Project $target:ident $request:ident) => { &$target.workspace().await? };
    (@at Branch $target:ident $request:ident) => { &$target.workspace().await?.branch().await? };
    (@at State $target:ident $request:ident) => { &$target.state($request).await? };
    (@give One $output:ident $run:expr) => { $output.put(&$run)?; };
    (@give List $output:ident $run:expr) => { $crate::operations::output::give($output, $run).await?; };
}

use operations;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn operations_have_names_of_their_own_and_say_what_they_do() {
        let mut names = BTreeSet::new();
        for operation in Operation::all() {
            assert!(names.insert(operation.name), "{} is there twice", operation.name);
            let mut generator = SchemaGenerator::default();
            let request = operation.request(&mut generator);
            let about = request.get("description").and_then(|about| about.as_str());
            assert!(about.is_some_and(|about| about.len() > 10), "{}", operation.name);
            operation.result(&mut generator);
        }
        assert!(Operation::named("branch.create").is_ok());
        assert!(Operation::named("branch.cerate").is_err());
    }
}
