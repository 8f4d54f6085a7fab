//! Accumulators that can take back what was added: those of windows that do not begin with the
//! partition.
//!
//! A window that moves on costs as much as the documents that it gains and loses. Like the server,
//! these give other types in some cases than the accumulators of `$group`: a sum of longs that fits
//! is an `int`.

use std::collections::{BTreeMap, VecDeque};

use argon_core::Result;
use bson::raw::{RawArrayBuf, RawBson};

use crate::accumulator::percentile::Percentiles;
use crate::accumulator::sum::Total;
use crate::number::{Decimal, Number, NumberType};
use crate::value::Value;
use crate::value_set::set_key;

/// The state for the documents of a window.
pub(super) trait Removable: std::fmt::Debug {
    /// Adds the value of a document.
    fn add(&mut self, value: &Value<'_>) -> Result<()>;

    /// Takes back the value that was added first of those that are left.
    fn remove(&mut self, value: &Value<'_>) -> Result<()>;

    /// The result for the values that are left.
    fn finish(&self) -> Result<Value<'static>>;
}

/// `$sum` and `$count`: follows `RemovableSum` in the server's `window_function_sum.h`.
#[derive(Debug, Default)]
pub(super) struct Sum {
    total: Total,
    positive_infinities: i64,
    negative_infinities: i64,
    nans: i64,
    doubles: i64,
    decimals: i64,
}

/// `$avg`: follows `window_function_avg.h`.
#[derive(Debug, Default)]
pub(super) struct Average {
    sum: Sum,
    count: i64,
}

/// `$stdDevPop` and `$stdDevSamp`: follows `window_function_stddev.h`, which updates the sum of
/// squares by Youngs and Cramer, "Some results relevant to choice of sum and sum-of-product
/// algorithms", 1971.
#[derive(Debug)]
pub(super) struct Deviation {
    sum: Total,
    squares: Total,
    sample: bool,
    count: i64,
    non_finite: i64,
}

/// `$min`, `$max`, `$minN` and `$maxN`: the values by their order, of those that are equal the
/// oldest first.
#[derive(Debug)]
pub(super) struct Extremes {
    values: BTreeMap<Vec<u8>, VecDeque<Value<'static>>>,
    least: bool,
    /// `None` gives one value, which may be null.
    most: Option<usize>,
}

/// `$percentile` and `$median`: exact, other than those of all documents.
#[derive(Debug)]
pub(super) struct Quantiles {
    percentiles: Percentiles,
    /// Sorted.
    numbers: Vec<f64>,
}

impl Sum {
    /// Adds a number, or takes it back.
    pub(super) fn update(&mut self, number: Number, by: i64) {
        match number.number_type() {
            NumberType::Double => self.doubles += by,
            NumberType::Decimal => self.decimals += by,
            NumberType::Int | NumberType::Long => {}
        }
        if number.is_nan() {
            self.nans += by;
        } else if !number.is_finite() {
            if number.to_double() > 0.0 {
                self.positive_infinities += by;
            } else {
                self.negative_infinities += by;
            }
        } else if by > 0 {
            self.total.add(number);
        } else {
            self.subtract(number);
        }
    }

    fn subtract(&mut self, number: Number) {
        match number {
            // The smallest integers have no counterpart.
            Number::Int(i32::MIN) => {
                self.total.add(Number::Int(i32::MAX));
                self.total.add(Number::Int(1));
            }
            Number::Long(i64::MIN) => {
                self.total.add(Number::Long(i64::MAX));
                self.total.add(Number::Int(1));
            }
            Number::Int(number) => self.total.add(Number::Int(-number)),
            Number::Long(number) => self.total.add(Number::Long(-number)),
            Number::Double(number) => self.total.add(Number::Double(-number)),
            Number::Decimal(number) => self.total.add(Number::Decimal(number.negate())),
        }
    }

    /// The sum, in the narrowest type that it could have.
    pub(super) fn value(&self) -> Number {
        if let Some(special) = self.special() {
            return special;
        }
        match self.total.value() {
            Number::Decimal(sum) if self.decimals == 0 => {
                let long = if self.doubles > 0 { None } else { sum.exact_long() };
                long.map_or(Number::Double(sum.to_double()), Number::int_or_long)
            }
            Number::Double(sum) if self.doubles == 0 => {
                let rounded = Number::Double(sum.round()).exact_long();
                rounded.map_or(Number::Double(sum), Number::int_or_long)
            }
            Number::Long(sum) => Number::int_or_long(sum),
            sum => sum,
        }
    }

    /// NaN or an infinity, if one is among the numbers.
    fn special(&self) -> Option<Number> {
        let (positive, negative) = (self.positive_infinities > 0, self.negative_infinities > 0);
        let decimal = self.decimals > 0;
        if self.nans > 0 || positive && negative {
            return Some(if decimal {
                Number::Decimal(Decimal::nan())
            } else {
                Number::Double(f64::NAN)
            });
        }
        if !positive && !negative {
            return None;
        }
        Some(match (decimal, negative) {
            (true, negative) => Number::Decimal(Decimal::infinity(negative)),
            (false, true) => Number::Double(f64::NEG_INFINITY),
            (false, false) => Number::Double(f64::INFINITY),
        })
    }
}

fn number(value: &Value<'_>) -> Option<Number> {
    value.get().and_then(Number::of)
}

impl Removable for Sum {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, 1);
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, -1);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.value().into())
    }
}

