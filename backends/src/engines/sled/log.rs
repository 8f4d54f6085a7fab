//! sled's log, read without sled.
//!
//! The file `db` is made of [segments](super::segment). They are used again when no page needs them, so
//! their order in the file means nothing, and positions between two segments may be missing.
//!
//! At open, sled reads on from the position that its newest snapshot names. It takes the first message
//! that it can't read for a torn tail if it is near the end; elsewhere it passes over the rest of that
//! segment, and over segments whose header it can't read, without a word.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::engines::recovery::{Anchor, Bad, Examined, Extent, Log, Proof, Surplus, used};

use super::SEGMENT_BYTES;
use super::segment::{
    BATCH, BatchNumber, CAP, HEADER_BYTES, LINK, OF_PAGES, RED_ZONE, REPLACES, SEGMENT,
    decode_header, each_message, encode_header, message,
};

/// sled's data file.
pub(super) struct Segments;

impl Log for Segments {
    const ENGINE: &'static str = "sled";

    fn examine(directory: &Path, acknowledged: u64) -> io::Result<Examined> {
        match SegmentedLog::open(directory)? {
            Some(mut log) => {
                let examined = log.examine(acknowledged)?;
                Ok(Examined { anchor: log.anchor(), ..examined })
            }
            None => Ok(Examined::default()),
        }
    }

    /// sled does it.
    fn cut(_: &Bad) -> io::Result<()> {
        Ok(())
    }

    fn unsynced(directory: &Path) -> io::Result<Vec<Extent>> {
        let Some(log) = SegmentedLog::open(directory)? else { return Ok(Vec::new()) };
        Ok(log.segments.values().map(|segment| log.extent(segment.offset, 0, SEGMENT)).collect())
    }
}

/// A segment that sled will read.
struct Segment {
    offset: u64,
    /// Whether its header can be read.
    is_whole: bool,
    /// Segments below this one were written as a whole when it was begun.
    stable: u64,
}

/// The part of the log that sled will read.
struct SegmentedLog {
    path: PathBuf,
    file: File,
    /// Where sled's snapshot ends.
    start: u64,
    /// By number, which is the position of its beginning divided by its length.
    segments: BTreeMap<u64, Segment>,
    /// Segments below this one were written as a whole before others were begun.
    stable: u64,
    /// The batch that begins last of those that were followed.
    batch: Option<BatchStart>,
    /// The last segment that was followed up to a batch that was acknowledged.
    durable: Option<u64>,
}

/// Where a batch begins, and ends.
#[derive(Clone, Copy)]
struct BatchStart {
    segment: u64,
    /// The position of its last byte.
    last: u64,
}

/// How a walk over the messages of a segment ended.
enum End {
    Full,
    At(usize),
}

/// What was found where messages can't be followed.
#[derive(Default)]
struct Behind {
    /// The highest number.
    last: Option<u64>,
    /// Numbers that their batches set; pages that are rewritten repeat older ones.
    batches: BTreeSet<u64>,
    any: bool,
}

impl SegmentedLog {
    fn open(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join("db");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let start = snapshot_end(directory)?;
        let first = start / SEGMENT;
        let segments = BTreeMap::new();
        let mut log =
            Self { path, file, start, segments, stable: first, batch: None, durable: None };
        log.find_segments()?;
        Ok(Some(log))
    }

    fn find_segments(&mut self) -> io::Result<()> {
        let first = self.start / SEGMENT;
        let length = self.file.metadata()?.len();
        for offset in (0..length).step_by(SEGMENT_BYTES) {
            let mut header = [0; HEADER_BYTES];
            self.file.seek(SeekFrom::Start(offset))?;
            if self.file.read_exact(&mut header).is_err() {
                continue;
            }
            if let Some((position, stable)) = decode_header(&header) {
                if position / SEGMENT >= first {
                    let stable = stable / SEGMENT;
                    let segment = Segment { offset, is_whole: true, stable };
                    self.segments.insert(position / SEGMENT, segment);
                    self.stable = self.stable.max(stable);
                }
            } else if let Some(number) = self.orphan(offset)?
                && number >= first
            {
                self.segments.entry(number).or_insert(Segment {
                    offset,
                    is_whole: false,
                    stable: 0,
                });
            }
        }
        Ok(())
    }

