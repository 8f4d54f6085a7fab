//! `$lookup`.
//!
//! With `localField` and `foreignField` the rows of the other collection are found in a hash table,
//! or by an index. With a pipeline it runs for each row on these, or on all; one that does not depend
//! on the row runs once.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::Result;
use bson::raw::{CString, RawArrayBuf, RawBson, RawBsonRef, RawDocument};
use bson::{Bson, Document};
use futures::{StreamExt, TryStreamExt, stream};

use super::from::{From, collection, string};
use super::join_table::{JoinSource, JoinTable};
use crate::Code;
use crate::expression::{Compiler, Expression, Variable, field_path};
use crate::pipeline::Pipeline;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::source::{Collection, MemoryCollection, ReadRequest};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, Within, object};
use crate::pipeline::values::{encode, names, visit_all, with_nested};

pub(super) const STAGES: &[Definition] = &[Definition::new("$lookup", Position::Any, compile)];

/// The most bytes of the array of a row: `internalLookupStageIntermediateDocumentMaxSizeBytes`.
const MAX_ARRAY_BYTES: usize = 100 * 1024 * 1024;

#[derive(Debug)]
struct Lookup {
    from: From,
    output: Vec<CString>,
    fields: Option<JoinFields>,
    inner: Option<Inner>,
}

#[derive(Debug)]
struct JoinFields {
    local: Vec<String>,
    foreign: Vec<String>,
}

#[derive(Debug)]
struct Inner {
    pipeline: Arc<Pipeline>,
    variables: Vec<(Variable, Expression)>,
}

/// The parts of the specification.
#[derive(Default)]
struct Spec<'b> {
    from: Option<String>,
    at: Option<String>,
    output: Option<String>,
    local: Option<String>,
    foreign: Option<String>,
    variables: Option<&'b Document>,
    pipeline: Option<&'b Bson>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || {
        Code::FAILED_TO_PARSE.error(format!(
            "the $lookup stage specification must be an object, but found {}",
            Compiler::type_name(argument)
        ))
    })?;
    let spec = Spec::parse(fields)?;
    let missing = |what: &str| Code::FAILED_TO_PARSE.error(what);
    let output =
        spec.output.as_deref().ok_or_else(|| missing("must specify 'as' field for a $lookup"))?;
    let fields = match (&spec.local, &spec.foreign) {
        (Some(local), Some(foreign)) => {
            Some(JoinFields { local: field_path(local)?, foreign: field_path(foreign)? })
        }
        (None, None) if spec.pipeline.is_some() => None,
        _ if spec.pipeline.is_some() => {
            return Err(missing(
                "$lookup requires both or neither of 'localField' and 'foreignField' to be \
                 specified",
            ));
        }
        _ => {
            return Err(missing(
                "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be \
                 specified",
            ));
        }
    };
    if spec.variables.is_some() && spec.pipeline.is_none() {
        return Err(missing("$lookup with a 'let' argument must also specify 'pipeline'"));
    }
    let inner = spec.pipeline.map(|stages| inner(stages, spec.variables, compiler)).transpose()?;
    let has_source = inner.as_ref().is_some_and(|inner| inner.pipeline.has_source());
    let from = match spec.from {
        None if !has_source => return Err(missing("must specify 'from' field for a $lookup")),
        from => From { collection: from.unwrap_or_default(), revision: spec.at },
    };
    Ok(Part::stage(Lookup { from, output: names(output)?, fields, inner }))
}

impl<'b> Spec<'b> {
    fn parse(fields: &'b Document) -> Result<Self> {
        let mut spec = Self::default();
        for (name, value) in fields {
            let text = || string("$lookup", name, value, Code::FAILED_TO_PARSE).map(Some);
            match name.as_str() {
                "from" => spec.from = Some(collection("$lookup", value)?),
                "at" => spec.at = text()?,
                "as" => spec.output = text()?,
                "localField" => spec.local = text()?,
                "foreignField" => spec.foreign = text()?,
                "pipeline" => spec.pipeline = Some(value),
                "let" => {
                    spec.variables = Some(object(value, || {
                        Code::FAILED_TO_PARSE.error(format!(
                            "$lookup argument 'let: {value}' must be an object, is type {}",
                            Compiler::type_name(value)
                        ))
                    })?);
                }
                other => {
                    return Err(Code::FAILED_TO_PARSE
                        .error(format!("unknown argument to $lookup: {other}")));
                }
            }
        }
        Ok(spec)
    }
}

