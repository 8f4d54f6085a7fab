//! Verifies one history: the hash chain up to a state, and the pins that vouch for it.
//!
//! It reads only the commits of that history and changes nothing; [`mod@crate::fsck`] checks the
//! whole store. Whoever has noted a digest, or has a key that signed a pin, can prove that no
//! earlier commit was altered.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;

use crate::log::walk::above_of;
use crate::model::{Digest, Head, Lsn, PinName, Segment};
use crate::store::records::PinRecord;
use crate::store::signature::PublicKey;
use crate::store::{Project, State};
use crate::{Error, Result};

/// The number of commits between two progress reports.
const STRIDE: u64 = 256;

/// The requirements besides an intact chain.
#[derive(Debug, Clone, Copy, Default)]
pub struct Demands<'a> {
    /// Trust the commits up to this one.
    pub from: Option<Lsn>,
    /// The expected digest of the state.
    pub expect: Option<Digest>,
    /// Keys, of which at least one must have signed the whole history: the pin below, or without it
    /// a pin of this state.
    pub keys: &'a [PublicKey],
    /// The pin that the state was named by.
    pub pin: Option<&'a PinName>,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The commits above this one were verified.
    pub from: Lsn,
    /// Whether the commits up to it were removed by garbage collection.
    pub collected: bool,
    /// The number of verified commits.
    pub commits: u64,
    /// The last commit.
    pub head: Head,
    /// The pins of states of this history.
    pub pins: Vec<Met>,
}

/// A pin on the verified history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The name.
    pub name: PinName,
    /// The position of its state.
    pub lsn: Lsn,
    /// The key of the signature, if the pin is signed; the signature is valid.
    pub signed_by: Option<PublicKey>,
}

/// Verifies the history of a state: recomputes each commit's digest from its predecessor's digest
/// and its content, and compares with the digests in pins. O(bytes of the commits) time, and the
/// memory of a few of them. `progress` receives the number of verified commits from time to time.
///
/// # Errors
/// `Corrupt`, with the first commit that does not match, or the pin with a wrong digest or
/// signature, or if the state does not meet the demands.
#[tracing::instrument(level = "info", skip_all)]
pub async fn verify(
    project: &Project,
    state: &State,
    demands: Demands<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Verified> {
    let met = pins_on(project, state).await?;
    let start = start(state, demands.from.unwrap_or_default()).await?;
    let mut walk = ChainWalk {
        state,
        pinned: met.iter().map(|(_, pin)| pin.head().lsn).collect(),
        digests: [(start.lsn, start.digest)].into(),
        previous: start.digest,
        next: start.lsn.next(),
        commits: 0,
    };
    for segment in above_of(state.view(), start.lsn) {
        walk.segment(segment, progress).await?;
    }
    let head = state.last().await?;
    if head.digest != walk.previous {
        return Err(Error::corrupt(format!(
            "the last commit claims the digest {}, but has {}",
            head.digest, walk.previous
        )));
    }
    if let Some(expected) = demands.expect.filter(|expected| *expected != head.digest) {
        return Err(Error::corrupt(format!(
            "the history up to LSN {} differs from the expected one: its digest is {}, not \
             {expected}",
            head.lsn, head.digest
        )));
    }
    let pins = check_pins(project, &met, &walk.digests)?;
    check_keys(&pins, head.lsn, &demands)?;
    let Start { lsn: from, collected, .. } = start;
    Ok(Verified { from, collected, commits: walk.commits, head, pins })
}

/// The commit after which the walk begins.
struct Start {
    lsn: Lsn,
    digest: Digest,
    collected: bool,
}

/// Returns the start of the walk: the requested position, or above the collected commits.
async fn start(state: &State, wished: Lsn) -> Result<Start> {
    if wished > state.lsn() {
        return Err(Error::not_found(format!(
            "can't begin after commit {wished}: the history ends at {}",
            state.lsn()
        )));
    }
    let wal = &state.shared().backend.wal;
    let mut first = wished;
    let mut collected = false;
    for segment in state.view().segments() {
        let known = wal.state(segment.timeline).await?;
        let floor = known.map_or(segment.upto, |known| known.floor);
        if floor > segment.above && floor > wished {
            // The lowest remaining commit has no predecessor to compute its digest from.
            first = first.max(floor.min(segment.upto).next()).min(state.lsn());
            collected = true;
        }
    }
    let digest = match first {
        Lsn::ZERO => Digest::ZERO,
        _ if first == state.lsn() => state.last().await?.digest,
        _ => crate::log::walk::header(&**wal, state.view(), first).await?.digest,
    };
    Ok(Start { lsn: first, digest, collected })
}

struct ChainWalk<'a> {
    state: &'a State,
    /// The positions of pins, and the digests that were computed there.
    pinned: BTreeSet<Lsn>,
    digests: BTreeMap<Lsn, Digest>,
    previous: Digest,
    next: Lsn,
    commits: u64,
}