    /// The number of a segment whose header can't be read, by any of its messages.
    fn orphan(&mut self, offset: u64) -> io::Result<Option<u64>> {
        let bytes = self.read(offset)?;
        if used(&bytes) == 0 {
            return Ok(None);
        }
        // Old segments may be anything, of those that matter there are not so many.
        let first = self.start / SEGMENT;
        let wanted = |number| (first..first + (1 << 20)).contains(&number);
        let found = |at: usize| Some(message(&bytes[at..], wanted)?.segment);
        Ok((HEADER_BYTES..bytes.len()).find_map(found))
    }

    fn read(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(SEGMENT_BYTES);
        self.file.seek(SeekFrom::Start(offset))?;
        Read::by_ref(&mut self.file).take(SEGMENT).read_to_end(&mut bytes)?;
        bytes.resize(SEGMENT_BYTES, 0);
        Ok(bytes)
    }

    fn extent(&self, offset: u64, from: u64, to: u64) -> Extent {
        Extent { file: self.path.clone(), offset: offset + from, bytes: to - from, sparse: false }
    }

    fn examine(&mut self, acknowledged: u64) -> io::Result<Examined> {
        let Some(highest) = self.segments.keys().next_back().copied() else {
            return Ok(Examined::default());
        };
        let mut last = None;
        let mut free_below = None;
        for number in self.start / SEGMENT..=highest {
            let Some(segment) = self.segments.get(&number) else {
                if number < self.stable {
                    continue;
                }
                // Looked for once, as it takes reading what follows.
                let durable = match free_below {
                    Some(found) => found,
                    None => *free_below.insert(self.last_acknowledged(acknowledged)?),
                };
                if durable.is_some_and(|durable| number < durable) {
                    continue;
                }
                return self.ended(number, 0, last);
            };
            if !segment.is_whole {
                return self.ended(number, 0, last);
            }
            let bytes = self.read(segment.offset)?;
            let from = if number == self.start / SEGMENT { self.start % SEGMENT } else { 0 };
            let from = usize::try_from(from).map_err(io::Error::other)?.max(HEADER_BYTES);
            let mut here = None;
            let walked = walk(&bytes, from, number, &mut here, &mut self.batch);
            last = here.or(last);
            if here.is_some_and(|here| here <= acknowledged) {
                self.durable = Some(number);
            }
            match walked {
                End::Full => {}
                End::At(_) if number < highest && !self.is_needed(number, &bytes)? => {}
                End::At(at) => return self.ended(number, at, last),
            }
        }
        let surplus = self.surplus((highest + 1) * SEGMENT)?;
        Ok(Examined { last, surplus, ..Examined::default() })
    }

    /// The segments at the end of the file that were begun after the last batch that became whole, if
    /// the log can be followed up to `end`.
    fn surplus(&self, end: u64) -> io::Result<Option<Surplus>> {
        // sled goes back to where a batch begins if its end is not there.
        let torn = self.batch.filter(|batch| batch.last >= end);
        let active = torn.map_or(end.saturating_sub(1) / SEGMENT, |batch| batch.segment);
        let later: BTreeSet<u64> =
            self.segments.range(active + 1..).map(|(_, segment)| segment.offset).collect();
        let whole = self.file.metadata()?.len().next_multiple_of(SEGMENT);
        let mut length = whole;
        while length > 0 && later.contains(&(length - SEGMENT)) {
            length -= SEGMENT;
        }
        Ok((length < whole).then(|| Surplus { file: self.path.clone(), length }))
    }

    /// The last segment with a batch that was acknowledged. A segment below it of which nothing is there
    /// was free, since the log was durable up to that batch.
    ///
    /// Sled fills a free segment with zeros before it uses it again. The header that says how far the log
    /// is durable comes later, and may be gone with a batch that did not become whole.
    fn last_acknowledged(&mut self, acknowledged: u64) -> io::Result<Option<u64>> {
        for (here, offset) in self.segments_from(0).into_iter().rev() {
            let mut found = Behind::default();
            found.look(&self.read(offset)?, here);
            if found.batches.first().is_some_and(|first| *first <= acknowledged) {
                return Ok(Some(here));
            }
        }
        Ok(None)
    }

    /// The numbers of segments from one on, and where they are.
    fn segments_from(&self, number: u64) -> Vec<(u64, u64)> {
        let segments = self.segments.range(number..);
        segments.map(|(number, segment)| (*number, segment.offset)).collect()
    }

