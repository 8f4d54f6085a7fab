//! `$graphLookup`: a breadth-first search.

use std::collections::BTreeSet;
use std::sync::Arc;

use argon_core::Result;
use bson::Bson;
use bson::raw::{CString, RawArrayBuf, RawBsonRef};
use futures::{StreamExt, TryStreamExt, stream};

use super::from::{From, collection, string};
use super::join_table::JoinSource;
use crate::Code;
use crate::expression::{Compiler, Expression, field_path};
use crate::filter::FilterOptions;
use crate::find::Matcher;
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler, object};
use crate::pipeline::values::{encode, names, visit_all, with_nested};
use crate::value::{elements, malformed};

pub(super) const STAGES: &[Definition] = &[Definition::new("$graphLookup", Position::Any, compile)];

#[derive(Debug)]
struct GraphLookup {
    from: From,
    output: Vec<CString>,
    start_with: Expression,
    connect_from: Vec<String>,
    connect_to: Vec<String>,
    max_depth: Option<u64>,
    depth_field: Option<Vec<CString>>,
    restrict: Option<Matcher>,
}

/// The parts of the specification.
#[derive(Default)]
struct Spec {
    from: Option<String>,
    at: Option<String>,
    output: Option<Vec<CString>>,
    start_with: Option<Expression>,
    connect_from: Option<Vec<String>>,
    connect_to: Option<Vec<String>>,
    max_depth: Option<u64>,
    depth_field: Option<Vec<CString>>,
    restrict: Option<Matcher>,
}

fn compile(argument: &Bson, compiler: &StageCompiler<'_>) -> Result<Vec<Part>> {
    let fields = object(argument, || {
        Code::FAILED_TO_PARSE.error(format!(
            "the $graphLookup stage specification must be an object, but found {}",
            Compiler::type_name(argument)
        ))
    })?;
    let mut spec = Spec::default();
    for (name, value) in fields {
        spec.set(name, value, &compiler.expressions)?;
    }
    let from = spec.from.ok_or_else(|| {
        Code::FAILED_TO_PARSE.error("missing 'from' option to $graphLookup stage specification")
    })?;
    let (Some(output), Some(start_with), Some(connect_from), Some(connect_to)) =
        (spec.output, spec.start_with, spec.connect_from, spec.connect_to)
    else {
        return Err(Code::location(40105).error(
            "$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and \
             'connectToField' to be specified.",
        ));
    };
    Ok(Part::stage(GraphLookup {
        from: From { collection: from, revision: spec.at },
        output,
        start_with,
        connect_from,
        connect_to,
        max_depth: spec.max_depth,
        depth_field: spec.depth_field,
        restrict: spec.restrict,
    }))
}

impl Spec {
    fn set(&mut self, name: &str, value: &Bson, compiler: &Compiler<'_>) -> Result<()> {
        const NAME: &str = "$graphLookup";
        let text = || string(NAME, name, value, Code::location(40103));
        match name {
            "from" => self.from = Some(collection(NAME, value)?),
            "at" => self.at = Some(text()?),
            "startWith" => self.start_with = Some(compiler.compile(value)?),
            "as" => self.output = Some(names(&text()?)?),
            "connectFromField" => self.connect_from = Some(field_path(&text()?)?),
            "connectToField" => self.connect_to = Some(field_path(&text()?)?),
            "depthField" => self.depth_field = Some(names(&text()?)?),
            "maxDepth" => self.max_depth = Some(depth(value)?),
            "restrictSearchWithMatch" => {
                let query = object(value, || {
                    Code::location(40185).error(format!(
                        "$graphLookup argument 'restrictSearchWithMatch' must be an object, is \
                         type {}",
                        Compiler::type_name(value)
                    ))
                })?;
                let options = FilterOptions { compiler: compiler.clone(), collation: None };
                self.restrict = Some(Matcher::compile(query, &options)?);
            }
            other => {
                return Err(Code::location(40104)
                    .error(format!("unknown argument to $graphLookup: {other}")));
            }
        }
        Ok(())
    }
}

fn depth(value: &Bson) -> Result<u64> {
    let number = match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number is kept")]
        Bson::Double(number) => (number.fract() == 0.0).then_some(*number as i64),
        Bson::Decimal128(number) => number.to_string().parse().ok(),
        other => {
            return Err(Code::location(40100).error(format!(
                "maxDepth requires a nonnegative number, found type: {}",
                Compiler::type_name(other)
            )));
        }
    };
    let negative = || {
        Code::location(40101)
            .error(format!("maxDepth requires a nonnegative number, found: {value}"))
    };
    let number = number.ok_or_else(|| {
        Code::location(40102)
            .error(format!("maxDepth could not be represented as a long long: {value}"))
    })?;
    u64::try_from(number).map_err(|_| negative())
}

