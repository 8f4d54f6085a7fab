//! A look at every row of a store.

use std::collections::HashMap;
use std::ops::ControlFlow;

use argon_core::key::Key;
use argon_core::model::Lsn;
use argon_core::storage::Finding;
use data_encoding::HEXLOWER;

use crate::ordered::blocking::Step;
use crate::ordered::engine::Direction;
use crate::ordered::keys::{self, Short};
use crate::ordered::timelines::Extent;
use crate::ordered::wal::Log;
use crate::ordered::{record, value};

/// How many rows are looked at in one step.
const STEP: usize = 4096;

/// A row that is looked at.
struct Row {
    key: Vec<u8>,
    /// The value; of a version its first bytes.
    stored: Vec<u8>,
    /// Whether the value as a whole does not match its checksum.
    damaged: bool,
}

impl Row {
    /// What is wrong with the value.
    fn damage(&self, log: &Log) -> Option<String> {
        if self.damaged {
            return Some(value::mismatch(&self.key).to_string());
        }
        // A row that is removed meanwhile may have lost its parts.
        let error = match value::parts(&self.stored) {
            0 => return None,
            _ => value::payload(log.rows.engine(), &self.key, &self.stored).err()?,
        };
        let there = log.rows.engine().get(&self.key).is_ok_and(|value| value.is_some());
        there.then(|| error.to_string())
    }
}

/// A walk over all rows. That each commit's images are there and right is for the digests to show;
/// this finds rows that are malformed or belong to nothing.
#[derive(Default)]
pub(super) struct Verification {
    next: Vec<u8>,
    /// For each timeline, the images that its commits list, less those that were found.
    listed: HashMap<Short, i64>,
    /// Whether rows were passed over because they can't be read, so that counts say nothing.
    passed_over: bool,
    /// Where each timeline began and ended when the walk began. Commits above were added since, and
    /// only some of their rows are met; of those below, some may have been removed.
    extents: Option<HashMap<Short, Extent>>,
    /// Commits whose versions were met without them: of an append on its way, whose rows need not
    /// come into sight together, or of none.
    unsure: HashMap<(Short, Lsn), i64>,
}

