//! `$densify`.
//!
//! As `document_source_densify.cpp` of the server has it: each partition has a grid of values, which
//! begins at its least value, that of all rows, or the lower bound. A row is generated for each value
//! of the grid that no row has.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use argon_core::Result;
use bson::raw::{CString, RawBson, RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, DateTime, Document};
use futures::{StreamExt, TryStreamExt, stream};

use super::fields::{check_known, required, specification, text, texts, wrong_type};
use super::sort::Sort;
use crate::Code;
use crate::number::{self, Number};
use crate::pipeline::execution::Execution;
use crate::pipeline::rows::{Row, Rows};
use crate::pipeline::stage::{Definition, Part, Position, Stage, StageCompiler};
use crate::pipeline::values::{encode, names, nested, with_nested};
use crate::sort::SortPattern;
use crate::window::unit::Unit;

pub(super) const STAGES: &[Definition] = &[Definition::new("$densify", Position::Any, compile)];

/// `internalQueryMaxAllowedDensifyDocs` of the server.
const MAX_GENERATED: u64 = 500_000;

#[derive(Debug)]
struct Densify {
    field: Vec<CString>,
    partition_by: Vec<Vec<CString>>,
    step: Number,
    unit: Option<Unit>,
    bounds: Bounds,
}

#[derive(Debug, Clone, Copy)]
enum Bounds {
    /// From the least to the greatest value of all rows.
    Full,
    /// From the least to the greatest value of the partition.
    Partition,
    /// From the first up to below the second.
    Explicit(Point, Point),
}

/// A value on the axis: a number, or a date.
#[derive(Debug, Clone, Copy)]
enum Point {
    Number(Number),
    Date(DateTime),
}

/// A partition: the rows that are generated have its fields.
#[derive(Debug)]
struct Partition {
    fields: RawDocumentBuf,
    /// The next value of the grid.
    next: Point,
}

fn compile(argument: &Bson, _: &StageCompiler<'_>) -> Result<Vec<Part>> {
    const NAME: &str = "$densify";
    let fields = specification(NAME, argument)?;
    check_known(NAME, fields, &["field", "partitionByFields", "range"])?;
    required(NAME, fields, "field")?;
    let field = text(NAME, fields, "field")?.unwrap_or_default();
    let partitions = texts(NAME, fields, "partitionByFields")?;
    let range = required(NAME, fields, "range")?;
    let Bson::Document(range) = range else {
        return Err(wrong_type(NAME, "range", range, "object"));
    };
    let (step, unit, bounds) = compile_range(range)?;
    if matches!(bounds, Bounds::Partition) && partitions.is_empty() {
        return Err(Code::location(5_733_408).error(
            "One cannot specify the bounds as 'partition' without specifying a non-empty array of \
             partitionByFields. You may have meant to specify 'full' bounds.",
        ));
    }
    let mut pattern = Document::new();
    if !matches!(bounds, Bounds::Full) {
        pattern.extend(partitions.iter().map(|path| ((*path).to_owned(), Bson::Int32(1))));
    }
    pattern.insert(field, 1);
    let partition_by = partitions.iter().map(|path| names(path)).collect::<Result<_>>()?;
    let densify = Densify { field: names(field)?, partition_by, step, unit, bounds };
    Ok(vec![
        Part::Stage(Arc::new(Sort { pattern: SortPattern::compile(&pattern)?, limit: None })),
        Part::Stage(Arc::new(densify)),
    ])
}

fn compile_range(range: &Document) -> Result<(Number, Option<Unit>, Bounds)> {
    const NAME: &str = "$densify.range";
    check_known(NAME, range, &["step", "bounds", "unit"])?;
    let step = number_of(required(NAME, range, "step")?);
    let step = step.filter(|step| step.compare(Number::Int(0)).is_gt()).ok_or_else(|| {
        Code::location(5_733_401).error(
            "The step parameter in a range statement must be a strictly positive numeric value",
        )
    })?;
    let unit = text(NAME, range, "unit")?.map(Unit::parse).transpose()?;
    if unit.is_some() && step.exact_long().is_none() {
        return Err(Code::location(6_586_400).error(
            "The step parameter in a range statement must be a whole number when densifying a \
             date range",
        ));
    }
    let bounds = match required(NAME, range, "bounds")? {
        Bson::String(name) if name == "full" => Bounds::Full,
        Bson::String(name) if name == "partition" => Bounds::Partition,
        Bson::String(_) => {
            return Err(Code::location(5_946_802)
                .error("Bounds string must either be 'full' or 'partition'"));
        }
        Bson::Array(bounds) => explicit(bounds, step, unit)?,
        _ => {
            return Err(Code::location(5_733_404).error(
                "The bounds in a range statement must be the string 'full', 'partition', or an \
                 ascending array of two numbers or two dates",
            ));
        }
    };
    Ok((step, unit, bounds))
}

