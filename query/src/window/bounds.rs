//! The windows of documents, by position or by range.

use argon_core::Result;
use bson::raw::RawBsonRef;
use bson::{Bson, Document};

use super::partition::{Endpoints, Partition};
use super::unit::Unit;
use crate::Code;
use crate::accumulator::sort_by::SortBy;
use crate::expression::{Compiler, Expression};
use crate::number::Number;
use crate::value::{Value, type_name};

/// Which documents of the partition belong to the window of a document.
#[derive(Debug)]
pub(super) enum Window {
    /// By their distance in the order.
    Documents(Bound<i64>, Bound<i64>),
    /// By the distance of their values of the sort.
    Range {
        lower: Bound<Number>,
        upper: Bound<Number>,
        unit: Option<Unit>,
        /// The field of the sort.
        field: Expression,
    },
}

/// Where a window begins or ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound<T> {
    /// With the partition.
    Unbounded,
    /// With the document.
    Current,
    /// At a distance from the document.
    Distance(T),
}

impl Window {
    /// The whole partition.
    pub(super) const WHOLE: Self = Self::Documents(Bound::Unbounded, Bound::Unbounded);

    /// Compiles the field `window`.
    ///
    /// # Errors
    /// MongoDB's error for a malformed window.
    pub(super) fn compile(
        window: &Bson,
        sort_by: Option<&SortBy>,
        compiler: &Compiler<'_>,
    ) -> Result<Self> {
        let Bson::Document(fields) = window else {
            return Err(Code::FAILED_TO_PARSE.error("'window' field must be an object"));
        };
        match (fields.get("documents"), fields.get("range"), fields.get("unit")) {
            (Some(_), Some(_), _) => Err(Code::FAILED_TO_PARSE
                .error("Window bounds can specify either 'documents' or 'unit', not both.")),
            (_, None, Some(_)) => Err(Code::FAILED_TO_PARSE
                .error("Window bounds can only specify 'unit' with range-based bounds.")),
            (None, None, None) if fields.is_empty() => Ok(Self::WHOLE),
            (None, None, None) => Err(Code::FAILED_TO_PARSE.error(
                "'window' field can only contain 'documents' as the only argument or 'range' with \
                 an optional 'unit' field",
            )),
            (Some(_), None, None) if fields.len() > 1 => Err(Code::FAILED_TO_PARSE
                .error("'window' field that specifies documents cannot have other fields")),
            (Some(bounds), None, None) => Self::of_documents(bounds, sort_by, compiler),
            (None, Some(bounds), unit) => Self::of_range(fields, bounds, unit, sort_by, compiler),
        }
    }

