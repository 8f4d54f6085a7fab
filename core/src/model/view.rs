//! The state of a read: points on timelines, and the chain of segments behind them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bson::DateTime;

use crate::model::{Digest, Lsn, TimelineId};
use crate::{Error, Result};

/// A state: a timeline and its last commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// The timeline.
    pub timeline: TimelineId,
    /// The last commit that belongs to the state.
    pub lsn: Lsn,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.timeline, self.lsn)
    }
}

impl FromStr for Point {
    type Err = Error;

    /// Reads the form that `Display` writes, such as `5f0c…a1@42`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!(
                "invalid point '{text}': expected 32 hex digits of a timeline, '@' and an LSN"
            ))
        };
        let (timeline, lsn) = text.split_once('@').ok_or_else(invalid)?;
        let lsn = lsn.parse().map_err(|_| invalid())?;
        Ok(Self { timeline: timeline.parse().map_err(|_| invalid())?, lsn: Lsn::new(lsn) })
    }
}

/// A timeline's identifier and the fork from its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeline {
    /// The identifier.
    pub id: TimelineId,
    /// The state on which its first commit builds; `None` for a root.
    pub base: Option<Point>,
}

impl Timeline {
    /// The position on which its first commit builds.
    pub fn base_lsn(&self) -> Lsn {
        self.base.map_or(Lsn::ZERO, |base| base.lsn)
    }
}

/// The properties of a timeline's last commit on which the next one builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// The position.
    pub lsn: Lsn,
    /// The digest, which covers all commits before it.
    pub digest: Digest,
    /// The time; the next commit's time is not before it.
    pub time: DateTime,
}

impl Head {
    /// The head before the first commit of a root timeline.
    pub const EMPTY: Head =
        Head { lsn: Lsn::ZERO, digest: Digest::ZERO, time: DateTime::from_millis(0) };
}

/// The part of a timeline that a view reads: the commits `above < lsn <= upto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The timeline.
    pub timeline: TimelineId,
    /// The position of the fork: commits up to it belong to the parent.
    pub above: Lsn,
    /// The last commit that is included.
    pub upto: Lsn,
}

/// A state resolved to its segments, from the leaf to the root. Cheap to clone.
///
/// The segments are contiguous (`above` of one is `upto` of the next) and cover `1..=lsn`; segments
/// without commits are omitted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct View {
    segments: Arc<[Segment]>,
}

impl View {
    /// Creates a view of these segments, leaf to root.
    pub(crate) fn new(segments: impl IntoIterator<Item = Segment>) -> Self {
        let segments: Arc<[Segment]> =
            segments.into_iter().filter(|segment| segment.above < segment.upto).collect();
        debug_assert!(segments.windows(2).all(|pair| pair[0].above == pair[1].upto));
        Self { segments }
    }

    /// The view of these segments, leaf to root; `None` if they are not contiguous.
    pub fn of_segments(segments: Vec<Segment>) -> Option<Self> {
        let is_contiguous = segments.windows(2).all(|pair| pair[0].above == pair[1].upto);
        let is_in_order = segments.iter().all(|segment| segment.above < segment.upto);
        (is_contiguous && is_in_order).then(|| Self { segments: segments.into() })
    }

    /// The segments, leaf to root; none for the empty state.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The position of the state.
    pub fn lsn(&self) -> Lsn {
        self.segments.first().map_or(Lsn::ZERO, |leaf| leaf.upto)
    }

    /// The state as a point on the timeline of its last commit; `None` for the empty state.
    pub fn point(&self) -> Option<Point> {
        self.segments.first().map(|leaf| Point { timeline: leaf.timeline, lsn: leaf.upto })
    }

    /// The same history at `lsn`; positions above the view's own return the view.
    pub fn at(&self, lsn: Lsn) -> Self {
        Self::new(
            self.segments.iter().map(|segment| Segment { upto: segment.upto.min(lsn), ..*segment }),
        )
    }

    /// The segment with the commit at `lsn`.
    pub fn segment_of(&self, lsn: Lsn) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.above < lsn && lsn <= segment.upto)
    }

    /// The last position up to which both views have the same commits, by timeline and position.
    /// O(depth of the two chains).
    pub fn common_lsn(&self, other: &View) -> Lsn {
        self.segments
            .iter()
            .find_map(|mine| {
                let theirs = other.segments.iter().find(|s| s.timeline == mine.timeline)?;
                Some(mine.upto.min(theirs.upto))
            })
            .unwrap_or(Lsn::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(timeline: u8, above: u64, upto: u64) -> Segment {
        Segment {
            timeline: TimelineId::from_bytes([timeline; 16]),
            above: Lsn::new(above),
            upto: Lsn::new(upto),
        }
    }

    #[test]
    fn a_point_is_read_as_it_is_written() {
        let point = Point { timeline: TimelineId::from_bytes([7; 16]), lsn: Lsn::new(42) };
        assert_eq!(point.to_string().parse::<Point>().unwrap(), point);
        for text in ["", "42", "07@1", "@", "07070707070707070707070707070707@x"] {
            let error = text.parse::<Point>().unwrap_err();
            assert!(error.message().contains("expected 32 hex digits of a timeline"), "{error}");
        }
    }

    #[test]
    fn an_earlier_view_of_a_fork_leaves_out_the_fork() {
        let view = View::new([segment(2, 5, 9), segment(1, 0, 5)]);
        assert_eq!(view.at(Lsn::new(3)).segments(), [segment(1, 0, 3)]);
        assert_eq!(view.at(Lsn::new(7)).segments(), [segment(2, 5, 7), segment(1, 0, 5)]);
        assert_eq!(view.at(Lsn::ZERO).segments(), []);
        assert_eq!(view.at(Lsn::new(100)), view);
    }

    #[test]
    fn two_forks_share_their_parent_up_to_the_lower_fork() {
        let a = View::new([segment(2, 5, 9), segment(1, 0, 5)]);
        let b = View::new([segment(3, 3, 4), segment(1, 0, 3)]);
        assert_eq!(a.common_lsn(&b), Lsn::new(3));
        assert_eq!(a.common_lsn(&a), Lsn::new(9));
        assert_eq!(a.common_lsn(&View::new([segment(7, 0, 9)])), Lsn::ZERO);
    }
}