fn number_of(value: &Bson) -> Option<Number> {
    let raw = RawBson::try_from(value.clone()).ok()?;
    Number::of(raw.as_raw_bson_ref())
}

fn explicit(bounds: &[Bson], step: Number, unit: Option<Unit>) -> Result<Bounds> {
    const BOTH: &str = "A bounding array must contain either both dates or both numeric types";
    let wrong = |code: u32, message: &str| Err(Code::location(code).error(message));
    let [lower, upper] = bounds else {
        return wrong(
            5_733_403,
            "A bounding array in a range statement must have exactly two elements",
        );
    };
    let order = crate::expression::raw(lower).and_then(|lower| {
        let upper = crate::expression::raw(upper)?;
        argon_core::key::compare(lower.as_raw_bson_ref(), upper.as_raw_bson_ref())
            .map_err(crate::value::malformed)
    })?;
    if order.is_gt() {
        return wrong(
            5_733_402,
            "A bounding array must be an ascending array of either two dates or two numbers",
        );
    }
    match (lower, upper, number_of(lower), number_of(upper)) {
        (_, _, Some(_), _) if unit.is_some() => {
            wrong(5_733_409, "Numeric bounds may not have unit parameter")
        }
        (_, _, Some(lower), Some(upper)) => {
            let types = [lower.number_type(), upper.number_type(), step.number_type()];
            if types.iter().any(|of| *of != types[0]) {
                return wrong(
                    5_876_900,
                    "Upper bound, lower bound, and step must all have the same type",
                );
            }
            Ok(Bounds::Explicit(Point::Number(lower), Point::Number(upper)))
        }
        (_, _, Some(_), None) => wrong(5_733_406, BOTH),
        (Bson::DateTime(lower), Bson::DateTime(upper), ..) => {
            if unit.is_none() {
                return wrong(5_733_410, "A bounding array of dates must specify a unit");
            }
            Ok(Bounds::Explicit(Point::Date(*lower), Point::Date(*upper)))
        }
        (Bson::DateTime(_), ..) => wrong(5_733_405, BOTH),
        _ => wrong(5_946_800, "Explicit bounds must be numeric or dates"),
    }
}

impl Point {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.compare(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(&b),
            (Self::Number(_), Self::Date(_)) => Ordering::Less,
            (Self::Date(_), Self::Number(_)) => Ordering::Greater,
        }
    }

    fn is_below(self, other: Self) -> bool {
        self.compare(other).is_lt()
    }

    fn to_value(self) -> RawBson {
        match self {
            Self::Number(number) => number.into(),
            Self::Date(date) => RawBson::DateTime(date),
        }
    }
}

impl Stage for Densify {
    fn run(self: Arc<Self>, input: Rows, _: &Execution) -> Rows {
        let densifying = Densifying {
            stage: self,
            input,
            partitions: Vec::new(),
            places: HashMap::new(),
            least: None,
            greatest: None,
            generated: 0,
            ended: false,
            pending: Vec::new(),
        };
        stream::try_unfold(densifying, |mut densifying| async move {
            loop {
                if !densifying.pending.is_empty() {
                    return Ok(Some((std::mem::take(&mut densifying.pending), densifying)));
                }
                if densifying.ended {
                    return Ok(None);
                }
                match densifying.input.try_next().await? {
                    Some(batch) => {
                        batch.into_iter().try_for_each(|row| densifying.add(row))?;
                    }
                    None => densifying.end()?,
                }
            }
        })
        .boxed()
    }
}

impl Densify {
    /// The value of a row; `None` if it is null or missing.
    fn point(&self, document: &RawDocument) -> Result<Option<Point>> {
        let mixed = || {
            Err(Code::location(6_053_600).error(
                "Encountered a value in the collection that is not of the kind of the step: dates \
                 need a unit, and numbers none",
            ))
        };
        match nested(document, &self.field)? {
            None | Some(RawBsonRef::Null | RawBsonRef::Undefined) => Ok(None),
            Some(RawBsonRef::DateTime(date)) if self.unit.is_some() => Ok(Some(Point::Date(date))),
            Some(RawBsonRef::DateTime(_)) => mixed(),
            Some(value) => {
                match Number::of(value) {
                    Some(number) if self.unit.is_none() => Ok(Some(Point::Number(number))),
                    Some(_) => mixed(),
                    None => Err(Code::location(5_733_201)
                        .error("Densify field type must be numeric or a date")),
                }
            }
        }
    }

