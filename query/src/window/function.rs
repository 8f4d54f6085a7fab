//! Compiles window functions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use argon_core::Result;
use bson::raw::RawDocument;
use bson::{Bson, Document};

use super::bounds::Window;
use super::partition::Partition;
use super::{aggregate, change, covariance, endpoint, fill, moving_average, rank, scale};
use crate::Code;
use crate::accumulator::accumulators;
use crate::accumulator::sort_by::{SortBy, SortPart};
use crate::expression::{Compiler, Scope};
use crate::message::suggestion;
use crate::value::Value;

/// A compiled window function, such as `{$sum: "$price", window: {documents: [-1, 0]}}`.
#[derive(Debug)]
pub struct WindowFunction(Box<dyn PartitionFunction>);

/// A function that gives each document of a partition a value.
pub(super) trait PartitionFunction: fmt::Debug + Send + Sync {
    /// The values for the documents, in their order.
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>>;
}

/// What a window function is compiled from.
pub(super) struct Specification<'d> {
    /// The name of the function.
    pub(super) name: &'d str,
    /// The argument of the function.
    pub(super) argument: &'d Bson,
    window: Option<&'d Bson>,
    pub(super) sort_by: Option<&'d SortBy>,
    pub(super) compiler: &'d Compiler<'d>,
}

type Compile = fn(&Specification<'_>) -> Result<Box<dyn PartitionFunction>>;

/// A window function by name.
pub(super) type Definition = (&'static str, Compile);

const FAMILIES: &[&[Definition]] = &[
    rank::FUNCTIONS,
    endpoint::FUNCTIONS,
    change::FUNCTIONS,
    fill::FUNCTIONS,
    moving_average::FUNCTIONS,
    covariance::FUNCTIONS,
    scale::FUNCTIONS,
];

fn functions() -> &'static BTreeMap<&'static str, Compile> {
    static FUNCTIONS: OnceLock<BTreeMap<&'static str, Compile>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let accumulators = accumulators().keys().map(|name| (*name, aggregate::COMPILE));
        // Some accumulators have their own function over windows.
        accumulators.chain(FAMILIES.iter().flat_map(|family| family.iter().copied())).collect()
    })
}

/// The names of all window functions.
pub fn window_functions() -> impl Iterator<Item = &'static str> {
    functions().keys().copied()
}

impl WindowFunction {
    /// Compiles the function of a field, with the `sortBy` of the stage.
    ///
    /// # Errors
    /// MongoDB's error for what is malformed, with its code.
    pub fn compile(
        specification: &Bson,
        sort_by: Option<&Document>,
        compiler: &Compiler<'_>,
    ) -> Result<Self> {
        let Bson::Document(fields) = specification else {
            return Err(Code::FAILED_TO_PARSE.error("The window function must be an object"));
        };
        let sort_by = sort_by.map(SortBy::compile).transpose()?;
        let mut named = fields.iter().filter(|(name, _)| name.starts_with('$'));
        let Some((name, argument)) = named.next() else {
            let first = fields.keys().next().map_or(String::new(), |name| format!(", {name}"));
            return Err(Code::FAILED_TO_PARSE
                .error(format!("Expected a $-prefixed window function{first}")));
        };
        let Some(compile) = functions().get(name.as_str()) else {
            let meant = suggestion(name, window_functions());
            return Err(
                Code::FAILED_TO_PARSE.error(format!("Unrecognized window function, {name}{meant}"))
            );
        };
        if named.next().is_some() {
            return Err(
                Code::FAILED_TO_PARSE.error("Cannot specify two functions in window function spec")
            );
        }
        if let Some(other) = fields.keys().find(|field| *field != name && *field != "window") {
            return Err(Code::FAILED_TO_PARSE
                .error(format!("Window function found an unknown argument: {other}")));
        }
        compile(&Specification {
            name,
            argument,
            window: fields.get("window"),
            sort_by: sort_by.as_ref(),
            compiler,
        })
        .map(Self)
    }

    /// Returns the values for the documents of a partition, which are sorted. A missing value
    /// means that the document does not get the field. The expressions see the variables of the
    /// scope.
    ///
    /// # Errors
    /// An [error with a code](Code) that MongoDB gives too.
    pub fn evaluate(
        &self,
        documents: &[&RawDocument],
        scope: &Scope<'_>,
    ) -> Result<Vec<Value<'static>>> {
        self.0.evaluate(&Partition::new(documents, *scope))
    }
}

impl<'d> Specification<'d> {
    /// The window; the whole partition if none is given.
    pub(super) fn window(&self) -> Result<Window> {
        Ok(self.explicit_window()?.unwrap_or(Window::WHOLE))
    }

    /// The window, if it is given.
    pub(super) fn explicit_window(&self) -> Result<Option<Window>> {
        let compile = |window| Window::compile(window, self.sort_by, self.compiler);
        self.window.map(compile).transpose()
    }

    /// Whether a window is given.
    pub(super) fn has_window(&self) -> bool {
        self.window.is_some()
    }

    /// Refuses a window.
    pub(super) fn without_window(&self) -> Result<()> {
        match self.window {
            None => Ok(()),
            Some(_) => Err(malformed(&format!("'window' field is not allowed in {}", self.name))),
        }
    }

    /// The only field of the sort.
    pub(super) fn single_sort(&self) -> Option<&'d SortPart> {
        match self.sort_by?.parts() {
            [part] => Some(part),
            _ => None,
        }
    }

    /// The only field of the sort, which `$derivative` and `$integral` require.
    pub(super) fn required_single_sort(&self) -> Result<&'d SortPart> {
        if self.sort_by.is_none() {
            return Err(malformed(&format!("{} requires a sortBy", self.name)));
        }
        self.single_sort()
            .ok_or_else(|| malformed(&format!("{} requires a non-compound sortBy", self.name)))
    }

    /// The argument as a document of these fields.
    pub(super) fn fields(&self, known: &[&str]) -> Result<&'d Document> {
        let Bson::Document(fields) = self.argument else {
            return Err(malformed(&format!(
                "{} expects an object, but got a {}: {}",
                self.name,
                Compiler::type_name(self.argument),
                self.argument
            )));
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(fields),
            Some(name) => Err(malformed(&format!("{} got unexpected argument: {name}", self.name))),
        }
    }
}

/// The error for a malformed function.
pub(super) fn malformed(message: &str) -> argon_core::Error {
    Code::FAILED_TO_PARSE.error(message)
}