fn inner(stages: &Bson, given: Option<&Document>, compiler: &StageCompiler<'_>) -> Result<Inner> {
    let (mut variables, mut declared) = (Vec::new(), Vec::new());
    for (name, value) in given.into_iter().flatten() {
        let variable = compiler.expressions.variable(name)?;
        variables.push((variable, compiler.expressions.compile(value)?));
        declared.push((name.as_str(), variable));
    }
    let inner = compiler.inner(Within::Lookup, &declared);
    let pipeline = inner.pipeline(stages, Code::TYPE_MISMATCH, "'pipeline' option of $lookup")?;
    Ok(Inner { pipeline: Arc::new(pipeline), variables })
}

impl Stage for Lookup {
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows {
        let joining = Joining {
            lookup: self,
            input,
            execution: execution.clone(),
            source: None,
            all: None,
            once: None,
        };
        stream::try_unfold(joining, |mut joining| async move {
            let Some(batch) = joining.next_batch().await? else { return Ok(None) };
            let joined = joining.join(batch).await?;
            Ok(Some((joined, joining)))
        })
        .boxed()
    }
}

struct Joining {
    lookup: Arc<Lookup>,
    input: Rows,
    execution: Execution,
    /// How rows are found by `foreignField`.
    source: Option<Arc<JoinSource>>,
    /// The other collection, for a pipeline that runs on all of it.
    all: Option<Arc<dyn Collection>>,
    /// The result of a pipeline that does not depend on the row.
    once: Option<RawArrayBuf>,
}

impl Joining {
    /// The next rows: many at once if the other collection is scanned for each batch.
    async fn next_batch(&mut self) -> Result<Option<Vec<Row>>> {
        const ROWS_A_SCAN: usize = 16 * 1024;
        let Some(mut batch) = self.input.try_next().await? else { return Ok(None) };
        let Some(fields) = &self.lookup.fields else { return Ok(Some(batch)) };
        if self.source.is_none() {
            let collection = self.lookup.from.open(&self.execution).await?;
            let source = JoinSource::open(collection, &fields.foreign, &self.execution).await?;
            self.source = Some(Arc::new(source));
        }
        let scans = match self.source.as_deref() {
            Some(JoinSource::Collection(collection)) => !collection.is_indexed(&fields.foreign),
            _ => false,
        };
        let mut held: usize = batch.iter().map(Row::size).sum();
        while scans && batch.len() < ROWS_A_SCAN && held < self.execution.limits.memory / 2 {
            let Some(more) = self.input.try_next().await? else { break };
            held += more.iter().map(Row::size).sum::<usize>();
            batch.extend(more);
        }
        Ok(Some(batch))
    }

    async fn join(&mut self, batch: Vec<Row>) -> Result<Vec<Row>> {
        let lookup = self.lookup.clone();
        let mut joined = Vec::with_capacity(batch.len());
        let (Some(fields), Some(source)) = (&lookup.fields, self.source.clone()) else {
            for row in batch {
                let array = self.run_inner(&row, None).await?;
                joined.push(lookup.with_array(&row, &array)?);
            }
            return Ok(joined);
        };
        let keys = batch
            .iter()
            .map(|row| local_keys(row.as_raw(), &fields.local))
            .collect::<Result<Vec<_>>>()?;
        let mut found = None;
        let every = || keys.iter().flatten().cloned().collect();
        let table = source.table(&fields.foreign, every, &self.execution, &mut found).await?;
        for (row, keys) in batch.iter().zip(&keys) {
            self.execution.evaluation.context().check()?;
            let array = match lookup.inner {
                None => matches(table, keys),
                Some(_) => {
                    let matching = table.find(keys).cloned().collect();
                    self.run_inner(row, Some(matching)).await?
                }
            };
            joined.push(lookup.with_array(row, &array)?);
        }
        Ok(joined)
    }

