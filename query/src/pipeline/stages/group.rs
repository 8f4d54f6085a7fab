//! `$group`.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use argon_core::{Error, Result};
use bson::Bson;
use bson::raw::{CString, RawArrayBuf, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use futures::TryStreamExt;

use crate::accumulator::{Accumulation, Accumulator};
use crate::expression::{Compiler, Expression, Scope};
use crate::pipeline::execution::Execution;
use crate::pipeline::external_sort::{KeyedRow, Merge, RunWriter, compact};
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, object};
use crate::pipeline::values::encode;
use crate::value::{malformed, to_owned};
use crate::{Code, Value};

pub(super) const STAGES: &[Definition] = &[Definition::new("$group", Position::Any, compile)];

/// Groups rows by the value of an expression.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Expression,
    pub(super) fields: Vec<(CString, Accumulation)>,
}

/// The groups so far. The key of a group is looked up by its bytes, without an allocation.
struct Table {
    group: Arc<Group>,
    execution: Execution,
    places: HashMap<Box<[u8]>, usize>,
    groups: Vec<State>,
    /// The bytes of the groups in memory.
    held: usize,
    /// Groups that were written to files, by key.
    runs: Vec<File>,
}

/// A group: its `_id` is that of its first row.
struct State {
    id: RawBson,
    accumulators: Vec<Box<dyn Accumulator>>,
    /// The bytes that the accumulators took last.
    held: usize,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let spec = object(argument, || {
        Code::location(15947).error("a group's fields must be specified in an object")
    })?;
    let (mut id, mut fields) = (None, Vec::new());
    for (name, value) in spec {
        if name == "_id" {
            id = Some(compiler.expressions.compile(value)?);
        } else {
            fields.push(field(name, value, &compiler.expressions)?);
        }
    }
    let id =
        id.ok_or_else(|| Code::location(15955).error("a group specification must include an _id"))?;
    Ok(Part::stage(Group { id, fields }))
}

/// Compiles an accumulator of a field.
pub(super) fn field(
    name: &str,
    value: &Bson,
    compiler: &Compiler<'_>,
) -> Result<(CString, Accumulation)> {
    let accumulation = Accumulation::compile(name, value, compiler)?;
    Ok((crate::expression::field_name(name)?, accumulation))
}

impl Stage for Group {
    fn run(self: Arc<Self>, mut input: Rows, execution: &Execution) -> Rows {
        let mut table = Table::new(self, execution.clone());
        rows::deferred(async move {
            let mut key = Vec::new();
            while let Some(batch) = input.try_next().await? {
                for row in batch {
                    table.add(row.as_raw(), &mut key)?;
                }
            }
            table.finish()
        })
    }
}

impl Group {
    fn start(
        &self,
        id: RawBsonRef<'_>,
        execution: &Execution,
    ) -> Result<Vec<Box<dyn Accumulator>>> {
        let empty = RawDocumentBuf::new();
        let key = match id {
            RawBsonRef::Document(key) => key,
            _ => &empty,
        };
        let scope = execution.scope(key);
        self.fields.iter().map(|(_, field)| field.start(&scope)).collect()
    }

    fn finish(&self, id: RawBsonRef<'_>, accumulators: &[Box<dyn Accumulator>]) -> Result<Row> {
        let mut document = RawDocumentBuf::new();
        document.append(bson::cstr!("_id"), id);
        append_results(&self.fields, accumulators, &mut document)?;
        Ok(document.into())
    }
}

/// Appends the results of accumulators. One that has none is null.
pub(super) fn append_results(
    fields: &[(CString, Accumulation)],
    accumulators: &[Box<dyn Accumulator>],
    document: &mut RawDocumentBuf,
) -> Result<()> {
    for ((name, _), accumulator) in fields.iter().zip(accumulators) {
        let value = accumulator.finish()?;
        document.append(name, value.get().unwrap_or(RawBsonRef::Null));
    }
    Ok(())
}

/// Adds a row to the accumulators of its group.
pub(super) fn accumulate(
    fields: &[(CString, Accumulation)],
    accumulators: &mut [Box<dyn Accumulator>],
    scope: &Scope<'_>,
) -> Result<()> {
    for ((_, field), accumulator) in fields.iter().zip(accumulators) {
        field.add(&mut **accumulator, scope)?;
    }
    Ok(())
}

impl Table {
    fn new(group: Arc<Group>, execution: Execution) -> Self {
        Self {
            group,
            execution,
            places: HashMap::new(),
            groups: Vec::new(),
            held: 0,
            runs: Vec::new(),
        }
    }