impl Stage for GraphLookup {
    fn run(self: Arc<Self>, input: Rows, execution: &Execution) -> Rows {
        let searching =
            Searching { stage: self, input, execution: execution.clone(), source: None };
        stream::try_unfold(searching, |mut searching| async move {
            let Some(batch) = searching.input.try_next().await? else { return Ok(None) };
            let mut found = Vec::with_capacity(batch.len());
            for row in batch {
                let array = searching.search(&row).await?;
                let output = &searching.stage.output;
                let value = Some(RawBsonRef::Array(&array));
                found.push(with_nested(row.as_raw(), output, value)?.into());
            }
            Ok(Some((found, searching)))
        })
        .boxed()
    }
}

struct Searching {
    stage: Arc<GraphLookup>,
    input: Rows,
    execution: Execution,
    source: Option<Arc<JoinSource>>,
}

/// `internalDocumentSourceGraphLookupMaxMemoryBytes` of the server.
const MAX_BYTES: usize = 100 * 1024 * 1024;

type Keys = BTreeSet<Box<[u8]>>;

impl Searching {
    async fn source(&mut self) -> Result<Arc<JoinSource>> {
        if let Some(source) = &self.source {
            return Ok(source.clone());
        }
        let collection = self.stage.from.open(&self.execution).await?;
        let source = JoinSource::open(collection, &self.stage.connect_to, &self.execution).await?;
        Ok(self.source.insert(Arc::new(source)).clone())
    }

    /// The rows that are reached from a row, each once, with the least depth.
    async fn search(&mut self, row: &Row) -> Result<RawArrayBuf> {
        let (stage, source) = (self.stage.clone(), self.source().await?);
        let mut frontier = stage.start(row, &self.execution)?;
        let (mut visited, mut array) = (Keys::new(), RawArrayBuf::new());
        let mut depth = 0;
        while !frontier.is_empty() && stage.max_depth.is_none_or(|most| depth <= most) {
            let mut found = None;
            let keys = || frontier.clone();
            let table = source.table(&stage.connect_to, keys, &self.execution, &mut found).await?;
            let mut next = Keys::new();
            for row in table.find(&frontier) {
                self.execution.evaluation.context().check()?;
                if !stage.is_wanted(row, &self.execution)? || !visited.insert(id_key(row)?) {
                    continue;
                }
                stage.append(row, depth, &mut array)?;
                keys_of(row, &stage.connect_from, &mut next)?;
            }
            if array.as_bytes().len() > MAX_BYTES {
                return Err(
                    Code::location(40099).error("$graphLookup reached maximum memory consumption")
                );
            }
            frontier = next;
            depth += 1;
        }
        Ok(array)
    }
}

impl GraphLookup {
    /// The first keys: of each element, if the value is an array. A missing value finds nothing.
    fn start(&self, row: &Row, execution: &Execution) -> Result<Keys> {
        let value = self.start_with.evaluate(&execution.scope(row.as_raw()))?;
        let mut keys = Keys::new();
        match value.get() {
            None => {}
            Some(RawBsonRef::Array(array)) => {
                for element in elements(array)? {
                    insert(element, &mut keys)?;
                }
            }
            Some(value) => insert(value, &mut keys)?,
        }
        Ok(keys)
    }

    fn is_wanted(&self, row: &Row, execution: &Execution) -> Result<bool> {
        match &self.restrict {
            Some(matcher) => matcher.matches(row.as_raw(), &execution.evaluation),
            None => Ok(true),
        }
    }

    fn append(&self, row: &Row, depth: u64, array: &mut RawArrayBuf) -> Result<()> {
        match &self.depth_field {
            None => array.push(row.as_raw()),
            Some(path) => {
                let depth = RawBsonRef::Int64(i64::try_from(depth).unwrap_or(i64::MAX));
                array.push(with_nested(row.as_raw(), path, Some(depth))?);
            }
        }
        Ok(())
    }
}

fn insert(value: RawBsonRef<'_>, keys: &mut Keys) -> Result<()> {
    let mut key = Vec::new();
    encode(value, &mut key)?;
    keys.insert(key.into());
    Ok(())
}

fn keys_of(row: &Row, path: &[String], keys: &mut Keys) -> Result<()> {
    visit_all(row.as_raw(), path, &mut |value| insert(value, keys))
}

fn id_key(row: &Row) -> Result<Box<[u8]>> {
    let mut key = Vec::new();
    let id = row.as_raw().get("_id").map_err(malformed)?;
    encode(id.unwrap_or(RawBsonRef::Undefined), &mut key)?;
    Ok(key.into())
}