impl Average {
    /// Adds a number, or takes it back.
    pub(super) fn update(&mut self, number: Number, by: i64) {
        self.sum.update(number, by);
        self.count += by;
    }

    /// The mean; `None` if there are no numbers.
    #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
    pub(super) fn value(&self) -> Option<Number> {
        if self.count == 0 {
            return None;
        }
        Some(match self.sum.value() {
            sum if !sum.is_finite() => sum,
            Number::Decimal(sum) => Number::Decimal(sum.divide(self.count.into())),
            sum => Number::Double(sum.to_double() / self.count as f64),
        })
    }
}

impl Removable for Average {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, 1);
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, -1);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.value().map_or(Value::NULL, Value::from))
    }
}

impl Deviation {
    pub(super) fn new(sample: bool) -> Self {
        let (sum, squares) = (Total::default(), Total::default());
        Self { sum, squares, sample, count: 0, non_finite: 0 }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
    fn update(&mut self, number: Number, by: i64) {
        // While one of these is in the window, the result is NaN whatever the others are.
        if !number.is_finite() {
            self.non_finite += by;
            return;
        }
        if self.count == 0 {
            self.count = 1;
            self.sum.add(number);
            return;
        }
        if self.count + by == 0 {
            *self = Self::new(self.sample);
            return;
        }
        let number = number.to_double();
        let difference = self.count as f64 * number - self.sum.value().to_double();
        self.count += by;
        let sign = by as f64;
        self.sum.add(Number::Double(number * sign));
        let weight = (self.count * (self.count - by)) as f64;
        self.squares.add(Number::Double(difference * difference * sign / weight));
    }
}

impl Removable for Deviation {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, 1);
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value) {
            self.update(number, -1);
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
    fn finish(&self) -> Result<Value<'static>> {
        if self.non_finite > 0 {
            return Ok(f64::NAN.into());
        }
        let freedom = self.count - i64::from(self.sample);
        if freedom <= 0 {
            return Ok(Value::NULL);
        }
        let squares = self.squares.value().to_double();
        // Rounding may have made the sum of squares negative.
        if squares < 0.0 || !self.sample && self.count == 1 {
            return Ok(0.into());
        }
        Ok((squares / freedom as f64).sqrt().into())
    }
}

impl Extremes {
    /// One value: the least, or the greatest.
    pub(super) fn one(least: bool) -> Self {
        Self { values: BTreeMap::new(), least, most: None }
    }

    /// As many values as this, without null.
    pub(super) fn several(least: bool, most: usize) -> Self {
        Self { most: Some(most), ..Self::one(least) }
    }

    /// Whether the value does not count. The server ignores null only if there are several.
    fn ignores(&self, value: &Value<'_>) -> bool {
        self.most.is_some() && value.is_nullish()
    }

    fn key(value: &Value<'_>) -> Result<Vec<u8>> {
        // Missing comes before all other values but the least.
        set_key(value.get().unwrap_or(bson::raw::RawBsonRef::Undefined))
    }

    /// The values, best first.
    fn best(&self) -> Box<dyn Iterator<Item = &Value<'static>> + '_> {
        let groups = self.values.values();
        if self.least {
            Box::new(groups.flatten())
        } else {
            Box::new(groups.rev().flat_map(|group| group.iter().rev()))
        }
    }
}

impl Removable for Extremes {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if !self.ignores(value) {
            let group = self.values.entry(Self::key(value)?).or_default();
            group.push_back(value.clone().into_owned());
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        if self.ignores(value) {
            return Ok(());
        }
        let key = Self::key(value)?;
        if let Some(group) = self.values.get_mut(&key) {
            group.pop_front();
            if group.is_empty() {
                self.values.remove(&key);
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value<'static>> {
        let Some(most) = self.most else {
            return Ok(self.best().next().cloned().unwrap_or(Value::NULL));
        };
        let values = self.best().take(most).filter_map(Value::get);
        Ok(Value::Owned(RawBson::Array(values.collect::<RawArrayBuf>())))
    }
}

impl Quantiles {
    pub(super) fn new(percentiles: Percentiles) -> Self {
        Self { percentiles, numbers: Vec::new() }
    }

    /// The place of a number, or where it would be.
    fn place(&self, number: f64) -> usize {
        self.numbers.partition_point(|other| other.total_cmp(&number).is_lt())
    }
}

impl Removable for Quantiles {
    fn add(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value).map(Number::to_double).filter(|n| !n.is_nan()) {
            self.numbers.insert(self.place(number), number);
        }
        Ok(())
    }

    fn remove(&mut self, value: &Value<'_>) -> Result<()> {
        if let Some(number) = number(value).map(Number::to_double).filter(|n| !n.is_nan()) {
            let place = self.place(number);
            if place < self.numbers.len() {
                self.numbers.remove(place);
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value<'static>> {
        Ok(self.percentiles.of_sorted(&self.numbers))
    }
}
