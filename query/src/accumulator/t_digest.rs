//! A digest of numbers that gives their percentiles approximately.

use argon_core::{Error, Result};
use bson::raw::{RawArrayBuf, RawBsonRef};

use super::partial_elements;
use super::percentile::rank;

/// The compression: the digest has at most twice as many centroids. The server's default.
const COMPRESSION: f64 = 1000.0;

/// How many numbers are collected before they are merged.
const BUFFERED: usize = 5000;

/// A merging t-digest: Dunning and Ertl, "Computing extremely accurate quantiles using t-digests",
/// 2019, with the scale function of the server (`percentile_algo_tdigest.h`), which is finer
/// towards both ends.
///
/// NaN is ignored, and infinities are counted apart.
#[derive(Debug, Clone)]
pub(super) struct TDigest {
    buffer: Vec<f64>,
    /// Sorted by mean.
    centroids: Vec<Centroid>,
    negative_infinities: i64,
    positive_infinities: i64,
    least: f64,
    greatest: f64,
}

/// Some numbers that are close to each other.
#[derive(Debug, Clone, Copy)]
struct Centroid {
    weight: f64,
    mean: f64,
}

impl Default for TDigest {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            centroids: Vec::new(),
            negative_infinities: 0,
            positive_infinities: 0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }
}

impl TDigest {
    /// Adds a number.
    pub(super) fn add(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        if number.is_infinite() {
            if number > 0.0 {
                self.positive_infinities += 1;
            } else {
                self.negative_infinities += 1;
            }
            return;
        }
        self.buffer.push(number);
        if self.buffer.len() >= BUFFERED {
            self.flush();
        }
    }

    /// A digest that has merged its buffer.
    pub(super) fn flushed(&self) -> Self {
        let mut digest = self.clone();
        digest.flush();
        digest
    }

