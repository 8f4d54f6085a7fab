//! `$derivative`, `$integral`.

use std::collections::VecDeque;

use argon_core::Result;
use bson::Bson;
use bson::raw::RawBsonRef;

use super::bounds::Window;
use super::function::{Definition, PartitionFunction, Specification, malformed};
use super::partition::{Partition, difference};
use super::removable::{Removable, Sum};
use super::sliding::slide;
use super::unit::Unit;
use crate::Code;
use crate::expression::Expression;
use crate::number::{self, Number};
use crate::value::{Value, elements};

pub(super) const FUNCTIONS: &[Definition] =
    &[("$derivative", compile_derivative), ("$integral", compile_integral)];

/// The argument of both functions.
#[derive(Debug)]
struct Change {
    input: Expression,
    /// The field of the sort: the time.
    time: Expression,
    window: Window,
    /// The milliseconds of the unit of dates.
    unit: Option<i64>,
}

/// The mean rate of change from the first to the last document of each window.
#[derive(Debug)]
struct Derivative(Change);

/// The area below the values of each window, by the trapezoidal rule.
#[derive(Debug)]
struct Integral {
    /// The time and the value.
    point: Expression,
    window: Window,
    unit: Option<i64>,
}

fn compile_derivative(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let change = Change::compile(given)?;
    if !given.has_window() {
        return Err(malformed("$derivative requires explicit window bounds"));
    }
    Ok(Box::new(Derivative(change)))
}

fn compile_integral(given: &Specification<'_>) -> Result<Box<dyn PartitionFunction>> {
    let Change { input, time, window, unit } = Change::compile(given)?;
    Ok(Box::new(Integral { point: Expression::Array(vec![time, input]), window, unit }))
}

impl Change {
    fn compile(given: &Specification<'_>) -> Result<Self> {
        let time = given.required_single_sort()?.expression()?;
        let window = given.window()?;
        let fields = given.fields(&["input", "unit"])?;
        let unit = fields.get("unit").map(Self::unit).transpose()?;
        let input = fields
            .get("input")
            .ok_or_else(|| malformed(&format!("{} requires an 'input' expression", given.name)))?;
        Ok(Self { input: given.compiler.compile(input)?, time, window, unit })
    }

    fn unit(unit: &Bson) -> Result<i64> {
        let Bson::String(name) = unit else {
            return Err(malformed("unit' must be a string"));
        };
        // The length of a month or a year varies.
        Unit::parse(name)?
            .milliseconds()
            .ok_or_else(|| Code::location(5_490_710).error("unit must be 'week' or smaller"))
    }
}

fn is_date(value: &Value<'_>) -> bool {
    matches!(value.get(), Some(RawBsonRef::DateTime(_)))
}

impl PartitionFunction for Derivative {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let windows = self.0.window.endpoints(partition)?;
        let values = windows.into_iter().map(|endpoints| match endpoints {
            Some((first, last)) => self.between(partition, first, last),
            None => Ok(Value::NULL),
        });
        values.collect()
    }
}

impl Derivative {
    fn between(
        &self,
        partition: &Partition<'_>,
        first: usize,
        last: usize,
    ) -> Result<Value<'static>> {
        let (from, to) =
            (partition.value(&self.0.time, first)?, partition.value(&self.0.time, last)?);
        self.check_times(&from, &to)?;
        let run = difference(&to, &from)?;
        let (from, to) =
            (partition.value(&self.0.input, first)?, partition.value(&self.0.input, last)?);
        let Some(rise) = difference(&to, &from)? else {
            return Err(
                Code::location(5_624_903).error("$derivative input must not be null or missing")
            );
        };
        // A window of one document has no rate.
        let Some(rate) = run.and_then(|run| number::divide(rise, run)) else {
            return Ok(Value::NULL);
        };
        Ok(match self.0.unit {
            Some(unit) => number::multiply(rate, Number::Long(unit)).into(),
            None => rate.into(),
        })
    }

    fn check_times(&self, from: &Value<'_>, to: &Value<'_>) -> Result<()> {
        if self.0.unit.is_some() {
            return if is_date(from) && is_date(to) {
                Ok(())
            } else {
                Err(Code::location(5_624_900)
                    .error("$derivative with 'unit' expects the sortBy field to be a Date"))
            };
        }
        if is_date(from) || is_date(to) {
            return Err(Code::location(5_624_901)
                .error("$derivative where the sortBy is a Date requires an 'unit'"));
        }
        if !from.is_number() || !to.is_number() {
            return Err(Code::location(5_624_902)
                .error("$derivative (with no 'unit') expects the sortBy field to be numeric"));
        }
        Ok(())
    }
}

