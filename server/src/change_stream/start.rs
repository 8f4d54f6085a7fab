//! Where a stream begins on a branch.

use argon_core::model::{Lsn, Point};
use argon_core::{Branch, ErrorKind, State};
use bson::DateTime;

use super::lost;
use super::token::{Given, Token};
use crate::failure::Result;

/// Where a stream begins on a branch.
pub(super) struct Beginning {
    /// The last commit that is not read again.
    pub(super) after: Lsn,
    /// The commit of which events were given, and which.
    pub(super) given: Option<(Point, Given)>,
    /// The position, for tokens.
    pub(super) point: Option<Point>,
}

impl Beginning {
    /// After the head of a branch.
    pub(super) fn after(state: &State) -> Self {
        Self { after: state.lsn(), given: None, point: state.view().point() }
    }

    /// Where a token says. `None` if it has no position of the branch.
    pub(super) async fn of_token(branch: &Branch, token: &Token) -> Result<Option<Self>> {
        let head = branch.head().await?;
        let forked_at = branch.info().await?.forked_at;
        let is_known = |point: &&Point| {
            head.view().segment_of(point.lsn).is_some_and(|known| known.timeline == point.timeline)
        };
        // What a branch has from its parent is the position of the parent.
        let own = token.positions.iter().filter(is_known).filter(|point| {
            token.positions.len() == 1 || point.lsn > forked_at || forked_at == Lsn::ZERO
        });
        let Some(point) = own.max_by_key(|point| point.lsn).copied() else { return Ok(None) };
        let is_latest = token.positions.last() == Some(&point);
        if is_latest && token.given != Given::All {
            let after = Lsn::new(point.lsn.get().saturating_sub(1));
            return Ok(Some(Self { after, given: Some((point, token.given)), point: Some(point) }));
        }
        Ok(Some(Self { after: point.lsn, given: None, point: Some(point) }))
    }

    /// Before the first commit from a time on, and after the fork from the parent.
    pub(super) async fn of_time(branch: &Branch, time: DateTime) -> Result<Self> {
        let before = DateTime::from_millis(time.timestamp_millis().saturating_sub(1));
        let found = match branch.at_time(before).await {
            Ok(state) => state.lsn(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let head = branch.head().await?;
                if argon_core::log::floor(&head).await? > Lsn::ZERO {
                    return Err(lost(error));
                }
                Lsn::ZERO
            }
            Err(error) => return Err(error.into()),
        };
        let info = branch.info().await?;
        let after = found.max(info.forked_at).min(info.head.lsn);
        let head = branch.head().await?;
        let segment = head.view().segment_of(after);
        let point = segment.map(|segment| Point { timeline: segment.timeline, lsn: after });
        Ok(Self { after, given: None, point })
    }
}