    /// Adds a row. `key` is a buffer.
    fn add(&mut self, document: &RawDocument, key: &mut Vec<u8>) -> Result<()> {
        key.clear();
        let Self { group, execution, places, groups, held, .. } = self;
        let scope = execution.scope(document);
        let id = match group.id.evaluate(&scope)? {
            Value::Missing => Value::NULL,
            id => id,
        };
        let value = id.get().unwrap_or(RawBsonRef::Null);
        encode(value, key)?;
        let place = match places.get(key.as_slice()) {
            Some(place) => *place,
            None => {
                let accumulators = group.start(value, execution)?;
                let state = State { id: to_owned(value), accumulators, held: 0 };
                // The `_id` takes about what the key does.
                *held += size_of::<State>() + 2 * key.len() + 48 * (1 + group.fields.len());
                places.insert(key.as_slice().into(), groups.len());
                groups.push(state);
                groups.len() - 1
            }
        };
        let state = &mut groups[place];
        accumulate(&group.fields, &mut state.accumulators, &scope)?;
        let now: usize = state.accumulators.iter().map(|accumulator| accumulator.memory()).sum();
        *held = (*held + now).saturating_sub(state.held);
        state.held = now;
        if *held > execution.limits.memory {
            self.spill()?;
        }
        Ok(())
    }

    /// Takes the groups in memory, in the order of their keys.
    fn take_sorted(&mut self) -> Vec<(Box<[u8]>, State)> {
        let mut keys: Vec<_> = self.places.drain().collect();
        keys.sort_unstable_by_key(|(_, place)| *place);
        let groups = std::mem::take(&mut self.groups);
        let mut sorted: Vec<_> =
            keys.into_iter().zip(groups).map(|((key, _), state)| (key, state)).collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.held = 0;
        sorted
    }

    fn spill(&mut self) -> Result<()> {
        self.execution.limits.check_disk("$group")?;
        let mut run = RunWriter::new()?;
        for (key, state) in self.take_sorted() {
            run.write(&key, state.partial()?.as_bytes())?;
        }
        self.runs.push(run.finish()?);
        compact(&mut self.runs)?;
        Ok(())
    }

    fn finish(mut self) -> Result<Rows> {
        let group = self.group.clone();
        if self.runs.is_empty() {
            let groups = std::mem::take(&mut self.groups);
            return Ok(rows::from_iter(groups.into_iter().map(
                move |State { id, accumulators, .. }| {
                    group.finish(id.as_raw_bson_ref(), &accumulators)
                },
            )));
        }
        let memory = self.take_sorted();
        let partials = memory.into_iter().map(|(key, state)| Ok((key, state.partial()?.into())));
        let parts = Merge::new(self.runs, Box::new(partials))?;
        let merged = MergedGroups { group, execution: self.execution, parts, next: None };
        Ok(rows::from_iter(merged))
    }
}

impl State {
    /// The group as a document, for a file.
    fn partial(&self) -> Result<RawDocumentBuf> {
        let mut partials = RawArrayBuf::new();
        for accumulator in &self.accumulators {
            partials.push(accumulator.partial()?);
        }
        let mut document = RawDocumentBuf::new();
        document.append(bson::cstr!("i"), self.id.as_raw_bson_ref());
        document.append(bson::cstr!("p"), partials);
        Ok(document)
    }
}

/// Merges the parts of each group.
struct MergedGroups {
    group: Arc<Group>,
    execution: Execution,
    parts: Merge,
    /// The first part of the next group.
    next: Option<KeyedRow>,
}

impl MergedGroups {
    fn merge(&mut self, (key, first): KeyedRow) -> Result<Row> {
        let id = first.as_raw().get("i").map_err(malformed)?.unwrap_or(RawBsonRef::Null);
        let mut accumulators = self.group.start(id, &self.execution)?;
        add_partials(&mut accumulators, &first)?;
        self.next = loop {
            match self.parts.next().transpose()? {
                Some((other, part)) if other == key => add_partials(&mut accumulators, &part)?,
                other => break other,
            }
        };
        self.group.finish(id, &accumulators)
    }
}

fn add_partials(accumulators: &mut [Box<dyn Accumulator>], part: &Row) -> Result<()> {
    let damaged = || Error::internal("a temporary file was damaged");
    let partials = part.as_raw().get_array("p").map_err(|source| damaged().with_source(source))?;
    for (accumulator, partial) in accumulators.iter_mut().zip(partials) {
        accumulator.merge(partial.map_err(malformed)?)?;
    }
    Ok(())
}

impl Iterator for MergedGroups {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = match self.next.take() {
            Some(first) => Ok(first),
            None => self.parts.next()?,
        };
        Some(first.and_then(|first| self.merge(first)))
    }
}