impl Verification {
    pub(super) fn step(&mut self, log: &Log) -> Step<Finding> {
        self.extents.get_or_insert_with(|| log.timelines.extents());
        let mut rows: Vec<Row> = Vec::with_capacity(STEP);
        let visited = log.rows.engine().visit(
            &self.next,
            &[0xff],
            Direction::Ascending,
            &mut |key, value| {
                let damaged = value::is_damaged(key, value);
                let keep = if key[0] == keys::VERSION {
                    &value[..value.len().min(value::PREFIX_BYTES)]
                } else {
                    value
                };
                rows.push(Row { key: key.to_vec(), stored: keep.to_vec(), damaged });
                if rows.len() < STEP { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        );
        let mut items: Vec<Finding> = Vec::new();
        for row in &rows {
            items.extend(self.look_at(log, row).map(|problem| Finding { problem }));
        }
        if let Some(Row { key, .. }) = rows.last() {
            self.next = [key, &[0][..]].concat();
        }
        if let Err(error) = visited {
            items.push(Finding {
                problem: unreadable(&error, rows.last().map(|row| row.key.as_slice())),
            });
            return Step { items, more: self.skip(&rows) };
        }
        let more = rows.len() == STEP;
        if !more && !self.passed_over {
            self.make_sure(log);
            self.pass_over_changed(log);
            items.extend(self.unlisted());
        }
        Step { items, more }
    }

    /// After rows that can't be read: goes on with the next kind of row.
    fn skip(&mut self, rows: &[Row]) -> bool {
        let kind =
            rows.last().map_or_else(|| self.next.first().copied(), |row| row.key.first().copied());
        self.passed_over = true;
        match kind {
            Some(kind) if kind < keys::VERSION => {
                self.next = vec![kind + 1];
                true
            }
            None => {
                self.next = vec![keys::CHUNK];
                true
            }
            _ => false,
        }
    }

    /// What is wrong with a row.
    fn look_at(&mut self, log: &Log, row: &Row) -> Option<String> {
        let Row { key, stored, .. } = row;
        match key[0] {
            keys::VERSION => self.version(log, key).or_else(|| row.damage(log)),
            keys::COMMIT => self.commit(log, key, stored),
            keys::PART => part(log, key),
            // Whether it names a collection is looked at when the store is opened.
            keys::NUMBER if key.get(1) == Some(&b'c') => None,
            keys::TIMELINE | keys::NUMBER | keys::REF | keys::CHUNK | keys::MANIFEST => {
                row.damage(log)
            }
            _ => Some(format!("the key {} is of no known kind", HEXLOWER.encode(key))),
        }
    }

    fn extent(&self, timeline: Short) -> Option<&Extent> {
        self.extents.as_ref()?.get(&timeline)
    }

    /// Whether a commit was there when the walk began.
    fn was_there(&self, timeline: Short, lsn: Lsn) -> bool {
        self.extent(timeline).is_some_and(|extent| lsn <= extent.head)
    }

    /// Whether a commit is one that garbage collection removed; images of it may be there still.
    fn is_gone(&self, timeline: Short, lsn: Lsn) -> bool {
        self.extent(timeline).is_some_and(|extent| lsn <= extent.floor)
    }

    /// Says nothing of timelines from which something was removed meanwhile.
    fn pass_over_changed(&mut self, log: &Log) {
        let now = log.timelines.extents();
        let before = self.extents.take().unwrap_or_default();
        self.listed.retain(|timeline, _| match (before.get(timeline), now.get(timeline)) {
            (Some(before), Some(now)) => before.floor == now.floor,
            (before, _) => before.is_none(),
        });
    }

    fn version(&mut self, log: &Log, key: &[u8]) -> Option<String> {
        let parsed = (|| {
            let (timeline, rest) = keys::take_short(key.get(1..)?)?;
            let (_, rest) = keys::take_short(rest)?;
            let (document, lsn) = keys::split_version(rest)?;
            Key::from_bytes(document).ok()?;
            Some((timeline, lsn))
        })();
        match parsed {
            Some((timeline, lsn)) if self.is_gone(timeline, lsn) => None,
            Some((timeline, lsn)) => {
                if self.was_there(timeline, lsn) {
                    *self.listed.entry(timeline).or_default() -= 1;
                } else if has_no_commit(log, timeline, lsn) {
                    *self.unsure.entry((timeline, lsn)).or_default() += 1;
                }
                None
            }
            None => Some(format!("the version key {} is malformed", HEXLOWER.encode(key))),
        }
    }

    fn commit(&mut self, log: &Log, key: &[u8], stored: &[u8]) -> Option<String> {
        let Some((timeline, lsn)) = keys::split_commit(key) else {
            return Some(format!("the commit key {} is malformed", HEXLOWER.encode(key)));
        };
        let bytes = value::payload(log.rows.engine(), key, stored);
        match bytes.and_then(|bytes| record::decode_commit(&bytes, &log.collections)) {
            Ok(_) if !self.was_there(timeline, lsn) || self.is_gone(timeline, lsn) => None,
            Ok(commit) => {
                let count = i64::try_from(commit.changes.len()).unwrap_or(i64::MAX);
                *self.listed.entry(timeline).or_default() += count;
                None
            }
            Err(error) => Some(format!("commit {lsn} of timeline number {timeline}: {error}")),
        }
    }

    /// Looks again for the commits that were not there, after the appends that were on their way.
    fn make_sure(&mut self, log: &Log) {
        if self.unsure.is_empty() {
            return;
        }
        log.timelines.wait_for_writes();
        for ((timeline, lsn), versions) in self.unsure.drain() {
            if has_no_commit(log, timeline, lsn) {
                *self.listed.entry(timeline).or_default() -= versions;
            }
        }
    }

    /// Commits come before versions in key order, so at the end all counts are zero.
    fn unlisted(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .listed
            .iter()
            .filter(|(_, rest)| **rest != 0)
            .map(|(timeline, rest)| Finding {
                problem: if *rest < 0 {
                    format!(
                        "timeline number {timeline} has {} versions that no commit lists",
                        -rest
                    )
                } else {
                    format!(
                        "timeline number {timeline} lacks {rest} versions that its commits list"
                    )
                },
            })
            .collect();
        findings.sort_by(|a, b| a.problem.cmp(&b.problem));
        findings
    }
}

fn has_no_commit(log: &Log, timeline: Short, lsn: Lsn) -> bool {
    matches!(log.rows.engine().get(&keys::commit(timeline, lsn)), Ok(None))
}

fn part(log: &Log, key: &[u8]) -> Option<String> {
    let (owner, number) =
        key[1..].split_last_chunk().map(|(owner, n)| (owner, u16::from_be_bytes(*n)))?;
    match log.rows.engine().get(owner) {
        Ok(Some(value)) if number < value::parts(&value) => None,
        Ok(_) => {
            Some(format!("part {number} belongs to no value (key {})", HEXLOWER.encode(owner)))
        }
        Err(error) => {
            Some(format!("the value of key {} can't be read: {error}", HEXLOWER.encode(owner)))
        }
    }
}

fn unreadable(error: &argon_core::Error, after: Option<&[u8]>) -> String {
    let place = after.map_or_else(
        || "at the beginning".to_owned(),
        |key| format!("after key {}", HEXLOWER.encode(key)),
    );
    let source =
        std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("the engine can't read its rows {place}: {error}{source}")
}
