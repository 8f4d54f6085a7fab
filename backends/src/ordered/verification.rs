//! A check of every row of a store.

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
use crate::ordered::{entries, record, value};

/// How many rows one step checks.
const STEP: usize = 4096;

/// A row to check.
struct Row {
    key: Vec<u8>,
    /// The value, or the first bytes of the value of a version.
    stored: Vec<u8>,
    /// Whether the value as a whole does not match its checksum.
    damaged: bool,
}

impl Row {
    /// The damage of the value, if it is damaged.
    fn damage(&self, log: &Log) -> Option<String> {
        if self.damaged {
            return Some(value::mismatch(&self.key).to_string());
        }
        // A concurrent removal of the row may have removed its parts.
        let error = match value::parts(&self.stored) {
            0 => return None,
            _ => value::payload(log.rows.engine(), &self.key, &self.stored).err()?,
        };
        let there = log.rows.engine().get(&self.key).is_ok_and(|value| value.is_some());
        there.then(|| error.to_string())
    }
}

/// A walk over all rows that finds malformed ones, and ones that belong to nothing. The digests show
/// whether the images of each commit exist and are right.
#[derive(Default)]
pub(super) struct Verification {
    next: Vec<u8>,
    /// For each timeline, the number of images that its commits list, minus those that were found.
    listed: HashMap<Short, i64>,
    /// Whether unreadable rows were skipped, so that the counts are meaningless.
    passed_over: bool,
    /// The extent of each timeline when the walk began. The walk meets only some rows of the commits
    /// above, which were added since; some rows of those below may have been removed.
    extents: Option<HashMap<Short, Extent>>,
    /// Commits whose versions were found without them. They belong to an append in progress, whose rows
    /// need not appear together, or to none.
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
            items.extend(self.check_row(log, row).map(|problem| Finding { problem }));
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
            self.check_again(log);
            self.ignore_pruned(log);
            items.extend(self.unlisted());
        }
        Step { items, more }
    }

    /// After unreadable rows, continues with the next kind of row. Returns whether there is one.
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

    /// The problem of a row, if it has one.
    fn check_row(&mut self, log: &Log, row: &Row) -> Option<String> {
        let Row { key, stored, .. } = row;
        match key[0] {
            keys::VERSION => self.version(log, key).or_else(|| row.damage(log)),
            keys::COMMIT => self.commit(log, key, stored),
            keys::PART => part(log, key),
            keys::ENTRY | keys::PAST_ENTRY => entry(log, row),
            keys::BUILD => match keys::split_entry(key) {
                Some((timeline, _, [])) if self.is_known(log, timeline) => row.damage(log),
                _ => Some(format!(
                    "the build of an index under key {} belongs to no timeline",
                    HEXLOWER.encode(key)
                )),
            },
            // Opening the store checks whether it names a collection.
            keys::NUMBER if key.get(1) == Some(&b'c') => None,
            keys::TIMELINE | keys::NUMBER | keys::REF | keys::CHUNK | keys::MANIFEST => {
                row.damage(log)
            }
            _ => Some(format!("the key {} has an unknown kind", HEXLOWER.encode(key))),
        }
    }

    /// Whether a timeline existed when the walk began, or exists now.
    fn is_known(&self, log: &Log, timeline: Short) -> bool {
        self.extent(timeline).is_some()
            || matches!(log.rows.engine().get(&keys::timeline(timeline)), Ok(Some(_)))
    }

    fn extent(&self, timeline: Short) -> Option<&Extent> {
        self.extents.as_ref()?.get(&timeline)
    }

    /// Whether a commit existed when the walk began.
    fn was_there(&self, timeline: Short, lsn: Lsn) -> bool {
        self.extent(timeline).is_some_and(|extent| lsn <= extent.head)
    }

    /// Whether garbage collection removed a commit; images of it may still exist.
    fn is_gone(&self, timeline: Short, lsn: Lsn) -> bool {
        self.extent(timeline).is_some_and(|extent| lsn <= extent.floor)
    }

    /// Ignores timelines from which commits were removed meanwhile.
    fn ignore_pruned(&mut self, log: &Log) {
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

    /// Looks again for the commits that were not found, after the appends in progress.
    fn check_again(&mut self, log: &Log) {
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

/// The problem of an entry of an index: its value is malformed, or its build does not exist. Core
/// compares entries with documents.
fn entry(log: &Log, row: &Row) -> Option<String> {
    let Row { key, stored, .. } = row;
    let parsed = keys::split_entry(key).and_then(|(timeline, build, rest)| {
        let rest = match key[0] {
            keys::ENTRY => rest,
            _ => rest.split_last_chunk::<{ keys::LSN_BYTES }>()?.0,
        };
        Some((timeline, build, rest))
    });
    let Some((timeline, build, rest)) = parsed else {
        return Some(format!("the index entry {} is malformed", HEXLOWER.encode(key)));
    };
    if let Err(error) = entries::decode(key, rest, stored) {
        return Some(error.to_string());
    }
    let record = keys::build(timeline, build);
    // A concurrent removal of the build removes its record last.
    match log.rows.engine().get(&record) {
        Ok(Some(_)) => None,
        _ if matches!(log.rows.engine().get(key), Ok(None)) => None,
        _ => Some(format!("an index entry belongs to build {}, which is missing", build.0)),
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
            Some(format!("the value of key {} is unreadable: {error}", HEXLOWER.encode(owner)))
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
    format!("the engine can't read rows {place}: {error}{source}")
}
