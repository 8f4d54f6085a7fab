//! What a store held when it was last closed, kept outside the engine's files.
//!
//! An engine that finds damage near the end of its log can't tell it from a torn tail, and cuts it
//! off: acknowledged commits would vanish without a word. The witness is a lower bound for what the
//! next open must find, so that they are missed. What a session that was killed had acknowledged is
//! for the engines' own witness (`engines/recovery`).
//!
//! Heads only grow, so what was seen of them holds for ever. Refs move: what was seen of them is
//! taken back, durably, before the first one moves, and seen again on a clean close.
//!
//! A timeline that garbage collection drops is taken back in the same way before it goes.
//!
//! The file `heads` is text: `argon heads 1`, then `<timeline> <lsn> <digest>` for each timeline,
//! then `refs <digest>` unless it was taken back, then `blake3 <digest of the lines before>`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon_core::model::{Digest, Head, Lsn, TimelineId};
use argon_core::{Error, Result};

const FIRST_LINE: &str = "argon heads 1";

/// What was seen of a timeline.
type Seen = (Lsn, Digest);

/// The witness of a store.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    path: PathBuf,
    seen: Mutex<AllSeen>,
}

/// All that was seen.
#[derive(Debug, Clone, Default)]
struct AllSeen {
    heads: BTreeMap<TimelineId, Seen>,
    refs: Option<Digest>,
}

