//! `$setWindowFields`, and `$fill`, which is made of it.
//!
//! The rows are sorted by partition and `sortBy`, in files if need be. The rows of one partition are
//! in memory together.

use std::iter::Peekable;
use std::sync::Arc;

use argon_core::Result;
use bson::raw::{CString, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use futures::TryStreamExt;

use super::fields::{check_known, document, required, specification, text, texts, wrong_type};
use super::project;
use crate::expression::{Compiler, Expression};
use crate::pipeline::execution::Execution;
use crate::pipeline::external_sort::{SortedRows, Sorter};
use crate::pipeline::rows::{self, Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler};
use crate::pipeline::values::{encode, names, with_nested};
use crate::sort::SortPattern;
use crate::window::WindowFunction;
use crate::{Code, Value};

pub(super) const STAGES: &[Definition] = &[
    Definition::new("$setWindowFields", Position::Any, compile),
    Definition::new("$fill", Position::Any, compile_fill),
];

/// The most bytes of the rows of a partition.
const MAX_PARTITION_BYTES: usize = 512 * 1024 * 1024;

#[derive(Debug)]
struct SetWindowFields {
    partition_by: Option<Expression>,
    sort_by: Option<SortPattern>,
    output: Vec<(Vec<CString>, WindowFunction)>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    const NAME: &str = "$setWindowFields";
    let fields = specification(NAME, argument)?;
    check_known(NAME, fields, &["partitionBy", "sortBy", "output"])?;
    let sort_by = document(NAME, fields, "sortBy")?;
    let given = required(NAME, fields, "output")?;
    let Bson::Document(given) = given else {
        return Err(wrong_type(NAME, "output", given, "object"));
    };
    let mut output: Vec<(Vec<CString>, WindowFunction)> = Vec::new();
    for (name, function) in given {
        let path = names(name)?;
        if output.iter().any(|(other, _)| path.starts_with(other) || other.starts_with(&path)) {
            return Err(Code::location(6_307_900)
                .error("$setWindowFields 'output' specification contains two conflicting paths"));
        }
        output.push((path, WindowFunction::compile(function, sort_by, &compiler.expressions)?));
    }
    let partition_by = fields
        .get("partitionBy")
        .map(|expression| compiler.expressions.compile(expression))
        .transpose()?;
    if partition_by.as_ref().and_then(Expression::constant).is_some_and(is_array) {
        return Err(not_partitionable());
    }
    let sort_by = sort_by.map(SortPattern::compile).transpose()?;
    Ok(Part::stage(SetWindowFields { partition_by, sort_by, output }))
}

fn is_array(value: RawBsonRef<'_>) -> bool {
    matches!(value, RawBsonRef::Array(_))
}

fn not_partitionable() -> argon_core::Error {
    Code::TYPE_MISMATCH
        .error("An expression used to partition cannot evaluate to value of type array")
}

impl Stage for SetWindowFields {
    fn run(self: Arc<Self>, mut input: Rows, execution: &Execution) -> Rows {
        let execution = execution.clone();
        rows::deferred(async move {
            let mut sorter = Sorter::new("$setWindowFields", execution.limits, None);
            while let Some(batch) = input.try_next().await? {
                for row in batch {
                    sorter.push(row, |row, key| self.key(row, key, &execution))?;
                }
            }
            Ok(rows::from_iter(Partitions {
                rows: sorter.finish()?.peekable(),
                done: Vec::new().into_iter(),
                stage: self,
                execution,
            }))
        })
    }
}

impl SetWindowFields {
    fn key(&self, row: &Row, key: &mut Vec<u8>, execution: &Execution) -> Result<()> {
        self.partition_key(row, key, execution)?;
        match &self.sort_by {
            Some(pattern) => pattern.key(row.as_raw(), key),
            None => Ok(()),
        }
    }

    fn partition_key(&self, row: &Row, key: &mut Vec<u8>, execution: &Execution) -> Result<()> {
        let Some(expression) = &self.partition_by else { return Ok(()) };
        match expression.evaluate(&execution.scope(row.as_raw()))?.get() {
            Some(RawBsonRef::Array(_)) => Err(not_partitionable()),
            value => encode(value.unwrap_or(RawBsonRef::Null), key),
        }
    }

    /// The rows of a partition with the output fields.
    fn evaluate(&self, rows: &[Row], execution: &Execution) -> Result<Vec<Row>> {
        let documents: Vec<&RawDocument> = rows.iter().map(Row::as_raw).collect();
        let empty = RawDocumentBuf::new();
        let scope = execution.scope(&empty);
        let mut columns = Vec::with_capacity(self.output.len());
        for (path, function) in &self.output {
            columns.push((path, function.evaluate(&documents, &scope)?.into_iter()));
        }
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows {
            let mut document: Option<RawDocumentBuf> = None;
            for (path, column) in &mut columns {
                let value: Value<'_> = column.next().unwrap_or_default();
                let before = document.as_deref().unwrap_or(row.as_raw());
                document = Some(with_nested(before, path, value.get())?);
            }
            changed.push(document.map_or_else(|| row.clone(), Row::Computed));
        }
        Ok(changed)
    }
}

/// The partitions of sorted rows, one after the other.
struct Partitions {
    stage: Arc<SetWindowFields>,
    execution: Execution,
    rows: Peekable<SortedRows>,
    /// The rows of the partition that was evaluated last.
    done: std::vec::IntoIter<Row>,
}

impl Partitions {
    /// The rows of the next partition; empty at the end.
    fn next_partition(&mut self) -> Result<Vec<Row>> {
        let Some(first) = self.rows.next() else { return Ok(Vec::new()) };
        let (key, row) = first?;
        let mut partition = Vec::new();
        self.stage.partition_key(&row, &mut partition, &self.execution)?;
        debug_assert!(key.starts_with(&partition));
        let mut held = row.size();
        let mut rows = vec![row];
        // No key is a prefix of another, so the key of another partition differs in these bytes.
        let same = |next: &Result<(Box<[u8]>, Row)>| {
            next.as_ref().map_or(true, |(key, _)| key.starts_with(&partition))
        };
        while let Some(next) = self.rows.next_if(same) {
            let (_, row) = next?;
            held += row.size();
            if held > MAX_PARTITION_BYTES {
                return Err(Code::EXCEEDED_MEMORY_LIMIT.error(format!(
                    "Exceeded memory limit in $setWindowFields: a partition has more than \
                     {MAX_PARTITION_BYTES} bytes"
                )));
            }
            rows.push(row);
        }
        Ok(rows)
    }
}

impl Iterator for Partitions {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.done.next() {
            return Some(Ok(row));
        }
        let evaluated = self
            .next_partition()
            .and_then(|partition| self.stage.evaluate(&partition, &self.execution));
        match evaluated {
            Ok(rows) => self.done = rows.into_iter(),
            Err(error) => return Some(Err(error)),
        }
        self.done.next().map(Ok)
    }
}