impl ChainWalk<'_> {
    async fn segment(&mut self, segment: Segment, progress: &(dyn Fn(u64) + Sync)) -> Result<()> {
        let wal = &self.state.shared().backend.wal;
        let mut commits = wal.read(segment.timeline, segment.above.next()..=segment.upto);
        while let Some(commit) = commits.try_next().await? {
            if commit.meta.lsn != self.next {
                break;
            }
            if commit.compute_digest(&self.previous) != commit.digest {
                return Err(self.broken("does not match its digest"));
            }
            self.previous = commit.digest;
            if self.pinned.contains(&self.next) {
                self.digests.insert(self.next, commit.digest);
            }
            self.next = self.next.next();
            self.commits += 1;
            if self.commits.is_multiple_of(STRIDE) {
                progress(self.commits);
            }
        }
        if self.next <= segment.upto {
            return Err(self.broken("is missing from the log"));
        }
        Ok(())
    }

    fn broken(&self, how: &str) -> Error {
        Error::corrupt(format!(
            "commit {} {how}; the {} before it are intact",
            self.next, self.commits
        ))
    }
}

/// Returns the pins of states of this history.
async fn pins_on(project: &Project, state: &State) -> Result<Vec<(PinName, PinRecord)>> {
    let mut pins = project.pin_records().await?;
    pins.retain(|(_, pin)| match pin.point() {
        None => true,
        Some(point) => state
            .view()
            .segment_of(point.lsn)
            .is_some_and(|segment| segment.timeline == point.timeline),
    });
    Ok(pins)
}

fn check_pins(
    project: &Project,
    met: &[(PinName, PinRecord)],
    digests: &BTreeMap<Lsn, Digest>,
) -> Result<Vec<Met>> {
    let check = |(name, pin): &(PinName, PinRecord)| {
        let head = pin.head();
        // Below the start, no digests were computed.
        if let Some(found) = digests.get(&head.lsn).filter(|found| **found != head.digest) {
            return Err(Error::corrupt(format!(
                "pin '{name}' claims that commit {} has the digest {}, but it has {found}",
                head.lsn, head.digest
            )));
        }
        let signed_by = pin.signature.as_ref().map(|signature| {
            signature.verify(project.id(), name, pin).map_err(|error| {
                Error::corrupt(format!("the signature of pin '{name}' is invalid"))
                    .with_source(error)
            })
        });
        Ok(Met { name: name.clone(), lsn: head.lsn, signed_by: signed_by.transpose()? })
    };
    met.iter().map(check).collect()
}

fn check_keys(pins: &[Met], end: Lsn, demands: &Demands<'_>) -> Result<()> {
    let keys = demands.keys;
    let signed = || pins.iter().filter(|pin| pin.signed_by.is_some_and(|key| keys.contains(&key)));
    let wanted = |pin: &Met| demands.pin.map_or(pin.lsn == end, |name| pin.name == *name);
    if keys.is_empty() || signed().any(wanted) {
        return Ok(());
    }
    let fingerprints: Vec<String> = keys.iter().map(PublicKey::fingerprint).collect();
    let fingerprints = fingerprints.join(" or ");
    if let Some(name) = demands.pin {
        return Err(Error::corrupt(format!(
            "pin '{name}' is not signed by the key {fingerprints}"
        )));
    }
    Err(Error::corrupt(match signed().max_by_key(|pin| pin.lsn) {
        None => format!("no pin of this history is signed by the key {fingerprints}"),
        Some(Met { name, lsn, .. }) => match end.get() - lsn.get() {
            1 => format!(
                "the history is signed up to LSN {lsn}, by pin '{name}'; 1 later commit is not"
            ),
            after => format!(
                "the history is signed up to LSN {lsn}, by pin '{name}'; {after} later commits are \
                 not"
            ),
        },
    }))
}
