//! A walk over all versions of a timeline, in bounded memory.

use std::ops::ControlFlow;

use argon_core::Result;
use argon_core::model::Lsn;

use crate::ordered::engine::{Direction, Engine};
use crate::ordered::keys::{self, Short};
use crate::ordered::value;

/// How many versions one step reads.
const STEP: usize = 4096;

/// A version without its document.
pub(super) struct Version {
    /// The key of its row.
    pub(super) key: Vec<u8>,
    /// Whether it is the newest of its document, which the walk meets first.
    pub(super) newest: bool,
    pub(super) written: Lsn,
    /// The commit that replaced it; `None` for the newest.
    pub(super) replaced: Option<Lsn>,
    pub(super) deleted: bool,
    /// The number of parts of its document.
    pub(super) parts: u16,
    /// The bytes of its row and parts.
    pub(super) bytes: u64,
}

/// The versions of a timeline: by collection and document, the newest of each first. The walk may meet
/// concurrently written versions or not.
pub(super) struct Versions {
    /// The number of bytes before the collection in each key.
    prefix: usize,
    next: Vec<u8>,
    end: Vec<u8>,
    /// The last collection and document, and the commit of its last version.
    last: Option<(Vec<u8>, Lsn)>,
}

impl Versions {
    pub(super) fn of(timeline: Short) -> Self {
        let mut next = vec![keys::VERSION];
        keys::put_short(&mut next, timeline);
        let end = keys::after_prefix(&next);
        Self { prefix: next.len(), next, end, last: None }
    }

    /// The next versions; none at the end.
    pub(super) fn step(&mut self, engine: &dyn Engine) -> Result<Vec<Version>> {
        let mut found = Vec::new();
        let mut malformed = false;
        let (prefix, last) = (self.prefix, &mut self.last);
        engine.visit(&self.next, &self.end, Direction::Ascending, &mut |key, stored| {
            let Some(version) = version(prefix, key, stored, last) else {
                malformed = true;
                return ControlFlow::Break(());
            };
            found.push(version);
            if found.len() < STEP { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if malformed {
            return Err(keys::malformed_version());
        }
        if let Some(version) = found.last() {
            self.next = [&version.key[..], &[0]].concat();
        }
        Ok(found)
    }
}

fn version(
    prefix: usize,
    key: &[u8],
    stored: &[u8],
    last: &mut Option<(Vec<u8>, Lsn)>,
) -> Option<Version> {
    let (document, written) = keys::split_version(key.get(prefix..)?)?;
    let same = last.as_ref().filter(|(last, _)| last == document);
    let replaced = same.map(|(_, lsn)| *lsn);
    match last {
        Some((_, lsn)) if replaced.is_some() => *lsn = written,
        _ => *last = Some((document.to_vec(), written)),
    }
    Some(Version {
        key: key.to_vec(),
        newest: replaced.is_none(),
        written,
        replaced,
        deleted: stored.is_empty(),
        parts: value::parts(stored),
        bytes: (key.len() + value::size(stored)) as u64,
    })
}