    fn flush(&mut self) {
        let mut numbers = std::mem::take(&mut self.buffer);
        numbers.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return };
        self.least = self.least.min(*first);
        self.greatest = self.greatest.max(*last);
        self.merge_centroids(numbers.iter().map(|mean| Centroid { weight: 1.0, mean: *mean }));
    }

    /// Merges sorted centroids: neighbours are joined as far as the scale function allows.
    fn merge_centroids(&mut self, others: impl ExactSizeIterator<Item = Centroid>) {
        let mine = std::mem::take(&mut self.centroids);
        let mut all = Vec::with_capacity(mine.len() + others.len());
        let (mut mine, mut others) = (mine.into_iter().peekable(), others.peekable());
        loop {
            // Of equal means, the older centroid comes first.
            all.extend(match (mine.peek(), others.peek()) {
                (Some(a), Some(b)) if a.mean > b.mean => others.next(),
                (Some(_), _) => mine.next(),
                (None, Some(_)) => others.next(),
                (None, None) => break,
            });
        }
        self.centroids = joined(&all);
    }

    /// The percentile of a share of all numbers; `None` if there are none.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let finite: f64 = self.centroids.iter().map(|centroid| centroid.weight).sum();
        let before = count(self.negative_infinities);
        let total = finite + before + count(self.positive_infinities);
        if total == 0.0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        #[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
        let place = rank(total as usize, share) as f64;
        if place < before || (share <= 0.0 && before > 0.0) {
            return Some(f64::NEG_INFINITY);
        }
        if place >= finite + before {
            return Some(f64::INFINITY);
        }
        if share >= 1.0 {
            return Some(self.greatest);
        }
        if share <= 0.0 {
            return Some(self.least);
        }
        Some(self.interpolate(place - before))
    }

    /// The number at a place among the finite ones. Those of a centroid are taken to lie evenly
    /// around its mean.
    #[expect(clippy::float_cmp, reason = "a weight of one is exact")]
    fn interpolate(&self, place: f64) -> f64 {
        let mut through = 0.0;
        let found = self.centroids.iter().position(|centroid| {
            through += centroid.weight;
            through > place
        });
        let Some(index) = found else { return self.greatest };
        let current = self.centroids[index];
        if current.weight == 1.0 {
            return current.mean;
        }
        let edge = |mean| Centroid { weight: 0.0, mean };
        // How far the place is from the end of the centroid.
        let behind = through - 1.0 - place;
        let (left, right, doubled) = if through - place >= current.weight / 2.0 {
            let left = index.checked_sub(1).map_or(edge(self.least), |i| self.centroids[i]);
            (left, current, left.weight + 2.0 * current.weight - 2.0 * behind)
        } else {
            let right = self.centroids.get(index + 1).copied().unwrap_or(edge(self.greatest));
            (current, right, current.weight - 2.0 * behind)
        };
        let part = doubled / (left.weight + right.weight);
        (left.mean + (right.mean - left.mean) * part).min(right.mean)
    }

    /// The counts of infinities, the least and the greatest number, and the centroids.
    pub(super) fn partial(&self) -> RawArrayBuf {
        let digest = self.flushed();
        let mut state = RawArrayBuf::new();
        state.push(digest.negative_infinities);
        state.push(digest.positive_infinities);
        state.push(digest.least);
        state.push(digest.greatest);
        for centroid in &digest.centroids {
            state.push(centroid.weight);
            state.push(centroid.mean);
        }
        state
    }

    /// Adds the partial state of another digest.
    pub(super) fn merge(&mut self, partial: RawBsonRef<'_>) -> Result<()> {
        let malformed = || Error::corrupt("a partial digest is malformed");
        let state = partial_elements(partial)?;
        let [
            RawBsonRef::Int64(negative),
            RawBsonRef::Int64(positive),
            RawBsonRef::Double(least),
            RawBsonRef::Double(greatest),
            centroids @ ..,
        ] = state.as_slice()
        else {
            return Err(malformed());
        };
        let centroid = |pair: &[RawBsonRef<'_>]| match *pair {
            [RawBsonRef::Double(weight), RawBsonRef::Double(mean)] => Ok(Centroid { weight, mean }),
            _ => Err(malformed()),
        };
        let centroids: Vec<_> = centroids.chunks(2).map(centroid).collect::<Result<_>>()?;
        self.flush();
        self.negative_infinities += negative;
        self.positive_infinities += positive;
        self.least = self.least.min(*least);
        self.greatest = self.greatest.max(*greatest);
        self.merge_centroids(centroids.into_iter());
        Ok(())
    }

    /// About how many bytes the digest takes.
    pub(super) fn memory(&self) -> usize {
        self.buffer.len() * size_of::<f64>() + self.centroids.len() * size_of::<Centroid>()
    }
}

impl Centroid {
    fn join(&mut self, other: Self) {
        self.weight += other.weight;
        self.mean += (other.mean - self.mean) * (other.weight / self.weight);
    }
}

/// Joins neighbours of sorted centroids.
fn joined(all: &[Centroid]) -> Vec<Centroid> {
    let total: f64 = all.iter().map(|centroid| centroid.weight).sum();
    let mut result = Vec::new();
    let mut rest = all.iter();
    let Some(mut current) = rest.next().copied() else { return result };
    let mut before = 0.0;
    let mut limit = total * limit_after(0.0);
    for next in rest {
        if before + current.weight + next.weight <= limit {
            current.join(*next);
            continue;
        }
        before += current.weight;
        limit = total * limit_after(before / total);
        result.push(std::mem::replace(&mut current, *next));
    }
    result.push(current);
    result
}

/// The share of numbers that a centroid may reach to if it begins at a share: one unit further on
/// the scale.
fn limit_after(share: f64) -> f64 {
    let scale = if share <= 0.5 {
        COMPRESSION * std::f64::consts::FRAC_1_SQRT_2 * share.sqrt()
    } else {
        COMPRESSION - COMPRESSION * std::f64::consts::FRAC_1_SQRT_2 * (1.0 - share).sqrt()
    };
    let relative = (1.0 + scale) / COMPRESSION;
    if relative <= 0.5 {
        2.0 * relative * relative
    } else {
        1.0 - 2.0 * (1.0 - relative) * (1.0 - relative)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are smaller")]
fn count(number: i64) -> f64 {
    number as f64
}
