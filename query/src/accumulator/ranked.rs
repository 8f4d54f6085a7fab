//! `$top`, `$topN`, `$bottom`, `$bottomN`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use argon_core::{Error, Result};
use bson::Bson;
use bson::raw::{RawArrayBuf, RawBson, RawBsonRef};

use super::arguments::count;
use super::definition::AccumulatorDefinition as Definition;
use super::sort_by::{SortBy, SortKey};
use super::{Accumulation, Accumulator, partial_elements, size_of};
use crate::Code;
use crate::expression::{Compiler, Expression, Form, Scope};
use crate::value::Value;

pub(super) const ACCUMULATORS: &[Definition] = &[
    Definition::new("$top", |argument, compiler| compile(&TOP, argument, compiler)),
    Definition::new("$topN", |argument, compiler| compile(&TOP_N, argument, compiler)),
    Definition::new("$bottom", |argument, compiler| compile(&BOTTOM, argument, compiler)),
    Definition::new("$bottomN", |argument, compiler| compile(&BOTTOM_N, argument, compiler)),
];

/// One of the four operators.
#[derive(Debug)]
struct Operator {
    name: &'static str,
    top: bool,
    single: bool,
}

const TOP: Operator = Operator { name: "$top", top: true, single: true };
const TOP_N: Operator = Operator { name: "$topN", top: true, single: false };
const BOTTOM: Operator = Operator { name: "$bottom", top: false, single: true };
const BOTTOM_N: Operator = Operator { name: "$bottomN", top: false, single: false };

/// What a document adds: an array of the values that it is sorted by, and the output.
#[derive(Debug)]
struct Candidate {
    sort_by: Arc<SortBy>,
    output: Expression,
}

/// The outputs of the first or the last documents of a sort.
struct Ranked {
    operator: &'static Operator,
    sort_by: Arc<SortBy>,
    most: usize,
    /// Sorted; of documents that sort alike the one that was added first is first.
    kept: Vec<(SortKey, RawBson)>,
    size: usize,
}

fn compile(
    operator: &'static Operator,
    argument: &Bson,
    compiler: &Compiler<'_>,
) -> Result<Accumulation> {
    let Bson::Document(fields) = argument else {
        return Err(Code::location(5_788_001)
            .error(format!("specification must be an object; found {argument}")));
    };
    let (mut n, mut output, mut sort_by) = (None, None, None);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("n", value) if !operator.single => n = Some(compiler.compile(value)?),
            ("output", value) => output = Some(compiler.compile(value)?),
            ("sortBy", Bson::Document(pattern)) => sort_by = Some(SortBy::compile(pattern)?),
            ("sortBy", _) => {
                return Err(
                    Code::location(10065).error("invalid parameter: expected an object (sortBy)")
                );
            }
            (other, _) => {
                return Err(Code::location(5_788_002)
                    .error(format!("Unknown argument to {} '{other}'", operator.name)));
            }
        }
    }
    let missing = |name, code| Code::location(code).error(format!("Missing value for '{name}'"));
    let n = match n {
        Some(n) => n,
        None if operator.single => Compiler::constant(&Bson::Int32(1))?,
        None => return Err(missing("n", 5_788_003)),
    };
    let output = output.ok_or_else(|| missing("output", 5_788_004))?;
    let sort_by = Arc::new(sort_by.ok_or_else(|| missing("sortBy", 5_788_005))?);
    let input = Expression::Form(Box::new(Candidate { sort_by: sort_by.clone(), output }));
    Ok(Accumulation::new(operator.name, input, n, move |n| {
        let (most, sort_by) = (count(&n)?, sort_by.clone());
        Ok(Box::new(Ranked { operator, sort_by, most, kept: Vec::new(), size: 0 }))
    }))
}

impl Form for Candidate {
    fn evaluate<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>> {
        let mut candidate = RawArrayBuf::new();
        for value in self.sort_by.key(scope)? {
            candidate.push(value.get().unwrap_or(RawBsonRef::Null));
        }
        candidate.push(self.output.evaluate(scope)?.get().unwrap_or(RawBsonRef::Null));
        Ok(candidate.into())
    }
}

impl Ranked {
    fn insert(&mut self, key: SortKey, output: RawBson) -> Result<()> {
        if self.kept.len() == self.most {
            let worst = if self.operator.top { self.kept.last() } else { self.kept.first() };
            let Some((worst, _)) = worst else { return Ok(()) };
            let order = self.sort_by.compare(&key, worst)?;
            // Of documents that sort alike, those stay that came first.
            if order != if self.operator.top { Ordering::Less } else { Ordering::Greater } {
                return Ok(());
            }
            let place = if self.operator.top { self.kept.len() - 1 } else { 0 };
            let (key, output) = self.kept.remove(place);
            self.size -= entry_size(&key, &output);
        }
        let (mut low, mut high) = (0, self.kept.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.sort_by.compare(&self.kept[middle].0, &key)?.is_le() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.size += entry_size(&key, &output);
        self.kept.insert(low, (key, output));
        Ok(())
    }
}

fn entry_size(key: &SortKey, output: &RawBson) -> usize {
    key.iter().filter_map(Value::get).map(size_of).sum::<usize>()
        + size_of(output.as_raw_bson_ref())
}

impl Accumulator for Ranked {
    fn add(&mut self, value: Value<'_>) -> Result<()> {
        let candidate = value.get().unwrap_or(RawBsonRef::Null);
        let mut values = partial_elements(candidate)?;
        let output = values.pop().ok_or_else(|| Error::corrupt("a sort key is missing"))?;
        let key = values.into_iter().map(|value| Value::Ref(value).into_owned()).collect();
        self.insert(key, crate::value::to_owned(output))
    }

    fn partial(&self) -> Result<RawBson> {
        let mut state = RawArrayBuf::new();
        for (key, output) in &self.kept {
            let mut candidate: RawArrayBuf = key.iter().filter_map(Value::get).collect();
            candidate.push(output.as_raw_bson_ref());
            state.push(candidate);
        }
        Ok(RawBson::Array(state))
    }

    fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        partial_elements(partial)?.into_iter().try_for_each(|candidate| self.add(candidate.into()))
    }

    fn memory(&self) -> usize {
        self.size
    }

    fn finish(&self) -> Result<Value<'static>> {
        let mut outputs = self.kept.iter().map(|(_, output)| output.as_raw_bson_ref());
        if self.operator.single {
            return Ok(outputs
                .next()
                .map_or(Value::NULL, |output| Value::Ref(output).into_owned()));
        }
        Ok(outputs.collect::<RawArrayBuf>().into())
    }
}

impl fmt::Debug for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranked").field("operator", &self.operator.name).finish_non_exhaustive()
    }
}