    fn of_documents(
        bounds: &Bson,
        sort_by: Option<&SortBy>,
        compiler: &Compiler<'_>,
    ) -> Result<Self> {
        let (lower, upper) = pair(bounds)?;
        let distance = |value: RawBsonRef<'_>| {
            let number = Number::of(value).and_then(Number::exact_int).map(i64::from);
            number.ok_or_else(|| {
                Code::FAILED_TO_PARSE.error("Numeric document-based bounds must be an integer")
            })
        };
        let lower = Bound::compile(lower, compiler, distance)?;
        let upper = Bound::compile(upper, compiler, distance)?;
        if let (Some(lower), Some(upper)) = (lower.or(0), upper.or(0))
            && lower > upper
        {
            return Err(inverted(&lower, &upper));
        }
        let whole = matches!((lower, upper), (Bound::Unbounded, Bound::Unbounded));
        if !whole && sort_by.is_none() {
            return Err(Code::location(5_339_901).error("Document-based bounds require a sortBy"));
        }
        Ok(Self::Documents(lower, upper))
    }

    fn of_range(
        fields: &Document,
        bounds: &Bson,
        unit: Option<&Bson>,
        sort_by: Option<&SortBy>,
        compiler: &Compiler<'_>,
    ) -> Result<Self> {
        let (lower, upper) = pair(bounds)?;
        let others = if unit.is_some() { 2 } else { 1 };
        if fields.len() > others {
            let (specifies, besides) =
                if unit.is_some() { ("unit", "range") } else { ("range", "unit") };
            return Err(Code::FAILED_TO_PARSE.error(format!(
                "'window' field that specifies {specifies} cannot have other fields besides \
                 '{besides}'"
            )));
        }
        let unit = match unit {
            None => None,
            Some(Bson::String(name)) => Some(name),
            Some(_) => return Err(Code::FAILED_TO_PARSE.error("'unit' must be a string")),
        };
        let distance = |value: RawBsonRef<'_>| match Number::of(value) {
            Some(number) if unit.is_none() || number.exact_int().is_some() => Ok(number),
            _ if unit.is_some() => {
                Err(Code::FAILED_TO_PARSE
                    .error("With 'unit', range-based bounds must be an integer"))
            }
            _ => Err(Code::FAILED_TO_PARSE.error("Range-based bounds expression must be a number")),
        };
        let lower = Bound::compile(lower, compiler, distance)?;
        let upper = Bound::compile(upper, compiler, distance)?;
        let zero = Number::Int(0);
        if let (Some(lower), Some(upper)) = (lower.or(zero), upper.or(zero))
            && lower.compare(upper).is_gt()
        {
            return Err(inverted(&lower.to_double(), &upper.to_double()));
        }
        let unit = unit.map(|name| Unit::parse(name)).transpose()?;
        let field = range_field(sort_by)?;
        Ok(Self::Range { lower, upper, unit, field })
    }

    /// The windows of all documents.
    ///
    /// # Errors
    /// If a value of the sort has a type that the range does not fit.
    pub(super) fn endpoints(&self, partition: &Partition<'_>) -> Result<Vec<Endpoints>> {
        match self {
            Self::Documents(lower, upper) => Ok((0..partition.len())
                .map(|at| by_position(*lower, *upper, at, partition.len()))
                .collect()),
            Self::Range { lower, upper, unit, field } => {
                let values: Vec<Value<'static>> = (0..partition.len())
                    .map(|index| partition.value(field, index).map(Value::into_owned))
                    .collect::<Result<_>>()?;
                let range = Range { lower: *lower, upper: *upper, unit: *unit, values: &values };
                (0..partition.len()).map(|index| range.endpoints(index)).collect()
            }
        }
    }

    /// Whether all windows begin with the partition.
    pub(super) fn is_left_unbounded(&self) -> bool {
        matches!(
            self,
            Self::Documents(Bound::Unbounded, _) | Self::Range { lower: Bound::Unbounded, .. }
        )
    }

    /// The distances of the bounds from the document; `None` where the bound has none.
    pub(super) fn distances(&self) -> (Option<f64>, Option<f64>) {
        #[expect(clippy::cast_precision_loss, reason = "only the sign counts")]
        let of_long = |bound: Bound<i64>| match bound {
            Bound::Distance(distance) => Some(distance as f64),
            _ => None,
        };
        let of_number = |bound: Bound<Number>| match bound {
            Bound::Distance(distance) => Some(distance.to_double()),
            _ => None,
        };
        match self {
            Self::Documents(lower, upper) => (of_long(*lower), of_long(*upper)),
            Self::Range { lower, upper, .. } => (of_number(*lower), of_number(*upper)),
        }
    }
}

impl<T: Copy> Bound<T> {
    fn compile(
        bound: &Bson,
        compiler: &Compiler<'_>,
        distance: impl FnOnce(RawBsonRef<'_>) -> Result<T>,
    ) -> Result<Self> {
        match bound {
            Bson::String(name) if name == "unbounded" => Ok(Self::Unbounded),
            Bson::String(name) if name == "current" => Ok(Self::Current),
            Bson::String(_) => Err(Code::FAILED_TO_PARSE
                .error("Window bounds must be 'unbounded', 'current', or a number.")),
            expression => match compiler.compile(expression)?.constant() {
                Some(constant) => Ok(Self::Distance(distance(constant)?)),
                None => {
                    Err(Code::FAILED_TO_PARSE.error("Window bounds expression must be a constant."))
                }
            },
        }
    }

    /// The distance; `zero` if the bound is the document, and `None` if there is no bound.
    fn or(self, zero: T) -> Option<T> {
        match self {
            Self::Unbounded => None,
            Self::Current => Some(zero),
            Self::Distance(distance) => Some(distance),
        }
    }
}

fn pair(bounds: &Bson) -> Result<(&Bson, &Bson)> {
    match bounds {
        Bson::Array(bounds) if bounds.len() == 2 => Ok((&bounds[0], &bounds[1])),
        other => Err(Code::FAILED_TO_PARSE
            .error(format!("Window bounds must be a 2-element array: {other}"))),
    }
}

fn inverted(lower: &dyn std::fmt::Display, upper: &dyn std::fmt::Display) -> argon_core::Error {
    Code::location(5_339_900)
        .error(format!("Lower bound must not exceed upper bound: [{lower}, {upper}]"))
}

fn range_field(sort_by: Option<&SortBy>) -> Result<Expression> {
    let Some([part]) = sort_by.map(SortBy::parts) else {
        return Err(
            Code::location(5_339_902).error("Range-based bounds require sortBy a single field")
        );
    };
    if part.descending {
        return Err(
            Code::location(8_947_401).error("Range-based bounds require an ascending sortBy")
        );
    }
    part.expression()
}

fn by_position(lower: Bound<i64>, upper: Bound<i64>, at: usize, length: usize) -> Endpoints {
    let place = |distance: i64| {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        at.saturating_add(distance)
    };
    let last = length.checked_sub(1)?;
    let lowest = match lower.or(0).map(place) {
        // Also where the place is before the partition.
        None | Some(i64::MIN..=-1) => 0,
        Some(lowest) => usize::try_from(lowest).ok().filter(|lowest| *lowest <= last)?,
    };
    let highest = match upper.or(0).map(place) {
        None => last,
        Some(highest) => usize::try_from(highest).ok()?.min(last),
    };
    Some((lowest, highest))
}

/// The windows by range, over the values of the sort.
struct Range<'v> {
    lower: Bound<Number>,
    upper: Bound<Number>,
    unit: Option<Unit>,
    values: &'v [Value<'static>],
}