    /// Runs the pipeline for a row, on the rows that match or on all.
    async fn run_inner(&mut self, row: &Row, matching: Option<Vec<Row>>) -> Result<RawArrayBuf> {
        let lookup = self.lookup.clone();
        let Some(inner) = &lookup.inner else { return Ok(RawArrayBuf::new()) };
        let depends = !inner.variables.is_empty() || matching.is_some();
        if let (false, Some(once)) = (depends, &self.once) {
            return Ok(once.clone());
        }
        let execution = inner.bind(row, &self.execution)?;
        let rows = match matching {
            Some(rows) => inner.pipeline.run_on(rows::from_vec(rows), &execution),
            None if inner.pipeline.has_source() || !depends => {
                inner.pipeline.run_from(&lookup.from, &execution).await?
            }
            None => inner.pipeline.run_over(&*self.collection().await?, &execution),
        };
        let array = collect(rows).await?;
        if !depends {
            self.once = Some(array.clone());
        }
        Ok(array)
    }

    /// The other collection: in memory, if there is room for it.
    async fn collection(&mut self) -> Result<Arc<dyn Collection>> {
        if let Some(all) = &self.all {
            return Ok(all.clone());
        }
        let collection = self.lookup.from.open(&self.execution).await?;
        let (mut kept, mut held) = (Vec::new(), 0);
        let all = ReadRequest::all(self.execution.examined.clone());
        let mut rows = collection.read(all)?.rows;
        while let Some(batch) = rows.try_next().await? {
            self.execution.evaluation.context().check()?;
            held += batch.iter().map(Row::size).sum::<usize>();
            if held > self.execution.limits.memory {
                return Ok(self.all.insert(collection).clone());
            }
            kept.extend(batch);
        }
        Ok(self.all.insert(Arc::new(MemoryCollection::new(Arc::new(kept)))).clone())
    }
}

impl Inner {
    fn bind(&self, row: &Row, execution: &Execution) -> Result<Execution> {
        let scope = execution.scope(row.as_raw());
        let mut values: Vec<(Variable, RawBson)> = Vec::with_capacity(self.variables.len());
        for (variable, expression) in &self.variables {
            let value = expression.evaluate(&scope)?;
            if !value.is_missing() {
                values.push((*variable, value.into_bson()));
            }
        }
        Ok(execution.with(values))
    }
}

impl Lookup {
    fn with_array(&self, row: &Row, array: &RawArrayBuf) -> Result<Row> {
        let size = array.as_bytes().len();
        if size > MAX_ARRAY_BYTES {
            return Err(Code::location(4568).error(format!(
                "Total size of documents in {} matching pipeline's $lookup stage exceeds \
                 {MAX_ARRAY_BYTES} bytes",
                self.from.collection
            )));
        }
        let value = RawBsonRef::Array(array);
        Ok(with_nested(row.as_raw(), &self.output, Some(value))?.into())
    }
}

fn matches(table: &JoinTable, keys: &BTreeSet<Box<[u8]>>) -> RawArrayBuf {
    let mut array = RawArrayBuf::new();
    for row in table.find(keys) {
        array.push(row.as_raw());
    }
    array
}

/// The keys of the values that are compared: each element of an array; null if there is none.
fn local_keys(document: &RawDocument, path: &[String]) -> Result<BTreeSet<Box<[u8]>>> {
    let mut keys = BTreeSet::new();
    let mut buffer = Vec::new();
    let mut undefined = false;
    visit_all(document, path, &mut |value| {
        undefined |= matches!(value, RawBsonRef::Undefined);
        buffer.clear();
        encode(value, &mut buffer)?;
        keys.insert(buffer.as_slice().into());
        Ok(())
    })?;
    if undefined {
        return Err(Code::BAD_VALUE.error("cannot compare to undefined"));
    }
    if keys.is_empty() {
        encode(RawBsonRef::Null, &mut buffer)?;
        keys.insert(buffer.as_slice().into());
    }
    Ok(keys)
}

async fn collect(mut rows: Rows) -> Result<RawArrayBuf> {
    let mut array = RawArrayBuf::new();
    while let Some(batch) = rows.try_next().await? {
        for row in batch {
            array.push(row.as_raw());
        }
    }
    Ok(array)
}
