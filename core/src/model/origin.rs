//! The origin of a commit.

use crate::Result;
use crate::model::codec::{Reader, put_bytes, put_varint};
use crate::model::{Digest, Lsn, Point, TimelineId};

/// The operation that created a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// Documents were written.
    #[default]
    Write,
    /// Documents were imported from a file.
    Import {
        /// The file name, as the user gave it.
        source: String,
    },
    /// Another state was merged.
    Merge(Merged),
    /// The changes of earlier commits of the same chain were reverted.
    Undo {
        /// The commits after this one,
        above: Lsn,
        /// up to this one.
        upto: Lsn,
        /// The identifier of the applied plan, if any.
        plan: Option<String>,
    },
    /// The changes of commits elsewhere were applied again.
    CherryPick {
        /// These commits, in the order in which they were applied.
        commits: Vec<Picked>,
        /// The identifier of the applied plan, if any.
        plan: Option<String>,
    },
    /// A patch was applied.
    Patch {
        /// The file name, as the user gave it.
        source: String,
    },
    /// A patch was applied that leads to a state in the store.
    PatchOf {
        /// The file name, as the user gave it.
        source: String,
        /// The last commit of that state.
        state: Picked,
    },
}

/// A commit whose changes were applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Picked {
    /// The commit.
    pub commit: Point,
    /// Its digest.
    pub digest: Digest,
}

/// The merged commits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Merged {
    /// The name of the branch that was merged, or the state as the user named it.
    pub source: String,
    /// The identifier of the applied plan; empty if it was never saved.
    pub plan: String,
    /// The digest of the last commit that was merged.
    pub digest: Digest,
    /// The states whose commits the chain has from here on besides its own: first the merged one,
    /// then those that had been merged into it. With these, the common ancestors of two states can
    /// be found without another log.
    pub parents: Vec<Point>,
}

/// Writes the first bytes of an origin with an optional plan: one of two numbers, the latter
/// followed by the plan's identifier.
fn put_planned(out: &mut Vec<u8>, [without, with]: [u8; 2], plan: Option<&str>) {
    match plan {
        None => out.push(without),
        Some(plan) => {
            out.push(with);
            put_bytes(out, plan.as_bytes());
        }
    }
}

impl Origin {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Write => out.push(0),
            Self::Import { source } => {
                out.push(1);
                put_bytes(out, source.as_bytes());
            }
            Self::Merge(merged) => {
                out.push(2);
                merged.encode(out);
            }
            Self::Undo { above, upto, plan } => {
                put_planned(out, [3, 6], plan.as_deref());
                put_varint(out, above.get());
                put_varint(out, upto.get());
            }
            Self::CherryPick { commits, plan } => {
                put_planned(out, [4, 7], plan.as_deref());
                put_varint(out, commits.len() as u64);
                for picked in commits {
                    picked.encode(out);
                }
            }
            Self::Patch { source } => {
                out.push(5);
                put_bytes(out, source.as_bytes());
            }
            Self::PatchOf { source, state } => {
                out.push(8);
                put_bytes(out, source.as_bytes());
                state.encode(out);
            }
        }
    }

    pub(super) fn decode(kind: u8, reader: &mut Reader<'_>) -> Result<Self> {
        let plan = match kind {
            6 | 7 => Some(reader.text()?.to_owned()),
            _ => None,
        };
        Ok(match kind {
            0 => Self::Write,
            1 => Self::Import { source: reader.text()?.to_owned() },
            2 => Self::Merge(Merged::decode(reader)?),
            3 | 6 => {
                let (above, upto) = (reader.lsn()?, reader.lsn()?);
                Self::Undo { above, upto, plan }
            }
            4 | 7 => {
                let count = reader.varint()?;
                let commits = (0..count).map(|_| Picked::decode(reader)).collect::<Result<_>>()?;
                Self::CherryPick { commits, plan }
            }
            5 => Self::Patch { source: reader.text()?.to_owned() },
            8 => {
                let source = reader.text()?.to_owned();
                Self::PatchOf { source, state: Picked::decode(reader)? }
            }
            _ => return Err(reader.corrupt("has an unknown origin")),
        })
    }
}

impl Merged {
    fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.source.as_bytes());
        put_bytes(out, self.plan.as_bytes());
        out.extend_from_slice(self.digest.as_bytes());
        put_varint(out, self.parents.len() as u64);
        self.parents.iter().for_each(|parent| parent.encode(out));
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let source = reader.text()?.to_owned();
        let plan = reader.text()?.to_owned();
        let digest = Digest::from_bytes(reader.array()?);
        let count = reader.varint()?;
        let parents = (0..count).map(|_| Point::decode(reader)).collect::<Result<_>>()?;
        Ok(Self { source, plan, digest, parents })
    }
}

impl Picked {
    fn encode(&self, out: &mut Vec<u8>) {
        self.commit.encode(out);
        out.extend_from_slice(self.digest.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let commit = Point::decode(reader)?;
        Ok(Self { commit, digest: Digest::from_bytes(reader.array()?) })
    }
}

impl Point {
    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.timeline.as_bytes());
        put_varint(out, self.lsn.get());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let timeline = TimelineId::from_bytes(reader.array()?);
        Ok(Self { timeline, lsn: reader.lsn()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_origin_comes_back_and_its_bytes_do_not_change_between_versions() {
        let point = Point { timeline: TimelineId::from_bytes([0x11; 16]), lsn: Lsn::new(300) };
        let digest = Digest::from_bytes([0x22; 32]);
        let (ones, twos) = ("11".repeat(16), "22".repeat(32));
        let (above, upto) = (Lsn::new(1), Lsn::new(300));
        let (commits, plan) = (vec![Picked { commit: point, digest }], || Some("0a".to_owned()));
        let merged =
            Merged { source: "try".into(), plan: "0a".into(), digest, parents: vec![point, point] };
        for (origin, golden) in [
            (Origin::Write, "00".to_owned()),
            (Origin::Import { source: "a".into() }, "010161".to_owned()),
            (Origin::Merge(merged), format!("0203747279023061{twos}02{ones}ac02{ones}ac02")),
            (Origin::Undo { above, upto, plan: None }, "0301ac02".to_owned()),
            (Origin::Undo { above, upto, plan: plan() }, "0602306101ac02".to_owned()),
            (
                Origin::CherryPick { commits: commits.clone(), plan: None },
                format!("0401{ones}ac02{twos}"),
            ),
            (Origin::CherryPick { commits, plan: plan() }, format!("0702306101{ones}ac02{twos}")),
            (Origin::Patch { source: "a".into() }, "050161".to_owned()),
            (
                Origin::PatchOf { source: "a".into(), state: Picked { commit: point, digest } },
                format!("080161{ones}ac02{twos}"),
            ),
        ] {
            let mut bytes = Vec::new();
            origin.encode(&mut bytes);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, golden);
            let decoded = |bytes: &[u8]| {
                let mut reader = Reader::new("origin", bytes);
                let kind = reader.byte()?;
                let origin = Origin::decode(kind, &mut reader)?;
                reader.finish().map(|()| origin)
            };
            assert_eq!(decoded(&bytes).unwrap(), origin);
            crate::model::codec::for_each_damage(&bytes, |damaged| {
                let kind = decoded(damaged).err().map(|error| error.kind());
                assert!(kind.is_none_or(|kind| kind == crate::ErrorKind::Corrupt), "{kind:?}");
            });
        }
    }
}