    /// The header of the last segment that is known to be durable, so that it says that those below it
    /// are, if no header up to it does. Otherwise sled would take a segment that is free, and is missing,
    /// for a torn tail.
    fn anchor(&self) -> Option<Anchor> {
        let durable = self.durable?;
        let segment = self.segments.get(&durable).filter(|segment| segment.is_whole)?;
        let up_to = self.segments.range(..=durable);
        let stable = up_to.map(|(_, segment)| segment.stable).max()?.max(self.start / SEGMENT);
        let is_missing = |number| !self.segments.contains_key(&number);
        let bytes = encode_header(durable * SEGMENT, durable * SEGMENT).to_vec();
        (stable..durable).any(is_missing).then(|| Anchor {
            file: self.path.clone(),
            offset: segment.offset,
            bytes,
        })
    }

    /// Whether a page needs anything of what can be read of a segment.
    ///
    /// A segment that no page needs is used again: if power goes meanwhile, its header may be the
    /// old one still, with parts of the new content behind it. So that alone is no damage.
    fn is_needed(&mut self, number: u64, bytes: &[u8]) -> io::Result<bool> {
        let mut pages = BTreeSet::new();
        each_message(bytes, number, |found| {
            if OF_PAGES.contains(&found.kind) {
                pages.insert(found.page);
            }
        });
        for (here, offset) in self.segments_from(number + 1) {
            let bytes = self.read(offset)?;
            each_message(&bytes, here, |found| {
                if REPLACES.contains(&found.kind) {
                    pages.remove(&found.page);
                }
            });
        }
        Ok(!pages.is_empty())
    }

    /// The log can't be followed beyond byte `at` of a segment.
    fn ended(&mut self, number: u64, at: usize, last: Option<u64>) -> io::Result<Examined> {
        let mut behind = Behind::default();
        let mut extents = Vec::new();
        for (here, offset) in self.segments_from(number) {
            let bytes = self.read(offset)?;
            let from = if here == number { at } else { 0 };
            let used = used(&bytes);
            if used > from {
                extents.push(self.extent(offset, from as u64, used as u64));
                behind.look(&bytes[from..used], here);
            }
        }
        let surplus = self.surplus(number * SEGMENT + at as u64)?;
        if extents.is_empty() {
            return Ok(Examined { last, surplus, ..Examined::default() });
        }
        let later = behind.last;
        // A batch is begun when the one before is durable. So it is damage if a batch is missing
        // between the last one and one behind, or if there are two behind.
        let is_followed = last.map_or(behind.batches.len() > 1, |last| later > Some(last + 1));
        let proof = if number < self.stable {
            Some(Proof::Finished)
        } else {
            is_followed.then_some(Proof::Later)
        };
        let bad = Bad { extents, proof, written: behind.any, later };
        Ok(Examined { last, bad: Some(bad), surplus, ..Examined::default() })
    }
}

impl Behind {
    fn look(&mut self, bytes: &[u8], segment: u64) {
        each_message(bytes, segment, |found| {
            self.any = true;
            let number = BatchNumber::find(found.body);
            self.last = self.last.max(number);
            self.batches.extend(number.filter(|_| found.kind == LINK));
        });
    }
}

/// Follows the messages of a segment.
fn walk(
    bytes: &[u8],
    from: usize,
    number: u64,
    last: &mut Option<u64>,
    batch: &mut Option<BatchStart>,
) -> End {
    let mut at = from;
    while at + RED_ZONE <= bytes.len() {
        match message(&bytes[at..], |found| found == number) {
            Some(found) => {
                if found.kind == CAP {
                    return End::Full;
                }
                *last = BatchNumber::find(found.body).or(*last);
                if found.kind == BATCH {
                    let last = found.body.first_chunk().map_or(0, |last| u64::from_le_bytes(*last));
                    *batch = Some(BatchStart { segment: number, last });
                }
                at += found.bytes;
            }
            None => return End::At(at),
        }
    }
    End::Full
}

/// Where the newest snapshot of the page table ends, which its name says.
fn snapshot_end(directory: &Path) -> io::Result<u64> {
    let mut end = 0;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("snap."));
        let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
        end = end.max(number.unwrap_or(0));
    }
    Ok(end)
}