impl Range<'_> {
    /// Follows `PartitionIterator::getEndpointsRangeBased` of the server.
    fn endpoints(&self, at: usize) -> Result<Endpoints> {
        self.check(&self.values[at])?;
        let Some(lowest) = self.lowest(at)? else { return Ok(None) };
        Ok(self.highest(at, lowest)?.map(|highest| (lowest, highest)))
    }

    fn check(&self, value: &Value<'_>) -> Result<()> {
        let found = value.get().map_or("missing", type_name);
        let date = matches!(value.get(), Some(RawBsonRef::DateTime(_)));
        match self.unit {
            Some(_) if !date => Err(Code::location(5_429_513).error(format!(
                "Invalid range: Expected the sortBy field to be a Date, but it was {found}"
            ))),
            None if date => Err(Code::location(5_429_413).error(
                "Invalid range: For windows that involve date or time ranges, a unit must be \
                 provided.",
            )),
            None if !value.is_number() => Err(Code::location(5_429_414).error(format!(
                "Invalid range: Expected the sortBy field to be a number, but it was {found}"
            ))),
            _ => Ok(()),
        }
    }

    fn has_expected_type(&self, value: &Value<'_>) -> bool {
        match self.unit {
            Some(_) => matches!(value.get(), Some(RawBsonRef::DateTime(_))),
            None => value.is_number(),
        }
    }

    /// The value at a distance from that of a document.
    fn threshold(&self, at: usize, distance: Number) -> Result<Value<'static>> {
        match (self.unit, self.values[at].get()) {
            (Some(unit), Some(RawBsonRef::DateTime(date))) => {
                Ok(unit.add(date, distance.to_long())?.into())
            }
            (_, value) => {
                // Whatever the types, the sum is exact enough as a decimal.
                let value = value.and_then(Number::of).unwrap_or(Number::Int(0));
                Ok(Number::Decimal(value.to_decimal().add(distance.to_decimal())).into())
            }
        }
    }

    fn lowest(&self, at: usize) -> Result<Option<usize>> {
        let distance = match self.lower {
            Bound::Current => return Ok(Some(at)),
            Bound::Unbounded => {
                return Ok(self.values.iter().position(|value| self.has_expected_type(value)));
            }
            Bound::Distance(distance) => distance,
        };
        let threshold = self.threshold(at, distance)?;
        // The values are sorted.
        let lowest = partition_point(self.values, |value| Ok(value.compare(&threshold)?.is_lt()))?;
        Ok((lowest < self.values.len() && self.has_expected_type(&self.values[lowest]))
            .then_some(lowest))
    }

    fn highest(&self, at: usize, lowest: usize) -> Result<Option<usize>> {
        let distance = match self.upper {
            Bound::Current => return Ok(Some(at)),
            Bound::Unbounded => {
                return Ok(self.values.iter().rposition(|value| self.has_expected_type(value)));
            }
            Bound::Distance(distance) => distance,
        };
        let threshold = self.threshold(at, distance)?;
        let end = partition_point(self.values, |value| Ok(value.compare(&threshold)?.is_le()))?;
        Ok(end.checked_sub(1).filter(|highest| *highest >= lowest))
    }
}

/// The first place where a condition that holds for the first values does not hold.
fn partition_point(
    values: &[Value<'static>],
    holds: impl Fn(&Value<'_>) -> Result<bool>,
) -> Result<usize> {
    let (mut low, mut high) = (0, values.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(&values[middle])? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
