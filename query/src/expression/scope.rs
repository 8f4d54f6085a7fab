//! What an expression is evaluated in.

use std::sync::{Arc, Mutex};

use argon_core::{Environment, Result};
use bson::raw::{RawBson, RawDocument};
use bson::{DateTime, Timestamp};

use super::compile::Variable;
use crate::Interrupt;
use crate::plan::Counters;
use crate::value::Value;

/// What is the same for all documents of a command: nothing is taken from the machine.
#[derive(Debug)]
pub struct Context {
    /// The value of `$$NOW`.
    pub now: DateTime,
    /// The value of `$$CLUSTER_TIME`.
    pub cluster_time: Timestamp,
    /// The state of the generator of random numbers, which is never zero.
    random: Mutex<u64>,
    interrupt: Interrupt,
    examined: Arc<Counters>,
}

impl Context {
    /// The time and the randomness of one operation.
    pub fn of(environment: &Environment) -> Self {
        Self::new(environment.now(), u64::from_le_bytes(environment.random()))
    }

    /// A context whose random numbers follow from `seed`.
    pub fn new(now: DateTime, seed: u64) -> Self {
        let seconds = u32::try_from(now.timestamp_millis() / 1000).unwrap_or_default();
        Self {
            now,
            cluster_time: Timestamp { time: seconds, increment: 1 },
            random: Mutex::new(seed | 1),
            interrupt: Interrupt::default(),
            examined: Arc::default(),
        }
    }

    /// The same, which an interrupt ends.
    #[must_use]
    pub fn with_interrupt(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// What ends what is evaluated.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Counts what is read, and knows how.
    pub fn examined(&self) -> &Arc<Counters> {
        &self.examined
    }

    /// Goes on, unless what is evaluated was [interrupted](Interrupt).
    ///
    /// # Errors
    /// That of the interrupt.
    pub fn check(&self) -> Result<()> {
        self.interrupt.check()
    }

    /// The next random number, from 0 to below 1. Not for secrets.
    ///
    /// Marsaglia's xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
    /// generators, scrambled", 2016).
    pub fn random(&self) -> f64 {
        const MULTIPLIER: u64 = 0x2545_F491_4F6C_DD1D;
        let mut state = self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        #[expect(clippy::cast_precision_loss, reason = "the 53 bits that a double holds")]
        let fraction = (state.wrapping_mul(MULTIPLIER) >> 11) as f64;
        fraction * f64::EPSILON / 2.0
    }
}

/// What expressions of a command are evaluated with, whatever the document. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Evaluation {
    context: Arc<Context>,
    /// The values of the variables that were declared outside.
    variables: Arc<[(Variable, RawBson)]>,
}

impl Evaluation {
    /// An evaluation without variables of its own.
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, variables: Arc::new([]) }
    }

    /// The same with values of more variables.
    #[must_use]
    pub fn with(&self, variables: impl IntoIterator<Item = (Variable, RawBson)>) -> Self {
        let all = self.variables.iter().cloned().chain(variables).collect();
        Self { variables: all, context: self.context.clone() }
    }

    /// What is the same for all documents.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The scope of a document.
    pub fn scope<'a>(&'a self, document: &'a RawDocument) -> Scope<'a> {
        Scope::new(&self.context, document).given(&self.variables)
    }
}

/// The document and the variables that an expression is evaluated with. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    context: &'a Context,
    root: &'a RawDocument,
    innermost: Option<&'a Binding<'a>>,
    /// The variables that were declared outside of the expression.
    given: &'a [(Variable, RawBson)],
}

/// A variable that has a value in a scope.
#[derive(Debug)]
pub struct Binding<'a> {
    variable: Variable,
    value: Value<'a>,
    outer: Option<&'a Binding<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope of a document, with no variables but those that always exist.
    pub fn new(context: &'a Context, root: &'a RawDocument) -> Self {
        Self { context, root, innermost: None, given: &[] }
    }

    /// The scope with the variables that were declared outside of the expression, instead of others.
    #[must_use]
    pub fn given(self, given: &'a [(Variable, RawBson)]) -> Self {
        Self { given, ..self }
    }

    /// What is the same for all documents.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// The document: `$$ROOT`.
    pub fn root(&self) -> &'a RawDocument {
        self.root
    }

    /// Returns a variable with a value, for [`with`](Self::with).
    pub fn bind(&self, variable: Variable, value: Value<'a>) -> Binding<'a> {
        Binding { variable, value, outer: self.innermost }
    }

    /// The scope with one more variable. What is evaluated in it must not be borrowed from it after
    /// the binding is gone: see [`Value::into_owned`].
    pub fn with<'b>(&self, binding: &'b Binding<'a>) -> Scope<'b>
    where
        'a: 'b,
    {
        Scope { innermost: Some(binding), ..*self }
    }

    /// The scope for another document, with the same variables.
    pub fn of(&self, root: &'a RawDocument) -> Self {
        Self { root, ..*self }
    }

    /// The value of a variable; missing if none was bound.
    pub fn variable(&self, variable: Variable) -> Value<'a> {
        match variable {
            Variable::ROOT => return self.root.into(),
            Variable::NOW => return self.context.now.into(),
            Variable::CLUSTER_TIME => return self.context.cluster_time.into(),
            _ => {}
        }
        let mut binding = self.innermost;
        while let Some(bound) = binding {
            if bound.variable == variable {
                return bound.value.borrowed();
            }
            binding = bound.outer;
        }
        let given = self.given.iter().find(|(given, _)| *given == variable);
        given.map(|(_, value)| value.as_raw_bson_ref()).into()
    }
}
