//! The heads and refs of a store at its last close, kept outside the engine's files.
//!
//! An engine can't distinguish damage near the end of its log from a torn tail, and cuts both off:
//! acknowledged commits would vanish silently. The witness is a lower bound of what the next open must
//! find. `engines/recovery` has another witness for the commits of a session that was killed.
//!
//! Heads only grow, so a noted head stays valid. Refs move: their digest is removed, durably, before
//! the first one moves, and noted again at a clean close. A timeline is removed in the same way before
//! garbage collection drops it.
//!
//! The file `heads` is text: `argon heads 1`, then `<timeline> <lsn> <digest>` for each timeline,
//! then `refs <digest>` unless it was removed, then `blake3 <digest of the lines before>`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon_core::model::{Digest, Head, Lsn, TimelineId};
use argon_core::{Error, Result};

const FIRST_LINE: &str = "argon heads 1";

/// The noted head of a timeline.
type NotedHead = (Lsn, Digest);

/// The witness of a store.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    path: PathBuf,
    notes: Mutex<Notes>,
}

/// All heads, and the digest of the refs.
#[derive(Debug, Clone, Default)]
struct Notes {
    heads: BTreeMap<TimelineId, NotedHead>,
    refs: Option<Digest>,
}

impl Witness {
    /// Reads the witness at `path`; a new store has none.
    ///
    /// # Errors
    /// `Corrupt` when the file is damaged.
    pub(crate) fn read(path: PathBuf) -> Result<Self> {
        let text = match fs::read(&path) {
            // Text that is not UTF-8 is damaged, like text that can't be parsed.
            Ok(bytes) => String::from_utf8(bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, ..Self::default() });
            }
            Err(error) => return Err(failed("read", &path, error)),
        };
        let seen = parse(&text).ok_or_else(|| {
            Error::corrupt(format!(
                "{} is damaged; it is only a safeguard: remove it to continue, and check the store",
                path.display()
            ))
        })?;
        Ok(Self { path, notes: Mutex::new(seen) })
    }

    /// Removes the witness at `path`: a person accepted the loss of commits.
    pub(crate) fn remove(path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Compares the head of a timeline in the engine with the noted one.
    ///
    /// # Errors
    /// `Corrupt` when commits are missing.
    pub(super) fn check(&self, timeline: TimelineId, found: Option<&Head>) -> Result<()> {
        let Some((lsn, digest)) = self.notes().heads.get(&timeline).copied() else {
            return Ok(());
        };
        let found_lsn = found.map_or(Lsn::ZERO, |head| head.lsn);
        let same = found.is_some_and(|head| head.lsn > lsn || head.digest == digest);
        if found_lsn >= lsn && same {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "timeline {timeline} ends at LSN {found_lsn}, but it had {lsn} durable commits when the \
             store was last closed: the files were damaged, and the engine cut off what it could not \
             read; restore the store from a copy, or remove {} to continue with the remaining commits",
            self.path.display()
        )))
    }

    /// Compares the digest of all refs with the noted one.
    ///
    /// # Errors
    /// `Corrupt` when they differ.
    pub(super) fn check_refs(&self, found: Digest) -> Result<()> {
        if self.notes().refs.is_none_or(|seen| seen == found) {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "projects or branches have changed since the store was last closed: the files were damaged; \
             restore the store from a copy, or remove {} to continue with the present ones",
            self.path.display()
        )))
    }

    /// Removes the digest of the refs, durably, before one of them moves.
    pub(super) fn forget_refs(&self) -> Result<()> {
        let mut seen = self.notes();
        if seen.refs.is_some() {
            let fewer = Notes { refs: None, ..seen.clone() };
            self.store(&fewer)?;
            *seen = fewer;
        }
        Ok(())
    }

    /// Removes the head of a timeline, durably, before the timeline is dropped.
    pub(super) fn forget_timeline(&self, timeline: TimelineId) -> Result<()> {
        let mut seen = self.notes();
        let mut fewer = seen.clone();
        if fewer.heads.remove(&timeline).is_some() {
            self.store(&fewer)?;
            *seen = fewer;
        }
        Ok(())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the present heads and refs; heads of timelines that were not loaded since the last time
    /// stay.
    pub(super) fn write(
        &self,
        heads: impl IntoIterator<Item = (TimelineId, Head)>,
        refs: Option<Digest>,
    ) -> Result<()> {
        let mut all = Notes { refs, ..self.notes().clone() };
        let now = heads.into_iter().map(|(timeline, head)| (timeline, (head.lsn, head.digest)));
        all.heads.extend(now);
        self.store(&all)
    }

    fn store(&self, seen: &Notes) -> Result<()> {
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

fn parse(text: &str) -> Option<Notes> {
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
    Some(Notes { heads, refs })
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
