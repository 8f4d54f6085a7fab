//! Merges several segments into one.

use crate::log::segment::{SegmentFile, Writer, corrupt, decode};
use crate::{Error, Result};

/// Joins consecutive segments of one timeline, given by name and bytes. Everything is compressed
/// again, so many small segments become one with full blocks.
///
/// One segment is decoded at a time. Checksums are verified, and that each segment begins where the
/// previous one ends; to verify digests too, [verify](SegmentFile::verify) the segments.
///
/// # Errors
/// `Corrupt` if a segment is damaged or not consecutive; `Invalid` for an empty list, or if the
/// result would exceed [`MAX_SEGMENT_BYTES`](crate::segment::MAX_SEGMENT_BYTES).
pub fn merge<'a>(
    segments: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    level: i32,
) -> Result<Vec<u8>> {
    let mut merged: Option<(Writer, SegmentFile)> = None;
    for (name, bytes) in segments {
        let next = decode(name, bytes)?;
        let mut writer = match merged.take() {
            None => Writer::new(next.footer.timeline(), next.footer.before(), level)?,
            Some((writer, previous)) => {
                check_follows(&previous, &next)?;
                writer
            }
        };
        next.commits.iter().try_for_each(|commit| writer.push(commit))?;
        merged = Some((writer, SegmentFile { commits: Vec::new(), ..next }));
    }
    match merged {
        Some((writer, last)) => writer.finish(last.footer.sealed()),
        None => Err(Error::invalid("no segments to merge")),
    }
}

fn check_follows(previous: &SegmentFile, next: &SegmentFile) -> Result<()> {
    let (previous, next) = (&previous.footer, &next.footer);
    let problem = if next.timeline() != previous.timeline() {
        "belongs to another timeline than"
    } else if previous.sealed() {
        "comes after the end of the timeline in"
    } else if next.before() != previous.head() {
        "does not directly follow"
    } else {
        return Ok(());
    };
    Err(corrupt(next.name(), format!("{problem} segment {}", previous.name())))
}