    fn after(&self, point: Point) -> Result<Point> {
        match (point, self.unit) {
            (Point::Date(date), Some(unit)) => {
                let step = self.step.exact_long().unwrap_or_default();
                unit.add(date, step).map(Point::Date)
            }
            (Point::Number(number), _) => Ok(Point::Number(number::add(number, self.step))),
            (date, None) => Ok(date),
        }
    }

    fn partition_of(&self, document: &RawDocument) -> Result<RawDocumentBuf> {
        let mut fields = RawDocumentBuf::new();
        for path in &self.partition_by {
            if let Some(value) = nested(document, path)? {
                fields = with_nested(&fields, path, Some(value))?;
            }
        }
        Ok(fields)
    }
}

struct Densifying {
    stage: Arc<Densify>,
    input: Rows,
    partitions: Vec<Partition>,
    places: HashMap<Vec<u8>, usize>,
    /// The least value of all rows.
    least: Option<Point>,
    greatest: Option<Point>,
    generated: u64,
    ended: bool,
    /// The rows that are passed on next.
    pending: Vec<Row>,
}

impl Densifying {
    fn add(&mut self, row: Row) -> Result<()> {
        let Some(value) = self.stage.point(row.as_raw())? else {
            self.pending.push(row);
            return Ok(());
        };
        let least = *self.least.get_or_insert(value);
        self.greatest = Some(value);
        let place = self.partition(row.as_raw(), value, least)?;
        let upto = match self.stage.bounds {
            Bounds::Explicit(_, upper) if upper.is_below(value) => upper,
            _ => value,
        };
        self.generate(place, |next| next.is_below(upto))?;
        let next = self.partitions[place].next;
        if next.compare(value).is_eq() {
            self.partitions[place].next = self.stage.after(next)?;
        }
        self.pending.push(row);
        Ok(())
    }

    /// The place of the partition of a row.
    fn partition(&mut self, document: &RawDocument, value: Point, least: Point) -> Result<usize> {
        let fields = self.stage.partition_of(document)?;
        let mut key = Vec::new();
        encode(RawBsonRef::Document(&fields), &mut key)?;
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let next = match self.stage.bounds {
            Bounds::Full => least,
            Bounds::Partition => value,
            Bounds::Explicit(lower, _) => lower,
        };
        self.places.insert(key, self.partitions.len());
        self.partitions.push(Partition { fields, next });
        Ok(self.partitions.len() - 1)
    }

    /// Generates the rows of a partition as long as the value is wanted.
    fn generate(&mut self, place: usize, wanted: impl Fn(Point) -> bool) -> Result<()> {
        let stage = self.stage.clone();
        let partition = &mut self.partitions[place];
        while wanted(partition.next) {
            let value = partition.next.to_value();
            let value = Some(value.as_raw_bson_ref());
            self.pending.push(with_nested(&partition.fields, &stage.field, value)?.into());
            partition.next = stage.after(partition.next)?;
            self.generated += 1;
            if self.generated > MAX_GENERATED {
                return Err(Code::location(5_897_900).error(format!(
                    "Generated {} documents in $densify, which is over the limit of \
                     {MAX_GENERATED}. Increase the 'internalQueryMaxAllowedDensifyDocs' parameter \
                     to allow more generated documents",
                    self.generated
                )));
            }
        }
        Ok(())
    }

    /// Completes the partitions.
    fn end(&mut self) -> Result<()> {
        self.ended = true;
        let has_partitions = !self.stage.partition_by.is_empty();
        match (self.stage.bounds, self.greatest) {
            (Bounds::Explicit(lower, upper), _) => {
                if self.partitions.is_empty() && !has_partitions {
                    let fields = RawDocumentBuf::new();
                    self.partitions.push(Partition { fields, next: lower });
                }
                (0..self.partitions.len())
                    .try_for_each(|place| self.generate(place, |next| next.is_below(upper)))
            }
            (Bounds::Full, Some(greatest)) if has_partitions => (0..self.partitions.len())
                .try_for_each(|place| self.generate(place, |next| next.compare(greatest).is_le())),
            _ => Ok(()),
        }
    }
}