impl Witness {
    /// Reads the witness at `path`; there is none in a new store.
    ///
    /// # Errors
    /// `Corrupt` when the file is damaged.
    pub(crate) fn read(path: PathBuf) -> Result<Self> {
        let text = match fs::read(&path) {
            // What is no UTF-8 is damaged, as what can't be parsed is.
            Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, ..Self::default() });
            }
            Err(error) => return Err(failed("read", &path, error)),
        };
        let seen = parse(&text).ok_or_else(|| {
            Error::corrupt(format!(
                "{} is damaged; it is a safeguard only: remove it to continue, and check the store",
                path.display()
            ))
        })?;
        Ok(Self { path, seen: Mutex::new(seen) })
    }

    /// Removes the witness at `path`: a person accepted that commits are gone.
    pub(crate) fn remove(path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Checks what the engine gives for a timeline against what was seen.
    ///
    /// # Errors
    /// `Corrupt` when commits are gone that were there.
    pub(super) fn check(&self, timeline: TimelineId, found: Option<&Head>) -> Result<()> {
        let Some((lsn, digest)) = self.seen().heads.get(&timeline).copied() else {
            return Ok(());
        };
        let found_lsn = found.map_or(Lsn::ZERO, |head| head.lsn);
        let same = found.is_some_and(|head| head.lsn > lsn || head.digest == digest);
        if found_lsn >= lsn && same {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "timeline {timeline} ends at LSN {found_lsn}, but it had {lsn} durable commits when the \
             store was last closed: the files were damaged and the engine cut off what it could not \
             read; bring the store back from a copy, or remove {} to go on with what is left",
            self.path.display()
        )))
    }

    /// Checks the digest of all refs against what was seen.
    ///
    /// # Errors
    /// `Corrupt` when they differ.
    pub(super) fn check_refs(&self, found: Digest) -> Result<()> {
        if self.seen().refs.is_none_or(|seen| seen == found) {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "projects or branches are not as they were when the store was last closed: the files \
             were damaged; bring the store back from a copy, or remove {} to go on with what is left",
            self.path.display()
        )))
    }

    /// Takes back what was seen of the refs, durably; one of them is about to move.
    pub(super) fn forget_refs(&self) -> Result<()> {
        let mut seen = self.seen();
        if seen.refs.is_some() {
            let less = AllSeen { refs: None, ..seen.clone() };
            self.store(&less)?;
            *seen = less;
        }
        Ok(())
    }

    /// Takes back what was seen of a timeline, durably; it is about to be dropped.
    pub(super) fn forget_timeline(&self, timeline: TimelineId) -> Result<()> {
        let mut seen = self.seen();
        let mut less = seen.clone();
        if less.heads.remove(&timeline).is_some() {
            self.store(&less)?;
            *seen = less;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, AllSeen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is there now; what was not looked at since the last time stays.
    pub(super) fn write(
        &self,
        heads: impl IntoIterator<Item = (TimelineId, Head)>,
        refs: Option<Digest>,
    ) -> Result<()> {
        let mut all = AllSeen { refs, ..self.seen().clone() };
        let now = heads.into_iter().map(|(timeline, head)| (timeline, (head.lsn, head.digest)));
        all.heads.extend(now);
        self.store(&all)
    }

    fn store(&self, seen: &AllSeen) -> Result<()> {
        let mut text = format!("{FIRST_LINE}\n");
        for (timeline, (lsn, digest)) in &seen.heads {
            text += &format!("{timeline} {lsn} {digest}\n");
        }
        if let Some(refs) = seen.refs {
            text += &format!("refs {refs}\n");
        }
        text += &format!("blake3 {}\n", Digest::of(text.as_bytes()));
        replace(&self.path, &text).map_err(|error| failed("write", &self.path, error))
    }
}

fn parse(text: &str) -> Option<AllSeen> {
    let (body, last) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    let digest: Digest = last.strip_prefix("blake3 ")?.parse().ok()?;
    if Digest::of(&text.as_bytes()[..=body.len()]) != digest {
        return None;
    }
    let mut lines = body.lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let mut heads = BTreeMap::new();
    let mut refs = None;
    for line in lines {
        if let Some(digest) = line.strip_prefix("refs ") {
            refs = Some(digest.parse().ok()?);
            continue;
        }
        let mut words = line.split(' ');
        let timeline = words.next()?.parse().ok()?;
        let lsn = Lsn::new(words.next()?.parse().ok()?);
        heads.insert(timeline, (lsn, words.next()?.parse().ok()?));
    }
    Some(AllSeen { heads, refs })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn failed(what: &str, path: &Path, source: io::Error) -> Error {
    Error::unavailable(format!("can't {what} {}", path.display())).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lsn: u64, digest: &[u8]) -> Head {
        Head { lsn: Lsn::new(lsn), digest: Digest::of(digest), ..Head::EMPTY }
    }

    #[test]
    fn commits_that_are_gone_are_missed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("heads");
        let timeline = TimelineId::from_bytes([7; 16]);
        let witness = Witness::read(path.clone()).unwrap();
        witness.check(timeline, None).unwrap();
        witness.write([(timeline, head(5, b"five"))], Some(Digest::of(b"refs"))).unwrap();

        let witness = Witness::read(path).unwrap();
        witness.check(timeline, Some(&head(5, b"five"))).unwrap();
        witness.check(timeline, Some(&head(6, b"six"))).unwrap();
        witness.check_refs(Digest::of(b"refs")).unwrap();
        for gone in [None, Some(head(4, b"four")), Some(head(5, b"other"))] {
            let error = witness.check(timeline, gone.as_ref()).unwrap_err();
            assert_eq!(error.kind(), argon_core::ErrorKind::Corrupt);
        }
        assert!(witness.check_refs(Digest::of(b"others")).is_err());

        witness.forget_refs().unwrap();
        witness.check_refs(Digest::of(b"others")).unwrap();
        let witness = Witness::read(witness.path).unwrap();
        witness.check_refs(Digest::of(b"others")).unwrap();
        assert!(witness.check(timeline, None).is_err(), "the heads are still known");

        witness.forget_timeline(timeline).unwrap();
        witness.check(timeline, None).unwrap();
        let witness = Witness::read(witness.path).unwrap();
        witness.check(timeline, None).unwrap();
    }

    #[test]
    fn a_damaged_witness_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("heads");
        let timeline = TimelineId::from_bytes([7; 16]);
        let witness = Witness::read(path.clone()).unwrap();
        witness.write([(timeline, head(5, b"five"))], Some(Digest::of(b"refs"))).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            fs::write(&path, &broken).unwrap();
            assert!(Witness::read(path.clone()).is_err(), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(Witness::read(path.clone()).is_err(), "cut at {at}");
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        let error = Witness::read(path).unwrap_err();
        assert_eq!(error.kind(), argon_core::ErrorKind::Corrupt, "{error:?}");
    }
}