/// `$fill` as `$setWindowFields` and `$addFields`, like the server's.
fn compile_fill(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    const NAME: &str = "$fill";
    let fields = specification(NAME, argument)?;
    check_known(NAME, fields, &["sortBy", "partitionBy", "partitionByFields", "output"])?;
    let given = required(NAME, fields, "output")?;
    let Bson::Document(given) = given else {
        return Err(wrong_type(NAME, "output", given, "object"));
    };
    if given.is_empty() {
        return Err(Code::location(6_050_203).error(
            "The output field in '$fill' must contain an object with at least one element",
        ));
    }
    let (mut windows, mut added) = (Document::new(), Document::new());
    for (name, output) in given {
        fill_output(name, output, &mut windows, &mut added)?;
    }
    let mut stage = doc! {};
    if let Some(sort_by) = document(NAME, fields, "sortBy")? {
        stage.insert("sortBy", sort_by.clone());
    }
    if let Some(partition_by) = fill_partition(fields)? {
        stage.insert("partitionBy", partition_by);
    }
    let mut parts = Vec::new();
    if !windows.is_empty() {
        stage.insert("output", windows);
        parts = compile(&Bson::Document(stage), compiler)?;
    }
    if !added.is_empty() {
        parts.extend(project::compile("$addFields", &Bson::Document(added), compiler)?);
    }
    Ok(parts)
}

fn fill_output(
    name: &str,
    output: &Bson,
    windows: &mut Document,
    added: &mut Document,
) -> Result<()> {
    let Bson::Document(output) = output else {
        return Err(Code::location(6_050_200)
            .error("Each fill output specification must be an object with exactly one field"));
    };
    check_known("$fill", output, &["method", "value"])?;
    let path = format!("${name}");
    if let Some(method) = text("$fill", output, "method")? {
        if output.contains_key("value") {
            return Err(Code::location(6_050_201).error(
                "Each fill output specification must have exactly one of 'method' or 'value' \
                 fields, not both",
            ));
        }
        let function = match method {
            "locf" => "$locf",
            "linear" => "$linearFill",
            _ => {
                return Err(Code::location(6_050_202).error("Method must be either locf or linear"));
            }
        };
        windows.insert(name, doc! { function: path });
    } else if let Some(value) = output.get("value") {
        added.insert(name, doc! { "$ifNull": [path, value.clone()] });
    }
    Ok(())
}

fn fill_partition(fields: &Document) -> Result<Option<Bson>> {
    let by_fields = texts("$fill", fields, "partitionByFields")?;
    let partition_by = match fields.get("partitionBy") {
        None => None,
        Some(expression @ (Bson::String(_) | Bson::Document(_))) => Some(expression.clone()),
        Some(other) => {
            return Err(Code::TYPE_MISMATCH.error(format!(
                "BSON field '$fill.partitionBy' is the wrong type '{}', expected types '[string, \
                 object]'",
                Compiler::type_name(other)
            )));
        }
    };
    if !fields.contains_key("partitionByFields") {
        return Ok(partition_by);
    }
    if partition_by.is_some() {
        return Err(Code::location(6_050_204).error(
            "Maximum one of 'partitionBy' and 'partitionByFields can be specified in '$fill'",
        ));
    }
    let by: Document =
        by_fields.iter().map(|name| ((*name).to_owned(), format!("${name}").into())).collect();
    Ok(Some(Bson::Document(by)))
}