impl PartitionFunction for Integral {
    fn evaluate(&self, partition: &Partition<'_>) -> Result<Vec<Value<'static>>> {
        let state = Area { unit: self.unit, ..Area::default() };
        slide(partition, &self.window, &self.point, Box::new(state))
    }
}

/// A document in an integral.
#[derive(Debug)]
struct Point {
    time: Value<'static>,
    height: Number,
    nan: bool,
}

/// The area below the points of a window.
#[derive(Debug, Default)]
struct Area {
    points: VecDeque<Point>,
    sum: Sum,
    nans: usize,
    /// The milliseconds of the unit of dates.
    unit: Option<i64>,
}

impl Area {
    /// The point of an array of its time and height.
    fn point(&self, value: &Value<'_>) -> Result<Point> {
        let pair = value.as_array().map(elements).transpose()?.unwrap_or_default();
        let [time, height] = pair.as_slice() else { return Err(not_a_point()) };
        let time = Value::Ref(*time).into_owned();
        let height = Number::of(*height).ok_or_else(not_a_point)?;
        match (self.unit, is_date(&time)) {
            _ if !time.is_number() && !is_date(&time) => Err(not_a_point()),
            (Some(_), false) => Err(Code::location(5_423_901)
                .error("$integral with 'unit' expects the sortBy field to be a Date")),
            (None, true) => Err(Code::location(5_423_902)
                .error("$integral (with no 'unit') expects the sortBy field to be numeric")),
            _ => {
                let time_number = time.get().and_then(Number::of);
                let nan = height.is_nan() || time_number.is_some_and(Number::is_nan);
                Ok(Point { time, height, nan })
            }
        }
    }
}

fn not_a_point() -> argon_core::Error {
    Code::location(5_423_900).error(
        "The input value of $integral window function must be a vector of 2 value, the first value \
         must be numeric or date type and the second must be numeric.",
    )
}

/// The area between two neighbours; zero if one is NaN.
fn trapezoid(from: &Point, to: &Point) -> Result<Number> {
    let width = match difference(&to.time, &from.time)? {
        Some(width) if !from.nan && !to.nan => width,
        _ => return Ok(Number::Int(0)),
    };
    let doubled = number::multiply(number::add(to.height, from.height), width);
    Ok(number::divide(doubled, Number::Double(2.0)).unwrap_or(Number::Int(0)))
}

impl Removable for Area {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        let point = self.point(value)?;
        self.nans += usize::from(point.nan);
        if let Some(last) = self.points.back() {
            self.sum.update(trapezoid(last, &point)?, 1);
        }
        self.points.push_back(point);
        Ok(())
    }

    fn remove(&mut self, _: &Value<'_>) -> Result<()> {
        let Some(point) = self.points.pop_front() else { return Ok(()) };
        self.nans -= usize::from(point.nan);
        if let Some(next) = self.points.front() {
            self.sum.update(trapezoid(&point, next)?, -1);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value<'static>> {
        if self.points.is_empty() {
            return Ok(Value::NULL);
        }
        if self.nans > 0 {
            return Ok(f64::NAN.into());
        }
        let area = self.sum.value();
        let divided = self.unit.and_then(|unit| number::divide(area, Number::Long(unit)));
        Ok(divided.unwrap_or(area).into())
    }
}
